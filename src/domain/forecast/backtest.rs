//! Backtesting: for each past day, the forecast from what was then known is compared with the actual spend.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;

use crate::domain::money::Picodollars;

use super::{History, spend_of};

/// The horizons in days.
pub const HORIZONS: [usize; 4] = [1, 7, 14, 30];

/// How often the actual spend was within the range, at one horizon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    /// The horizon in days.
    pub days: usize,
    /// Number of past days tested.
    pub asked: u32,
    /// How often the spend was from the 10th to the 90th percentile, inclusive.
    pub within: u32,
    /// How often it was below.
    pub below: u32,
    /// How often it was above.
    pub above: u32,
}

impl Coverage {
    /// In percent, rounded down; none if nothing was tested. A good forecast has 80, or more if many days are
    /// alike, so that the ends of the range are met exactly.
    #[must_use]
    pub fn percent(&self) -> Option<u32> {
        (self.within * 100).checked_div(self.asked)
    }
}

/// Forecasts on each day from `first` on, and compares with the spend until the day before `today`.
#[must_use]
pub fn backtest(spent: &BTreeMap<Date, Picodollars>, first: Date, today: Date) -> Vec<Coverage> {
    let mut found: Vec<Coverage> =
        HORIZONS.iter().map(|days| Coverage { days: *days, ..Coverage::default() }).collect();
    let mut day = first;
    while day < today {
        let said = spend_of(&History::before(day, spent), &HORIZONS).unwrap_or_default();
        for (coverage, said) in found.iter_mut().zip(said) {
            let ahead = i32::try_from(coverage.days).unwrap_or(i32::MAX);
            let end = day.saturating_add(ahead.days());
            if end > today {
                continue;
            }
            let came: Picodollars = spent.range(day..end).map(|(_, amount)| *amount).sum();
            coverage.asked += 1;
            coverage.below += u32::from(came < said.p10);
            coverage.above += u32::from(came > said.p90);
            coverage.within += u32::from(came >= said.p10 && came <= said.p90);
        }
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    found
}
