//! Decides commands on local goals and feeds, one at a time.

use std::sync::Arc;

use jiff::Timestamp;

use crate::actor::{ActorError, Behaviour, Context, Reply};
use crate::domain::desk::{DeskCommand, Facts};
use crate::event::{Metadata, Position, TenantId};
use crate::log::{EventLog, LogError};
use crate::view::ViewError;

use super::desk_book::{DeskBook, GoalFailure};

/// How often a command is decided at most.
const DECISIONS_MAX: usize = 4;

/// A command, and where to answer: with the last event's position, or none where nothing changed.
pub struct DeskMessage {
    /// What to do.
    pub command: DeskCommand,
    /// What it is held against.
    pub facts: Facts,
    /// Who waits.
    pub reply: Reply<Result<Option<Position>, GoalFailure>>,
}

/// See the module.
pub struct DeskActor {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    book: Option<DeskBook>,
}

impl DeskActor {
    /// For the goals of one tenant.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, tenant: TenantId) -> Self {
        Self { log, tenant, book: None }
    }

    async fn load(&self) -> Result<DeskBook, ViewError> {
        let (log, tenant) = (self.log.clone(), self.tenant.clone());
        let loaded = tokio::task::spawn_blocking(move || DeskBook::load(&*log, &tenant)).await;
        loaded.unwrap_or(Err(ViewError::Log(LogError::Closed)))
    }

    /// Carries out a command; anew after a conflict, as the budgets' actor does and for its reason.
    async fn execute(
        &mut self,
        command: DeskCommand,
        facts: &Facts,
    ) -> Result<Option<Position>, GoalFailure> {
        for _ in 1..DECISIONS_MAX {
            match self.execute_once(command.clone(), facts).await {
                Err(GoalFailure::Log(LogError::Conflict { .. })) => {}
                other => return other,
            }
        }
        self.execute_once(command, facts).await
    }

    async fn execute_once(
        &mut self,
        command: DeskCommand,
        facts: &Facts,
    ) -> Result<Option<Position>, GoalFailure> {
        let mut book = match self.book.take() {
            Some(book) => book,
            None => self.load().await?,
        };
        let metadata = Metadata {
            actor: "goals".into(),
            trace: crate::telemetry::current_trace(),
            ..Metadata::default()
        };
        let outcome = match book.decide(command, facts, Timestamp::now(), &metadata) {
            Ok(Some((append, changes))) => {
                // Until the log has answered, the book is not put back: after a failure it is read afresh.
                let appended = self.log.append(append).await?;
                book.committed(changes);
                Ok(appended.outcomes.last().map(|outcome| outcome.position()))
            }
            Ok(None) => Ok(None),
            Err(refused) => Err(refused.into()),
        };
        self.book = Some(book);
        outcome
    }
}

impl Behaviour for DeskActor {
    type Message = DeskMessage;

    async fn started(&mut self, _: &Context<Self>) -> Result<(), ActorError> {
        self.book = Some(self.load().await.map_err(|error| ActorError(error.to_string()))?);
        Ok(())
    }

    async fn handle(&mut self, message: DeskMessage, _: &Context<Self>) -> Result<(), ActorError> {
        let outcome = self.execute(message.command, &message.facts).await;
        message.reply.send(outcome);
        Ok(())
    }

    fn label(message: &DeskMessage) -> &'static str {
        match message.command {
            DeskCommand::SetGoal(_) => "set-goal",
            DeskCommand::CloseGoal { .. } => "close-goal",
            DeskCommand::StartFeed { .. } => "start-feed",
            DeskCommand::StopFeed { .. } => "stop-feed",
        }
    }
}
