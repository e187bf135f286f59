//! Days, weeks and months are those of the tenant's time zone; instants are UTC.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// A quarter of an hour, counted from the Unix epoch. Every time zone in use today is offset from
/// UTC by whole quarters, so sums by quarter can be regrouped into the days of any of them.
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

/// The first instant of a civil day, also where clocks skip midnight.
#[must_use]
pub fn start_of(day: Date, zone: &TimeZone) -> Timestamp {
    day.to_zoned(zone.clone()).map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
}

/// The first instant after a civil day.
#[must_use]
pub fn end_of(day: Date, zone: &TimeZone) -> Timestamp {
    start_of(day.saturating_add(1.day()), zone)
}

/// The Monday of a day's week (ISO 8601).
#[must_use]
pub fn week_of(day: Date) -> Date {
    day.saturating_sub(i64::from(day.weekday().since(Weekday::Monday)).days())
}

/// The last fourteen days, the oldest first, today the last.
pub fn last_days(now: Timestamp, zone: &TimeZone) -> impl Iterator<Item = Date> {
    let today = day_of(now, zone);
    (0..14_i64).rev().map(move |back| today.saturating_sub(back.days()))
}

/// Time that is left, in the two units that matter: `2 d 3 h`, `3 h 10 min`, `4 min`.
#[must_use]
pub fn span(left: SignedDuration) -> String {
    let minutes = left.as_mins().max(0);
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// How often a budget begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Period {
    /// Each day.
    Daily,
    /// Each week, from Monday.
    Weekly,
    /// Each calendar month.
    Monthly,
    /// Once.
    Fixed {
        /// First day.
        from: Date,
        /// Last day, included.
        until: Date,
    },
}

impl Period {
    /// The first and the last day (included) of the period that `today` lies in; for fixed dates
    /// always those.
    #[must_use]
    pub fn days(self, today: Date) -> (Date, Date) {
        match self {
            Self::Daily => (today, today),
            Self::Weekly => (week_of(today), week_of(today).saturating_add(6.days())),
            Self::Monthly => (today.first_of_month(), today.last_of_month()),
            Self::Fixed { from, until } => (from, until),
        }
    }

    /// The word people use for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Fixed { .. } => "fixed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn periods_have_the_calendar_s_edges() {
        let cases = [
            (Period::Daily, date(2026, 3, 29), date(2026, 3, 29), date(2026, 3, 29)),
            (Period::Weekly, date(2026, 11, 22), date(2026, 11, 16), date(2026, 11, 22)),
            (Period::Weekly, date(2027, 1, 1), date(2026, 12, 28), date(2027, 1, 3)),
            (Period::Monthly, date(2028, 2, 10), date(2028, 2, 1), date(2028, 2, 29)),
        ];
        for (period, today, first, last) in cases {
            assert_eq!(period.days(today), (first, last), "{period:?} {today}");
        }
    }

    #[test]
    fn a_day_has_23_or_25_hours_when_the_clocks_change() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let hours = |day| (end_of(day, &zone).as_second() - start_of(day, &zone).as_second()) / 3600;
        assert_eq!(hours(date(2026, 3, 29)), 23);
        assert_eq!(hours(date(2026, 10, 25)), 25);
        assert_eq!(hours(date(2026, 7, 1)), 24);
    }

    #[test]
    fn quarters_regroup_into_days_of_odd_zones() {
        for name in ["Asia/Kathmandu", "Australia/Eucla", "Pacific/Chatham", "America/St_Johns"] {
            let zone = TimeZone::get(name).unwrap();
            let midnight = start_of(date(2026, 11, 23), &zone);
            assert_eq!(Quarter::of(midnight).start(), midnight, "{name}");
        }
    }
}
