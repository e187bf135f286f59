//! The estimate held against the truth: what was recorded here, what the provider reported, how far the two are
//! apart, and why, where that can be told.
//!
//! Drift is what the provider says less what is recorded: above zero where the estimate is too low. It is
//! attributed model by model; the amounts of the [`Attribution`]s of a day add up to its drift, to the picodollar.
//!
//! Which cause is named, the first that holds:
//!
//! | the drift of a model | and | cause |
//! |---|---|---|
//! | up | calls without a price are recorded | [`Cause::UnpricedModel`] |
//! | any | the same tokens | [`Cause::Price`] |
//! | any | the same tokens, cached for other times; or cost for one time, tokens for the other | [`Cause::CacheTier`] |
//! | up | more tokens are reported than recorded, or no call is recorded at all | [`Cause::UsageElsewhere`] |
//! | down | the report may still grow | [`Cause::LateData`] |
//! | down | the report is settled, and knows fewer tokens or nothing of the model | [`Cause::NotBilled`] |
//! | any | | [`Cause::Unknown`] |

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::money::Picodollars;
use super::naming;
use super::report::{CostReport, Standing, UsageReport};
use super::tokens::Tokens;
use crate::domain::words::words;

/// A drift up to this is the provider's rounding: a hundredth of a cent.
const ROUNDING: Picodollars = Picodollars(100_000_000);
/// A page shows whole cents, at both ends of a span.
const CENT: Picodollars = Picodollars(10_000_000_000);
/// So is one up to this part of the larger side: a thousandth.
const ROUNDING_PARTS: i128 = 1_000;

/// Why the estimate is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Calls to a model that the price table does not know: their cost is not in the estimate.
    UnpricedModel,
    /// The cache was written for another time than was recorded, and costs otherwise.
    CacheTier,
    /// Another machine, another program, or a server tool: the usage is not in this log.
    UsageElsewhere,
    /// The provider's report may still grow.
    LateData,
    /// It is recorded here and not billed there: a subscription, free credit, or another organisation.
    NotBilled,
    /// The same usage at another price: a discount, a batch, or a price table that is out of date.
    Price,
    /// The balance rose, and nobody told of a top-up.
    TopUpUntold,
    /// The provider rounds.
    Rounding,
    /// It cannot be told from what is known.
    Unknown,
}

words! {
    Cause {
        UnpricedModel: "unpriced-model",
        CacheTier: "cache-tier",
        UsageElsewhere: "usage-elsewhere",
        LateData: "late-data",
        NotBilled: "not-billed",
        Price: "price",
        TopUpUntold: "top-up-untold",
        Rounding: "rounding",
        Unknown: "unknown",
    }
}

/// A part of a drift, and why it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribution {
    /// Why.
    pub cause: Cause,
    /// How much of the drift.
    pub amount: Picodollars,
    /// The models it is about; empty where the provider names none.
    pub models: Vec<String>,
}

/// What is recorded here of a model on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelUse {
    /// Billed calls.
    pub calls: u64,
    /// Those without a price.
    pub unpriced: u64,
    /// What was consumed.
    pub tokens: Tokens,
    /// What it cost, as far as there are prices.
    pub cost: Picodollars,
}

impl ModelUse {
    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.unpriced += other.unpriced;
        self.tokens += other.tokens;
        self.cost += other.cost;
    }
}

/// What is recorded here of a provider's UTC day, by model.
pub type Recorded = BTreeMap<String, ModelUse>;

/// Whether the two names are of one model: snapshots carry a date (`-20260801`, `-2026-08-01`) that lists leave out.
#[must_use]
pub fn family(model: &str) -> &str {
    let is_date = |tail: &str| {
        let digits = tail.bytes().filter(u8::is_ascii_digit).count();
        digits == 8 && tail.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    };
    for length in [9, 11] {
        let cut = model.len().checked_sub(length).and_then(|at| model.split_at_checked(at));
        if let Some((head, tail)) = cut
            && let Some(date) = tail.strip_prefix('-')
            && is_date(date)
            && !head.is_empty()
        {
            return head;
        }
    }
    model.strip_suffix("-latest").unwrap_or(model)
}

