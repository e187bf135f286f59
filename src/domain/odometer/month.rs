//! A calendar month.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::domain::calendar;

use super::OdometerError;

/// The first time zone begins a month 14 hours before UTC, and the last one ends it 12 hours after UTC.
const AHEAD: SignedDuration = SignedDuration::from_hours(14);

/// A calendar month: `2026-10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month(Date);

impl Month {
    /// The month of a day.
    #[must_use]
    pub fn of(day: Date) -> Self {
        Self(day.first_of_month())
    }

    /// The month that contains an instant.
    #[must_use]
    pub fn at(instant: Timestamp, zone: &TimeZone) -> Self {
        Self::of(calendar::day_of(instant, zone))
    }

    /// The last month that has begun anywhere on Earth.
    #[must_use]
    pub(super) fn newest(instant: Timestamp) -> Self {
        Self::at(instant.saturating_add(AHEAD).unwrap_or(Timestamp::MAX), &TimeZone::UTC)
    }

    /// Its first day.
    #[must_use]
    pub fn first(self) -> Date {
        self.0
    }

    /// Its last day.
    #[must_use]
    pub fn last(self) -> Date {
        self.0.last_of_month()
    }

    /// Its first instant.
    #[must_use]
    pub fn start(self, zone: &TimeZone) -> Timestamp {
        calendar::start_of(self.0, zone)
    }

    /// The first instant after it.
    #[must_use]
    pub fn end(self, zone: &TimeZone) -> Timestamp {
        calendar::end_of(self.last(), zone)
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1.month()).first_of_month())
    }

    /// The month before it.
    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0.saturating_sub(1.month()).first_of_month())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.strftime("%Y-%m").to_string())
    }
}

impl std::str::FromStr for Month {
    type Err = OdometerError;

    fn from_str(text: &str) -> Result<Self, OdometerError> {
        let wrong = || OdometerError::Month(text.to_owned());
        let (year, month) = text.split_once('-').ok_or_else(wrong)?;
        let is_plain = |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
        if !is_plain(year, 4) || !is_plain(month, 2) {
            return Err(wrong());
        }
        let year = year.parse().map_err(|_| wrong())?;
        let month = month.parse().map_err(|_| wrong())?;
        Date::new(year, month, 1).map(Self).map_err(|_| wrong())
    }
}

impl TryFrom<String> for Month {
    type Error = OdometerError;

    fn try_from(text: String) -> Result<Self, OdometerError> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}
