//! The cost at a provider in a range of time, and its source.
//!
//! Three sources may cover the same hour, and only one of them counts:
//!
//! | basis | source | where it counts |
//! |---|---|---|
//! | actual | the provider's report of a UTC day | on each UTC day that is over and reported |
//! | inferred | readings of an odometer | elsewhere, from the start of a month to its last reading |
//! | estimated | the recorded calls, by the price table | elsewhere |
//!
//! An actual day is distributed evenly over its own 24 hours, as an inferred difference is over its time
//! ([`Spread`]): the days of any time zone add up exactly to what the provider says. Estimates are placed at
//! the time of the calls, to the quarter of an hour.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::calendar::{self, Quarter};
use super::money::Picodollars;
use super::spread::Spread;

/// The source of a cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// From recorded calls and the price table.
    Estimated,
    /// From readings of an odometer.
    Inferred,
    /// From the provider's report.
    Actual,
}

/// An amount for each [`Basis`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ByBasis {
    pub estimated: Picodollars,
    pub inferred: Picodollars,
    pub actual: Picodollars,
}

impl ByBasis {
    #[must_use]
    pub fn total(&self) -> Picodollars {
        self.estimated + self.inferred + self.actual
    }

    pub fn add(&mut self, other: &Self) {
        self.estimated += other.estimated;
        self.inferred += other.inferred;
        self.actual += other.actual;
    }
}

/// The known costs of one provider, by source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProviderCost {
    /// Cost of the recorded calls, by time.
    pub estimated: Vec<(Quarter, Picodollars)>,
    /// Cost by the odometer, including spans without spend.
    pub inferred: Vec<Spread>,
    /// Cost by the provider's report, per UTC day.
    pub actual: BTreeMap<Date, Picodollars>,
}

/// The cost of one provider in a range of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// The cost that counts, by source.
    pub counted: ByBasis,
    /// What each of the three sources says about the whole range by itself.
    pub told: ByBasis,
}

impl ProviderCost {
    /// Drops the reports of days that have not ended at `now`: they are incomplete.
    #[must_use]
    pub fn as_of(mut self, now: Timestamp) -> Self {
        self.actual.retain(|day, _| calendar::end_of(*day, &TimeZone::UTC) <= now);
        self
    }

    /// The cost between two instants. Ranges that begin and end on quarters of an hour, as days in every time
    /// zone do, add up over any partition.
    #[must_use]
    pub fn between(&self, from: Timestamp, until: Timestamp) -> Cost {
        let mut cost = Cost::default();
        let days: Vec<(Spread, Timestamp, Timestamp)> = self
            .actual
            .iter()
            .map(|(day, amount)| utc_day(*day, *amount))
            .filter(|day| day.from < until && day.until > from)
            .map(|day| (day, day.from.max(from), day.until.min(until)))
            .collect();
        for (day, first, end) in &days {
            cost.counted.actual += day.within(*first, *end);
        }
        for spread in &self.inferred {
            let part = spread.within(from, until);
            let reported: Picodollars = days.iter().map(|(_, first, end)| spread.within(*first, *end)).sum();
            cost.told.inferred += part;
            cost.counted.inferred += part - reported;
        }
        let first = self.estimated.partition_point(|(quarter, _)| quarter.start() < from);
        for (quarter, amount) in &self.estimated[first..] {
            let start = quarter.start();
            if start >= until {
                break;
            }
            cost.told.estimated += *amount;
            let is_reported = days.iter().any(|(day, ..)| (day.from..day.until).contains(&start));
            let is_read = self.inferred.iter().any(|spread| (spread.from..spread.until).contains(&start));
            if !is_reported && !is_read {
                cost.counted.estimated += *amount;
            }
        }
        cost.told.actual = cost.counted.actual;
        cost
    }
}

