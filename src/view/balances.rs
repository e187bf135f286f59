//! Query: balances, calculated as the last reading, minus spend since then, plus top-ups since then.
//!
//! The cube has spend per quarter of an hour. In the quarter of a reading, spend before the reading must not
//! be subtracted again. So each reading comes with the part of its own quarter's spend that does not count:
//! everything recorded when the reading arrived, and later-recorded calls before it, by the call's own time.
//! This is exact for a reading recorded when it is taken. For one recorded later (`--at`), calls that were
//! already recorded between it and the end of its quarter are left out.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::balance::{Account, Accounts, BalanceChange, Confidence, Doubted, Reading, Source, Why};
use crate::domain::calendar::Quarter;
use crate::domain::clock;
use crate::domain::currency::Currency;
use crate::domain::money::Picodollars;

use super::TenantView;
use super::spend::{Part, SpendView, Sum};

const QUARTER: SignedDuration = SignedDuration::from_mins(15);

/// Balance readings, and the spend that they already include.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceView {
    /// The readings and top-ups.
    pub accounts: Accounts,
    /// Spend in a reading's own quarter that does not count, by provider and time of the reading.
    before: BTreeMap<String, BTreeMap<Timestamp, Picodollars>>,
}

impl BalanceView {
    /// Adds a reading or a top-up.
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

    /// Whether a call at this moment precedes a reading in its own quarter.
    #[must_use]
    pub fn is_touched(&self, at: Timestamp, provider: &str) -> bool {
        let end = Quarter(Quarter::of(at).0 + 1).start();
        let moments = self.before.get(provider);
        moments.is_some_and(|moments| moments.range(at..end).any(|(taken_at, _)| *taken_at > at))
    }

    /// Adds a call.
    pub fn add(&mut self, at: Timestamp, provider: &str, cost: Option<Picodollars>) {
        self.note(at, provider, cost.unwrap_or_default());
    }

    /// Removes a call that is superseded.
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

    /// Recorded spend at a provider since a reading.
    #[must_use]
    pub fn spent_since(&self, reading: &Reading, spend: &SpendView) -> Picodollars {
        let since = parts_since(spend, &reading.provider, reading.taken_at).map(|part| part.sum.cost);
        since.sum::<Picodollars>() - self.before(reading)
    }

    /// Recorded spend between two readings of a provider, the earlier first. The parts add up to the whole
    /// wherever readings divide it.
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

/// Usage of one provider by quarter of an hour.
pub type Quarters = BTreeMap<Quarter, Sum>;

/// Usage of each provider with a balance or odometer, by quarter, from the quarter of an instant on.
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

/// The balance at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BalanceLine {
    /// The provider.
    #[schema(example = "anthropic")]
    pub provider: String,
    /// The balance now, as calculated; negative if more was spent than there was.
    #[schema(value_type = String)]
    pub left_usd: Picodollars,
    /// The balance when it was read.
    #[schema(value_type = String)]
    pub read_usd: Picodollars,
    /// Recorded spend since then.
    #[schema(value_type = String)]
    pub spent_since_usd: Picodollars,
    /// Top-ups since then.
    #[schema(value_type = String)]
    pub added_since_usd: Picodollars,
    /// The total ever bought, if known.
    #[schema(value_type = Option<String>)]
    pub total_usd: Option<Picodollars>,
    /// When it was read.
    #[schema(value_type = String, format = DateTime)]
    pub taken_at: Timestamp,
    /// Age of the reading, in seconds.
    pub age_seconds: i64,
    /// How it was read: `hand`, `console`, `provider-api`, `refusal`, `derived`.
    #[schema(value_type = String)]
    pub source: Source,
    /// Confidence in the reading: `high`, `medium`, `low`.
    #[schema(value_type = String)]
    pub confidence: Confidence,
    /// How it was found; empty if there is nothing to add.
    pub found: String,
    /// When the balance last went up, as far as known.
    #[schema(value_type = String, format = DateTime)]
    pub risen_at: Timestamp,
    /// The latest readings from other sources, which are not used.
    pub others: Vec<OtherReading>,
}

