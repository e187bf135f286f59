//! What the client of every actor needs: how long it waits, what an actor's silence means, and waiting until the views show
//! what was done.

use std::time::Duration;

use tokio::sync::watch;

use crate::actor::{AskError, Handle, SendError};
use crate::domain::code::{Code, Coded};
use crate::event::Position;
use crate::service::aggregate::actor::CommandMessage;
use crate::service::aggregate::repository::Aggregate;

/// How long a person waits for a command.
pub(in crate::service) const PATIENCE: Duration = Duration::from_secs(10);
/// How long a person waits for an import of everything.
pub(in crate::service) const IMPORT_PATIENCE: Duration = Duration::from_mins(30);

/// Why an actor did not do what it was asked. The first three are the actor's silence, which names it; the last is its answer.
///
/// It is no [`Coded`] itself, so that every error of a capability becomes one by `?`.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Too much waits already.
    #[error("the supervisor is busy; try again in a moment")]
    Busy,
    /// The actor is not there.
    #[error("{what} is not running; `mecris actors` shows why")]
    Unavailable {
        /// Which actor.
        what: &'static str,
    },
    /// The actor failed, or took too long.
    #[error("{what} failed or took too long; whether this was done is not known, look before asking again")]
    UnknownOutcome {
        /// Which actor.
        what: &'static str,
    },
    /// The capability says why not.
    #[error("{0}")]
    Refused(Box<dyn Coded + Send + Sync>),
}

impl ServiceError {
    /// What the silence of the actor that was asked means. An [`AskError`] becomes an error by this alone, so that none is told
    /// without the actor's name.
    pub(in crate::service) fn asking(what: &'static str, error: AskError) -> Self {
        match error {
            AskError::NotSent(SendError::Busy) => Self::Busy,
            AskError::NotSent(SendError::Stopped) => Self::Unavailable { what },
            AskError::UnknownOutcome | AskError::Deadline => Self::UnknownOutcome { what },
        }
    }

    /// Its code.
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

/// How far the views are; cheap to clone.
#[derive(Debug, Clone)]
pub struct Projected(pub watch::Receiver<Position>);

impl Projected {
    /// Waits until the views show an event.
    pub async fn shows(&self, position: Option<Position>) {
        let Some(position) = position else { return };
        let mut projected = self.0.clone();
        let shown = projected.wait_for(|projected| *projected >= position);
        // Views that do not follow are the readiness's matter: the command is carried out.
        let _ = tokio::time::timeout(PATIENCE, shown).await;
    }
}

/// Sends an aggregate's commands to its actor.
pub struct Client<A: Aggregate> {
    handle: Handle<CommandMessage<A>>,
    projected: Projected,
    /// Whom an error names.
    what: &'static str,
}

impl<A: Aggregate> Client<A>
where
    A::Error: Sync,
{
    /// For the actor behind `handle`, which errors name as `what`.
    #[must_use]
    pub fn new(handle: Handle<CommandMessage<A>>, projected: &Projected, what: &'static str) -> Self {
        Self { handle, projected: projected.clone(), what }
    }

    /// Carries out a command, and waits until the views show it.
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
