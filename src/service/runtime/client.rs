//! The base of every actor's client: timeouts, the errors for an actor that does not answer, and waiting
//! until the views include a command's events.

use std::time::Duration;

use tokio::sync::watch;

use crate::actor::{AskError, Handle, SendError};
use crate::domain::code::{Code, Coded};
use crate::event::Position;
use crate::service::aggregate::actor::CommandMessage;
use crate::service::aggregate::repository::Aggregate;

/// Timeout of a command.
pub(in crate::service) const PATIENCE: Duration = Duration::from_secs(10);
/// Timeout of a full import.
pub(in crate::service) const IMPORT_PATIENCE: Duration = Duration::from_mins(30);

/// Why an actor did not execute a request. The first three mean that it did not answer, and name it; the last
/// is its answer.
///
/// It does not implement [`Coded`], so that `?` converts every capability's error into it.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The mailbox is full.
    #[error("the supervisor is busy; try again in a moment")]
    Busy,
    /// The actor is not running.
    #[error("{what} is not running; `mecris actors` shows why")]
    Unavailable {
        /// The actor's name.
        what: &'static str,
    },
    /// The actor failed, or took too long.
    #[error("{what} failed or took too long; whether this was done is not known, look before asking again")]
    UnknownOutcome {
        /// The actor's name.
        what: &'static str,
    },
    /// The capability refuses, and says why.
    #[error("{0}")]
    Refused(Box<dyn Coded + Send + Sync>),
}

impl ServiceError {
    /// The error for an actor that did not answer. This is the only conversion of an [`AskError`], so that
    /// every such error names the actor.
    pub(in crate::service) fn asking(what: &'static str, error: AskError) -> Self {
        match error {
            AskError::NotSent(SendError::Busy) => Self::Busy,
            AskError::NotSent(SendError::Stopped) => Self::Unavailable { what },
            AskError::UnknownOutcome | AskError::Deadline => Self::UnknownOutcome { what },
        }
    }

    /// The error's code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Busy => Code::Busy,
            Self::Unavailable { .. } => Code::Unavailable,
            Self::UnknownOutcome { .. } => Code::UnknownOutcome,
            Self::Refused(error) => error.code(),
        }
    }
}

impl<E: Coded + Send + Sync + 'static> From<E> for ServiceError {
    fn from(error: E) -> Self {
        Self::Refused(Box::new(error))
    }
}

/// How far the views have followed the log; cheap to clone.
#[derive(Debug, Clone)]
pub struct Projected(pub watch::Receiver<Position>);

impl Projected {
    /// Waits until the views include an event.
    pub async fn shows(&self, position: Option<Position>) {
        let Some(position) = position else { return };
        let mut projected = self.0.clone();
        let shown = projected.wait_for(|projected| *projected >= position);
        // A projection that lags is a matter of readiness: the command has been executed.
        let _ = tokio::time::timeout(PATIENCE, shown).await;
    }
}

/// Sends an aggregate's commands to its actor.
pub struct Client<A: Aggregate> {
    handle: Handle<CommandMessage<A>>,
    projected: Projected,
    /// The actor's name in errors.
    what: &'static str,
}

impl<A: Aggregate> Client<A>
where
    A::Error: Sync,
{
    /// A client of the actor behind `handle`, which errors name as `what`.
    #[must_use]
    pub fn new(handle: Handle<CommandMessage<A>>, projected: &Projected, what: &'static str) -> Self {
        Self { handle, projected: projected.clone(), what }
    }

    /// Executes a command, and waits until the views include its events.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn execute(&self, command: A::Command) -> Result<(), ServiceError> {
        let answer = self.handle.ask(|reply| CommandMessage { command, reply }, PATIENCE).await;
        let position = answer.map_err(|error| ServiceError::asking(self.what, error))??;
        self.projected.shows(position).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LogError;

    #[test]
    fn an_actor_s_silence_names_it_and_its_answer_keeps_its_words_and_code() {
        let silent = |error| {
            let error = ServiceError::asking("the clerk", error);
            (error.code(), error.to_string().contains("the clerk"))
        };
        assert_eq!(silent(AskError::NotSent(SendError::Busy)), (Code::Busy, false));
        assert_eq!(silent(AskError::NotSent(SendError::Stopped)), (Code::Unavailable, true));
        assert_eq!(silent(AskError::UnknownOutcome), (Code::UnknownOutcome, true));
        assert_eq!(silent(AskError::Deadline), (Code::UnknownOutcome, true));
        let busy = LogError::Busy { queued_bytes: 7 };
        let told = ServiceError::from(busy.clone());
        assert_eq!((told.code(), told.to_string()), (Code::Busy, busy.to_string()));
    }
}
