//! The aggregate of Beeminder's goals.

use std::collections::BTreeMap;
use std::convert::Infallible;

use jiff::Timestamp;

use crate::domain::goal::{Goal, GoalChange, changes};
use crate::domain::goal_day::{GoalDays, is_zone_name};
use crate::event::Event;
use crate::event::payload::{GoalAccountObserved, GoalGone, GoalObserved};
use crate::service::aggregate::repository::{Aggregate, Fact, Next};

/// The goals of a tenant at Beeminder, by id, and what their days are reckoned by.
pub struct GoalAggregate;

/// What Beeminder said.
#[derive(Debug, Clone)]
pub enum Observed {
    /// All goals; what is missing is gone.
    All {
        /// The goals in the response.
        goals: Vec<Goal>,
        /// Ids of goals that were not in the response and still exist.
        left_alone: Vec<String>,
    },
    /// Some goals, and the account's time zone if it was said. Nothing is said about other goals.
    Some {
        goals: Vec<Goal>,
        /// IANA's name.
        timezone: Option<String>,
    },
}

impl Aggregate for GoalAggregate {
    const STREAM: &'static str = "goals";
    const ACTOR: &'static str = "beeminder";

    type State = (BTreeMap<String, Goal>, GoalDays);
    type Command = Observed;
    type Change = GoalChange;
    type Error = Infallible;

    fn decide(
        (known, days): &Self::State,
        told: Observed,
        _: Timestamp,
    ) -> Result<Vec<GoalChange>, Infallible> {
        let (goals, timezone) = match told {
            Observed::All { goals, left_alone } => return Ok(changes(known.values(), &goals, &left_alone)),
            Observed::Some { goals, timezone } => (goals, timezone),
        };
        let is_news = |timezone: &String| is_zone_name(timezone) && days.timezone() != Some(timezone);
        let account = timezone.filter(is_news).map(|timezone| GoalChange::Account { timezone });
        let goals = goals.into_iter().filter(|goal| known.get(&goal.id) != Some(goal));
        Ok(account.into_iter().chain(goals.map(GoalChange::Observed)).collect())
    }

    fn event(_: &Self::State, change: &GoalChange, next: &Next<'_>) -> Fact {
        next.fact(match change {
            GoalChange::Observed(goal) => Event::GoalObserved(GoalObserved::from(goal)),
            GoalChange::Gone { id } => Event::GoalGone(GoalGone { id: id.clone() }),
            GoalChange::Account { timezone } => {
                Event::GoalAccountObserved(GoalAccountObserved { timezone: timezone.clone() })
            }
        })
    }

    fn label(_: &Observed) -> &'static str {
        "observe-goals"
    }
}
