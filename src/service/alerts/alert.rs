//! The alerts as the log has them, and the one way to change them.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::alert::book::AlertBook;
use crate::domain::alert::command::{AlertError, acknowledge};
use crate::domain::alert::{AlertChange, AlertId};
use crate::domain::code::{Code, Coded};
use crate::event::payload::alert_change;
use crate::event::{Event, EventId, Position, StreamId, TenantId, Version};
use crate::log::{Append, EventLog, Expected, LogError};
use crate::service::aggregate::repository;
use crate::service::usage::recorder::new_event;
use crate::view::ViewError;

/// The stream of all alerts of a tenant.
const STREAM: &str = "alerts";

/// Why nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AlertFailure {
    /// The command is refused.
    #[error(transparent)]
    Refused(#[from] AlertError),
    /// The log could not be read.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The log takes nothing.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Coded for AlertFailure {
    fn code(&self) -> Code {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::View(error) => error.code(),
            Self::Log(error) => error.code(),
        }
    }
}

/// The alerts of one tenant and the version of their stream.
#[derive(Clone)]
pub struct AlertLog {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    book: AlertBook,
    version: Version,
}

impl AlertLog {
    /// Reads the alerts from the log. Blocks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn load(log: Arc<dyn EventLog>, tenant: TenantId) -> Result<Self, ViewError> {
        let mut alerts = AlertBook::default();
        let version = repository::fold(&*log, &tenant, STREAM, |record, event| {
            if let Some(change) =
                alert_change(&event).map_err(|error| repository::malformed(record, &error))?
            {
                alerts.evolve(record.occurred_at, change);
            }
            Ok::<_, ViewError>(())
        })?;
        Ok(Self { log, tenant, book: alerts, version })
    }

    /// The alerts.
    #[must_use]
    pub fn book(&self) -> &AlertBook {
        &self.book
    }

    /// Appends changes together, in the name of `actor`. Where the last of them stands.
    ///
    /// # Errors
    /// [`LogError`]. Nothing has changed; after a conflict the alerts must be loaded again.
    pub async fn append(
        &mut self,
        changes: Vec<AlertChange>,
        actor: &str,
        now: Timestamp,
    ) -> Result<Option<Position>, LogError> {
        let now = repository::kept(now);
        let appended = self.log.append(self.prepared(&changes, actor, now)).await?;
        self.version = Version(self.version.0 + changes.len() as u64);
        for change in changes {
            self.book.evolve(now, change);
        }
        Ok(appended.outcomes.last().map(|outcome| outcome.position()))
    }

    fn prepared(&self, changes: &[AlertChange], actor: &str, now: Timestamp) -> Append {
        let metadata = repository::by(actor);
        let event = |change: &AlertChange| new_event(EventId::random(), &Event::from(change), now, &metadata);
        Append {
            tenant: self.tenant.clone(),
            stream: StreamId::new(STREAM),
            expected: Expected::at(self.version),
            events: changes.iter().map(event).collect(),
        }
    }

    /// Takes note of an alert. Where the event stands, or none where nothing changed.
    ///
    /// # Errors
    /// [`AlertFailure`].
    pub async fn acknowledge(
        &mut self,
        id: AlertId,
        actor: &str,
        now: Timestamp,
    ) -> Result<Option<Position>, AlertFailure> {
        let Some(change) = acknowledge(&self.book, id)? else { return Ok(None) };
        Ok(self.append(vec![change], actor, now).await?)
    }

    /// The same, of one who is done with them then. Blocks.
    ///
    /// # Errors
    /// [`AlertFailure`].
    pub fn acknowledge_now(self, id: AlertId, actor: &str, now: Timestamp) -> Result<(), AlertFailure> {
        if let Some(change) = acknowledge(&self.book, id)? {
            self.log.append(self.prepared(&[change], actor, repository::kept(now))).wait()?;
        }
        Ok(())
    }
}
