//! The balances: what was left when it was last read, less what was spent since, plus what was added since.
//!
//! The cube knows spend by quarter of an hour. Of the quarter in which a reading was taken, what
//! happened before the reading must not be taken off again. So with each reading stands the spend of its
//! own quarter that does not count: all that was recorded when the reading came, and what is learned
//! later of calls before it, by the call's own time. This is exact for a reading told when it is taken; of one
//! told later (`--at`), calls between it and the end of its quarter that were recorded already are left out.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::balance::{Account, Accounts, BalanceChange, Confidence, Reading, Source};
use crate::domain::calendar::Quarter;
use crate::domain::clock;
use crate::domain::currency::Currency;
use crate::domain::money::Picodollars;

use super::TenantView;
use super::spend::{Part, SpendView, Sum};

const QUARTER: SignedDuration = SignedDuration::from_mins(15);

/// What is known of the money at the providers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceView {
    /// The readings and top-ups.
    pub accounts: Accounts,
    /// What was spent in a reading's own quarter and does not count, by provider and the reading's moment.
    before: BTreeMap<String, BTreeMap<Timestamp, Picodollars>>,
}

impl BalanceView {
    /// Takes a reading or a top-up in.
    pub fn change(&mut self, change: BalanceChange, spend: &SpendView) {
        if let BalanceChange::Read(reading) = &change {
            let (provider, quarter) = (&reading.provider, Quarter::of(reading.taken_at));
            let (from, until) = (quarter.start(), Quarter(quarter.0 + 1).start());
            let own = spend.cells_between(from, until).filter(|cell| cell.provider == provider);
            let before = own.map(|cell| cell.sum.cost).sum();
            self.before.entry(provider.clone()).or_default().insert(reading.taken_at, before);
        }
        self.accounts.evolve(change);
    }

    /// Whether a call at this moment stands before a reading of its own quarter.
    #[must_use]
    pub fn is_touched(&self, at: Timestamp, provider: &str) -> bool {
        let end = Quarter(Quarter::of(at).0 + 1).start();
        let moments = self.before.get(provider);
        moments.is_some_and(|moments| moments.range(at..end).any(|(taken_at, _)| *taken_at > at))
    }

    /// A call was learned of.
    pub fn add(&mut self, at: Timestamp, provider: &str, cost: Option<Picodollars>) {
        self.note(at, provider, cost.unwrap_or_default());
    }

    /// A call is superseded.
    pub fn take_back(&mut self, at: Timestamp, provider: &str, cost: Option<Picodollars>) {
        self.note(at, provider, -cost.unwrap_or_default());
    }

    fn note(&mut self, at: Timestamp, provider: &str, cost: Picodollars) {
        let Some(moments) = self.before.get_mut(provider) else { return };
        let quarter = Quarter::of(at);
        let end = quarter.start().saturating_add(QUARTER).unwrap_or(Timestamp::MAX);
        for (_, before) in moments.range_mut(at..end).filter(|(taken_at, _)| **taken_at > at) {
            *before += cost;
        }
    }

    /// What was recorded of a provider since a reading.
    #[must_use]
    pub fn spent_since(&self, reading: &Reading, spend: &SpendView) -> Picodollars {
        let since = parts_since(spend, &reading.provider, reading.taken_at).map(|part| part.sum.cost);
        since.sum::<Picodollars>() - self.before(reading)
    }

    /// What was recorded between two readings of a provider, the earlier first: the parts of a time add up to the
    /// whole, wherever it is cut by readings.
    #[must_use]
    pub fn spent_between(&self, one: &Reading, other: &Reading, quarters: &Quarters) -> Picodollars {
        let (first, last) = (Quarter::of(one.taken_at), Quarter::of(other.taken_at));
        let between = quarters.range(first..last).map(|(_, sum)| sum.cost);
        between.sum::<Picodollars>() - self.before(one) + self.before(other)
    }

    fn before(&self, reading: &Reading) -> Picodollars {
        let moments = self.before.get(&reading.provider);
        moments.and_then(|moments| moments.get(&reading.taken_at)).copied().unwrap_or_default()
    }
}

/// What was used of one provider, by quarter of an hour.
pub type Quarters = BTreeMap<Quarter, Sum>;

/// What was used of each provider whose balance or odometer was read, by quarter from an instant on; the quarter that
/// it lies in is whole.
#[must_use]
pub fn quarters_since(view: &TenantView, since: Timestamp) -> BTreeMap<&str, Quarters> {
    let read = view.balances.accounts.iter().map(|(provider, _)| provider.as_str());
    let metered = view.odometer.meters.keys().map(String::as_str);
    let mut all: BTreeMap<&str, Quarters> =
        read.chain(metered).map(|provider| (provider, Quarters::new())).collect();
    for cell in view.spend.cells_since(since) {
        if let Some(quarters) = all.get_mut(cell.provider) {
            quarters.entry(cell.quarter).or_default().add(cell.sum);
        }
    }
    all
}

