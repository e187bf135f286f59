//! Query: the goals, nearest to derailing first.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::calendar;
use crate::domain::datapoint::Keeper;
use crate::domain::goal::{Goal, Risk, Urgency, sort_by_runway};
use crate::domain::goal_day::{DayUnknown, GoalClock};
use crate::domain::local_goal::Priority;
use crate::domain::money::Picodollars;

use super::TenantView;

/// A goal and its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GoalLine {
    /// Its slug.
    #[schema(example = "spend")]
    pub slug: String,
    /// Its keeper: `beeminder` or `local`.
    #[schema(value_type = String)]
    pub source: Keeper,
    /// The title, or empty.
    pub title: String,
    /// `high`, `medium` or `low`; null for a goal at Beeminder.
    #[schema(value_type = Option<String>)]
    pub priority: Option<Priority>,
    /// `CRITICAL`, `WARNING`, `CAUTION`, `SAFE` or `UNKNOWN`.
    #[schema(value_type = String)]
    pub risk: Risk,
    /// `IMMEDIATE`, `TODAY`, `SOON`, or null if nothing must be done.
    #[schema(value_type = Option<String>)]
    pub urgency: Option<Urgency>,
    /// Whole safe days; 0 on the day on which it derails.
    pub safe_days: Option<i64>,
    /// When it derails if nothing is entered.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub derails_at: Option<Timestamp>,
    /// Seconds until then; negative if it has passed and nothing newer is known.
    pub seconds_left: Option<i64>,
    /// What must be done to stay safe, in Beeminder's words.
    pub limsum: String,
    /// What must be done today, in Beeminder's words.
    pub baremin: String,
    /// The amount charged when it derails.
    #[schema(value_type = String)]
    pub pledge_usd: Picodollars,
    /// Whether there is a datapoint for the goal's current day, as far as known.
    pub has_data_today: bool,
    /// What feeds it automatically; null if a person does.
    pub autodata: Option<String>,
}

/// What a goal's days are reckoned by: of a local goal the person's `zone`.
///
/// # Errors
/// [`DayUnknown`]: Beeminder has not said enough yet.
pub fn clock_of(
    view: &TenantView,
    keeper: Keeper,
    slug: &str,
    zone: &TimeZone,
) -> Result<GoalClock, DayUnknown> {
    match keeper {
        Keeper::Local => Ok(GoalClock::of_person(zone.clone())),
        Keeper::Beeminder => view.goal_days.clock(slug, zone_of),
    }
}

/// The zone of IANA's name, if this machine knows it.
#[must_use]
pub fn zone_of(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

/// The open local goals as goals, each with its priority: for lists and alerts.
#[must_use]
pub fn local_goals(view: &TenantView, now: Timestamp, zone: &TimeZone) -> Vec<(Goal, Priority)> {
    let today = calendar::day_of(now, zone);
    let told = view.local_goals.goals.values().map(|goal| {
        let has_data_today = view.ledger.has_local(&goal.slug, today);
        (goal.as_goal(now, zone, has_data_today), goal.priority)
    });
    told.collect()
}

/// All tracked goals, Beeminder's and local ones, nearest to derailing first, then by priority. `seen_at` is when
/// Beeminder was last asked, if that is known: what it said of a day does not hold on the next.
#[must_use]
pub fn goals(
    view: &TenantView,
    now: Timestamp,
    zone: &TimeZone,
    seen_at: Option<Timestamp>,
) -> Vec<GoalLine> {
    let seen_at = seen_at.max(view.goals_told_at);
    let is_of_today = |goal: &Goal| {
        let clock = clock_of(view, Keeper::Beeminder, &goal.slug, zone).ok();
        clock.zip(seen_at).is_some_and(|(clock, seen_at)| clock.day(seen_at) >= clock.day(now))
    };
    let mut local = local_goals(view, now, zone);
    local.sort_by_key(|(_, priority)| *priority);
    let mut followed: Vec<&Goal> = local.iter().map(|(goal, _)| goal).collect();
    followed.extend(view.goals.values().filter(|goal| goal.is_active));
    sort_by_runway(&mut followed);
    let line = |goal: &Goal| {
        let priority = local.iter().find(|(local, _)| local.id == goal.id).map(|(_, priority)| *priority);
        GoalLine {
            slug: goal.slug.clone(),
            source: if priority.is_some() { Keeper::Local } else { Keeper::Beeminder },
            title: goal.title.clone(),
            priority,
            risk: goal.risk(),
            urgency: goal.urgency(),
            safe_days: goal.safebuf,
            derails_at: goal.losedate,
            seconds_left: goal.time_left(now).map(|left| left.as_secs()),
            limsum: goal.limsum.clone(),
            baremin: goal.baremin.clone(),
            pledge_usd: goal.pledge,
            has_data_today: goal.has_data_today && (priority.is_some() || is_of_today(goal)),
            autodata: goal.autodata.clone(),
        }
    };
    followed.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The account is in Honolulu, where the day ends at 10:00 in UTC, and the goal's at 13:00.
    #[test]
    fn what_was_said_of_a_day_does_not_hold_on_the_goal_s_next() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let goal = Goal {
            id: "66b0".into(),
            slug: "walk".into(),
            title: String::new(),
            safebuf: Some(1),
            losedate: None,
            deadline_s: 3 * 3600,
            limsum: String::new(),
            baremin: String::new(),
            pledge: Picodollars::ZERO,
            has_data_today: true,
            is_active: true,
            autodata: None,
        };
        let mut view = TenantView::default();
        view.goal_days.tell_goal("walk", goal.deadline_s);
        view.goals.insert(goal.id.clone(), goal);
        view.goals_told_at = Some(at("2026-11-22T14:00:00Z"));
        let has_data = |view: &TenantView, now: &str, seen_at: Option<&str>| {
            goals(view, at(now), &TimeZone::UTC, seen_at.map(at))[0].has_data_today
        };
        assert!(!has_data(&view, "2026-11-22T15:00:00Z", None), "on which day it was said is not known");
        view.goal_days.tell_account("Pacific/Honolulu");
        for (now, seen_at, expected) in [
            ("2026-11-22T15:00:00Z", None, true),
            ("2026-11-23T12:59:59Z", None, true),
            ("2026-11-23T13:00:00Z", None, false),
            // It was asked again, and had changed nothing.
            ("2026-11-23T14:00:00Z", Some("2026-11-23T12:59:59Z"), false),
            ("2026-11-23T14:00:00Z", Some("2026-11-23T13:00:00Z"), true),
        ] {
            assert_eq!(has_data(&view, now, seen_at), expected, "{now} {seen_at:?}");
        }
    }
}
