//! Query: the odometers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::calendar;
use crate::domain::clock;
use crate::domain::money::Picodollars;
use crate::domain::odometer::{Meter, Month, MonthState, Need, months, need};

use super::TenantView;

/// Whether a person should read the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OdometerState {
    /// Not now.
    Normal,
    /// The last reading is a week old or older.
    Stale,
    /// It is one of the last three days of the month.
    MonthEnds,
    /// It is the month's last day.
    LastDay,
    /// The previous month has ended without a reading since.
    Unfinished,
    /// It is no longer read.
    Stopped,
}

/// An odometer and its state. Amounts are exact decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OdometerLine {
    /// The provider.
    #[schema(example = "groq")]
    pub provider: String,
    /// Whether a person should read the page.
    pub state: OdometerState,
    /// The month of the last reading, `YYYY-MM`.
    #[schema(value_type = String, example = "2026-10")]
    pub month: Month,
    /// That month's sum at the last reading.
    #[schema(value_type = String, example = "1.06")]
    pub value_usd: Picodollars,
    /// When it was read.
    #[schema(value_type = String, format = DateTime)]
    pub taken_at: Timestamp,
    /// Age of the reading, in seconds.
    pub age_seconds: i64,
    /// The person's note, or empty.
    pub note: String,
    /// The months since the first reading, oldest first.
    pub months: Vec<OdometerMonth>,
    /// Cost of each of the last fourteen days, oldest first. Inferred: spend between two readings is
    /// distributed evenly over the time between them.
    pub inferred_days: Vec<InferredDay>,
}

/// A month of an odometer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OdometerMonth {
    /// `YYYY-MM`.
    #[schema(value_type = String, example = "2026-10")]
    pub month: Month,
    /// Its last reading; null if there is none.
    #[schema(value_type = Option<String>)]
    pub total_usd: Option<Picodollars>,
    /// When that was taken.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub read_at: Option<Timestamp>,
    /// `open`, `unfinished` (over, without a reading since), `closed` (a later month was read: its last
    /// reading is its sum as far as known), `final` (its sum was read after its end) or `missed`.
    #[schema(value_type = String)]
    pub state: MonthState,
}

/// A day and its inferred cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InferredDay {
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    #[schema(value_type = String)]
    pub cost_usd: Picodollars,
}

/// The odometers at `now`, by provider.
#[must_use]
pub fn odometers(view: &TenantView, now: Timestamp, zone: &TimeZone) -> Vec<OdometerLine> {
    let meters = view.odometer.meters.iter();
    meters.filter_map(|(provider, meter)| line(provider, meter, now, zone)).collect()
}

fn line(provider: &str, meter: &Meter, now: Timestamp, zone: &TimeZone) -> Option<OdometerLine> {
    let last = meter.last()?;
    let mut spent: BTreeMap<Date, Picodollars> = BTreeMap::new();
    meter.spreads(zone).iter().for_each(|spread| spread.add_by_day(zone, &mut spent));
    let state = match need(meter, now, zone) {
        None if meter.is_stopped => OdometerState::Stopped,
        None => OdometerState::Normal,
        Some(Need::Stale { .. }) => OdometerState::Stale,
        Some(Need::MonthEnds { is_last_day: false, .. }) => OdometerState::MonthEnds,
        Some(Need::MonthEnds { is_last_day: true, .. }) => OdometerState::LastDay,
        Some(Need::Unfinished { .. }) => OdometerState::Unfinished,
    };
    let month = |line: crate::domain::odometer::MonthLine| OdometerMonth {
        month: line.month,
        total_usd: line.total,
        read_at: line.read_at,
        state: line.state,
    };
    Some(OdometerLine {
        provider: provider.to_owned(),
        state,
        month: last.month,
        value_usd: last.value,
        taken_at: last.taken_at,
        age_seconds: clock::age(last.taken_at, now).as_secs(),
        note: last.note.clone(),
        months: months(meter, now, zone).into_iter().map(month).collect(),
        inferred_days: calendar::last_days(now, zone)
            .map(|day| InferredDay { day, cost_usd: spent.get(&day).copied().unwrap_or_default() })
            .collect(),
    })
}
