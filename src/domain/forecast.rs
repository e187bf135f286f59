//! Forecasts when money runs out, with a range, by resampling the spend of past days.
//!
//! A weighted bootstrap over whole weeks:
//!
//! - The past is divided into weeks, counted back from yesterday. Recent weeks weigh more: the weight halves every
//!   three weeks.
//! - Each run of the simulation draws how often each week counts in it (a Poisson bootstrap, as in Chamandy et al.,
//!   "Estimating Uncertainty for Massive Data Streams", 2012). So runs differ in their overall level of spend, as
//!   people do, and not only in the luck of single days.
//! - Each future day draws a week, and a day of that week: one with the same weekday, or sometimes another one in the
//!   same half of the week (working days, weekend).
//!
//! The result is the 10th, 50th and 90th percentile of [`RUNS`] runs. The seed is fixed and all sums are integers of
//! picodollars: the same history gives the same answer everywhere.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::calendar;
use super::money::Picodollars;

pub mod backtest;
mod random;

use random::Random;

/// Number of simulated runs.
pub const RUNS: usize = 500;
/// Days of history used.
pub const HISTORY_DAYS: i64 = 84;
/// Minimum days of history.
pub const HISTORY_DAYS_MIN: usize = 7;
/// Maximum days ahead.
pub const HORIZON_DAYS: i64 = 365;
/// Days ahead for the spend forecast of a balance, including today.
pub const SPEND_DAYS: i64 = 30;
/// The weight of a week relative to the next one: 2^(-1/3), in 65536ths.
const FADE: u64 = 52_016;
/// How much likelier a day with the same weekday is drawn than another day in the same half of the week.
const SAME_WEEKDAY: u64 = 4;
/// The seed of every simulation.
const SEED: u64 = 0x6d65_6372_6973;

/// Spend of each day until yesterday, without gaps, from the first day with spend on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Newest first, starting with yesterday.
    days: Vec<(Weekday0, Picodollars)>,
}

/// A weekday as a number, Monday 0.
type Weekday0 = i8;

impl History {
    /// From the spend before `today`, at most [`HISTORY_DAYS`] back.
    #[must_use]
    pub fn before(today: Date, spent: &BTreeMap<Date, Picodollars>) -> Self {
        let oldest = today.saturating_sub(HISTORY_DAYS.days());
        let first = spent.range(oldest..today).find(|(_, amount)| **amount > Picodollars::ZERO);
        let Some((&first, _)) = first else { return Self::default() };
        let mut days = Vec::new();
        let mut day = today;
        while day > first {
            let Ok(before) = day.yesterday() else { break };
            day = before;
            // A credit does not count as negative spend of its day.
            let amount = spent.get(&day).copied().unwrap_or_default().max(Picodollars::ZERO);
            days.push((day.weekday().to_monday_zero_offset(), amount));
        }
        Self { days }
    }

    /// The number of days.
    #[must_use]
    pub fn len(&self) -> usize {
        self.days.len()
    }

    /// Whether there was no spend.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }
}

/// Too little history for a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not enough history: {days} days with the first spend of the last {HISTORY_DAYS}, and {HISTORY_DAYS_MIN} are needed"
)]
pub struct NotEnoughHistory {
    /// Days of history.
    pub days: usize,
}

/// The 10th, 50th and 90th percentile of the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles<T> {
    pub p10: T,
    pub p50: T,
    pub p90: T,
}

impl<T: Ord + Copy> Quantiles<T> {
    /// Of values in any order; none if there are none.
    fn of(mut values: Vec<T>) -> Option<Self> {
        values.sort_unstable();
        let at = |percent: usize| values.get((values.len().checked_sub(1)? * percent + 50) / 100).copied();
        Some(Self { p10: at(10)?, p50: at(50)?, p90: at(90)? })
    }
}

/// When money runs out, and the spend until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// The day on which it runs out; none if it does not within the horizon. Lower is earlier.
    pub runs_out: Quantiles<Option<Date>>,
    /// Percentage of runs in which it runs out within the horizon, rounded down.
    pub chance_percent: u32,
    /// Spend from now to the end of `spent_until`.
    pub spent: Quantiles<Picodollars>,
    /// The last day of `spent`, inclusive.
    pub spent_until: Date,
}

