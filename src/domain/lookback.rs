//! Which days of a provider's reports are read: those that are not known, and those that may still change.

use jiff::ToSpan;
use jiff::civil::Date;

/// Reports of a day are corrected for so long after it, in days.
pub const SETTLES_DAYS: i64 = 3;

/// UTC days, the first and the last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub first: Date,
    /// The last.
    pub last: Date,
}

impl Days {
    /// Whether a day is one of them.
    #[must_use]
    pub fn contains(&self, day: Date) -> bool {
        (self.first..=self.last).contains(&day)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        let days = self.first.until(self.last).map_or(0, |span| span.get_days());
        usize::try_from(days).unwrap_or(0) + 1
    }
}

/// The days to read on `today` (in UTC): `backfill` days the first time, then from the last day that was told on, and
/// in any case the days that may still be corrected as they were when that day was told.
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
            // It was switched off for three weeks, or for longer than is read back.
            ("11-23", Some("11-02"), 31, "10-30", 25),
            ("11-23", Some("06-01"), 31, "10-23", 32),
            // The clock went back.
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
