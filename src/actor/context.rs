//! Context of a message besides its span: a value that the kit passes on without looking into it.
//!
//! The sender sets it for the duration of its request; the message's handler has it again, across any number
//! of actors. The principal behind a request is such a value.

use std::any::Any;
use std::sync::Arc;

/// The value.
pub type Carried = Arc<dyn Any + Send + Sync>;

tokio::task_local! {
    static CONTEXT: Option<Carried>;
}

/// The value of the current message, or of the current work.
#[must_use]
pub fn current() -> Option<Carried> {
    CONTEXT.try_with(Clone::clone).ok().flatten()
}

/// Runs a future with a value.
pub async fn within<F: Future>(carried: Option<Carried>, work: F) -> F::Output {
    CONTEXT.scope(carried, work).await
}

/// The same for blocking work, on its own thread.
pub fn within_sync<T>(carried: Option<Carried>, work: impl FnOnce() -> T) -> T {
    CONTEXT.sync_scope(carried, work)
}