fn utc_day(day: Date, amount: Picodollars) -> Spread {
    let zone = TimeZone::UTC;
    Spread { amount, from: calendar::start_of(day, &zone), until: calendar::end_of(day, &zone) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn usd(text: &str) -> Picodollars {
        Picodollars::parse(text).unwrap()
    }

    fn estimate(instant: &str, amount: &str) -> (Quarter, Picodollars) {
        (Quarter::of(at(instant)), usd(amount))
    }

    fn shown(cost: &Cost) -> String {
        let one =
            |by: &ByBasis| format!("{}/{}/{}", by.estimated.exact(), by.inferred.exact(), by.actual.exact());
        format!("{} of {}", one(&cost.counted), one(&cost.told))
    }

    /// (known costs, range, expected cost that counts, and by source: estimated/inferred/actual)
    #[test]
    fn of_three_that_tell_of_an_hour_one_counts() {
        let spread = |amount: &str, from: &str, until: &str| Spread {
            amount: usd(amount),
            from: at(from),
            until: at(until),
        };
        let calls = vec![
            estimate("2026-11-01T10:00:00Z", "1"),
            estimate("2026-11-02T10:00:00Z", "2"),
            estimate("2026-11-03T10:00:00Z", "4"),
            estimate("2026-11-04T10:00:00Z", "8"),
        ];
        let read = vec![
            spread("3", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"),
            spread("0", "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z"),
        ];
        let day = |day: &str, amount: &str| (day.parse().unwrap(), usd(amount));
        let whole = ("2026-11-01T00:00:00Z", "2026-11-05T00:00:00Z");
        let cases = [
            (vec![], vec![], vec![], whole, "0/0/0 of 0/0/0"),
            (calls.clone(), vec![], vec![], whole, "15/0/0 of 15/0/0"),
            // If the odometer says that nothing was spent, nothing was.
            (calls.clone(), read.clone(), vec![], whole, "12/3/0 of 15/3/0"),
            (calls.clone(), vec![], vec![day("2026-11-02", "2.5")], whole, "13/0/2.5 of 15/0/2.5"),
            (calls.clone(), vec![], vec![day("2026-11-02", "0")], whole, "13/0/0 of 15/0/0"),
            (calls.clone(), read.clone(), vec![day("2026-11-01", "5")], whole, "12/0/5 of 15/3/5"),
            // Half of a reported day, and half of an odometer's day.
            (
                calls.clone(),
                read.clone(),
                vec![day("2026-11-02", "5")],
                ("2026-11-01T12:00:00Z", "2026-11-02T12:00:00Z"),
                "0/1.5/2.5 of 2/1.5/2.5",
            ),
            // A day that has not ended at midnight of the 4th.
            (calls.clone(), vec![], vec![day("2026-11-04", "1")], whole, "15/0/0 of 15/0/0"),
            // A credit.
            (calls, vec![], vec![day("2026-11-03", "-1")], whole, "11/0/-1 of 15/0/-1"),
        ];
        for (estimated, inferred, actual, (from, until), expected) in cases {
            let known = ProviderCost { estimated, inferred, actual: actual.into_iter().collect() };
            let cost = known.clone().as_of(at("2026-11-04T23:00:00Z")).between(at(from), at(until));
            assert_eq!(shown(&cost), expected, "{known:?}");
        }
    }

    proptest! {
        /// Whatever is known of three months, and however they are divided into days: nothing is counted twice or lost.
        #[test]
        fn the_days_of_any_zone_add_up_to_the_same(
            calls in prop::collection::vec((0_i64..90 * 96, 0_i128..10_i128.pow(13)), 0..40),
            reads in prop::collection::vec((1_i64..400, 0_i128..10_i128.pow(14)), 0..6),
            reported in prop::collection::btree_map(0_i64..90, -10_i128.pow(12)..10_i128.pow(14), 0..20),
            zone in prop::sample::select(vec!["UTC", "Asia/Kathmandu", "America/St_Johns", "Europe/Berlin"]),
        ) {
            let start = at("2026-09-01T00:00:00Z");
            let after = |quarters: i64| start + SignedDuration::from_mins(15 * quarters);
            let mut from = after(3);
            let spread = |(quarters, amount): (i64, i128)| {
                let until = from + SignedDuration::from_secs(15 * 60 * quarters + 77);
                let spread = Spread { amount: Picodollars(amount), from, until };
                from = until;
                spread
            };
            let day = |(day, amount): (i64, i128)| {
                (calendar::day_of(after(96 * day), &TimeZone::UTC), Picodollars(amount))
            };
            let mut calls = calls;
            calls.sort_unstable();
            let known = ProviderCost {
                estimated: calls.iter().map(|(at, cost)| (Quarter::of(after(*at)), Picodollars(*cost))).collect(),
                inferred: reads.into_iter().map(spread).collect(),
                actual: reported.into_iter().map(day).collect(),
            };
            let zone = TimeZone::get(zone).unwrap();
            let (first, last) = (start - SignedDuration::from_hours(48), after(96 * 120));
            let whole = known.between(first, last);
            let (mut sum, mut told) = (ByBasis::default(), ByBasis::default());
            let mut day = calendar::day_of(first, &zone);
            while calendar::start_of(day, &zone) < last {
                let (from, until) = (calendar::start_of(day, &zone), calendar::end_of(day, &zone));
                let cost = known.between(from.max(first), until.min(last));
                sum.add(&cost.counted);
                told.add(&cost.told);
                day = day.tomorrow().unwrap();
            }
            prop_assert_eq!(sum, whole.counted);
            prop_assert_eq!(told, whole.told);
            let reported: Picodollars = known.actual.values().copied().sum();
            prop_assert_eq!(whole.counted.actual, reported);
        }
    }
}
