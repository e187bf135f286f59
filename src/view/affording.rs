//! Query: the allowance, and whether an amount can be spent.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::affording::{Affordability, Ask, Limit, LimitKind, Situation, Verdict, can_afford};
use crate::domain::allowance::{Override, VirtualBudget};
use crate::domain::budget::Budget;
use crate::domain::calendar;
use crate::domain::lacking::{Doubts, Spent};
use crate::domain::money::Picodollars;
use crate::domain::pricing::PriceTable;
use crate::domain::project;

use super::TenantView;
use super::balances::{balances, since};
use super::cost::cost_of;
use super::freshness::Freshness;
use super::lacking::lacking;
use super::uses::{BudgetUse, use_of};

/// The virtual budget and its overrides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AllowanceShown {
    /// The budget over all providers; null if there is none.
    pub virtual_budget: Option<VirtualLine>,
    /// The overrides in force.
    pub overrides: Vec<OverrideLine>,
}

/// The virtual budget and its state. Amounts are exact decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VirtualLine {
    /// The share of each limit, in percent, that ordinary spend may not use.
    pub reserve_percent: u8,
    /// The daily and the monthly limit, if set.
    pub limits: Vec<LimitLine>,
}

/// A limit and what is left of it. Amounts are exact decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitLine {
    /// `cap`, `daily`, `monthly`, `budget` or `balance`.
    #[schema(value_type = String)]
    pub limit: LimitKind,
    /// Name of the budget, provider or cap; empty for the virtual budget.
    pub name: String,
    /// The full limit.
    #[schema(value_type = String)]
    pub of_usd: Picodollars,
    /// Known spend.
    #[schema(value_type = String)]
    pub spent_usd: Picodollars,
    /// Calls that lack a price or a part of one, so that `spent_usd` is incomplete; absent if there are none.
    #[serde(default, skip_serializing_if = "super::report::is_zero")]
    pub lacking_messages: u64,
    /// Upper bound of the spend; null if unknown.
    #[schema(value_type = Option<String>)]
    pub at_most_usd: Option<Picodollars>,
    /// The part that ordinary spend may not use.
    #[schema(value_type = String)]
    pub reserve_usd: Picodollars,
    /// Overrides.
    #[schema(value_type = String)]
    pub override_usd: Picodollars,
    /// What is left for ordinary spend, including overrides; negative if overspent.
    #[schema(value_type = String)]
    pub left_usd: Picodollars,
}

impl From<&Limit> for LimitLine {
    fn from(limit: &Limit) -> Self {
        Self {
            limit: limit.kind,
            name: limit.name.clone(),
            of_usd: limit.of,
            spent_usd: limit.spent,
            lacking_messages: limit.lacking.calls,
            at_most_usd: limit.lacking.most(limit.spent),
            reserve_usd: limit.reserve,
            override_usd: limit.allowed,
            left_usd: limit.left(),
        }
    }
}

/// An override that a person granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OverrideLine {
    /// Its number.
    pub number: u32,
    /// Its amount.
    #[schema(value_type = String)]
    pub amount_usd: Picodollars,
    /// The reason.
    pub reason: String,
    /// The limit it raises (`session`, `day`, `virtual`, `budget:NAME`); null for all.
    pub limit: Option<String>,
    /// The session it applies to; null for all.
    pub session: Option<String>,
    /// The project it applies to; null for all.
    pub project: Option<String>,
    /// When it was granted.
    #[schema(value_type = String, format = DateTime)]
    pub granted_at: Timestamp,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
}

impl From<&Override> for OverrideLine {
    fn from(granted: &Override) -> Self {
        Self {
            number: granted.number,
            amount_usd: granted.amount,
            reason: granted.reason.clone(),
            limit: granted.reach.limit.as_ref().map(ToString::to_string),
            session: granted.reach.session.clone(),
            project: granted.reach.project.clone(),
            granted_at: granted.granted_at,
            until: granted.until,
        }
    }
}

/// Whether an amount can be spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AffordabilityShown {
    /// `yes`, `no`, or `unknown` if the amount fits the known spend but too much spend is unknown.
    #[schema(value_type = String, example = "yes")]
    pub answer: Verdict,
    /// Whether the answer is `yes`.
    pub affordable: bool,
    /// Upper bound of the deciding limit's spend if its sum is incomplete; null if it is complete or the
    /// bound is unknown.
    #[schema(value_type = Option<String>)]
    pub at_most_usd: Option<Picodollars>,
    /// What is unknown, in words; absent if nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
    /// The amount in question.
    #[schema(value_type = String)]
    pub amount_usd: Picodollars,
    /// The reason for the answer.
    pub reason: String,
    /// The fix: a command for a person, a request for an agent; null if none is needed.
    pub mend: Option<String>,
    /// What is left of the tightest limit; null if there is none.
    #[schema(value_type = Option<String>)]
    pub left_usd: Option<Picodollars>,
    /// The limits, tightest first.
    pub limits: Vec<LimitLine>,
    /// The overrides in force.
    pub overrides: Vec<OverrideLine>,
    /// How old these numbers are.
    #[serde(flatten)]
    pub freshness: Freshness,
}

