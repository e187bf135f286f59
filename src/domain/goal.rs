//! Goals at Beeminder: how close each is to derailing, and what has changed.
//!
//! Source: Beeminder's API reference (`safebuf`: whole safe days, 0 on the day on which a goal derails;
//! `losedate`: the instant of derailing if nothing is entered). The remaining time is calculated from
//! `losedate` and never from midnight: a goal's deadline may be at 03:00 or at 21:00.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::money::Picodollars;

/// A goal as last read from Beeminder, or a local goal in the same form (`LocalGoal::as_goal`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    /// Stable across changes of the slug.
    pub id: String,
    pub slug: String,
    /// Empty if there is none.
    pub title: String,
    /// Whole safe days; none if Beeminder does not say.
    pub safebuf: Option<i64>,
    /// When it derails if nothing is entered.
    pub losedate: Option<Timestamp>,
    /// Seconds from midnight to the deadline; negative before it. See [`super::goal_day`].
    pub deadline_s: i64,
    /// What must be done to stay safe, in Beeminder's words; may be empty.
    pub limsum: String,
    /// What must be done today, in Beeminder's words; may be empty.
    pub baremin: String,
    /// The amount charged when it derails.
    pub pledge: Picodollars,
    /// Whether there is a datapoint for today.
    pub has_data_today: bool,
    /// Whether it is tracked: neither frozen nor won.
    pub is_active: bool,
    /// What feeds it automatically; none if a person does.
    pub autodata: Option<String>,
}

/// How close a goal is to derailing.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Risk {
    /// It derails at its next deadline.
    Critical,
    /// One safe day.
    Warning,
    /// Two or three.
    Caution,
    /// More.
    Safe,
    /// Beeminder does not say.
    Unknown,
}

/// How soon something must be done.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Urgency {
    /// Before the next deadline.
    Immediate,
    /// Today, so that it is not an emergency tomorrow.
    Today,
    /// In the next days.
    Soon,
}

impl Goal {
    /// How close it is to derailing.
    #[must_use]
    pub fn risk(&self) -> Risk {
        match self.safebuf {
            None => Risk::Unknown,
            Some(..=0) => Risk::Critical,
            Some(1) => Risk::Warning,
            Some(2 | 3) => Risk::Caution,
            Some(4..) => Risk::Safe,
        }
    }

    /// How soon something must be done; none if nothing must.
    #[must_use]
    pub fn urgency(&self) -> Option<Urgency> {
        match self.risk() {
            Risk::Critical => Some(Urgency::Immediate),
            Risk::Warning => Some(Urgency::Today),
            Risk::Caution => Some(Urgency::Soon),
            Risk::Safe | Risk::Unknown => None,
        }
    }

    /// The time until it derails; negative if it has passed and nothing newer is known.
    #[must_use]
    pub fn time_left(&self, now: Timestamp) -> Option<SignedDuration> {
        self.losedate.map(|losedate| losedate.duration_since(now))
    }
}

/// A change of a goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GoalChange {
    /// It is new, or has changed.
    Observed(Goal),
    /// It no longer exists: deleted or archived.
    Gone { id: String },
    /// The account is in this time zone, by IANA's name.
    Account { timezone: String },
}

/// The changes between the known goals and a poll's result, both by id. A goal whose numbers Beeminder is
/// still computing (`queued`) must be left out of `told` and named in `pending`, because its old numbers
/// would look like a change.
#[must_use]
pub fn changes<'a>(
    known: impl Iterator<Item = &'a Goal> + Clone,
    told: &[Goal],
    pending: &[String],
) -> Vec<GoalChange> {
    let mut changes = Vec::new();
    for goal in told {
        if !known.clone().any(|known| known == goal) {
            changes.push(GoalChange::Observed(goal.clone()));
        }
    }
    for goal in known {
        let is_told = told.iter().any(|told| told.id == goal.id) || pending.contains(&goal.id);
        if !is_told {
            changes.push(GoalChange::Gone { id: goal.id.clone() });
        }
    }
    changes
}

