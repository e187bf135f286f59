//! How good the forecast would have been: for each past day, what was then known is asked for the days after it,
//! and held against what came.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;

use crate::domain::money::Picodollars;

use super::{History, spend_of};

/// How many days ahead it is looked at.
pub const HORIZONS: [usize; 4] = [1, 7, 14, 30];

/// How often what came lay where it was said to, so many days ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    /// How many days ahead.
    pub days: usize,
    /// On how many past days it was asked.
    pub asked: u32,
    /// How often the sum lay from 10 to 90 percent, both included.
    pub within: u32,
    /// How often it lay below.
    pub below: u32,
    /// How often it lay above.
    pub above: u32,
}

impl Coverage {
    /// In percent, rounded down; none where it was never asked. Of a good forecast 80, or more where many days
    /// are alike, so that the ends of the range are met exactly.
    #[must_use]
    pub fn percent(&self) -> Option<u32> {
        (self.within * 100).checked_div(self.asked)
    }
}

/// Asks on each day from `first` on, and holds it against what came until the day before `today`.
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
