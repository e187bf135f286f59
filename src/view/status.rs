//! Query: the one-screen status.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::calendar;
use crate::domain::money::Picodollars;
use crate::event::Position;

use super::TenantView;
use super::affording::{AllowanceShown, allowance};
use super::balances::{BalanceLine, balances};
use super::budgets::BudgetLine;
use super::forecast::ForecastLine;
use super::quotas::{QuotaLine, quotas};
use super::reconcile::ReconciledProvider;
use super::report::Totals;

/// The current numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The time of the query.
    #[schema(value_type = String, format = DateTime)]
    pub now: Timestamp,
    /// The time zone of days.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
    /// The last event behind these numbers.
    pub position: u64,
    /// When that event was recorded.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub recorded_at: Option<Timestamp>,
    /// Since midnight.
    pub today: Totals,
    /// The last seven days, including today.
    pub last_7_days: Totals,
    /// Since the first of the month.
    pub this_month: Totals,
    /// Since the first event.
    pub all_time: Totals,
    /// When the newest call happened.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub newest_usage: Option<Timestamp>,
    /// Balances of the providers with a reading.
    pub balances: Vec<BalanceLine>,
    /// Usage of a Claude subscription's limits, as last reported by its status line.
    pub quotas: Vec<QuotaLine>,
    /// Spend limits over all providers.
    pub allowance: AllowanceShown,
    /// When the money at each provider may run out.
    pub forecast: Vec<ForecastLine>,
    /// How far recorded and actual cost of each provider differ over the last thirty days; `reconcile` lists
    /// the days.
    pub providers: Vec<ReconciledProvider>,
    /// The state of each budget.
    pub budgets: Vec<BudgetLine>,
    /// Models without a price, with their number of calls.
    pub unpriced: BTreeMap<String, u64>,
    /// Cost of each of the last fourteen days in USD, oldest first.
    #[schema(value_type = Vec<String>)]
    pub last_14_days_usd: Vec<Picodollars>,
}

/// Inputs of a status that are computed elsewhere.
#[derive(Debug, Clone)]
pub struct Given {
    /// The last event in the view.
    pub position: Position,
    /// When that event was recorded.
    pub recorded_at: Option<Timestamp>,
    /// When the money at each provider may run out.
    pub forecast: Vec<ForecastLine>,
    /// How far recorded and actual cost of each provider differ.
    pub providers: Vec<ReconciledProvider>,
    /// The state of each budget.
    pub budgets: Vec<BudgetLine>,
}

/// The current numbers at `now`.
#[must_use]
pub fn status(view: &TenantView, given: Given, now: Timestamp, zone: &TimeZone) -> Status {
    const DAYS_SHOWN: i64 = 14;
    let today = calendar::day_of(now, zone);
    let end = calendar::end_of(today, zone);
    let since = |first: Date| Totals::from(&view.spend.sum_between(calendar::start_of(first, zone), end));
    let spent = view.spend.by_day(zone, Some(today.saturating_sub((DAYS_SHOWN - 1).days())), |_| true);
    let cost_of = |back: i64| spent.get(&today.saturating_sub(back.days())).copied().unwrap_or_default();
    Status {
        now,
        time_zone: calendar::zone_name(zone),
        position: given.position.0,
        recorded_at: given.recorded_at,
        today: since(today),
        last_7_days: since(today.saturating_sub(6.days())),
        this_month: since(today.first_of_month()),
        all_time: (&view.spend.total()).into(),
        newest_usage: view.spend.newest,
        balances: balances(view, now),
        quotas: quotas(view, now),
        allowance: allowance(view, now, zone),
        forecast: given.forecast,
        providers: given.providers,
        budgets: given.budgets,
        unpriced: unpriced(view),
        last_14_days_usd: (0..DAYS_SHOWN).rev().map(cost_of).collect(),
    }
}

/// Models without a price, by provider and name, with their number of calls.
#[must_use]
pub fn unpriced(view: &TenantView) -> BTreeMap<String, u64> {
    let models = view.spend.by_model().into_iter().filter(|(_, sum)| sum.unpriced > 0);
    models.map(|((provider, model), sum)| (format!("{provider}/{model}"), sum.unpriced)).collect()
}
