//! On whose behalf something is done. The faces say so; events bear it as their actor.

use std::sync::Arc;

use crate::actor::context;
use crate::domain::access::Principal;
use crate::view::CutShort;

/// Whoever asked for what is being done; none where the system acts by itself.
#[must_use]
pub fn current() -> Option<Principal> {
    context::current()?.downcast_ref::<Principal>().cloned()
}

/// Does work on behalf of somebody.
pub async fn on_behalf<F: Future>(principal: Principal, work: F) -> F::Output {
    context::within(Some(Arc::new(principal)), work).await
}

/// Does work that blocks with what is kept between such works, or with what is made for the first of them. After work that was
/// cut short, it is made again.
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

/// Does work that blocks, on a thread for that, on behalf of whoever asks here.
///
/// # Errors
/// [`CutShort`]: the work panicked, or the runtime ends.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CutShort> {
    let carried = context::current();
    Ok(tokio::task::spawn_blocking(move || context::within_sync(carried, work)).await?)
}
