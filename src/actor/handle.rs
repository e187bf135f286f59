//! Talking to an actor: a bounded queue, deadlines, and honest answers when it dies.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use actix::Recipient;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;
use tracing::Span;

use super::context::{self, Carried};

/// Why a message was not taken.
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
    /// The message was not taken.
    #[error(transparent)]
    NotSent(#[from] SendError),
    /// It was taken, but the actor failed while it handled it: it may or may not have had its effect.
    #[error("the actor failed while it handled this; whether it was done is not known")]
    UnknownOutcome,
    /// The actor was still handling it when the time was over.
    #[error("the actor did not answer in time; whether it will do this is not known")]
    Deadline,
}

/// How far a question has come: either its actor begins it, or its sender withdraws it.
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

/// A message on its way: with its permit, its sender's span, and the moment it was sent.
pub(super) struct Envelope<M> {
    message: Option<M>,
    pub(super) span: Span,
    pub(super) sent: Instant,
    /// See [`super::context`].
    pub(super) carried: Option<Carried>,
    /// Of one whose sender waits for an answer.
    progress: Option<Arc<Progress>>,
    /// Given back when the message has been handled, or is lost.
    permit: Option<OwnedSemaphorePermit>,
}

impl<M> Envelope<M> {
    /// The message, with its permit, if it may be handled: not where its sender was told that it will
    /// not be.
    pub(super) fn open(&mut self) -> Option<(M, OwnedSemaphorePermit)> {
        let may = self.progress.as_ref().is_none_or(|progress| progress.advance(Progress::BEGUN));
        if may { self.message.take().zip(self.permit.take()) } else { None }
    }
}

impl<M> Drop for Envelope<M> {
    fn drop(&mut self) {
        // A message that panics when it is dropped must not keep those behind it from being dropped:
        // their senders wait to hear of it.
        let message = self.message.take();
        let _ = catch_unwind(AssertUnwindSafe(move || drop(message)));
    }
}

impl<M> actix::Message for Envelope<M> {
    type Result = ();
}

/// The place to send an answer. Dropping it unanswered tells the sender that the outcome is not known.
#[derive(Debug)]
pub struct Reply<R>(oneshot::Sender<R>);

impl<R> Reply<R> {
    /// Answers. A sender that no longer waits is no error.
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
        // The permit is the bound; actix refuses only where the actor is gone.
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

    /// Sends a message that carries a [`Reply`], and waits for the answer for at most `patience`. Where
    /// the actor has not begun with it by then, it never will: the answer is [`SendError::Busy`].
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
