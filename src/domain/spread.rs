//! An amount that was spent at an unknown time between two instants: it is distributed evenly. Its parts over
//! any partition of that time add up to it exactly.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::calendar;
use super::money::{Picodollars, divide_half_even};

/// See the module. If both instants are equal, all of it was spent at that instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    pub amount: Picodollars,
    /// Start, inclusive.
    pub from: Timestamp,
    /// End, exclusive.
    pub until: Timestamp,
}

impl Spread {
    /// The part between two instants.
    ///
    /// It is the difference of the amounts before each of them, so the parts of a partition telescope:
    /// rounding loses nothing, however the time is divided.
    #[must_use]
    pub fn within(&self, from: Timestamp, until: Timestamp) -> Picodollars {
        if until <= from { Picodollars::ZERO } else { self.before(until) - self.before(from) }
    }

    /// The part before an instant.
    fn before(&self, instant: Timestamp) -> Picodollars {
        if instant <= self.from {
            return Picodollars::ZERO;
        }
        if instant >= self.until {
            return self.amount;
        }
        let micros = |earlier: Timestamp, later: Timestamp| {
            i128::from(later.as_microsecond()) - i128::from(earlier.as_microsecond())
        };
        // Amounts are below 10^21 and times below 10^18: no overflow.
        let part = self.amount.0 * micros(self.from, instant);
        Picodollars(divide_half_even(part, micros(self.from, self.until)))
    }

    /// Adds its parts to the days of a time zone.
    pub fn add_by_day(&self, zone: &TimeZone, days: &mut BTreeMap<Date, Picodollars>) {
        let (mut day, mut from) = (calendar::day_of(self.from, zone), self.from);
        loop {
            let end = calendar::end_of(day, zone).max(from);
            let part = self.within(from, end);
            if part != Picodollars::ZERO {
                *days.entry(day).or_default() += part;
            }
            // A day without a next one is the calendar's last.
            let Ok(next) = day.tomorrow() else { return };
            if end >= self.until && end > self.from {
                return;
            }
            (day, from) = (next, end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spread(amount: i128, from: &str, until: &str) -> Spread {
        Spread { amount: Picodollars(amount), from: from.parse().unwrap(), until: until.parse().unwrap() }
    }

    #[test]
    fn each_day_gets_its_share_of_the_hours() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        // From noon of the 24th to noon of the 26th, across a day of 25 hours: 12, 25 and 12 hours.
        let spread = spread(490, "2026-10-24T10:00:00Z", "2026-10-26T11:00:00Z");
        let mut days = BTreeMap::new();
        spread.add_by_day(&zone, &mut days);
        let shown: Vec<String> = days.iter().map(|(day, part)| format!("{day} {}", part.0)).collect();
        assert_eq!(shown, ["2026-10-24 120", "2026-10-25 250", "2026-10-26 120"]);
    }

    #[test]
    fn what_was_spent_at_one_instant_is_on_its_day() {
        let at = "2026-10-31T23:00:00Z";
        for (zone, day) in [("UTC", "2026-10-31"), ("Europe/Berlin", "2026-11-01")] {
            let mut days = BTreeMap::new();
            spread(7, at, at).add_by_day(&TimeZone::get(zone).unwrap(), &mut days);
            assert_eq!(days, BTreeMap::from([(day.parse().unwrap(), Picodollars(7))]), "{zone}");
        }
    }

    proptest! {
        #[test]
        fn parts_of_any_partition_add_up_to_the_whole_in_any_order(
            amount in 0_i128..10_i128.pow(20),
            start in 0_i64..4_000_000_000_000_000,
            length in 0_i64..8_000_000_000_000,
            mut cuts in prop::collection::vec(-1_000_000_000_000_i64..9_000_000_000_000, 0..40),
        ) {
            let at = |micros| Timestamp::from_microsecond(micros).unwrap();
            let spread = Spread { amount: Picodollars(amount), from: at(start), until: at(start + length) };
            cuts.extend([-1_000_000_000_000, 9_000_000_000_000]);
            cuts.sort_unstable();
            let parts: Vec<Picodollars> =
                cuts.windows(2).map(|cut| spread.within(at(start + cut[0]), at(start + cut[1]))).collect();
            prop_assert!(parts.iter().all(|part| *part >= Picodollars::ZERO));
            prop_assert_eq!(parts.iter().copied().sum::<Picodollars>(), spread.amount);
            prop_assert_eq!(parts.iter().rev().copied().sum::<Picodollars>(), spread.amount);
            for zone in ["UTC", "America/St_Johns", "Pacific/Apia"] {
                let mut days = BTreeMap::new();
                spread.add_by_day(&TimeZone::get(zone).unwrap(), &mut days);
                prop_assert_eq!(days.values().copied().sum::<Picodollars>(), spread.amount);
            }
        }
    }
}
