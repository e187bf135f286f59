//! The day of a goal. Every day that belongs to a goal (a datapoint's, a feed's, "today") is reckoned by a
//! [`GoalClock`] and nowhere else.
//!
//! Source: Beeminder's API reference. A user has a `timezone`, and a goal has a `deadline`: the seconds by which its day
//! ends after midnight in that zone; before midnight if negative. So at a deadline of +3 h a datapoint of 01:00
//! belongs to the day before, and at -2 h one of 23:00 belongs to the day after. A local goal's day is the person's own.
//!
//! What Beeminder has not said is unknown, and never this machine's zone or midnight: a datapoint of the
//! wrong day does not save a goal.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::calendar;
use super::window::{goal_day, goal_day_end};

/// A deadline that Beeminder did not say. No deadline is as far from midnight.
pub const NO_DEADLINE: i64 = i64::MAX;

/// A deadline is at most a day from midnight; Beeminder documents -17 h to +6 h.
const DEADLINE_MAX_S: u64 = 24 * 3600;

/// Maximum length of a zone's name, in bytes. The longest of IANA's has 32.
const NAME_MAX: usize = 64;

/// The time for which two zones are compared.
const COMPARED: SignedDuration = SignedDuration::from_hours(24 * 366);

/// Maximum number of clock changes of a zone in that time; a zone has two a year, Morocco has four.
const CHANGES_MAX: usize = 64;

/// Why a goal's day is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DayUnknown {
    /// The account's zone was never told.
    #[error("Beeminder has not said in which time zone the account is")]
    Account,
    /// The zone is none that this machine knows.
    #[error("this machine does not know the account's time zone {0}; update its time zone data (tzdata)")]
    Zone(String),
    /// The goal was never told.
    #[error("Beeminder has not said when the goal's day ends")]
    Goal,
    /// Its deadline is missing, or is none.
    #[error("Beeminder says of the goal no deadline within a day of midnight")]
    Deadline,
}

/// What a goal's days are reckoned by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoalClock {
    zone: TimeZone,
    /// Seconds from the midnight that ends a day to the deadline.
    deadline_s: i64,
}

impl GoalClock {
    /// Of a goal at Beeminder: the account's zone, and the goal's deadline in seconds.
    ///
    /// # Errors
    /// [`DayUnknown::Deadline`].
    pub fn new(zone: TimeZone, deadline_s: i64) -> Result<Self, DayUnknown> {
        if is_deadline(deadline_s) { Ok(Self { zone, deadline_s }) } else { Err(DayUnknown::Deadline) }
    }

    /// Of a local goal: the days of the person's zone.
    #[must_use]
    pub fn of_person(zone: TimeZone) -> Self {
        Self { zone, deadline_s: 0 }
    }

    /// The goal's day at an instant.
    #[must_use]
    pub fn day(&self, instant: Timestamp) -> Date {
        goal_day(instant, &self.zone, self.deadline_s)
    }

    /// The first instant after a day: its deadline.
    #[must_use]
    pub fn end(&self, day: Date) -> Timestamp {
        goal_day_end(day, &self.zone, self.deadline_s)
    }

    /// The first instant of a day.
    #[must_use]
    pub fn start(&self, day: Date) -> Timestamp {
        self.end(day.saturating_sub(1.day()))
    }
}

/// What Beeminder said about its days: the account's zone, and each goal's deadline. A goal that is gone
/// keeps its deadline, because a feed of it must learn from Beeminder itself that it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoalDays {
    /// IANA's name.
    timezone: Option<String>,
    /// Seconds, by slug.
    deadlines: BTreeMap<String, i64>,
}

impl GoalDays {
    /// The account's zone, by IANA's name.
    #[must_use]
    pub fn timezone(&self) -> Option<&str> {
        self.timezone.as_deref()
    }

    /// Beeminder said the account's zone. A text that cannot be a zone's name is as if nothing was said.
    pub fn tell_account(&mut self, timezone: &str) {
        if is_zone_name(timezone) {
            self.timezone = Some(timezone.to_owned());
        }
    }

    /// Beeminder said a goal's deadline, in seconds. One that is none does not take the place of one that was said before.
    pub fn tell_goal(&mut self, slug: &str, deadline_s: i64) {
        if is_deadline(deadline_s) || !self.deadlines.contains_key(slug) {
            self.deadlines.insert(slug.to_owned(), deadline_s);
        }
    }

    /// What a goal's days are reckoned by. `zone_of` finds a zone by its name. Beeminder takes a slug in any
    /// case of letters.
    ///
    /// # Errors
    /// [`DayUnknown`].
    pub fn clock(
        &self,
        slug: &str,
        zone_of: impl FnOnce(&str) -> Option<TimeZone>,
    ) -> Result<GoalClock, DayUnknown> {
        let name = self.timezone().ok_or(DayUnknown::Account)?;
        let zone = zone_of(name).ok_or_else(|| DayUnknown::Zone(name.to_owned()))?;
        let in_any_case = || {
            let mut all = self.deadlines.iter();
            all.find(|(known, _)| known.eq_ignore_ascii_case(slug)).map(|(_, deadline_s)| deadline_s)
        };
        let deadline_s = self.deadlines.get(slug).or_else(in_any_case).ok_or(DayUnknown::Goal)?;
        GoalClock::new(zone, *deadline_s)
    }
}

fn is_deadline(deadline_s: i64) -> bool {
    deadline_s.unsigned_abs() <= DEADLINE_MAX_S
}

/// Whether a text from outside can be the name of a zone.
#[must_use]
pub fn is_zone_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte);
    (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

/// The latest day that any goal anywhere can have at `now`: 14 hours ahead of UTC, with a deadline a whole
/// day before midnight.
#[must_use]
pub fn latest_day(now: Timestamp) -> Date {
    let ahead = now.saturating_add(SignedDuration::from_hours(14 + 24)).unwrap_or(Timestamp::MAX);
    calendar::day_of(ahead, &TimeZone::UTC)
}

/// Whether clocks in two zones show the same, now and for a year: two names may be of one zone.
#[must_use]
pub fn is_same_time(one: &TimeZone, other: &TimeZone, now: Timestamp) -> bool {
    let until = now.saturating_add(COMPARED).unwrap_or(Timestamp::MAX);
    let changes = [one, other].into_iter().flat_map(|zone| {
        let changes = zone.following(now).map(|change| change.timestamp());
        changes.take_while(|at| *at <= until).take(CHANGES_MAX).collect::<Vec<_>>()
    });
    std::iter::once(now).chain(changes).all(|at| one.to_offset(at) == other.to_offset(at))
}

#[cfg(test)]
mod tests;
