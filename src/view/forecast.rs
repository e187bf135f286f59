//! Query: when the money for each balance and budget runs out.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::affording::LimitKind;
use crate::domain::calendar;
use crate::domain::forecast::backtest::{Coverage, backtest};
use crate::domain::forecast::{HISTORY_DAYS, History, Quantiles, forecast};
use crate::domain::lacking::Lacking;
use crate::domain::money::Picodollars;

use super::TenantView;
use super::affording::allowance;
use super::balances::{balances, since};
use super::cost::cost_by_day;
use super::lacking::lacking;
use super::uses::use_of;

/// Number of past days that a backtest covers.
const BACKTEST_DAYS: i64 = 365;

/// A balance or limit that may run out, and its spend history.
#[derive(Debug, Clone)]
pub struct Subject {
    kind: LimitKind,
    name: String,
    left: Picodollars,
    until: Option<Date>,
    history: History,
    /// What the remaining amount leaves out.
    lacking: Lacking,
}

/// Whether a forecast is possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ForecastState {
    /// It is.
    Ok,
    /// Nothing is left.
    Spent,
    /// There is too little history.
    NotEnoughHistory,
}

/// A forecast. Amounts are exact decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ForecastLine {
    /// `balance`, `budget`, or for the virtual budget `daily` or `monthly`.
    #[schema(value_type = String)]
    pub subject: LimitKind,
    /// Name of the provider or budget; empty for the virtual budget.
    pub name: String,
    /// What is left; for the virtual budget without its reserve.
    #[schema(value_type = String)]
    pub left_usd: Picodollars,
    /// The last day of its period; null for a balance, whose forecast covers a year.
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<Date>,
    /// Whether a forecast is possible.
    pub state: ForecastState,
    /// Why it is not; empty if it is.
    pub reason: String,
    /// Days of history that it is based on.
    pub history_days: u32,
    /// The day on which it runs out, by the 10th, 50th and 90th percentile; null without a forecast.
    pub runs_out: Option<DayRange>,
    /// Probability in percent that it runs out within the period, or the year.
    pub chance_percent: Option<u32>,
    /// Spend until `spend_until`, by the 10th, 50th and 90th percentile.
    pub spend_usd: Option<AmountRange>,
    /// The last day of that, inclusive: the end of the period, or the thirtieth day from today.
    #[schema(value_type = Option<String>, format = Date)]
    pub spend_until: Option<Date>,
    /// Calls that lack a price or a part of one, so that more may be spent than `left_usd` shows; absent if
    /// there are none.
    #[serde(default, skip_serializing_if = "super::report::is_zero")]
    pub lacking_messages: u64,
}

/// Percentiles of a day; null if it does not run out by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DayRange {
    /// 10th percentile.
    #[schema(value_type = Option<String>, format = Date)]
    pub p10: Option<Date>,
    /// Median.
    #[schema(value_type = Option<String>, format = Date)]
    pub p50: Option<Date>,
    /// 90th percentile.
    #[schema(value_type = Option<String>, format = Date)]
    pub p90: Option<Date>,
}

impl From<Quantiles<Option<Date>>> for DayRange {
    fn from(Quantiles { p10, p50, p90 }: Quantiles<Option<Date>>) -> Self {
        Self { p10, p50, p90 }
    }
}

/// Percentiles of an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AmountRange {
    /// 10th percentile.
    #[schema(value_type = String)]
    pub p10: Picodollars,
    /// Median.
    #[schema(value_type = String)]
    pub p50: Picodollars,
    /// 90th percentile.
    #[schema(value_type = String)]
    pub p90: Picodollars,
}

impl From<Quantiles<Picodollars>> for AmountRange {
    fn from(Quantiles { p10, p50, p90 }: Quantiles<Picodollars>) -> Self {
        Self { p10, p50, p90 }
    }
}

/// The forecasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ForecastShown {
    /// The balances, the virtual budget, and the budgets with a current period.
    pub forecasts: Vec<ForecastLine>,
}

/// How accurate the forecasts of past days were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BacktestShown {
    /// The first day that was tested; null without history.
    #[schema(value_type = Option<String>, format = Date)]
    pub since: Option<Date>,
    /// By forecast horizon.
    pub horizons: Vec<CoverageLine>,
}

/// How often the actual spend was within the forecast range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CoverageLine {
    /// The horizon in days.
    pub days: u32,
    /// Number of past days tested.
    pub asked: u32,
    /// How often the spend was between the 10th and the 90th percentile.
    pub within: u32,
    /// How often it was less.
    pub below: u32,
    /// How often it was more.
    pub above: u32,
    /// `within` as a percentage of `asked`; null if nothing was tested.
    pub coverage_percent: Option<u32>,
}

