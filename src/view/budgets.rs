//! Query: the budgets.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::budget::{self, Flag, Health};
use crate::domain::calendar::{self, PeriodTerms, WeekStart, YearStart};
use crate::domain::money::Picodollars;
use crate::domain::pricing::PriceTable;

use super::TenantView;
use super::uses::{BudgetUse, uses};

/// A budget and its state. Amounts are exact decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BudgetLine {
    /// Its name.
    #[schema(example = "main")]
    pub name: String,
    /// `daily`, `weekly`, `monthly`, `yearly`, `rolling` or `fixed`.
    pub period: String,
    /// Length of a rolling period in days, including today; null for other periods.
    #[serde(default)]
    pub days: Option<u32>,
    /// First day of a weekly period, such as `monday`; null for other periods.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub week_starts: Option<WeekStart>,
    /// First day of a yearly period, `MM-DD`; null for other periods.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub year_starts: Option<YearStart>,
    /// First day of the period.
    #[schema(value_type = String, format = Date)]
    pub period_first: Date,
    /// Last day of the period, inclusive.
    #[schema(value_type = String, format = Date)]
    pub period_last: Date,
    /// The provider it covers; null for all.
    pub provider: Option<String>,
    /// The model pattern it covers; null for all.
    pub model: Option<String>,
    /// The project it covers; null for all.
    pub project: Option<String>,
    /// The amount for the period.
    #[schema(value_type = String)]
    pub amount_usd: Picodollars,
    /// Spent in the period.
    #[schema(value_type = String)]
    pub used_usd: Picodollars,
    /// Amount minus spend; negative if overspent.
    #[schema(value_type = String)]
    pub remaining_usd: Picodollars,
    /// Days left, including today; 1 for a rolling period, which moves on tomorrow.
    pub days_left: u32,
    /// Spent today.
    #[schema(value_type = String)]
    pub spent_today_usd: Picodollars,
    /// Mean daily spend of the last seven days, including today.
    #[schema(value_type = String)]
    pub burn_rate_usd: Picodollars,
    /// Spend from now to the end of the period at the burn rate.
    #[schema(value_type = String)]
    pub projected_spend_usd: Picodollars,
    /// Sum of used and projected.
    #[schema(value_type = String)]
    pub projected_total_usd: Picodollars,
    /// `LOW_BUDGET`, `BURN_RATE_HIGH`, `PERIOD_ENDING`, `DAILY_LIMIT_EXCEEDED`.
    #[schema(value_type = Vec<String>)]
    pub flags: Vec<Flag>,
    /// `GOOD`, `WARNING` or `CRITICAL`.
    #[schema(value_type = String)]
    pub health: Health,
    /// Calls in the period and scope without a price.
    pub unpriced_messages: u64,
    /// Calls in the period and scope with a part of a price.
    pub partly_priced_messages: u64,
    /// Upper bound of the spend, including those calls; null if unknown.
    #[schema(value_type = Option<String>)]
    pub at_most_usd: Option<Picodollars>,
    /// `LOW_BUDGET` below this remainder.
    #[schema(value_type = String)]
    pub low_usd: Picodollars,
    /// `DAILY_LIMIT_EXCEEDED` above this daily spend.
    #[schema(value_type = String)]
    pub daily_limit_usd: Picodollars,
    /// `PERIOD_ENDING` at this many days left.
    pub ending_days: u32,
}

/// The state of each budget, by name. `prices` gives an upper bound for spend without a price.
#[must_use]
pub fn budgets(
    view: &TenantView,
    now: Timestamp,
    zone: &TimeZone,
    prices: Option<&PriceTable>,
) -> Vec<BudgetLine> {
    lines(&uses(view, calendar::day_of(now, zone), zone, prices), now, zone)
}

/// The state of each budget at `now`, from its use on that day.
#[must_use]
pub fn lines(uses: &[BudgetUse], now: Timestamp, zone: &TimeZone) -> Vec<BudgetLine> {
    uses.iter().map(|of| line(of, now, zone)).collect()
}

fn line(of: &BudgetUse, now: Timestamp, zone: &TimeZone) -> BudgetLine {
    let (budget, scope) = (&of.budget, &of.budget.scope);
    let status = budget::status_of(budget, &of.used, now, zone);
    let terms = PeriodTerms::from(budget.period);
    BudgetLine {
        name: budget.name.to_string(),
        period: budget.period.kind().to_string(),
        days: terms.days,
        week_starts: terms.week_starts,
        year_starts: terms.year_starts,
        period_first: status.period_first,
        period_last: status.period_last,
        provider: scope.provider.clone(),
        model: scope.model.clone(),
        project: scope.project.clone(),
        amount_usd: budget.amount,
        used_usd: status.used,
        remaining_usd: status.remaining,
        days_left: status.days_left,
        spent_today_usd: status.spent_today,
        burn_rate_usd: status.burn_rate,
        projected_spend_usd: status.projected_spend,
        projected_total_usd: status.projected_total,
        flags: status.flags,
        health: status.health,
        unpriced_messages: of.unpriced,
        partly_priced_messages: of.partial,
        at_most_usd: of.lacking.most(status.used),
        low_usd: budget.thresholds.low,
        daily_limit_usd: budget.thresholds.daily_limit,
        ending_days: budget.thresholds.ending_days,
    }
}
