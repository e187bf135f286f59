//! The calendar. Days, weeks, months and years are in the tenant's time zone; instants are UTC.

mod days;
mod period;
mod start;

use jiff::civil::Date;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

pub use days::{Days, DaysError, Unit};
pub use period::{CalendarError, Period, PeriodKind, PeriodTerms};
pub use start::{RollingDays, WeekStart, YearStart};

/// A quarter of an hour, counted from the Unix epoch. Every current time zone has an offset of whole quarters
/// from UTC, so sums by quarter can be regrouped into the days of any zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quarter(pub i32);

const QUARTER_SECONDS: i64 = 15 * 60;

impl Quarter {
    /// The quarter that contains an instant.
    #[must_use]
    pub fn of(instant: Timestamp) -> Self {
        Self(instant.as_second().div_euclid(QUARTER_SECONDS) as i32)
    }

    /// Its first instant.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp::from_second(i64::from(self.0) * QUARTER_SECONDS).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// The civil day of an instant.
#[must_use]
pub fn day_of(instant: Timestamp, zone: &TimeZone) -> Date {
    zone.to_datetime(instant).date()
}

/// The first instant of a civil day, also if clocks skip midnight.
#[must_use]
pub fn start_of(day: Date, zone: &TimeZone) -> Timestamp {
    day.to_zoned(zone.clone()).map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
}

/// The first instant after a civil day.
#[must_use]
pub fn end_of(day: Date, zone: &TimeZone) -> Timestamp {
    start_of(day.saturating_add(1.day()), zone)
}

/// The last fourteen days, oldest first, ending today.
pub fn last_days(now: Timestamp, zone: &TimeZone) -> impl Iterator<Item = Date> {
    let today = day_of(now, zone);
    (0..14_i64).rev().map(move |back| today.saturating_sub(back.days()))
}

/// A remaining time in its two largest units: `2 d 3 h`, `3 h 10 min`, `4 min`.
#[must_use]
pub fn span(left: SignedDuration) -> String {
    let minutes = left.as_mins().max(0);
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// The zone's name for people: from the IANA list, or in the syntax of the variable `TZ`.
#[must_use]
pub fn zone_name(zone: &TimeZone) -> String {
    /// A zone from a file without a name.
    const UNNAMED: &str = "local";

    if zone.is_unknown() {
        return "UTC".to_owned();
    }
    DateTimePrinter::new().time_zone_to_string(zone).unwrap_or_else(|_| UNNAMED.to_owned())
}

#[cfg(test)]
mod tests;
