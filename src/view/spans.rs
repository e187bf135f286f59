//! Spans between readings: how balances fell and odometers rose, compared with the recorded cost of that
//! time.
//!
//! For a balance, every reading by a person counts, and the last one by a program on each UTC day. Derived
//! balances and refusals are not measurements. For an odometer, every reading counts, and the month's start
//! at zero; its ends are rounded to the quarter of an hour.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::balance::{Account, Reading, Source};
use crate::domain::calendar::{self, Quarter};
use crate::domain::money::{Picodollars, percent};
use crate::domain::reconcile::{Cause, ModelUse, Span};
use crate::domain::spread::Spread;

use super::TenantView;
use super::balances::{Quarters, quarters_since};
use super::spend::Sum;

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Gauge {
    /// The remaining balance.
    Balance,
    /// The month-to-date cost.
    Odometer,
}

/// The time between two readings of a balance or odometer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpanLine {
    /// The provider.
    #[schema(example = "anthropic")]
    pub provider: String,
    /// What was read: `balance` or `odometer`.
    pub gauge: Gauge,
    /// When the first reading was taken.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// When the second reading was taken.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// How the second one was read.
    #[schema(value_type = String)]
    pub source: Source,
    /// Known top-ups in between.
    #[schema(value_type = String)]
    pub added_usd: Picodollars,
    /// How much the balance fell, top-ups added; negative if it rose. For an odometer, how much it rose.
    #[schema(value_type = String)]
    pub fell_usd: Picodollars,
    /// Recorded cost.
    #[schema(value_type = String)]
    pub recorded_usd: Picodollars,
    /// The fall minus the recorded cost.
    #[schema(value_type = String)]
    pub drift_usd: Picodollars,
    /// The drift as a percentage of the fall, to one decimal place.
    pub drift_percent: Option<String>,
    /// The cause, if there is a drift.
    #[schema(value_type = Option<String>)]
    pub cause: Option<Cause>,
}

impl From<&Sum> for ModelUse {
    fn from(sum: &Sum) -> Self {
        Self { calls: sum.messages, unpriced: sum.unpriced, tokens: sum.tokens, cost: sum.cost }
    }
}

/// The spans whose end is at `from` or later and before `until`, by provider and time. Odometer months are in
/// `zone`.
#[must_use]
pub fn spans(view: &TenantView, from: Timestamp, until: Timestamp, zone: &TimeZone) -> Vec<SpanLine> {
    let ends = |end: Timestamp| end >= from && end < until;
    let mut pairs: Vec<(&Account, &Reading, &Reading)> = Vec::new();
    for (_, account) in view.balances.accounts.iter() {
        let readings = measured(account);
        let own = readings.windows(2).filter(|pair| ends(pair[1].taken_at));
        pairs.extend(own.map(|pair| (account, pair[0], pair[1])));
    }
    let mut spreads: Vec<(&str, Spread)> = Vec::new();
    for (provider, meter) in &view.odometer.meters {
        let own = meter.spreads(zone).into_iter();
        let own = own.filter(|spread| spread.from < spread.until && ends(spread.until));
        spreads.extend(own.map(|spread| (provider.as_str(), spread)));
    }
    let starts = pairs.iter().map(|(_, one, _)| one.taken_at);
    let Some(first) = starts.chain(spreads.iter().map(|(_, spread)| spread.from)).min() else {
        return Vec::new();
    };
    let (all, none) = (quarters_since(view, first), Quarters::new());
    let of = |provider: &str| all.get(provider).unwrap_or(&none);
    let fell =
        pairs.iter().map(|(account, one, other)| fallen(view, account, of(&one.provider), (*one, *other)));
    let rose = spreads.iter().map(|(provider, spread)| risen(provider, of(provider), *spread));
    let mut lines: Vec<SpanLine> = fell.chain(rose).collect();
    lines.sort_by(|one, other| {
        (&one.provider, one.gauge, one.since).cmp(&(&other.provider, other.gauge, other.since))
    });
    lines
}

/// The readings that count as measurements, by time.
fn measured(account: &Account) -> Vec<&Reading> {
    let mut last_of_day = BTreeMap::new();
    for reading in account.readings() {
        last_of_day.insert(calendar::day_of(reading.taken_at, &TimeZone::UTC), reading.taken_at);
    }
    let is_measured = |reading: &&Reading| match reading.source {
        Source::Hand => true,
        Source::Console | Source::ProviderApi => {
            let day = calendar::day_of(reading.taken_at, &TimeZone::UTC);
            last_of_day.get(&day) == Some(&reading.taken_at)
        }
        Source::Refusal | Source::Derived => false,
    };
    account.readings().filter(is_measured).collect()
}

/// Usage in a range of quarters.
fn used(quarters: &Quarters, within: impl std::ops::RangeBounds<Quarter>) -> ModelUse {
    let mut used = ModelUse::default();
    quarters.range(within).for_each(|(_, sum)| used.add(&ModelUse::from(sum)));
    used
}

fn fallen(
    view: &TenantView,
    account: &Account,
    quarters: &Quarters,
    (one, other): (&Reading, &Reading),
) -> SpanLine {
    let added = account.added(one.taken_at, other.taken_at);
    // Whole quarters are precise enough for asking whether there was any call.
    let within = used(quarters, Quarter::of(one.taken_at)..=Quarter::of(other.taken_at));
    let recorded = ModelUse { cost: view.balances.spent_between(one, other, quarters), ..within };
    let span = Span { fell: one.left + added - other.left, recorded };
    let (since, until) = (one.taken_at, other.taken_at);
    line(&one.provider, (Gauge::Balance, other.source), (since, until), added, span)
}

fn risen(provider: &str, quarters: &Quarters, spread: Spread) -> SpanLine {
    let recorded = used(quarters, Quarter::of(spread.from)..Quarter::of(spread.until));
    let span = Span { fell: spread.amount, recorded };
    let between = (spread.from, spread.until);
    line(provider, (Gauge::Odometer, Source::Hand), between, Picodollars::ZERO, span)
}

fn line(
    provider: &str,
    (gauge, source): (Gauge, Source),
    (since, until): (Timestamp, Timestamp),
    added: Picodollars,
    span: Span,
) -> SpanLine {
    SpanLine {
        provider: provider.to_owned(),
        gauge,
        since,
        until,
        source,
        added_usd: added,
        fell_usd: span.fell,
        recorded_usd: span.recorded.cost,
        drift_usd: span.drift(),
        drift_percent: percent(span.drift(), span.fell),
        cause: span.cause(),
    }
}
