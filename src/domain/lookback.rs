//! The lookback: which days of a provider's reports are read, unknown ones and those that may still change.

use jiff::ToSpan;
use jiff::civil::Date;

/// How long reports of a day are corrected, in days.
pub const SETTLES_DAYS: i64 = 3;

/// A range of UTC days, both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    pub first: Date,
    pub last: Date,
}

impl Days {
    #[must_use]
    pub fn contains(&self, day: Date) -> bool {
        (self.first..=self.last).contains(&day)
    }

    /// The number of days.
    #[must_use]
    pub fn count(&self) -> usize {
        let days = self.first.until(self.last).map_or(0, |span| span.get_days());
        usize::try_from(days).unwrap_or(0) + 1
    }
}

/// The days to read on `today` (in UTC): `backfill` days the first time, then from the last reported day on,
/// and in any case the days that could still be corrected when that day was reported.
#[must_use]
pub fn days_to_read(today: Date, last_told: Option<Date>, backfill: u32) -> Days {
    let settled = |day: Date| day.saturating_sub(SETTLES_DAYS.days());
    let earliest = settled(today).min(today.saturating_sub(i64::from(backfill).days()));
    let first = last_told.map_or(earliest, |last| settled(last.min(today)));
    Days { first: first.max(earliest), last: today }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_or_may_change_is_read() {
        let day = |text: &str| format!("2026-{text}").parse::<Date>().unwrap();
        for (today, last_told, backfill, first, count) in [
            ("11-23", None, 31, "10-23", 32),
            ("11-23", None, 0, "11-20", 4),
            ("11-23", Some("11-23"), 31, "11-20", 4),
            ("11-23", Some("11-22"), 31, "11-19", 5),
            // Switched off for three weeks, or for longer than the backfill.
            ("11-23", Some("11-02"), 31, "10-30", 25),
            ("11-23", Some("06-01"), 31, "10-23", 32),
            // The clock was set back.
            ("11-23", Some("11-25"), 31, "11-20", 4),
            ("03-01", Some("03-01"), 31, "02-26", 4),
        ] {
            let days = days_to_read(day(today), last_told.map(day), backfill);
            assert_eq!(
                (days.first, days.last, days.count()),
                (day(first), day(today), count),
                "{today} {last_told:?}"
            );
            assert!(days.contains(day(today)) && !days.contains(day("12-31")));
        }
    }
}
