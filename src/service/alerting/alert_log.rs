//! The alerts as the log has them, and the one way to change them.

use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::alert::book::AlertBook;
use crate::domain::alert::command::{AlertError, acknowledge};
use crate::domain::alert::{AlertChange, AlertId};
use crate::event::codec::{CodecError, decode};
use crate::event::payload::alert_change;
use crate::event::{Event, EventId, Metadata, Position, RecordRef, StreamId, TenantId, Version};
use crate::log::{Append, EventLog, Expected, LogError};
use crate::service::recorder::new_event;
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
        let (mut book, mut version, mut failure) = (AlertBook::default(), Version::NONE, None);
        log.scan_stream(&tenant, &StreamId::new(STREAM), Version(1), &mut |record| {
            match change_of(record) {
                Ok(Some(change)) => book.evolve(record.occurred_at, change),
                Ok(None) => {}
                Err(source) => {
                    failure = Some(ViewError::Event { position: record.position, source });
                    return ControlFlow::Break(());
                }
            }
            version = record.version;
            ControlFlow::Continue(())
        })?;
        failure.map_or(Ok(Self { log, tenant, book, version }), Err)
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
        let now = as_kept(now);
        let appended = self.log.append(self.prepared(&changes, actor, now)).await?;
        self.version = Version(self.version.0 + changes.len() as u64);
        for change in changes {
            self.book.evolve(now, change);
        }
        Ok(appended.outcomes.last().map(|outcome| outcome.position()))
    }

    fn prepared(&self, changes: &[AlertChange], actor: &str, now: Timestamp) -> Append {
        let metadata = Metadata {
            actor: actor.to_owned(),
            trace: crate::telemetry::current_trace(),
            ..Metadata::default()
        };
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
            self.log.append(self.prepared(&[change], actor, as_kept(now))).wait()?;
        }
        Ok(())
    }
}

/// The log keeps microseconds: what is kept in memory is what a replay finds.
fn as_kept(now: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

fn change_of(record: &RecordRef<'_>) -> Result<Option<AlertChange>, CodecError> {
    let event = decode(record)?;
    alert_change(&event).map_err(|error| CodecError::Malformed {
        type_name: record.type_name.to_owned(),
        version: record.schema_version,
        detail: error.to_string(),
    })
}
