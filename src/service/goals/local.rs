//! What a person decided about goals, as the log has it, and the one way to change it.

use jiff::Timestamp;

use crate::domain::code::{Code, Coded};
use crate::domain::datapoint::DatapointError;
use crate::domain::desk::{Desk, DeskChange, DeskCommand, DeskError, Facts};
use crate::domain::slug::SlugError;
use crate::event::payload::{desk_change, desk_event};
use crate::event::{EventId, Metadata, StreamId, TenantId, Version};
use crate::log::{Append, EventLog, Expected, LogError};
use crate::service::aggregate::actor::{Book, Decided, DecidingActor};
use crate::service::aggregate::repository;
use crate::service::aggregate::repository::Conflicting;
use crate::service::usage::recorder::new_event;
use crate::view::ViewError;

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

impl Coded for GoalFailure {
    fn code(&self) -> Code {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Datapoint(error) => error.code(),
            Self::Slug(error) => error.code(),
            Self::NotTaken(_) => Code::DatapointNotTaken,
            Self::Log(error) => error.code(),
            Self::Unreadable(error) => error.code(),
        }
    }
}

impl Conflicting for GoalFailure {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Log(LogError::Conflict { .. }))
    }
}

/// The local goals and feeds of one tenant, and the version of their stream.
#[derive(Debug, Clone)]
pub struct DeskBook {
    tenant: TenantId,
    desk: Desk,
    version: Version,
}

/// Decides commands on local goals and feeds.
pub type DeskActor = DecidingActor<DeskBook>;

impl Book for DeskBook {
    /// A command, and what it is held against.
    type Order = (DeskCommand, Facts);
    type Change = Vec<DeskChange>;
    type Refusal = DeskError;
    type Failure = GoalFailure;

    const ACTOR: &'static str = "goals";

    fn load(log: &dyn EventLog, tenant: &TenantId) -> Result<Self, GoalFailure> {
        let mut desk = Desk::default();
        let version = repository::fold(log, tenant, STREAM, |record, event| {
            let change = desk_change(record.occurred_at, &event);
            let change = change.map_err(|error| repository::malformed(record, &error))?;
            if let Some(change) = change {
                desk.evolve(change);
            }
            Ok::<_, ViewError>(())
        })?;
        Ok(Self { tenant: tenant.clone(), desk, version })
    }

    fn decide(
        &self,
        (command, facts): (DeskCommand, Facts),
        now: Timestamp,
        metadata: &Metadata,
    ) -> Decided<Self> {
        let changes = self.desk.decide(command, &facts, now)?;
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

    fn committed(&mut self, changes: Vec<DeskChange>) {
        for change in changes {
            self.version = self.version.next();
            self.desk.evolve(change);
        }
    }

    fn label((command, _): &(DeskCommand, Facts)) -> &'static str {
        match command {
            DeskCommand::SetGoal(_) => "set-goal",
            DeskCommand::CloseGoal { .. } => "close-goal",
            DeskCommand::StartFeed { .. } => "start-feed",
            DeskCommand::StopFeed { .. } => "stop-feed",
        }
    }
}
