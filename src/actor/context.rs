//! What goes with a message beside its span: a value that the kit carries and does not look into.
//!
//! Whoever asks sets it for the time of their asking; the handler of the message finds it again, however many actors it
//! passes. Who asks for something is such a value.

use std::any::Any;
use std::sync::Arc;

/// What is carried.
pub type Carried = Arc<dyn Any + Send + Sync>;

tokio::task_local! {
    static CONTEXT: Option<Carried>;
}

/// What goes with the message that is being handled, or with the work that asks.
#[must_use]
pub fn current() -> Option<Carried> {
    CONTEXT.try_with(Clone::clone).ok().flatten()
}

/// Does work with which a value goes.
pub async fn within<F: Future>(carried: Option<Carried>, work: F) -> F::Output {
    CONTEXT.scope(carried, work).await
}

/// The same for work that blocks, on the thread that it has for itself.
pub fn within_sync<T>(carried: Option<Carried>, work: impl FnOnce() -> T) -> T {
    CONTEXT.sync_scope(carried, work)
}
