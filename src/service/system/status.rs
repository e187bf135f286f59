//! The status: a one-screen summary in which all numbers belong to one position.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::integration::beeminder;
use crate::service::alerts::conditions::PollStatus;
use crate::service::runtime::reads::{Reads, Snapshot};
use crate::service::runtime::sources::SourceShown;
use crate::view::alerts::AlertLine;
use crate::view::freshness::Freshness;
use crate::view::goals::GoalLine;
use crate::view::reconcile::Wanted;
use crate::view::status::{Given, Status, status};

/// The status, with the sources behind the numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusShown {
    /// The numbers.
    #[serde(flatten)]
    pub status: Status,
    /// The goals that need something done soon, nearest to derailing first.
    pub urgent_goals: Vec<GoalLine>,
    /// The open alerts, worst first.
    pub alerts: Vec<AlertLine>,
    /// The outside systems, with the age of their data; empty if no supervisor is running.
    pub sources: Vec<SourceShown>,
    /// How old these numbers are.
    #[serde(flatten)]
    pub freshness: Freshness,
}

impl StatusShown {
    #[must_use]
    pub fn new(
        status: Status,
        goals: Vec<GoalLine>,
        alerts: Vec<AlertLine>,
        sources: Vec<SourceShown>,
        freshness: Freshness,
    ) -> Self {
        let urgent_goals = goals.into_iter().filter(|goal| goal.urgency.is_some()).collect();
        Self { status, urgent_goals, alerts, sources, freshness }
    }
}

/// The actor for a drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrillBody {
    /// Its path as in `mecris actors`, such as `tenants/local/usage`.
    #[schema(min_length = 1, max_length = 200)]
    pub actor: String,
}

impl Snapshot {
    /// The current numbers.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        let given = Given {
            position: self.position(),
            recorded_at: self.recorded_at(),
            forecast: self.runways(now),
            providers: self.reconcile(&Wanted::default(), now).providers,
            budgets: self.budgets(now),
        };
        status(self.view(), given, now, self.zone())
    }

    /// The same with goals and alerts, and with the sources if a supervisor is running.
    #[must_use]
    pub fn status_shown(
        &self,
        alerts: Vec<AlertLine>,
        sources: Vec<SourceShown>,
        now: Timestamp,
    ) -> StatusShown {
        let freshness = self.reading().freshness();
        let beeminder = sources.iter().find(|source| source.name == beeminder::SYSTEM);
        let goals = self.goals(now, beeminder.and_then(|source| source.last_success));
        StatusShown::new(self.status(now), goals, alerts, sources, freshness)
    }
}

impl Reads {
    /// The status, if no supervisor is running.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> StatusShown {
        self.at(|at| {
            at.status_shown(at.alerts(&at.causes(PollStatus::default(), now), false), Vec::new(), now)
        })
    }
}

#[cfg(test)]
mod tests;
