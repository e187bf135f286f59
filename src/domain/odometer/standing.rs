//! The state of an odometer: its months, and whether its page should be read.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::domain::calendar;
use crate::domain::money::Picodollars;

use super::{Meter, Month};

/// Age at which a reading should be renewed.
const STALE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Last days of a month, including the last one, on which a reading is requested.
const LAST_DAYS: i64 = 3;
/// First days of a month on which the previous month's sum is requested.
const FIRST_DAYS: i8 = 3;

/// The state of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MonthState {
    /// It has not ended.
    Open,
    /// It is over, without a reading since.
    Unfinished,
    /// It is over: its last reading is its sum as far as known; later spend is unknown.
    Closed,
    /// It is over, and its sum was read after its end.
    Final,
    /// It has no reading.
    Missed,
}

/// A month of an odometer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthLine {
    pub month: Month,
    /// Its last reading, if any.
    pub total: Option<Picodollars>,
    /// When that was taken.
    pub read_at: Option<Timestamp>,
    pub state: MonthState,
}

/// The months from the first reading's to the current one, oldest first.
#[must_use]
pub fn months(meter: &Meter, now: Timestamp, zone: &TimeZone) -> Vec<MonthLine> {
    let (Some(first), Some(last)) = (meter.readings.first(), meter.last()) else { return Vec::new() };
    let present = Month::at(now, zone);
    let end = if meter.is_stopped { last.month } else { present.max(last.month) };
    let mut lines = Vec::new();
    let mut month = first.month;
    loop {
        let own = meter.readings.iter().rfind(|reading| reading.month == month);
        let state = match own {
            _ if month >= present && month == end => MonthState::Open,
            Some(own) if own.taken_at >= month.end(zone) => MonthState::Final,
            Some(_) if last.month > month || meter.is_stopped => MonthState::Closed,
            Some(_) => MonthState::Unfinished,
            None => MonthState::Missed,
        };
        let (total, read_at) = (own.map(|own| own.value), own.map(|own| own.taken_at));
        lines.push(MonthLine { month, total, read_at, state });
        // The calendar's last month has no next one.
        if month >= end {
            return lines;
        }
        month = month.next();
    }
}

/// Why a provider's page should be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The last reading is old.
    Stale { taken_at: Timestamp },
    /// The month ends soon, and its sum with it.
    MonthEnds {
        month: Month,
        /// Whether today is its last day.
        is_last_day: bool,
    },
    /// A month is over, without a reading since.
    Unfinished { month: Month },
}

/// Whether the page should be read: in the first three days of a month that follows an unfinished one; in the
/// last three days once, and again on the last day; and after seven days. Not for an odometer without a
/// reading, or one that is no longer read.
#[must_use]
pub fn need(meter: &Meter, now: Timestamp, zone: &TimeZone) -> Option<Need> {
    if meter.is_stopped {
        return None;
    }
    let newest = meter.readings.iter().map(|reading| reading.taken_at).max()?;
    let today = calendar::day_of(now, zone);
    let month = Month::of(today);
    let is_begun = meter.readings.iter().any(|reading| reading.month >= month);
    let before = month.before();
    let is_known = meter.readings.iter().any(|reading| reading.month <= before);
    let is_final =
        meter.readings.iter().any(|reading| reading.month == before && reading.taken_at >= month.start(zone));
    if today.day() <= FIRST_DAYS && is_known && !is_begun && !is_final {
        return Some(Need::Unfinished { month: before });
    }
    let is_last_day = today == month.last();
    let asked_from = if is_last_day { today } else { month.last().saturating_sub((LAST_DAYS - 1).days()) };
    if today >= asked_from && newest < calendar::start_of(asked_from, zone) {
        return Some(Need::MonthEnds { month, is_last_day });
    }
    let due = newest.saturating_add(STALE).unwrap_or(Timestamp::MAX);
    (now >= due).then_some(Need::Stale { taken_at: newest })
}

/// When this may change without a reading: at midnight, or when the last reading becomes old.
#[must_use]
pub fn changes_at(meter: &Meter, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    if meter.is_stopped {
        return None;
    }
    let newest = meter.readings.iter().map(|reading| reading.taken_at).max()?;
    let midnight = calendar::end_of(calendar::day_of(now, zone), zone);
    let due = newest.saturating_add(STALE).unwrap_or(Timestamp::MAX);
    Some(if due > now { due.min(midnight) } else { midnight })
}
