//! Decides orders on odometers, one at a time.
//!
//! What a reading is due for is told by the actor of alerts, from the views, as everything that a person must hear of.

use std::sync::Arc;

use jiff::Timestamp;

use crate::actor::{ActorError, Behaviour, Context, Reply};
use crate::domain::odometer::OdometerOrder;
use crate::event::{Metadata, Position, TenantId};
use crate::log::{EventLog, LogError};
use crate::view::ViewError;

use super::odometer_book::{OdometerBook, OdometerFailure};
use super::settings::Settings;

/// How often a command is decided at most.
const DECISIONS_MAX: usize = 4;

/// An order, and where to answer: with the event's position, or none where nothing changed.
pub struct OdometerMessage {
    /// What to do.
    pub order: OdometerOrder,
    /// Who waits.
    pub reply: Reply<Result<Option<Position>, OdometerFailure>>,
}

/// See the module.
pub struct OdometerActor {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    settings: Settings,
    book: Option<OdometerBook>,
}

impl OdometerActor {
    /// For the odometers of one tenant.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, tenant: TenantId, settings: Settings) -> Self {
        Self { log, tenant, settings, book: None }
    }

    async fn load(&self) -> Result<OdometerBook, ViewError> {
        let (log, tenant) = (self.log.clone(), self.tenant.clone());
        let loaded = tokio::task::spawn_blocking(move || OdometerBook::load(&*log, &tenant)).await;
        loaded.unwrap_or(Err(ViewError::Log(LogError::Closed)))
    }

    /// Carries out a command; anew after a conflict, as the budgets' actor does and for its reason.
    async fn execute(&mut self, order: OdometerOrder) -> Result<Option<Position>, OdometerFailure> {
        for _ in 1..DECISIONS_MAX {
            match self.execute_once(order.clone()).await {
                Err(OdometerFailure::Log(LogError::Conflict { .. })) => {}
                other => return other,
            }
        }
        self.execute_once(order).await
    }

    async fn execute_once(&mut self, order: OdometerOrder) -> Result<Option<Position>, OdometerFailure> {
        let mut book = match self.book.take() {
            Some(book) => book,
            None => self.load().await?,
        };
        let metadata = Metadata {
            actor: "odometer".into(),
            trace: crate::telemetry::current_trace(),
            ..Metadata::default()
        };
        let zone = self.settings.current().zone.clone();
        let outcome = match book.decide(order, Timestamp::now(), &zone, &metadata) {
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

impl Behaviour for OdometerActor {
    type Message = OdometerMessage;

    async fn started(&mut self, _: &Context<Self>) -> Result<(), ActorError> {
        self.book = Some(self.load().await.map_err(|error| ActorError(error.to_string()))?);
        Ok(())
    }

    async fn handle(&mut self, message: OdometerMessage, _: &Context<Self>) -> Result<(), ActorError> {
        let outcome = self.execute(message.order).await;
        message.reply.send(outcome);
        Ok(())
    }

    fn label(message: &OdometerMessage) -> &'static str {
        match message.order {
            OdometerOrder::Read(_) => "read-odometer",
            OdometerOrder::Stop { .. } => "stop-odometer",
        }
    }
}
