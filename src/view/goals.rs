//! The goals by how near they are to derailing, in the shape that people and programs read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::goal::{Goal, Risk, Urgency, sort_by_runway};
use crate::domain::money::Picodollars;

use super::TenantView;

/// A goal and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GoalLine {
    /// The name in addresses.
    #[schema(example = "spend")]
    pub slug: String,
    /// The name for people, or empty.
    pub title: String,
    /// `CRITICAL`, `WARNING`, `CAUTION`, `SAFE` or `UNKNOWN`.
    #[schema(value_type = String)]
    pub risk: Risk,
    /// `IMMEDIATE`, `TODAY`, `SOON`, or null where nothing must be done.
    #[schema(value_type = Option<String>)]
    pub urgency: Option<Urgency>,
    /// Whole safe days; 0 on the day on which it derails.
    pub safe_days: Option<i64>,
    /// The instant of derailing if nothing is entered.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub derails_at: Option<Timestamp>,
    /// Seconds until then; negative when it has passed and nothing new is known.
    pub seconds_left: Option<i64>,
    /// What must be done to stay safe, in Beeminder's words.
    pub limsum: String,
    /// What must be done today, in Beeminder's words.
    pub baremin: String,
    /// What is charged when it derails.
    #[schema(value_type = String)]
    pub pledge_usd: Picodollars,
    /// Whether there is a datapoint of today.
    pub has_data_today: bool,
    /// What feeds it; null where a person does.
    pub autodata: Option<String>,
}

/// The goals that are followed, the nearest to derailing first.
#[must_use]
pub fn goals(view: &TenantView, now: Timestamp) -> Vec<GoalLine> {
    let mut followed: Vec<&Goal> = view.goals.values().filter(|goal| goal.is_active).collect();
    sort_by_runway(&mut followed);
    let line = |goal: &Goal| GoalLine {
        slug: goal.slug.clone(),
        title: goal.title.clone(),
        risk: goal.risk(),
        urgency: goal.urgency(),
        safe_days: goal.safebuf,
        derails_at: goal.losedate,
        seconds_left: goal.time_left(now).map(|left| left.as_secs()),
        limsum: goal.limsum.clone(),
        baremin: goal.baremin.clone(),
        pledge_usd: goal.pledge,
        has_data_today: goal.has_data_today,
        autodata: goal.autodata.clone(),
    };
    followed.into_iter().map(line).collect()
}