/// One model, seen from both sides.
#[derive(Debug, Default)]
struct Sides {
    recorded: ModelUse,
    /// None where the report has no line for it.
    actual: Option<Picodollars>,
    reported: Option<Tokens>,
    /// Whether cost is reported for writing to the cache for five minutes, and for an hour.
    cached: (bool, bool),
}

impl Sides {
    fn drift(&self) -> Picodollars {
        self.actual.unwrap_or_default() - self.recorded.cost
    }
}

/// Attributes a day's drift, the largest part first; nothing where there is none.
#[must_use]
pub fn attribute(
    recorded: &Recorded,
    cost: &CostReport,
    usage: Option<&UsageReport>,
    standing: Standing,
) -> Vec<Attribution> {
    let estimate: Picodollars = recorded.values().map(|used| used.cost).sum();
    let (actual, mut parts) = (cost.total(), Parts::default());
    if is_rounding(actual - estimate, estimate, actual, ROUNDING) {
        parts.add(Cause::Rounding, actual - estimate, "");
        return parts.sorted();
    }
    for (model, sides) in sides(recorded, cost, usage) {
        let drift = sides.drift();
        let actual = sides.actual.unwrap_or_default();
        let cause = if is_rounding(drift, sides.recorded.cost, actual, ROUNDING) {
            Cause::Rounding
        } else {
            cause_of(&model, &sides, standing)
        };
        parts.add(cause, drift, &model);
    }
    parts.sorted()
}

/// Both sides of each model. Where the provider names no model at all, everything is one.
fn sides(recorded: &Recorded, cost: &CostReport, usage: Option<&UsageReport>) -> BTreeMap<String, Sides> {
    let names_models = cost.lines.iter().any(|line| !line.model.is_empty());
    // As all of a model's names share it: reports and calls may write it differently.
    let key = |model: &str| {
        if names_models { family(&naming::resolve("", model).model).to_owned() } else { String::new() }
    };
    let mut sides: BTreeMap<String, Sides> = BTreeMap::new();
    for (model, used) in recorded {
        sides.entry(key(model)).or_default().recorded.add(used);
    }
    for line in &cost.lines {
        let side = sides.entry(key(&line.model)).or_default();
        *side.actual.get_or_insert_default() += line.cost;
        // As the cost report of Anthropic names them: `cache_creation.ephemeral_1h_input_tokens`.
        side.cached.0 |= line.kind.contains("ephemeral_5m");
        side.cached.1 |= line.kind.contains("ephemeral_1h");
    }
    for line in usage.map_or(&[][..], |usage| &usage.lines) {
        let side = sides.entry(key(&line.model)).or_default();
        *side.reported.get_or_insert_default() += line.tokens;
    }
    if let Some(usage) = usage
        && !usage.lines.is_empty()
    {
        // A report that tells of usage tells of all of it: what is not in it was none.
        for side in sides.values_mut() {
            side.reported.get_or_insert_default();
        }
    }
    sides
}

fn cause_of(model: &str, sides: &Sides, standing: Standing) -> Cause {
    let (recorded, is_up) = (&sides.recorded, sides.drift() > Picodollars::ZERO);
    let may_grow = standing != Standing::Settled;
    if is_up && recorded.unpriced > 0 {
        return Cause::UnpricedModel;
    }
    let compared = sides.reported.map(|reported| compare(&recorded.tokens, &reported));
    match compared {
        Some(Compared::Same) if recorded.calls > 0 => Cause::Price,
        Some(Compared::OtherCache) => Cause::CacheTier,
        Some(Compared::MoreThere | Compared::Mixed) if is_up => Cause::UsageElsewhere,
        None if is_other_cache(sides) => Cause::CacheTier,
        None if is_up && recorded.calls == 0 && !model.is_empty() => Cause::UsageElsewhere,
        _ if !is_up && may_grow => Cause::LateData,
        Some(Compared::LessThere) if !is_up => Cause::NotBilled,
        None if !is_up && sides.actual.is_none() => Cause::NotBilled,
        _ => Cause::Unknown,
    }
}

