//! Local goals, for people without Beeminder: a title, a priority and a due date.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};

use super::calendar;
use super::code::{Code, Coded};
use super::goal::Goal;
use super::money::Picodollars;
use super::slug::GoalSlug;
use crate::domain::words::words;

/// How important a goal is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    High,
    Medium,
    Low,
}

words! { Priority { High: "high", Medium: "medium", Low: "low" } }

/// Not a priority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a priority; use high, medium or low")]
pub struct PriorityError(pub String);

impl Coded for PriorityError {
    fn code(&self) -> Code {
        Code::Refused
    }
}

impl std::str::FromStr for Priority {
    type Err = PriorityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::of_word(text).ok_or_else(|| PriorityError(text.to_owned()))
    }
}

/// A local goal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalGoal {
    pub slug: GoalSlug,
    pub title: String,
    pub priority: Priority,
    /// The due date in the person's time zone: it is late when that day has ended.
    pub due: Date,
}

/// How a local goal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// It is reached.
    Done,
    /// Given up.
    Dropped,
}

words! { End { Done: "done", Dropped: "dropped" } }

impl LocalGoal {
    /// Whole days until the due date; 0 on that day, negative after it. Like Beeminder's `safebuf`.
    #[must_use]
    pub fn days_left(&self, now: Timestamp, zone: &TimeZone) -> i64 {
        let today = calendar::day_of(now, zone);
        // This counts civil days, not hours.
        let left = today.until((Unit::Day, self.due)).ok();
        left.map_or(0, |span| i64::from(span.get_days()))
    }

    /// The goal in the common form, so that lists and alerts need not distinguish the keepers.
    #[must_use]
    pub fn as_goal(&self, now: Timestamp, zone: &TimeZone, has_data_today: bool) -> Goal {
        Goal {
            id: format!("local:{}", self.slug),
            slug: self.slug.to_string(),
            title: self.title.clone(),
            safebuf: Some(self.days_left(now, zone)),
            losedate: Some(calendar::end_of(self.due, zone)),
            deadline_s: 0,
            limsum: format!("due {}", self.due),
            baremin: String::new(),
            pledge: Picodollars::ZERO,
            has_data_today,
            is_active: true,
            autodata: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::goal::{Risk, Urgency};

    #[test]
    fn what_is_due_today_is_immediate_in_the_person_s_own_zone() {
        // 23:30 on the 23rd in Berlin, 22:30 in London, 00:30 on the 24th in Helsinki.
        let now: Timestamp = "2026-11-23T22:30:00Z".parse().unwrap();
        let table = [
            ("Europe/Berlin", date(2026, 11, 22), -1, Risk::Critical, Some(Urgency::Immediate)),
            ("Europe/Berlin", date(2026, 11, 23), 0, Risk::Critical, Some(Urgency::Immediate)),
            ("Europe/Helsinki", date(2026, 11, 24), 0, Risk::Critical, Some(Urgency::Immediate)),
            ("Europe/Berlin", date(2026, 11, 24), 1, Risk::Warning, Some(Urgency::Today)),
            ("Europe/Berlin", date(2026, 11, 25), 2, Risk::Caution, Some(Urgency::Soon)),
            ("Europe/Berlin", date(2026, 11, 26), 3, Risk::Caution, Some(Urgency::Soon)),
            ("Europe/Berlin", date(2026, 11, 27), 4, Risk::Safe, None),
            ("Europe/Berlin", date(2027, 11, 23), 365, Risk::Safe, None),
        ];
        for (zone, due, left, risk, urgency) in table {
            let zone = TimeZone::get(zone).unwrap();
            let (slug, title) = ("tax".parse().unwrap(), String::new());
            let goal = LocalGoal { slug, title, priority: Priority::High, due };
            let told = goal.as_goal(now, &zone, false);
            let expected = (Some(left), risk, urgency);
            assert_eq!((told.safebuf, told.risk(), told.urgency()), expected, "{due}");
        }
    }

    #[test]
    fn it_is_late_at_the_end_of_its_day_also_where_clocks_change() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        for (due, end) in [
            (date(2026, 3, 29), "2026-03-29T22:00:00Z"),
            (date(2026, 10, 24), "2026-10-24T22:00:00Z"),
            (date(2026, 10, 25), "2026-10-25T23:00:00Z"),
        ] {
            let (slug, title) = ("tax".parse().unwrap(), String::new());
            let goal = LocalGoal { slug, title, priority: Priority::Low, due };
            let told = goal.as_goal(Timestamp::UNIX_EPOCH, &zone, false);
            assert_eq!(told.losedate.unwrap().to_string(), end, "{due}");
        }
    }
}