/// Applies a change to the goals, by id.
pub fn evolve(goals: &mut BTreeMap<String, Goal>, change: GoalChange) {
    match change {
        GoalChange::Observed(goal) => {
            goals.insert(goal.id.clone(), goal);
        }
        GoalChange::Gone { id } => {
            goals.remove(&id);
        }
        // It is part of `GoalDays`.
        GoalChange::Account { .. } => {}
    }
}

/// Sorts goals by the time at which they derail; goals of unknown state come last. The sort is stable.
pub fn sort_by_runway(goals: &mut [&Goal]) {
    goals.sort_by_key(|goal| (goal.losedate.is_none(), goal.losedate));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(id: &str, safebuf: Option<i64>, losedate_s: Option<i64>) -> Goal {
        Goal {
            id: id.into(),
            slug: format!("goal-{id}"),
            title: String::new(),
            safebuf,
            losedate: losedate_s.map(|second| Timestamp::from_second(second).unwrap()),
            deadline_s: 0,
            limsum: String::new(),
            baremin: String::new(),
            pledge: Picodollars::ZERO,
            has_data_today: false,
            is_active: true,
            autodata: None,
        }
    }

    #[test]
    fn risk_and_urgency_follow_the_whole_safe_days() {
        let table = [
            (Some(-3), Risk::Critical, Some(Urgency::Immediate)),
            (Some(0), Risk::Critical, Some(Urgency::Immediate)),
            (Some(1), Risk::Warning, Some(Urgency::Today)),
            (Some(2), Risk::Caution, Some(Urgency::Soon)),
            (Some(3), Risk::Caution, Some(Urgency::Soon)),
            (Some(4), Risk::Safe, None),
            (Some(999), Risk::Safe, None),
            (None, Risk::Unknown, None),
        ];
        for (safebuf, risk, urgency) in table {
            let goal = goal("a", safebuf, None);
            assert_eq!((goal.risk(), goal.urgency()), (risk, urgency), "{safebuf:?}");
        }
    }

    #[test]
    fn what_is_left_is_reckoned_from_the_deadline_and_not_from_midnight() {
        // 21:00 in Berlin on the day when summer time ends is 20:00 UTC.
        let goal = Goal { deadline_s: -3 * 3600, ..goal("a", Some(0), Some(1_792_958_400)) };
        let now: Timestamp = "2026-10-25T19:30:00Z".parse().unwrap();
        assert_eq!(goal.losedate.unwrap().to_string(), "2026-10-25T20:00:00Z");
        assert_eq!(goal.time_left(now), Some(SignedDuration::from_mins(30)));
        assert_eq!(goal.time_left(now + SignedDuration::from_hours(1)), Some(SignedDuration::from_mins(-30)));
    }

    #[test]
    fn only_what_changed_is_told() {
        let known =
            [goal("a", Some(2), Some(10)), goal("b", Some(3), Some(20)), goal("c", Some(4), Some(30))];
        assert_eq!(changes(known.iter(), &known, &[]), []);
        let worse = goal("a", Some(1), Some(10));
        let new = goal("d", None, None);
        let told = [worse.clone(), new.clone()];
        let expected = [
            GoalChange::Observed(worse),
            GoalChange::Observed(new),
            // b is still being computed; c is gone.
            GoalChange::Gone { id: "c".into() },
        ];
        assert_eq!(changes(known.iter(), &told, &["b".into()]), expected);
        assert_eq!(changes([].iter(), &[], &[]), []);
    }

    #[test]
    fn the_nearest_to_derailing_comes_first() {
        let goals = [goal("a", None, None), goal("b", Some(0), Some(5)), goal("c", Some(9), Some(1))];
        let mut sorted: Vec<&Goal> = goals.iter().collect();
        sort_by_runway(&mut sorted);
        assert_eq!(sorted.iter().map(|goal| goal.id.as_str()).collect::<Vec<_>>(), ["c", "b", "a"]);
    }
}