/// Cost is told for a time for which nothing is recorded, and nothing for the one that is.
fn is_other_cache(sides: &Sides) -> bool {
    let tokens = &sides.recorded.tokens;
    match (tokens.cache_write_5m > 0, tokens.cache_write_1h > 0) {
        (true, false) => sides.cached == (false, true),
        (false, true) => sides.cached == (true, false),
        _ => false,
    }
}

/// Tokens that are reported, held against those that are recorded.
enum Compared {
    Same,
    OtherCache,
    MoreThere,
    LessThere,
    Mixed,
}

fn compare(recorded: &Tokens, reported: &Tokens) -> Compared {
    let apart = |tokens: &Tokens| {
        [
            tokens.input,
            tokens.output,
            tokens.cache_read,
            tokens.cache_write_5m + tokens.cache_write_1h,
            tokens.cache_write_5m,
        ]
    };
    let (here, there) = (apart(recorded), apart(reported));
    if here == there {
        return Compared::Same;
    }
    if here[..4] == there[..4] {
        return Compared::OtherCache;
    }
    let pairs = || here[..4].iter().zip(&there[..4]);
    match (pairs().all(|(here, there)| there >= here), pairs().all(|(here, there)| there <= here)) {
        (true, _) => Compared::MoreThere,
        (_, true) => Compared::LessThere,
        _ => Compared::Mixed,
    }
}

fn is_rounding(drift: Picodollars, one: Picodollars, other: Picodollars, least: Picodollars) -> bool {
    let size = |amount: Picodollars| amount.0.saturating_abs();
    size(drift) <= least.0 || size(drift).saturating_mul(ROUNDING_PARTS) <= size(one).max(size(other))
}

/// Parts of a drift, gathered by cause.
#[derive(Default)]
struct Parts(BTreeMap<Cause, (Picodollars, Vec<String>)>);

impl Parts {
    fn add(&mut self, cause: Cause, amount: Picodollars, model: &str) {
        if amount == Picodollars::ZERO {
            return;
        }
        let part = self.0.entry(cause).or_default();
        part.0 += amount;
        if !model.is_empty() {
            part.1.push(model.to_owned());
        }
    }

    fn sorted(self) -> Vec<Attribution> {
        let part = |(cause, (amount, models))| Attribution { cause, amount, models };
        let mut parts: Vec<Attribution> = self.0.into_iter().map(part).collect();
        parts.sort_by_key(|part| std::cmp::Reverse(part.amount.0.saturating_abs()));
        parts
    }
}

/// What is known of the time between two readings of a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// By how much the balance fell, what was added in between put on; below zero where it rose.
    pub fell: Picodollars,
    /// What is recorded here.
    pub recorded: ModelUse,
}

impl Span {
    /// What the balance lost beyond what is recorded.
    #[must_use]
    pub fn drift(&self) -> Picodollars {
        self.fell - self.recorded.cost
    }

    /// Why, where there is a drift. Two readings cannot tell other machines from other prices.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        let drift = self.drift();
        if drift == Picodollars::ZERO {
            return None;
        }
        Some(if is_rounding(drift, self.fell, self.recorded.cost, CENT) {
            Cause::Rounding
        } else if self.fell < Picodollars::ZERO {
            Cause::TopUpUntold
        } else if drift > Picodollars::ZERO && self.recorded.unpriced > 0 {
            Cause::UnpricedModel
        } else if drift > Picodollars::ZERO && self.recorded.calls == 0 {
            Cause::UsageElsewhere
        } else if self.fell == Picodollars::ZERO {
            Cause::NotBilled
        } else {
            Cause::Unknown
        })
    }
}

#[cfg(test)]
mod tests;