/// A reading that is shown but not used: less trusted, older, or in another currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OtherReading {
    /// The provider.
    #[schema(example = "deepseek")]
    pub provider: String,
    /// ISO 4217 code of the currency.
    #[schema(value_type = String, example = "CNY")]
    pub currency: Currency,
    /// The balance in that currency.
    #[schema(value_type = String)]
    pub left: Picodollars,
    /// When it was read.
    #[schema(value_type = String, format = DateTime)]
    pub taken_at: Timestamp,
    /// Age of the reading, in seconds.
    pub age_seconds: i64,
    /// How it was read.
    #[schema(value_type = String)]
    pub source: Source,
    /// Confidence in the reading.
    #[schema(value_type = String)]
    pub confidence: Confidence,
    /// How it was found.
    pub found: String,
}

/// An amount that was read and is not believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoubtLine {
    /// The provider.
    #[schema(example = "openrouter")]
    pub provider: String,
    /// ISO 4217 code of the currency.
    #[schema(value_type = String, example = "USD")]
    pub currency: Currency,
    /// What was told to be left, in that currency.
    #[schema(value_type = String)]
    pub left: Picodollars,
    /// What was told to be bought in all, if that was told.
    #[schema(value_type = Option<String>)]
    pub total: Option<Picodollars>,
    /// When it was first read like this.
    #[schema(value_type = String, format = DateTime)]
    pub taken_at: Timestamp,
    /// How it was read.
    #[schema(value_type = String)]
    pub source: Source,
    /// Why it is not believed: `nothing-of-nothing`, `bare-nothing`, `contradiction`, `first-nothing`,
    /// `fell-to-nothing`, `rose`, `other-currency`.
    #[schema(value_type = String)]
    pub why: Why,
    /// The same in words.
    pub reason: String,
    /// Whether it is believed if the next look finds the same.
    pub awaits_a_look: bool,
    /// What ends the doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    /// What an agent may know of that.
    pub advice: String,
}

/// The amounts that are not believed, by provider.
#[must_use]
pub fn doubted(view: &TenantView, now: Timestamp) -> Vec<DoubtLine> {
    let line = |doubted: &Doubted| DoubtLine {
        provider: doubted.reading.provider.clone(),
        currency: doubted.reading.currency,
        left: doubted.reading.left,
        total: doubted.reading.total,
        taken_at: clock::happened(doubted.reading.taken_at, now),
        source: doubted.reading.source,
        why: doubted.why,
        reason: doubted.why.words().to_owned(),
        awaits_a_look: doubted.why.ends_by_a_second_look(),
        mend: Some(doubted.mend()),
        advice: doubted.advice(),
    };
    view.balances.accounts.iter().flat_map(|(_, account)| account.doubted()).map(line).collect()
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

/// The balances at `now`, by provider; providers never read in USD are not included.
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

/// Usage of a balance's provider since its reading, including the reading's whole quarter.
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

/// The latest reading of each other source.
fn others(account: &Account, base: &Reading, now: Timestamp) -> Vec<OtherReading> {
    let last: BTreeMap<Source, &Reading> =
        account.readings().map(|reading| (reading.source, reading)).collect();
    let others = last.into_values().filter(|reading| reading.source != base.source);
    others.map(|reading| OtherReading::new(reading, now)).collect()
}

/// The latest readings in other currencies: shown, never converted, never summed.
#[must_use]
pub fn foreign_balances(view: &TenantView, now: Timestamp) -> Vec<OtherReading> {
    let foreign = view.balances.accounts.iter().flat_map(|(_, account)| account.foreign().into_values());
    foreign.map(|reading| OtherReading::new(reading, now)).collect()
}