/// Forecasts when an amount runs out; with `until`, whether it does so by that day, inclusive.
///
/// # Errors
/// [`NotEnoughHistory`].
pub fn forecast(
    history: &History,
    left: Picodollars,
    until: Option<Date>,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Forecast, NotEnoughHistory> {
    let weeks = Weeks::of(history)?;
    let today = calendar::day_of(now, zone);
    let horizon = until.unwrap_or_else(|| today.saturating_add((HORIZON_DAYS - 1).days())).max(today);
    let spent_until = until.unwrap_or_else(|| today.saturating_add((SPEND_DAYS - 1).days())).max(today);
    let (start, end) = (calendar::start_of(today, zone), calendar::end_of(today, zone));
    let seconds =
        |from: Timestamp, until: Timestamp| i128::from((until.as_second() - from.as_second()).max(0));
    let (rest, whole) = (seconds(now, end), seconds(start, end).max(1));
    let mut random = Random::new(SEED);
    let (mut outs, mut sums) = (Vec::with_capacity(RUNS), Vec::with_capacity(RUNS));
    for _ in 0..RUNS {
        let run = weeks.run(&mut random);
        let (mut sum, mut out, mut spent) = (Picodollars::ZERO, None, Picodollars::ZERO);
        let mut day = today;
        let mut weekday = today.weekday();
        loop {
            let drawn = run.day(weekday, &mut random);
            // Only the remaining hours of today are in the future.
            sum += if day == today { drawn.scale(rest, whole) } else { drawn };
            if out.is_none() && sum >= left {
                out = Some(day);
            }
            if day <= spent_until {
                spent = sum;
            }
            let is_known = out.is_some() && day >= spent_until;
            let Ok(next) = day.tomorrow() else { break };
            if is_known || next > horizon {
                break;
            }
            (day, weekday) = (next, weekday.next());
        }
        outs.push(out);
        sums.push(spent);
    }
    let ends = outs.iter().flatten().count();
    // None compares as later than any day.
    let last = Date::MAX;
    let days = Quantiles::of(outs.into_iter().map(|out| out.unwrap_or(last)).collect());
    let none = Quantiles { p10: last, p50: last, p90: last };
    let Quantiles { p10, p50, p90 } = days.unwrap_or(none);
    let day = |day: Date| (day != last).then_some(day);
    let nothing = Quantiles { p10: Picodollars::ZERO, p50: Picodollars::ZERO, p90: Picodollars::ZERO };
    Ok(Forecast {
        runs_out: Quantiles { p10: day(p10), p50: day(p50), p90: day(p90) },
        chance_percent: (ends * 100 / RUNS) as u32,
        spent: Quantiles::of(sums).unwrap_or(nothing),
        spent_until,
    })
}

/// The spend of whole days after the history's last one, for each of these ascending numbers of days.
///
/// # Errors
/// [`NotEnoughHistory`].
fn spend_of(history: &History, days: &[usize]) -> Result<Vec<Quantiles<Picodollars>>, NotEnoughHistory> {
    let not_enough = NotEnoughHistory { days: history.len() };
    let weeks = Weeks::of(history)?;
    let (yesterday, _) = history.days.first().ok_or(not_enough)?;
    let first = Weekday::from_monday_zero_offset(*yesterday).unwrap_or(Weekday::Monday).next();
    let mut random = Random::new(SEED);
    let mut sums = vec![Vec::with_capacity(RUNS); days.len()];
    for _ in 0..RUNS {
        let run = weeks.run(&mut random);
        let (mut sum, mut lived) = (Picodollars::ZERO, 0);
        let mut weekdays = first.cycle_forward();
        for (wanted, sums) in days.iter().zip(&mut sums) {
            for weekday in weekdays.by_ref().take(wanted.saturating_sub(lived)) {
                sum += run.day(weekday, &mut random);
            }
            lived = *wanted;
            sums.push(sum);
        }
    }
    sums.into_iter().map(|sums| Quantiles::of(sums).ok_or(not_enough)).collect()
}

/// The history's weeks and their weights.
struct Weeks<'a> {
    weeks: Vec<(&'a [(Weekday0, Picodollars)], u64)>,
}

impl<'a> Weeks<'a> {
    fn of(history: &'a History) -> Result<Self, NotEnoughHistory> {
        if history.len() < HISTORY_DAYS_MIN {
            return Err(NotEnoughHistory { days: history.len() });
        }
        let mut fading = 1 << 24;
        let week = |days: &'a [(Weekday0, Picodollars)]| {
            let weight = fading * days.len() as u64;
            fading = fading * FADE / 65_536;
            (days, weight)
        };
        Ok(Self { weeks: history.days.chunks(7).map(week).collect() })
    }

    /// Draws a run: how often each week counts in it.
    fn run(&self, random: &mut Random) -> Run<'a> {
        let mut drawn: Vec<_> =
            self.weeks.iter().map(|(days, weight)| (*days, weight * random.poisson())).collect();
        if drawn.iter().all(|(_, weight)| *weight == 0) {
            drawn.clone_from(&self.weeks);
        }
        let total = drawn.iter().map(|(_, weight)| weight).sum();
        Run { weeks: drawn, total }
    }
}

/// One possible future.
struct Run<'a> {
    weeks: Vec<(&'a [(Weekday0, Picodollars)], u64)>,
    total: u64,
}

impl Run<'_> {
    /// Draws the spend of a future day.
    fn day(&self, weekday: Weekday, random: &mut Random) -> Picodollars {
        let mut at = random.below(self.total);
        let week = self.weeks.iter().find(|(_, weight)| {
            let is_here = at < *weight;
            at = at.saturating_sub(*weight);
            is_here
        });
        let days = week.map_or(&[][..], |(days, _)| days);
        let wanted = weekday.to_monday_zero_offset();
        let weight = |weekday: Weekday0| match weekday {
            same if same == wanted => SAME_WEEKDAY,
            other if (other >= 5) == (wanted >= 5) => 1,
            _ => 0,
        };
        let total: u64 = days.iter().map(|(weekday, _)| weight(*weekday)).sum();
        // The oldest week may be incomplete and lack such a day: then any of its days is used.
        let weight = |weekday| if total == 0 { 1 } else { weight(weekday) };
        let mut at = random.below(if total == 0 { days.len() as u64 } else { total });
        let day = days.iter().find(|(weekday, _)| {
            let is_here = at < weight(*weekday);
            at = at.saturating_sub(weight(*weekday));
            is_here
        });
        day.map_or(Picodollars::ZERO, |(_, amount)| *amount)
    }
}

#[cfg(test)]
mod tests;
