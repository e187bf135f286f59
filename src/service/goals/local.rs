//! The aggregate of local goals and feeds.

use jiff::Timestamp;

use crate::domain::code::{Code, Coded};
use crate::domain::datapoint::DatapointError;
use crate::domain::desk::{Desk, DeskChange, DeskCommand, DeskError, Facts};
use crate::domain::slug::SlugError;
use crate::event::payload::desk_event;
use crate::log::LogError;
use crate::service::aggregate::repository::{Aggregate, CommandError, Fact, Next, Rejection};
use crate::view::ViewError;

/// Why a command on a goal failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GoalFailure {
    /// The domain refuses it.
    #[error(transparent)]
    Refused(#[from] DeskError),
    /// Not a datapoint.
    #[error(transparent)]
    Datapoint(#[from] DatapointError),
    /// Not a slug.
    #[error(transparent)]
    Slug(#[from] SlugError),
    /// The goal's keeper refuses the datapoint.
    #[error("the datapoint was not taken: {0}")]
    NotTaken(String),
    /// The log refuses it.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The stream cannot be read.
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

impl Rejection for DeskError {}

impl From<CommandError<DeskError>> for GoalFailure {
    fn from(failure: CommandError<DeskError>) -> Self {
        match failure {
            CommandError::Refused(error) => Self::Refused(error),
            CommandError::Log(error) => Self::Log(error),
            CommandError::Unreadable(error) => Self::Unreadable(error),
        }
    }
}

/// The local goals and feeds of a tenant.
pub struct LocalGoalAggregate;

impl Aggregate for LocalGoalAggregate {
    const STREAM: &'static str = "own-goals";
    const ACTOR: &'static str = "goals";

    type State = Desk;
    /// A command, and the facts that it is checked against.
    type Command = (DeskCommand, Facts);
    type Change = DeskChange;
    type Error = DeskError;

    fn decide(
        desk: &Desk,
        (command, facts): Self::Command,
        now: Timestamp,
    ) -> Result<Vec<DeskChange>, DeskError> {
        desk.decide(command, &facts, now)
    }

    fn event(_: &Desk, change: &DeskChange, next: &Next<'_>) -> Fact {
        next.fact(desk_event(change))
    }

    fn label((command, _): &Self::Command) -> &'static str {
        match command {
            DeskCommand::SetGoal(_) => "set-goal",
            DeskCommand::CloseGoal { .. } => "close-goal",
            DeskCommand::StartFeed { .. } => "start-feed",
            DeskCommand::StopFeed { .. } => "stop-feed",
        }
    }
}
