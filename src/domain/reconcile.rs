//! Reconciliation: compares the recorded estimate with the provider's report, and attributes the difference
//! to causes where possible.
//!
//! Drift is the reported minus the recorded cost: positive if the estimate is too low. It is attributed model
//! by model; the amounts of a day's [`Attribution`]s add up to its drift, to the picodollar.
//!
//! The first row that matches names the cause:
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
/// A drift up to this part of the larger side is rounding too: a thousandth.
const ROUNDING_PARTS: i128 = 1_000;

/// The cause of a drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Calls of a model without a price: their cost is not in the estimate.
    UnpricedModel,
    /// The cache was written with a different lifetime than recorded, at a different price.
    CacheTier,
    /// Another machine, another program, or a server tool: the usage is not in this log.
    UsageElsewhere,
    /// The provider's report may still grow.
    LateData,
    /// It is recorded here but not billed: a subscription, free credit, or another organisation.
    NotBilled,
    /// The same usage at another price: a discount, a batch, or an outdated price table.
    Price,
    /// The balance rose without a reported top-up.
    TopUpUntold,
    /// The provider rounds.
    Rounding,
    /// The available data does not show the cause.
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

/// A part of a drift, and its cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribution {
    pub cause: Cause,
    pub amount: Picodollars,
    /// The models concerned; empty if the provider names none.
    pub models: Vec<String>,
}

/// Recorded usage of a model on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelUse {
    /// Billed calls.
    pub calls: u64,
    /// Calls without a price.
    pub unpriced: u64,
    pub tokens: Tokens,
    /// The cost, as far as there are prices.
    pub cost: Picodollars,
}

impl ModelUse {
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.unpriced += other.unpriced;
        self.tokens += other.tokens;
        self.cost += other.cost;
    }
}

/// Recorded usage of a provider's UTC day, by model.
pub type Recorded = BTreeMap<String, ModelUse>;

/// The family of a model's name: snapshots have a date (`-20260801`, `-2026-08-01`) that price lists leave
/// out.
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

/// One model, recorded and reported.
#[derive(Debug, Default)]
struct Sides {
    recorded: ModelUse,
    /// None if the report has no line for it.
    actual: Option<Picodollars>,
    reported: Option<Tokens>,
    /// Whether the report has cost for five-minute and for one-hour cache writes.
    cached: (bool, bool),
}

impl Sides {
    fn drift(&self) -> Picodollars {
        self.actual.unwrap_or_default() - self.recorded.cost
    }
}

/// Attributes a day's drift, largest part first; empty without a drift.
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

/// Both sides of each model. If the provider names no model at all, everything is one.
fn sides(recorded: &Recorded, cost: &CostReport, usage: Option<&UsageReport>) -> BTreeMap<String, Sides> {
    let names_models = cost.lines.iter().any(|line| !line.model.is_empty());
    // By canonical name: reports and calls may spell a model differently.
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
        // The names in Anthropic's cost report: `cache_creation.ephemeral_1h_input_tokens`.
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
        // A report with usage is complete: what is missing from it was zero.
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

/// Cost is reported for a cache lifetime without recorded tokens, and none for the recorded one.
fn is_other_cache(sides: &Sides) -> bool {
    let tokens = &sides.recorded.tokens;
    match (tokens.cache_write_5m > 0, tokens.cache_write_1h > 0) {
        (true, false) => sides.cached == (false, true),
        (false, true) => sides.cached == (true, false),
        _ => false,
    }
}

/// Reported tokens compared with recorded ones.
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

/// Parts of a drift, by cause.
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

/// The time between two readings of a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// How much the balance fell, top-ups added; negative if it rose.
    pub fell: Picodollars,
    pub recorded: ModelUse,
}

impl Span {
    /// The fall minus the recorded cost.
    #[must_use]
    pub fn drift(&self) -> Picodollars {
        self.fell - self.recorded.cost
    }

    /// The cause, if there is a drift. Two readings cannot distinguish other machines from other prices.
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
