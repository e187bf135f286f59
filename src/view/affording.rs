//! What may be spent, and whether something can be afforded, in the shapes that people and programs read.

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

/// The virtual budget and what was allowed beyond it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AllowanceShown {
    /// The budget over all providers; null where there is none.
    pub virtual_budget: Option<VirtualLine>,
    /// What was allowed beyond the limits, and holds.
    pub overrides: Vec<OverrideLine>,
}

/// The virtual budget and how it stands. Amounts are exact decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VirtualLine {
    /// The part of each limit, in percent, that ordinary spend may not touch.
    pub reserve_percent: u8,
    /// The day's and the month's limit, those that are set.
    pub limits: Vec<LimitLine>,
}

/// A limit and how much of it is left. Amounts are exact decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitLine {
    /// `cap`, `daily`, `monthly`, `budget` or `balance`.
    #[schema(value_type = String)]
    pub limit: LimitKind,
    /// A budget's, provider's or cap's name; empty for the virtual budget.
    pub name: String,
    /// What may be spent in all.
    #[schema(value_type = String)]
    pub of_usd: Picodollars,
    /// What was spent of it, as far as it is known.
    #[schema(value_type = String)]
    pub spent_usd: Picodollars,
    /// Calls that lack a price or a part of one, so that they are not wholly in `spent_usd`; absent where there are none.
    #[serde(default, skip_serializing_if = "super::report::is_zero")]
    pub lacking_messages: u64,
    /// What was spent of it at most; null where nobody knows.
    #[schema(value_type = Option<String>)]
    pub at_most_usd: Option<Picodollars>,
    /// The part that ordinary spend may not touch.
    #[schema(value_type = String)]
    pub reserve_usd: Picodollars,
    /// What was allowed beyond it.
    #[schema(value_type = String)]
    pub override_usd: Picodollars,
    /// What is left for ordinary spend, with what was allowed; negative where it is overspent.
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

/// What a person allowed beyond the limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OverrideLine {
    /// Its number.
    pub number: u32,
    /// How much.
    #[schema(value_type = String)]
    pub amount_usd: Picodollars,
    /// Why.
    pub reason: String,
    /// Only this limit (`session`, `day`, `virtual`, `budget:NAME`); null for all.
    pub limit: Option<String>,
    /// Only for this session; null for all.
    pub session: Option<String>,
    /// Only in this project; null for all.
    pub project: Option<String>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub granted_at: Timestamp,
    /// Until when.
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

/// Whether something can be afforded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AffordabilityShown {
    /// `yes`, `no`, or `unknown` where it fits what is known to be spent, and too much is not known.
    #[schema(value_type = String, example = "yes")]
    pub answer: Verdict,
    /// Whether the answer is yes.
    pub affordable: bool,
    /// What is spent of the deciding limit at most, where its sum lacks something; null where it lacks nothing, or nobody
    /// knows.
    #[schema(value_type = Option<String>)]
    pub at_most_usd: Option<Picodollars>,
    /// What is not known, in words; absent where nothing is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
    /// What was asked for.
    #[schema(value_type = String)]
    pub amount_usd: Picodollars,
    /// Why.
    pub reason: String,
    /// What can be done about it: for a person by command, for an agent by asking; null where nothing need be.
    pub mend: Option<String>,
    /// What is left of the tightest limit; null where there is none.
    #[schema(value_type = Option<String>)]
    pub left_usd: Option<Picodollars>,
    /// The limits, the tightest first.
    pub limits: Vec<LimitLine>,
    /// What was allowed beyond them, and holds.
    pub overrides: Vec<OverrideLine>,
    /// How old these figures are.
    #[serde(flatten)]
    pub freshness: Freshness,
}

impl AffordabilityShown {
    /// The answer to an ask for this amount.
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

/// Whether something can be afforded at `now`. Touches what happened this month, and in the periods of the budgets
/// that cover the ask.
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

/// What this month and today cost over all providers, where a virtual budget asks for it.
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

/// The limits of the virtual budget at `now`, those that are set: the day's, then the month's.
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

/// The virtual budget at `now`, and what was allowed beyond it.
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
