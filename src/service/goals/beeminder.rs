//! The aggregate of Beeminder's goals.

use std::collections::BTreeMap;
use std::convert::Infallible;

use jiff::Timestamp;

use crate::domain::goal::{Goal, GoalChange, changes};
use crate::event::Event;
use crate::event::payload::{GoalGone, GoalObserved};
use crate::service::aggregate::repository::{Aggregate, Fact, Next};

/// The goals of a tenant at Beeminder, by id.
pub struct GoalAggregate;

/// Result of polling the goals.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The goals in the response.
    pub goals: Vec<Goal>,
    /// Ids of goals that were not in the response and still exist.
    pub left_alone: Vec<String>,
}

impl Aggregate for GoalAggregate {
    const STREAM: &'static str = "goals";
    const ACTOR: &'static str = "beeminder";

    type State = BTreeMap<String, Goal>;
    type Command = Observed;
    type Change = GoalChange;
    type Error = Infallible;

    fn decide(known: &Self::State, told: Observed, _: Timestamp) -> Result<Vec<GoalChange>, Infallible> {
        Ok(changes(known.values(), &told.goals, &told.left_alone))
    }

    fn event(_: &Self::State, change: &GoalChange, next: &Next<'_>) -> Fact {
        next.fact(match change {
            GoalChange::Observed(goal) => Event::GoalObserved(GoalObserved::from(goal)),
            GoalChange::Gone { id } => Event::GoalGone(GoalGone { id: id.clone() }),
        })
    }

    fn label(_: &Observed) -> &'static str {
        "observe-goals"
    }
}
