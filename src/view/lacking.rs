//! What sums of cells leave out, and the upper bound of its cost.

use std::collections::BTreeMap;

use crate::domain::lacking::Lacking;
use crate::domain::money::Picodollars;
use crate::domain::pricing::PriceTable;
use crate::domain::tokens::Tokens;

use super::spend::Part;

/// Collects missing prices by provider: each provider has its own maximum price.
#[derive(Debug, Default)]
pub struct LackingSum<'a> {
    by_provider: BTreeMap<&'a str, (u64, Tokens)>,
}

impl<'a> LackingSum<'a> {
    /// Adds what a part lacks.
    pub fn add(&mut self, part: &Part<'a>) {
        if !part.sum.is_whole() {
            let (calls, tokens) = self.by_provider.entry(part.provider).or_default();
            *calls += part.sum.unpriced + part.sum.partial;
            *tokens += part.sum.lacking;
        }
    }

    /// The total. Without a price table it has no upper bound.
    #[must_use]
    pub fn total(&self, prices: Option<&PriceTable>) -> Lacking {
        let mut total = Lacking::default();
        for (provider, (calls, tokens)) in &self.by_provider {
            let bound = || prices?.dearest(provider).map(|dearest| dearest.bound(tokens));
            let at_most = if *tokens == Tokens::default() { Some(Picodollars::default()) } else { bound() };
            total.add(&Lacking { calls: *calls, tokens: tokens.sum(), at_most });
        }
        total
    }
}

/// What some parts lack.
pub fn lacking<'a>(parts: impl Iterator<Item = Part<'a>>, prices: Option<&PriceTable>) -> Lacking {
    let mut sum = LackingSum::default();
    parts.for_each(|part| sum.add(&part));
    sum.total(prices)
}
