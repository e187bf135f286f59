//! Days as a person writes them: `2026-11-23`, `yesterday`, `7d`, `last week`, `2026-11`.
//!
//! What is written is kept as it is and becomes days where the clock, the time zone and the first day of the week are known
//! ([`Days::span`]): a command line and the supervisor that answers it need not agree on today.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, ISOWeekDate, Weekday};
use jiff::{Span, ToSpan};
use serde::{Deserialize, Serialize};

use super::WeekStart;
use crate::domain::code::{Code, Coded};
use crate::domain::words::words;

/// The longest text that is looked at, in bytes.
const LENGTH_MAX: usize = 24;
/// The most units that are counted back.
const COUNT_MAX: u16 = 9_999;

/// What days are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Day,
    Week,
    Month,
    Year,
}

words! {
    Unit {
        Day: "day",
        Week: "week",
        Month: "month",
        Year: "year",
    }
}

/// Some days in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Days {
    /// `2026-11-23`.
    Day(Date),
    /// `2026-W48`: a week by ISO 8601; holds its Monday.
    IsoWeek(Date),
    /// `2026-11`; holds its first day.
    Month(Date),
    /// `2026`; holds its first day.
    Year(Date),
    /// `7d`, `2w`, `3m`, `1y`: so many days, weeks, months or years, of which today is the last day.
    Last(u16, Unit),
    /// `today`, `this week`, `this month`, `this year`: all of it, also what is to come.
    This(Unit),
    /// `yesterday`, `last week`, `last month`, `last year`: the whole one before this.
    Before(Unit),
}

/// Why a text means no days.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DaysError {
    /// Not a form that is known.
    #[error(
        "'{0}' means no days; write 2026-11-23, today, yesterday, 7d, 2w, 'this week', 'last month', 2026-11, 2026-W48 or 2026"
    )]
    Form(String),
    /// The form is known; the calendar has no such day.
    #[error("'{0}' is not in the calendar; look at the day, the month or the week's number")]
    Calendar(String),
    /// One day is asked for.
    #[error("'{0}' is more than one day; name one, such as 2026-11-23, today or yesterday")]
    Many(Days),
    /// The last day is before the first.
    #[error("the days end before they begin: {since} to {until}; exchange the two")]
    Backwards {
        /// The first.
        since: Date,
        /// The last.
        until: Date,
    },
}

impl Coded for DaysError {
    fn code(&self) -> Code {
        Code::Refused
    }
}

impl Days {
    /// Its first and last day.
    #[must_use]
    pub fn span(self, today: Date, week: WeekStart) -> (Date, Date) {
        let whole = |unit: Unit, day: Date| match unit {
            Unit::Day => (day, day),
            Unit::Week => {
                let first = week.week_of(day);
                (first, first.saturating_add(6.days()))
            }
            Unit::Month => (day.first_of_month(), day.last_of_month()),
            Unit::Year => (day.first_of_year(), day.last_of_year()),
        };
        match self {
            Self::Day(day) => (day, day),
            Self::IsoWeek(monday) => (monday, monday.saturating_add(6.days())),
            Self::Month(first) => whole(Unit::Month, first),
            Self::Year(first) => whole(Unit::Year, first),
            Self::Last(count, unit) => {
                // The day after today, so that the last month before 31 March begins on 1 March.
                let end = today.saturating_add(1.day());
                (end.saturating_sub(units(count, unit)), today)
            }
            Self::This(unit) => whole(unit, today),
            Self::Before(unit) => {
                let (first, _) = whole(unit, today);
                whole(unit, first.saturating_sub(1.day()))
            }
        }
    }

    /// The one day that it is.
    ///
    /// # Errors
    /// [`DaysError::Many`].
    pub fn one(self, today: Date) -> Result<Date, DaysError> {
        match self {
            Self::Day(day) => Ok(day),
            Self::This(Unit::Day) => Ok(today),
            Self::Before(Unit::Day) => Ok(today.saturating_sub(1.day())),
            many => Err(DaysError::Many(many)),
        }
    }

    /// The first and the last of the days from the first of `since` to the last of `until`.
    ///
    /// # Errors
    /// [`DaysError::Backwards`].
    pub fn between(
        since: Option<Self>,
        until: Option<Self>,
        today: Date,
        week: WeekStart,
    ) -> Result<(Option<Date>, Option<Date>), DaysError> {
        let since = since.map(|days| days.span(today, week).0);
        let until = until.map(|days| days.span(today, week).1);
        match (since, until) {
            (Some(since), Some(until)) if since > until => Err(DaysError::Backwards { since, until }),
            range => Ok(range),
        }
    }
}

