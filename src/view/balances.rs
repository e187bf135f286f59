//! The balances: what was left when it was last read, less what was spent since.
//!
//! The cube knows spend by quarter of an hour. Of the quarter in which a reading was taken, what
//! happened before the reading must not be taken off again. So with each reading stands the spend of its
//! own quarter that does not count: all that was recorded when the reading came, and what is learned
//! later of calls before it, by the call's own time. This is exact for a reading told when it is taken; of one
//! told later (`--at`), calls between it and the end of its quarter that were recorded already are left out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::balance::{Reading, Source};
use crate::domain::calendar::Quarter;
use crate::domain::money::Picodollars;

use super::TenantView;
use super::spend::SpendView;

/// A reading as it is reckoned from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Base {
    left: Picodollars,
    total: Option<Picodollars>,
    taken_at: Timestamp,
    source: Source,
    /// What was spent in the reading's own quarter and does not count.
    before: Picodollars,
}

/// The last reading of each provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceView {
    bases: BTreeMap<String, Base>,
}

impl BalanceView {
    /// Takes a reading in.
    pub fn read(&mut self, reading: Reading, spend: &SpendView) {
        let Reading { provider, left, total, taken_at, source } = reading;
        let quarter = Quarter::of(taken_at);
        let own = spend.cells().filter(|cell| cell.quarter == quarter && cell.provider == provider);
        let before = own.map(|cell| cell.sum.cost).sum();
        self.bases.insert(provider, Base { left, total, taken_at, source, before });
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
        let Some(base) = self.bases.get_mut(provider) else { return };
        if at < base.taken_at && Quarter::of(at) == Quarter::of(base.taken_at) {
            base.before += cost;
        }
    }
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
    /// What was bought in all, if that was told.
    #[schema(value_type = Option<String>)]
    pub total_usd: Option<Picodollars>,
    /// When it was read.
    #[schema(value_type = String, format = DateTime)]
    pub taken_at: Timestamp,
    /// How long ago that is.
    pub age_seconds: i64,
    /// How it was read: `hand`.
    #[schema(value_type = String)]
    pub source: Source,
}

/// The balances at `now`, by provider.
#[must_use]
pub fn balances(view: &TenantView, now: Timestamp) -> Vec<BalanceLine> {
    let line = |(provider, base): (&String, &Base)| {
        let first = Quarter::of(base.taken_at);
        let since = view.spend.cells().filter(|cell| cell.quarter >= first && cell.provider == provider);
        let spent = since.map(|cell| cell.sum.cost).sum::<Picodollars>() - base.before;
        BalanceLine {
            provider: provider.clone(),
            left_usd: base.left - spent,
            read_usd: base.left,
            spent_since_usd: spent,
            total_usd: base.total,
            taken_at: base.taken_at,
            age_seconds: now.duration_since(base.taken_at).as_secs(),
            source: base.source,
        }
    };
    view.balances.bases.iter().map(line).collect()
}
