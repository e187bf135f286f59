//! What asks an aggregate's actor on behalf of a face, and waits until the views show the answer.

use std::time::Duration;

use tokio::sync::watch;

use crate::actor::Handle;
use crate::event::Position;
use crate::service::ServiceError;
use crate::service::aggregate::actor::CommandMessage;
use crate::service::aggregate::repository::{Aggregate, BookFailure};

/// How long a person waits for a command.
pub const PATIENCE: Duration = Duration::from_secs(10);

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
    ServiceError: From<BookFailure<A::Error>>,
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