/// What is left at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BalanceLine {
    /// Who is paid.
    #[schema(example = "anthropic")]
    pub provider: String,
    /// What is left now, by reckoning; below zero where more was spent than there was.
    #[schema(value_type = String)]
    pub left_usd: Picodollars,
    /// What was left when it was read.
    #[schema(value_type = String)]
    pub read_usd: Picodollars,
    /// What was spent since, as far as it is recorded here.
    #[schema(value_type = String)]
    pub spent_since_usd: Picodollars,
    /// What was added since.
    #[schema(value_type = String)]
    pub added_since_usd: Picodollars,
    /// What was bought in all, if that was told.
    #[schema(value_type = Option<String>)]
    pub total_usd: Option<Picodollars>,
    /// When it was read.
    #[schema(value_type = String, format = DateTime)]
    pub taken_at: Timestamp,
    /// How long ago that is.
    pub age_seconds: i64,
    /// How it was read: `hand`, `console`, `provider-api`, `refusal`, `derived`.
    #[schema(value_type = String)]
    pub source: Source,
    /// How sure that is: `high`, `medium`, `low`.
    #[schema(value_type = String)]
    pub confidence: Confidence,
    /// How it was found; empty where there is nothing to say.
    pub found: String,
    /// When the balance last went up, as far as it is known.
    #[schema(value_type = String, format = DateTime)]
    pub risen_at: Timestamp,
    /// What was last read in other ways, and is not reckoned from.
    pub others: Vec<OtherReading>,
}

/// A reading that is shown and not reckoned from: less trusted, older, or in another currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OtherReading {
    /// Who is paid.
    #[schema(example = "deepseek")]
    pub provider: String,
    /// The currency's code.
    #[schema(value_type = String, example = "CNY")]
    pub currency: Currency,
    /// What was left, in that currency.
    #[schema(value_type = String)]
    pub left: Picodollars,
    /// When it was read.
    #[schema(value_type = String, format = DateTime)]
    pub taken_at: Timestamp,
    /// How long ago that is.
    pub age_seconds: i64,
    /// How it was read.
    #[schema(value_type = String)]
    pub source: Source,
    /// How sure that is.
    #[schema(value_type = String)]
    pub confidence: Confidence,
    /// How it was found.
    pub found: String,
}

impl OtherReading {
    fn new(reading: &Reading, now: Timestamp) -> Self {
        Self {
            provider: reading.provider.clone(),
            currency: reading.currency,
            left: reading.left,
            taken_at: reading.taken_at,
            age_seconds: clock::age(reading.taken_at, now).as_secs(),
            source: reading.source,
            confidence: reading.confidence,
            found: reading.found.clone(),
        }
    }
}

/// The balances at `now`, by provider; those that were never read in USD are not among them.
#[must_use]
pub fn balances(view: &TenantView, now: Timestamp) -> Vec<BalanceLine> {
    let line = |(provider, account): (&String, &Account)| {
        let base = account.base(now)?;
        let spent = view.balances.spent_since(base, &view.spend);
        let added = account.added(base.taken_at, now);
        Some(BalanceLine {
            provider: provider.clone(),
            left_usd: base.left - spent + added,
            read_usd: base.left,
            spent_since_usd: spent,
            added_since_usd: added,
            total_usd: base.total,
            taken_at: base.taken_at,
            age_seconds: clock::age(base.taken_at, now).as_secs(),
            source: base.source,
            confidence: base.confidence,
            found: base.found.clone(),
            risen_at: account.risen_at().unwrap_or(base.taken_at),
            others: others(account, base, now),
        })
    };
    view.balances.accounts.iter().filter_map(line).collect()
}

/// What was used of a balance's provider since the reading that it rests on; the quarter of the reading is whole.
pub fn since<'a>(view: &'a TenantView, line: &'a BalanceLine) -> impl Iterator<Item = Part<'a>> {
    parts_since(&view.spend, &line.provider, line.taken_at)
}

fn parts_since<'a>(
    spend: &'a SpendView,
    provider: &'a str,
    taken_at: Timestamp,
) -> impl Iterator<Item = Part<'a>> {
    let parts = spend.parts_between(Quarter::of(taken_at).start(), Timestamp::MAX);
    parts.filter(move |part| part.provider == provider)
}

/// The last reading of each other source.
fn others(account: &Account, base: &Reading, now: Timestamp) -> Vec<OtherReading> {
    let last: BTreeMap<Source, &Reading> =
        account.readings().map(|reading| (reading.source, reading)).collect();
    let others = last.into_values().filter(|reading| reading.source != base.source);
    others.map(|reading| OtherReading::new(reading, now)).collect()
}

/// What was last read in other currencies: kept and shown, never converted, never summed.
#[must_use]
pub fn foreign_balances(view: &TenantView, now: Timestamp) -> Vec<OtherReading> {
    let foreign = view.balances.accounts.iter().flat_map(|(_, account)| account.foreign().into_values());
    foreign.map(|reading| OtherReading::new(reading, now)).collect()
}
