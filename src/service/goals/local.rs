//! The aggregate of local goals and feeds.

use jiff::Timestamp;

use crate::domain::code::{Code, Coded};
use crate::domain::datapoint::DatapointError;
use crate::domain::local_goals::{Facts, LocalGoalChange, LocalGoalCommand, LocalGoalError, LocalGoals};
use crate::domain::slug::{GoalSlug, SlugError};
use crate::event::payload::local_goal_event;
use crate::log::LogError;
use crate::service::aggregate::repository::{Aggregate, CommandError, Fact, Next, Rejection};
use crate::view::ViewError;

/// Why a command on a goal failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GoalFailure {
    /// The domain refuses it.
    #[error(transparent)]
    Refused(#[from] LocalGoalError),
    /// Not a datapoint.
    #[error(transparent)]
    Datapoint(#[from] DatapointError),
    /// Not a slug.
    #[error(transparent)]
    Slug(#[from] SlugError),
    /// The goal's keeper refuses the datapoint.
    #[error("the datapoint was not taken: {0}")]
    NotTaken(String),
    /// There is no such goal.
    #[error("there is no goal '{0}', neither here nor at Beeminder; `mecris goals` lists the goals")]
    Unknown(GoalSlug),
    /// The goal's current day is not known.
    #[error("the present day of '{slug}' is not known: {why}; or name the day with {option} YYYY-MM-DD")]
    UnknownDay {
        slug: GoalSlug,
        /// With the mend.
        why: String,
        /// The option that names it.
        option: &'static str,
    },
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
            Self::Unknown(_) => Code::GoalUnknown,
            Self::UnknownDay { .. } => Code::DayUnknown,
            Self::Log(error) => error.code(),
            Self::Unreadable(error) => error.code(),
        }
    }
}

impl Rejection for LocalGoalError {}

impl From<CommandError<LocalGoalError>> for GoalFailure {
    fn from(failure: CommandError<LocalGoalError>) -> Self {
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

    type State = LocalGoals;
    /// A command, and the facts that it is checked against.
    type Command = (LocalGoalCommand, Facts);
    type Change = LocalGoalChange;
    type Error = LocalGoalError;

    fn decide(
        local_goals: &LocalGoals,
        (command, facts): Self::Command,
        now: Timestamp,
    ) -> Result<Vec<LocalGoalChange>, LocalGoalError> {
        local_goals.decide(command, &facts, now)
    }

    fn event(_: &LocalGoals, change: &LocalGoalChange, next: &Next<'_>) -> Fact {
        next.fact(local_goal_event(change))
    }

    fn label((command, _): &Self::Command) -> &'static str {
        match command {
            LocalGoalCommand::SetGoal(_) => "set-goal",
            LocalGoalCommand::CloseGoal { .. } => "close-goal",
            LocalGoalCommand::StartFeed { .. } => "start-feed",
            LocalGoalCommand::StopFeed { .. } => "stop-feed",
        }
    }
}
