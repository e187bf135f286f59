//! What Beeminder told of goals.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::goal::Goal;
use crate::domain::money::Picodollars;

/// A goal is new, or something about it changed: all that is known of it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoalObserved {
    /// Survives a change of the slug.
    pub id: String,
    /// The name in addresses.
    pub slug: String,
    /// The name for people, or empty.
    pub title: String,
    /// Whole safe days.
    pub safebuf: Option<i64>,
    /// The instant of derailing, in microseconds since the Unix epoch.
    pub losedate_us: Option<i64>,
    /// Seconds from midnight to the deadline.
    pub deadline_s: i64,
    /// What must be done to stay safe, in Beeminder's words, or empty.
    pub limsum: String,
    /// What must be done today, in Beeminder's words, or empty.
    pub baremin: String,
    /// What is charged when it derails, in USD.
    #[schemars(with = "String")]
    pub pledge: Picodollars,
    /// Whether there is a datapoint of today.
    pub has_data_today: bool,
    /// Whether it is followed: neither frozen nor won.
    pub is_active: bool,
    /// What feeds it; none where a person does.
    pub autodata: Option<String>,
}

/// A goal is not among the goals any more: deleted or archived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoalGone {
    /// Its id.
    pub id: String,
}

impl From<&Goal> for GoalObserved {
    fn from(goal: &Goal) -> Self {
        Self {
            id: goal.id.clone(),
            slug: goal.slug.clone(),
            title: goal.title.clone(),
            safebuf: goal.safebuf,
            losedate_us: goal.losedate.map(Timestamp::as_microsecond),
            deadline_s: goal.deadline_s,
            limsum: goal.limsum.clone(),
            baremin: goal.baremin.clone(),
            pledge: goal.pledge,
            has_data_today: goal.has_data_today,
            is_active: goal.is_active,
            autodata: goal.autodata.clone(),
        }
    }
}

impl From<&GoalObserved> for Goal {
    fn from(stored: &GoalObserved) -> Self {
        let stored = stored.clone();
        Self {
            id: stored.id,
            slug: stored.slug,
            title: stored.title,
            safebuf: stored.safebuf,
            losedate: stored.losedate_us.and_then(|micros| Timestamp::from_microsecond(micros).ok()),
            deadline_s: stored.deadline_s,
            limsum: stored.limsum,
            baremin: stored.baremin,
            pledge: stored.pledge,
            has_data_today: stored.has_data_today,
            is_active: stored.is_active,
            autodata: stored.autodata,
        }
    }
}
