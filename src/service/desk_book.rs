//! What a person decided about goals, as the log has it, and the one way to change it.

use std::ops::ControlFlow;

use jiff::Timestamp;

use crate::domain::datapoint::DatapointError;
use crate::domain::desk::{Desk, DeskChange, DeskCommand, DeskError, Facts};
use crate::domain::slug::SlugError;
use crate::event::codec::{CodecError, decode};
use crate::event::payload::{GoalPayloadError, desk_change, desk_event};
use crate::event::{EventId, Metadata, Position, RecordRef, StreamId, TenantId, Version};
use crate::log::{Append, EventLog, Expected, LogError};
use crate::view::ViewError;

use super::recorder::new_event;

/// The stream of a tenant's own goals and feeds.
const STREAM: &str = "own-goals";

/// Why a command on a goal was not carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GoalFailure {
    /// The domain refuses it.
    #[error(transparent)]
    Refused(#[from] DeskError),
    /// It is not a datapoint.
    #[error(transparent)]
    Datapoint(#[from] DatapointError),
    /// It is not a slug.
    #[error(transparent)]
    Slug(#[from] SlugError),
    /// The goal's keeper refuses the datapoint.
    #[error("the datapoint was not taken: {0}")]
    NotTaken(String),
    /// The log refused it.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What there is cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ViewError),
}

impl GoalFailure {
    /// Whether the person has to ask for something else.
    #[must_use]
    pub fn is_mistake(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Datapoint(_) | Self::Slug(_))
    }
}

/// A stored payload that makes no sense.
pub(super) fn stored(record: &RecordRef<'_>, error: &GoalPayloadError) -> ViewError {
    let source = CodecError::Malformed {
        type_name: record.type_name.to_owned(),
        version: record.schema_version,
        detail: error.to_string(),
    };
    ViewError::Event { position: record.position, source }
}

/// The local goals and feeds of one tenant, and the version of their stream.
#[derive(Debug, Clone)]
pub struct DeskBook {
    tenant: TenantId,
    desk: Desk,
    version: Version,
}

impl DeskBook {
    /// Reads them from the log. Blocks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn load(log: &dyn EventLog, tenant: &TenantId) -> Result<Self, ViewError> {
        let mut book = Self { tenant: tenant.clone(), desk: Desk::default(), version: Version::NONE };
        let mut failure = None;
        log.scan_stream(tenant, &StreamId::new(STREAM), Version(1), &mut |record| {
            let change = decode(record)
                .map_err(|source| ViewError::Event { position: record.position, source })
                .and_then(|event| {
                    desk_change(record.occurred_at, &event).map_err(|error| stored(record, &error))
                });
            match change {
                Ok(change) => change.into_iter().for_each(|change| book.desk.evolve(change)),
                Err(error) => {
                    failure = Some(error);
                    return ControlFlow::Break(());
                }
            }
            book.version = record.version;
            ControlFlow::Continue(())
        })?;
        failure.map_or(Ok(book), Err)
    }

    /// Decides a command: the append that carries it out, or none where nothing changes.
    ///
    /// # Errors
    /// [`DeskError`]: the command is refused.
    pub fn decide(
        &self,
        command: DeskCommand,
        facts: &Facts,
        now: Timestamp,
        metadata: &Metadata,
    ) -> Result<Option<(Append, Vec<DeskChange>)>, DeskError> {
        let changes = self.desk.decide(command, facts, now)?;
        if changes.is_empty() {
            return Ok(None);
        }
        let event = |change| new_event(EventId::random(), &desk_event(change), now, metadata);
        let append = Append {
            tenant: self.tenant.clone(),
            stream: StreamId::new(STREAM),
            expected: Expected::at(self.version),
            events: changes.iter().map(event).collect(),
        };
        Ok(Some((append, changes)))
    }

    /// Takes note that decided changes were appended.
    pub fn committed(&mut self, changes: Vec<DeskChange>) {
        for change in changes {
            self.version = self.version.next();
            self.desk.evolve(change);
        }
    }

    /// Carries out a command in one go; blocks. The position of the last event, or none where nothing changed.
    ///
    /// # Errors
    /// [`GoalFailure`].
    pub fn execute(
        &mut self,
        log: &dyn EventLog,
        command: DeskCommand,
        facts: &Facts,
        metadata: &Metadata,
    ) -> Result<Option<Position>, GoalFailure> {
        let decided = self.decide(command, facts, Timestamp::now(), metadata)?;
        let Some((append, changes)) = decided else { return Ok(None) };
        let appended = log.append(append).wait()?;
        self.committed(changes);
        Ok(appended.outcomes.last().map(|outcome| outcome.position()))
    }
}
