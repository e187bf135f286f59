//! How balances fell between readings, held against what is recorded of that time.
//!
//! Every reading of a person counts, and of those of programs the last one of each UTC day. What was reckoned from
//! other numbers, and refusals, are no amounts to measure with.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::balance::{Account, Reading, Source};
use crate::domain::calendar::{self, Quarter};
use crate::domain::money::{Picodollars, percent};
use crate::domain::reconcile::{Cause, ModelUse, Span};

use super::TenantView;
use super::balances::{Quarters, quarters_of};
use super::spend::Sum;

/// The time between two readings of a balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpanLine {
    /// Who is paid.
    #[schema(example = "anthropic")]
    pub provider: String,
    /// When the first reading was taken.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// When the second was.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// How the second was read.
    #[schema(value_type = String)]
    pub source: Source,
    /// What was added in between, as far as it was told.
    #[schema(value_type = String)]
    pub added_usd: Picodollars,
    /// By how much the balance fell, what was added put on; below zero where it rose.
    #[schema(value_type = String)]
    pub fell_usd: Picodollars,
    /// What is recorded here.
    #[schema(value_type = String)]
    pub recorded_usd: Picodollars,
    /// What it fell beyond what is recorded.
    #[schema(value_type = String)]
    pub drift_usd: Picodollars,
    /// The drift in percent of the fall, to one place.
    pub drift_percent: Option<String>,
    /// Why, where there is a drift.
    #[schema(value_type = Option<String>)]
    pub cause: Option<Cause>,
}

impl From<&Sum> for ModelUse {
    fn from(sum: &Sum) -> Self {
        Self { calls: sum.messages, unpriced: sum.unpriced, tokens: sum.tokens, cost: sum.cost }
    }
}

/// The spans between readings, by provider and time.
#[must_use]
pub fn spans(view: &TenantView) -> Vec<SpanLine> {
    let quarters = quarters_of(view);
    let mut lines = Vec::new();
    for (provider, account) in view.balances.accounts.iter() {
        let Some(own) = quarters.get(provider.as_str()) else { continue };
        let readings = measured(account);
        for pair in readings.windows(2) {
            let [one, other] = pair else { continue };
            lines.push(line(view, account, own, (*one, *other)));
        }
    }
    lines
}

/// The readings that are measured with, by time.
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

fn line(
    view: &TenantView,
    account: &Account,
    quarters: &Quarters,
    (one, other): (&Reading, &Reading),
) -> SpanLine {
    let added = account.added(one.taken_at, other.taken_at);
    // The quarters at the ends are whole: good enough for who asks whether there was a call at all.
    let (first, last) = (Quarter::of(one.taken_at), Quarter::of(other.taken_at));
    let mut recorded = ModelUse::default();
    quarters.range(first..=last).for_each(|(_, sum)| recorded.add(&ModelUse::from(sum)));
    recorded.cost = view.balances.spent_between(one, other, quarters);
    let span = Span { fell: one.left + added - other.left, recorded };
    SpanLine {
        provider: one.provider.clone(),
        since: one.taken_at,
        until: other.taken_at,
        source: other.source,
        added_usd: added,
        fell_usd: span.fell,
        recorded_usd: span.recorded.cost,
        drift_usd: span.drift(),
        drift_percent: percent(span.drift(), span.fell),
        cause: span.cause(),
    }
}