fn units(count: u16, unit: Unit) -> Span {
    let count = i64::from(count);
    match unit {
        Unit::Day => count.days(),
        Unit::Week => count.weeks(),
        Unit::Month => count.months(),
        Unit::Year => count.years(),
    }
}

impl From<Date> for Days {
    fn from(day: Date) -> Self {
        Self::Day(day)
    }
}

impl FromStr for Days {
    type Err = DaysError;

    /// Case, and whether words are apart by a space, `-` or `_`, make no difference.
    fn from_str(text: &str) -> Result<Self, DaysError> {
        let unknown = || DaysError::Form(text.to_owned());
        if text.len() > LENGTH_MAX {
            return Err(unknown());
        }
        let written = text.trim().to_ascii_lowercase();
        if written.as_bytes().first().is_some_and(u8::is_ascii_digit) {
            return counted(&written)
                .or_else(|| dated(&written))
                .ok_or_else(unknown)?
                .map_err(|NotInCalendar| DaysError::Calendar(text.to_owned()));
        }
        let mut parts = written.split([' ', '-', '_']).filter(|part| !part.is_empty());
        let found = match (parts.next(), parts.next(), parts.next()) {
            (Some("today"), None, _) => Some(Self::This(Unit::Day)),
            (Some("yesterday"), None, _) => Some(Self::Before(Unit::Day)),
            (Some("this"), Some(unit), None) => named(unit).map(Self::This),
            (Some("last"), Some(unit), None) => named(unit).map(Self::Before),
            _ => None,
        };
        found.ok_or_else(unknown)
    }
}

/// The calendar does not have it.
struct NotInCalendar;

/// `week`, `month` and `year`; a day has words of its own.
fn named(word: &str) -> Option<Unit> {
    Unit::of_word(word).filter(|unit| *unit != Unit::Day)
}

/// `7d`, `7 days`.
fn counted(text: &str) -> Option<Result<Days, NotInCalendar>> {
    let (count, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let unit = match unit.trim_start() {
        "d" | "day" | "days" => Unit::Day,
        "w" | "week" | "weeks" => Unit::Week,
        "m" | "month" | "months" => Unit::Month,
        "y" | "year" | "years" => Unit::Year,
        _ => return None,
    };
    let count = count.parse().ok().filter(|count| (1..=COUNT_MAX).contains(count))?;
    Some(Ok(Days::Last(count, unit)))
}

/// `2026-11-23`, `2026-w48`, `2026-11`, `2026`.
fn dated(text: &str) -> Option<Result<Days, NotInCalendar>> {
    let number = |text: &str, length: usize| -> Option<i16> {
        (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4)?;
    let first = |month: i16, day: i16| Date::new(year, month as i8, day as i8).map_err(|_| NotInCalendar);
    Some(match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => first(1, 1).map(Days::Year),
        (Some(part), None, _) => match part.strip_prefix('w') {
            Some(week) => {
                let week = number(week, 2)?;
                let monday = ISOWeekDate::new(year, week as i8, Weekday::Monday);
                monday.map(|monday| Days::IsoWeek(monday.date())).map_err(|_| NotInCalendar)
            }
            None => first(number(part, 2)?, 1).map(Days::Month),
        },
        (Some(month), Some(day), None) => first(number(month, 2)?, number(day, 2)?).map(Days::Day),
        _ => return None,
    })
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => write!(f, "{day}"),
            Self::IsoWeek(monday) => {
                let week = monday.iso_week_date();
                write!(f, "{:04}-W{:02}", week.year(), week.week())
            }
            Self::Month(first) => write!(f, "{:04}-{:02}", first.year(), first.month()),
            Self::Year(first) => write!(f, "{:04}", first.year()),
            Self::Last(count, unit) => write!(f, "{count}{}", &unit.word()[..1]),
            Self::This(Unit::Day) => f.write_str("today"),
            Self::Before(Unit::Day) => f.write_str("yesterday"),
            Self::This(unit) => write!(f, "this-{}", unit.word()),
            Self::Before(unit) => write!(f, "last-{}", unit.word()),
        }
    }
}

impl TryFrom<String> for Days {
    type Error = DaysError;

    fn try_from(text: String) -> Result<Self, DaysError> {
        text.parse()
    }
}

impl From<Days> for String {
    fn from(days: Days) -> Self {
        days.to_string()
    }
}

#[cfg(test)]
mod tests;
