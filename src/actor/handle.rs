//! Talking to an actor: a bounded queue, deadlines, and honest answers when it dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::Recipient;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;
use tracing::Span;

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
    /// It was taken, but not answered in time.
    #[error("the actor did not answer in time; whether it will do this is not known")]
    Deadline,
}

/// A message on its way: with its permit, its sender's span, and the moment it was sent.
pub(super) struct Envelope<M> {
    pub(super) message: M,
    pub(super) span: Span,
    pub(super) sent: Instant,
    /// Set when a handler takes it up.
    pub(super) begun: Arc<AtomicBool>,
    /// Given back when the message has been handled, or was lost with its handler.
    pub(super) permit: OwnedSemaphorePermit,
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

    fn post(&self, message: M, permit: OwnedSemaphorePermit) -> Result<Arc<AtomicBool>, SendError> {
        let begun = Arc::new(AtomicBool::new(false));
        let envelope =
            Envelope { message, span: Span::current(), sent: Instant::now(), begun: begun.clone(), permit };
        if !self.recipient.connected() {
            return Err(SendError::Stopped);
        }
        // The permit is the bound: actix's own capacity does not hold for several senders.
        #[allow(clippy::disallowed_methods)]
        self.recipient.do_send(envelope);
        Ok(begun)
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
        self.post(message, permit).map(drop)
    }

    /// Sends, waiting for room for at most `patience`.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn tell(&self, message: M, patience: Duration) -> Result<(), SendError> {
        let permit = self.permit(patience).await?;
        self.post(message, permit).map(drop)
    }

    async fn permit(&self, patience: Duration) -> Result<OwnedSemaphorePermit, SendError> {
        match tokio::time::timeout(patience, self.permits.clone().acquire_owned()).await {
            Ok(permit) => permit.map_err(|_| SendError::Stopped),
            Err(_) => Err(SendError::Busy),
        }
    }

    /// Sends a message that carries a [`Reply`], and waits for the answer for at most `patience`.
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
        let begun = self.post(message(Reply(sender)), permit)?;
        match tokio::time::timeout_at(deadline, receiver).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) if begun.load(Ordering::Acquire) => Err(AskError::UnknownOutcome),
            Ok(Err(_)) => Err(SendError::Stopped.into()),
            Err(_) => Err(AskError::Deadline),
        }
    }
}
