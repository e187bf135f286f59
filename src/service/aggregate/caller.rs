//! The principal that work is done for. The faces set it; events record it as their actor.

use std::sync::Arc;

use crate::actor::context;
use crate::domain::access::Principal;
use crate::view::CutShort;

/// The principal that asked for the current work; none if the system acts by itself.
#[must_use]
pub fn current() -> Option<Principal> {
    context::current()?.downcast_ref::<Principal>().cloned()
}

/// Runs a future on behalf of a principal.
pub async fn on_behalf<F: Future>(principal: Principal, work: F) -> F::Output {
    context::within(Some(Arc::new(principal)), work).await
}

/// Runs blocking work with a value that is kept between calls. If there is none, or the last call was
/// cut short, `make` creates it.
///
/// # Errors
/// As [`blocking`].
pub async fn blocking_with<S: Send + 'static, T: Send + 'static>(
    kept: &mut Option<S>,
    make: impl FnOnce() -> S,
    work: impl FnOnce(&mut S) -> T + Send + 'static,
) -> Result<T, CutShort> {
    let mut with = kept.take().unwrap_or_else(make);
    let (with, done) = blocking(move || {
        let done = work(&mut with);
        (with, done)
    })
    .await?;
    *kept = Some(with);
    Ok(done)
}

/// Runs blocking work on a blocking thread, on behalf of the current principal.
///
/// # Errors
/// [`CutShort`]: the work panicked, or the runtime is shutting down.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CutShort> {
    let carried = context::current();
    Ok(tokio::task::spawn_blocking(move || context::within_sync(carried, work)).await?)
}
