//! Sending messages to an actor: a bounded queue, deadlines, and defined answers if it dies.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use actix::Recipient;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;
use tracing::Span;

use super::context::{self, Carried};

/// Why a message was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The mailbox is full.
    #[error("the actor is busy; try again in a moment")]
    Busy,
    /// The actor has stopped for good.
    #[error("the actor has stopped")]
    Stopped,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The message was not accepted.
    #[error(transparent)]
    NotSent(#[from] SendError),
    /// The actor failed while it handled the message: it may or may not have had its effect.
    #[error("the actor failed while it handled this; whether it was done is not known")]
    UnknownOutcome,
    /// The actor was still handling it at the deadline.
    #[error("the actor did not answer in time; whether it will do this is not known")]
    Deadline,
}

/// The progress of a request: either its actor starts it, or its sender withdraws it.
#[derive(Default)]
struct Progress(AtomicU8);

impl Progress {
    const WAITING: u8 = 0;
    const BEGUN: u8 = 1;
    const WITHDRAWN: u8 = 2;

    fn advance(&self, to: u8) -> bool {
        self.0.compare_exchange(Self::WAITING, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn is_begun(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::BEGUN
    }
}

/// A message in transit: with its permit, its sender's span, and the time of sending.
pub(super) struct Envelope<M> {
    message: Option<M>,
    pub(super) span: Span,
    pub(super) sent: Instant,
    /// See [`super::context`].
    pub(super) carried: Option<Carried>,
    /// For a message whose sender waits for an answer.
    progress: Option<Arc<Progress>>,
    /// Released when the message has been handled, or is lost.
    permit: Option<OwnedSemaphorePermit>,
}

impl<M> Envelope<M> {
    /// The message with its permit, unless its sender was already told that it would not be handled.
    pub(super) fn open(&mut self) -> Option<(M, OwnedSemaphorePermit)> {
        let may = self.progress.as_ref().is_none_or(|progress| progress.advance(Progress::BEGUN));
        if may { self.message.take().zip(self.permit.take()) } else { None }
    }
}

impl<M> Drop for Envelope<M> {
    fn drop(&mut self) {
        // A message that panics on drop must not keep the ones behind it from being dropped: their senders
        // wait to be notified.
        let message = self.message.take();
        let _ = catch_unwind(AssertUnwindSafe(move || drop(message)));
    }
}

impl<M> actix::Message for Envelope<M> {
    type Result = ();
}

/// The sender for an answer. Dropping it unanswered means that the outcome is unknown.
#[derive(Debug)]
pub struct Reply<R>(oneshot::Sender<R>);

impl<R> Reply<R> {
    /// Sends the answer. It is not an error if the sender no longer waits.
    pub fn send(self, answer: R) {
        drop(self.0.send(answer));
    }
}

/// Sends messages to one actor, across its restarts.
pub struct Handle<M: Send + 'static> {
    recipient: Recipient<Envelope<M>>,
    permits: Arc<Semaphore>,
}

impl<M: Send + 'static> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Self { recipient: self.recipient.clone(), permits: self.permits.clone() }
    }
}

impl<M: Send + 'static> Handle<M> {
    pub(super) fn new(recipient: Recipient<Envelope<M>>, permits: Arc<Semaphore>) -> Self {
        Self { recipient, permits }
    }

    fn post(
        &self,
        message: M,
        permit: OwnedSemaphorePermit,
        progress: Option<Arc<Progress>>,
    ) -> Result<(), SendError> {
        let envelope = Envelope {
            message: Some(message),
            span: Span::current(),
            sent: Instant::now(),
            carried: context::current(),
            progress,
            permit: Some(permit),
        };
        // The permit is the bound; actix refuses only if the actor is gone.
        self.recipient.try_send(envelope).map_err(|_| SendError::Stopped)
    }

    /// Sends if there is room.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn try_tell(&self, message: M) -> Result<(), SendError> {
        let permit = self.permits.clone().try_acquire_owned().map_err(|error| match error {
            tokio::sync::TryAcquireError::NoPermits => SendError::Busy,
            tokio::sync::TryAcquireError::Closed => SendError::Stopped,
        })?;
        self.post(message, permit, None)
    }

    /// Sends, waiting for room for at most `patience`.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn tell(&self, message: M, patience: Duration) -> Result<(), SendError> {
        let permit = self.permit(patience).await?;
        self.post(message, permit, None)
    }

    async fn permit(&self, patience: Duration) -> Result<OwnedSemaphorePermit, SendError> {
        match tokio::time::timeout(patience, self.permits.clone().acquire_owned()).await {
            Ok(permit) => permit.map_err(|_| SendError::Stopped),
            Err(_) => Err(SendError::Busy),
        }
    }

    /// Sends a message with a [`Reply`], and waits for the answer for at most `patience`. If the actor has
    /// not started it by then, it never will: the answer is [`SendError::Busy`].
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn ask<R>(
        &self,
        message: impl FnOnce(Reply<R>) -> M,
        patience: Duration,
    ) -> Result<R, AskError> {
        let deadline = Instant::now() + patience;
        let permit = self.permit(patience).await?;
        let (sender, receiver) = oneshot::channel();
        let progress: Arc<Progress> = Arc::default();
        self.post(message(Reply(sender)), permit, Some(progress.clone()))?;
        match tokio::time::timeout_at(deadline, receiver).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) if progress.is_begun() => Err(AskError::UnknownOutcome),
            Ok(Err(_)) => Err(SendError::Stopped.into()),
            Err(_) if progress.advance(Progress::WITHDRAWN) => Err(SendError::Busy.into()),
            Err(_) => Err(AskError::Deadline),
        }
    }
}