impl AffordabilityShown {
    /// The answer for this amount.
    #[must_use]
    pub fn new(amount: Picodollars, answer: &Affordability, freshness: Freshness) -> Self {
        Self {
            answer: answer.verdict,
            affordable: answer.verdict == Verdict::Yes,
            at_most_usd: answer.at_most,
            doubts: answer.doubts.clone(),
            amount_usd: amount,
            reason: answer.reason.clone(),
            mend: answer.mend.map(str::to_owned),
            left_usd: answer.limits.first().map(Limit::left),
            limits: answer.limits.iter().map(LimitLine::from).collect(),
            overrides: answer.overrides.iter().map(OverrideLine::from).collect(),
            freshness,
        }
    }
}

/// Whether an amount can be spent at `now`. Reads the cells of this month, and of the periods of matching
/// budgets.
#[must_use]
pub fn affordability(
    view: &TenantView,
    ask: &Ask,
    now: Timestamp,
    zone: &TimeZone,
    prices: &PriceTable,
    doubts: Doubts,
) -> Affordability {
    let (month, today) = costs(view, now, zone, Some(prices));
    let day = calendar::day_of(now, zone);
    let of = |part: &Option<String>| part.clone().unwrap_or_default();
    let (provider, model) = (of(&ask.provider), of(&ask.model));
    let directory = project::directory(ask.project.as_deref().unwrap_or_default()).into_owned();
    let name = view.spend.aliases().name(&directory);
    let covers = |budget: &&Budget| {
        let (first, last) = budget.period.days(day);
        let is_covered = |project: &str| budget.scope.covers(&provider, &model, project);
        (first..=last).contains(&day) && (is_covered(&directory) || is_covered(&name))
    };
    let used = |budget: &Budget| {
        let BudgetUse { used, lacking, .. } = use_of(&view.spend, budget, day, zone, Some(prices));
        (budget.name.to_string(), budget.amount, Spent { known: used.period, lacking })
    };
    let paid = |name: &str| ask.provider.as_deref().is_none_or(|provider| provider == name);
    let left = balances(view, now).into_iter().filter(|line| paid(&line.provider));
    let left = left.map(|line| {
        let lacking = lacking(since(view, &line), Some(prices));
        (line.provider, line.left_usd, lacking)
    });
    let situation = Situation {
        allowance: &view.allowance,
        today,
        month,
        budgets: view.budgets.values().filter(covers).map(used).collect(),
        balances: left.collect(),
        doubts,
        now,
    };
    can_afford(ask, &situation)
}

/// Cost of this month and today over all providers, if a virtual budget needs it.
pub(super) fn costs(
    view: &TenantView,
    now: Timestamp,
    zone: &TimeZone,
    prices: Option<&PriceTable>,
) -> (Spent, Spent) {
    if view.allowance.budget.is_none() {
        return (Spent::default(), Spent::default());
    }
    let today = calendar::day_of(now, zone);
    let whole = |first, last| (calendar::start_of(first, zone), calendar::end_of(last, zone));
    let (outer, inner) = (whole(today.first_of_month(), today.last_of_month()), whole(today, today));
    cost_of(view, outer, inner, now, zone, prices)
}

/// The virtual budget's limits at `now`, if set: the daily one, then the monthly one.
#[must_use]
pub fn virtual_limits(view: &TenantView, now: Timestamp, zone: &TimeZone) -> Vec<Limit> {
    let (month, today) = costs(view, now, zone, None);
    let allowance = &view.allowance;
    let (budgets, balances, doubts) = (Vec::new(), Vec::new(), Doubts::default());
    let situation = Situation { allowance, today, month, budgets, balances, doubts, now };
    let mut limits = can_afford(&Ask::default(), &situation).limits;
    limits.sort_by_key(|limit| limit.kind);
    limits
}

/// The virtual budget at `now`, and its overrides.
#[must_use]
pub fn allowance(view: &TenantView, now: Timestamp, zone: &TimeZone) -> AllowanceShown {
    let line = |budget: VirtualBudget| VirtualLine {
        reserve_percent: budget.reserve_percent,
        limits: virtual_limits(view, now, zone).iter().map(LimitLine::from).collect(),
    };
    AllowanceShown {
        virtual_budget: view.allowance.budget.map(line),
        overrides: view.allowance.active(now).map(OverrideLine::from).collect(),
    }
}
