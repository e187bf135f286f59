//! The status: how things stand, on one screen.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::calendar;
use crate::domain::money::Picodollars;
use crate::domain::pricing::PriceTable;

use super::TenantView;
use super::affording::{AllowanceShown, allowance};
use super::balances::{BalanceLine, balances};
use super::budgets::{BudgetLine, budgets};
use super::forecast::ForecastLine;
use super::quotas::{QuotaLine, quotas};
use super::reconcile::ReconciledProvider;
use super::report::Totals;
use super::spend::{DayCache, Sum};

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The moment this was asked.
    #[schema(value_type = String, format = DateTime)]
    pub now: Timestamp,
    /// The time zone that days are reckoned in.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
    /// The last event behind these numbers.
    pub position: u64,
    /// When that event was recorded.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub recorded_at: Option<Timestamp>,
    /// Since midnight.
    pub today: Totals,
    /// The last seven days, today included.
    pub last_7_days: Totals,
    /// Since the first of the month.
    pub this_month: Totals,
    /// Since the first event.
    pub all_time: Totals,
    /// When the newest call happened.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub newest_usage: Option<Timestamp>,
    /// What is left at the providers whose balance was read.
    pub balances: Vec<BalanceLine>,
    /// How much of a Claude subscription's limits is used, as far as its status line has told.
    pub quotas: Vec<QuotaLine>,
    /// What may be spent with all providers together.
    pub allowance: AllowanceShown,
    /// When the money at each provider may end.
    pub forecast: Vec<ForecastLine>,
    /// How far what is recorded of each provider is from the truth, over the last thirty days; `reconcile` has the days.
    pub providers: Vec<ReconciledProvider>,
    /// How each budget stands.
    pub budgets: Vec<BudgetLine>,
    /// Models without a price, with their number of calls.
    pub unpriced: BTreeMap<String, u64>,
    /// Cost of each of the last fourteen days, the oldest first, in USD.
    #[schema(value_type = Vec<String>)]
    pub last_14_days_usd: Vec<Picodollars>,
}

/// How things stand at `now`.
#[must_use]
pub fn status(view: &TenantView, now: Timestamp, zone: &TimeZone, prices: Option<&PriceTable>) -> Status {
    const DAYS_SHOWN: i64 = 14;
    let today = calendar::day_of(now, zone);
    let (week, month) = (today.saturating_sub(6.days()), today.first_of_month());
    let mut sums = [Sum::default(), Sum::default(), Sum::default(), Sum::default()];
    let mut unpriced: BTreeMap<String, u64> = BTreeMap::new();
    let mut days = DayCache::new(zone);
    for cell in view.spend.cells() {
        let day = days.day(cell.quarter);
        let within = [day == today, (week..=today).contains(&day), (month..=today).contains(&day), true];
        for (sum, _) in sums.iter_mut().zip(within).filter(|(_, within)| *within) {
            sum.add(cell.sum);
        }
        if cell.sum.unpriced > 0 {
            *unpriced.entry(format!("{}/{}", cell.provider, cell.model)).or_default() += cell.sum.unpriced;
        }
    }
    let spent = view.spend.by_day(zone, |_| true);
    let cost_of = |back: i64| spent.get(&today.saturating_sub(back.days())).copied().unwrap_or_default();
    let [today_sum, week_sum, month_sum, all_sum] = sums.each_ref().map(Totals::from);
    Status {
        now,
        time_zone: calendar::zone_name(zone),
        position: 0,
        recorded_at: None,
        today: today_sum,
        last_7_days: week_sum,
        this_month: month_sum,
        all_time: all_sum,
        newest_usage: view.spend.newest,
        balances: balances(view, now),
        quotas: quotas(view, now),
        allowance: allowance(view, now, zone),
        forecast: Vec::new(),
        providers: Vec::new(),
        budgets: budgets(view, now, zone, prices),
        unpriced,
        last_14_days_usd: (0..DAYS_SHOWN).rev().map(cost_of).collect(),
    }
}