impl From<Coverage> for CoverageLine {
    fn from(coverage: Coverage) -> Self {
        Self {
            days: u32::try_from(coverage.days).unwrap_or(u32::MAX),
            asked: coverage.asked,
            within: coverage.within,
            below: coverage.below,
            above: coverage.above,
            coverage_percent: coverage.percent(),
        }
    }
}

/// The balances that can be forecast. Cheap: only the simulation takes time.
#[must_use]
pub fn balance_subjects(view: &TenantView, now: Timestamp, zone: &TimeZone) -> Vec<Subject> {
    let today = calendar::day_of(now, zone);
    let oldest = today.saturating_sub(HISTORY_DAYS.days());
    let subject = |line: super::balances::BalanceLine| {
        let spent = cost_by_day(view, Some(&line.provider), oldest, today, now, zone);
        Subject {
            kind: LimitKind::Balance,
            left: line.left_usd,
            until: None,
            history: History::before(today, &spent),
            lacking: lacking(since(view, &line), None),
            name: line.provider,
        }
    };
    balances(view, now).into_iter().map(subject).collect()
}

/// The virtual budget, and the budgets with a current period.
#[must_use]
pub fn budget_subjects(view: &TenantView, now: Timestamp, zone: &TimeZone) -> Vec<Subject> {
    let today = calendar::day_of(now, zone);
    let oldest = today.saturating_sub(HISTORY_DAYS.days());
    let mut subjects = Vec::new();
    if let Some(budget) = allowance(view, now, zone).virtual_budget {
        let spent = cost_by_day(view, None, oldest, today, now, zone);
        for limit in budget.limits {
            let until = if limit.limit == LimitKind::Daily { today } else { today.last_of_month() };
            subjects.push(Subject {
                kind: limit.limit,
                name: limit.name,
                left: limit.left_usd,
                until: Some(until),
                history: History::before(today, &spent),
                lacking: Lacking { calls: limit.lacking_messages, ..Lacking::default() },
            });
        }
    }
    for budget in view.budgets.values() {
        let (first, last) = budget.period.days(today);
        if (first..=last).contains(&today) {
            let scope = &budget.scope;
            let spent = view.spend.by_day(zone, Some(oldest), |cell| cell.is_in(scope));
            let of = use_of(&view.spend, budget, today, zone, None);
            subjects.push(Subject {
                kind: LimitKind::Budget,
                name: budget.name.to_string(),
                left: of.left(),
                until: Some(last),
                history: History::before(today, &spent),
                lacking: of.lacking,
            });
        }
    }
    subjects
}

/// The forecast for a subject.
#[must_use]
pub fn line(subject: Subject, now: Timestamp, zone: &TimeZone) -> ForecastLine {
    let Subject { kind, name, left, until, history, lacking } = subject;
    let mut line = ForecastLine {
        subject: kind,
        name,
        left_usd: left,
        until,
        state: ForecastState::Ok,
        reason: String::new(),
        history_days: u32::try_from(history.len()).unwrap_or(u32::MAX),
        runs_out: None,
        chance_percent: None,
        spend_usd: None,
        spend_until: None,
        lacking_messages: lacking.calls,
    };
    if left <= Picodollars::ZERO {
        line.state = ForecastState::Spent;
        "nothing is left".clone_into(&mut line.reason);
        return line;
    }
    match forecast(&history, left, until, now, zone) {
        Ok(said) => {
            line.runs_out = Some(said.runs_out.into());
            line.chance_percent = Some(said.chance_percent);
            line.spend_usd = Some(said.spent.into());
            line.spend_until = Some(said.spent_until);
        }
        Err(not_enough) => {
            line.state = ForecastState::NotEnoughHistory;
            line.reason = not_enough.to_string();
        }
    }
    line
}

/// Daily cost over all providers on the days that a backtest covers.
#[must_use]
pub fn past_days(view: &TenantView, now: Timestamp, zone: &TimeZone) -> BTreeMap<Date, Picodollars> {
    let today = calendar::day_of(now, zone);
    cost_by_day(view, None, today.saturating_sub(BACKTEST_DAYS.days()), today, now, zone)
}

/// How accurate the forecasts of past days were.
#[must_use]
pub fn backtested(spent: &BTreeMap<Date, Picodollars>, today: Date) -> BacktestShown {
    let since = spent.keys().next().copied().filter(|day| *day < today);
    let found = backtest(spent, since.unwrap_or(today), today);
    BacktestShown { since, horizons: found.into_iter().map(CoverageLine::from).collect() }
}
