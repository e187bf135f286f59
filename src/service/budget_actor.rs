//! Decides commands on budgets, one at a time.

use std::sync::Arc;

use jiff::Timestamp;

use crate::actor::{ActorError, Behaviour, Context, Reply};
use crate::domain::budget::BudgetCommand;
use crate::event::{Metadata, Position, TenantId};
use crate::log::{EventLog, LogError};

use super::budget_book::{BudgetBook, BudgetFailure};

/// How often a command is decided at most.
const DECISIONS_MAX: usize = 4;

/// A command, and where to answer: with the event's position, or none where nothing changed.
pub struct BudgetMessage {
    /// What to do.
    pub command: BudgetCommand,
    /// Who waits.
    pub reply: Reply<Result<Option<Position>, BudgetFailure>>,
}

/// See the module.
pub struct BudgetActor {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    book: Option<BudgetBook>,
}

impl BudgetActor {
    /// For the budgets of one tenant.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, tenant: TenantId) -> Self {
        Self { log, tenant, book: None }
    }

    async fn load(&self) -> Result<BudgetBook, BudgetFailure> {
        let (log, tenant) = (self.log.clone(), self.tenant.clone());
        let loaded = tokio::task::spawn_blocking(move || BudgetBook::load(&*log, &tenant)).await;
        loaded.unwrap_or(Err(BudgetFailure::Log(LogError::Closed)))
    }

    /// Carries out a command. A conflict means that an append of a run before this one came through after
    /// this one had loaded (`storm::*`): the command is then decided anew, on what is there now.
    async fn execute(&mut self, command: BudgetCommand) -> Result<Option<Position>, BudgetFailure> {
        for _ in 1..DECISIONS_MAX {
            match self.execute_once(command.clone()).await {
                Err(BudgetFailure::Log(LogError::Conflict { .. })) => {}
                other => return other,
            }
        }
        self.execute_once(command).await
    }

    async fn execute_once(&mut self, command: BudgetCommand) -> Result<Option<Position>, BudgetFailure> {
        let mut book = match self.book.take() {
            Some(book) => book,
            None => self.load().await?,
        };
        let metadata = Metadata {
            actor: "budgets".into(),
            trace: crate::telemetry::current_trace(),
            ..Metadata::default()
        };
        let decided = book.decide(command, Timestamp::now(), &metadata);
        let outcome = match decided {
            Ok(Some((append, change))) => {
                // Until the log has answered, the book is not put back: after a failure it is read afresh.
                let appended = self.log.append(append).await?;
                book.committed(change);
                Ok(appended.outcomes.first().map(|outcome| outcome.position()))
            }
            Ok(None) => Ok(None),
            Err(refused) => Err(refused.into()),
        };
        self.book = Some(book);
        outcome
    }
}

impl Behaviour for BudgetActor {
    type Message = BudgetMessage;

    async fn started(&mut self, _: &Context<Self>) -> Result<(), ActorError> {
        self.book = Some(self.load().await.map_err(|error| ActorError(error.to_string()))?);
        Ok(())
    }

    async fn handle(&mut self, message: BudgetMessage, _: &Context<Self>) -> Result<(), ActorError> {
        let outcome = self.execute(message.command).await;
        message.reply.send(outcome);
        Ok(())
    }

    fn label(message: &BudgetMessage) -> &'static str {
        match message.command {
            BudgetCommand::Set(_) => "set-budget",
            BudgetCommand::Remove(_) => "remove-budget",
        }
    }
}
