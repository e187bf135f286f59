//! Queries about budgets, and the request to set one.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::budget::{Budget, BudgetName, Scope, Thresholds};
use crate::domain::calendar::{CalendarError, PeriodKind, PeriodTerms, WeekStart, YearStart};
use crate::domain::money::Picodollars;
use crate::service::runtime::forms;
use crate::service::runtime::reads::{Reads, Snapshot};
use crate::view::budgets::{BudgetLine, lines};
use crate::view::freshness::Freshness;

/// The budgets and their state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Budgets {
    /// By name.
    pub budgets: Vec<BudgetLine>,
    /// How old these numbers are.
    #[serde(flatten)]
    pub freshness: Freshness,
}

/// A budget to set. Amounts are decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetBody {
    /// The amount for one period.
    #[schema(value_type = forms::Usd)]
    pub amount_usd: Picodollars,
    /// `daily`, `weekly`, `monthly`, `yearly`, `rolling` or `fixed`. If absent, the period that the fields
    /// below belong to, or else `monthly`.
    #[serde(default)]
    #[schema(value_type = Option<forms::PeriodName>)]
    pub period: Option<PeriodKind>,
    /// First day of a fixed period.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub from: Option<Date>,
    /// Last day of a fixed period, inclusive.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<Date>,
    /// Length of a rolling period in days, including today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 366)]
    pub days: Option<u32>,
    /// First day of a weekly period, `monday` to `sunday`; if absent, the current setting `week_starts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<forms::WeekDay>)]
    pub week_starts: Option<WeekStart>,
    /// First day of a yearly period, `MM-DD`; `01-01` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<forms::YearDay>)]
    pub year_starts: Option<YearStart>,
    /// Covers only this provider.
    #[serde(default)]
    pub provider: Option<String>,
    /// Covers only models that match this pattern, in which `*` is any text.
    #[serde(default)]
    pub model: Option<String>,
    /// Covers only this directory and those below it.
    #[serde(default)]
    pub project: Option<String>,
    /// `LOW_BUDGET` below this remainder; 5 if absent.
    #[serde(default)]
    #[schema(value_type = Option<forms::Usd>)]
    pub low_usd: Option<Picodollars>,
    /// `DAILY_LIMIT_EXCEEDED` above this daily spend; 2 if absent.
    #[serde(default)]
    #[schema(value_type = Option<forms::Usd>)]
    pub daily_limit_usd: Option<Picodollars>,
    /// `PERIOD_ENDING` at this many days left; 1 if absent.
    #[serde(default)]
    pub ending_days: Option<u32>,
}

impl BudgetBody {
    /// The budget with this name. `week` is the first day of the week if the request names none.
    ///
    /// # Errors
    /// [`CalendarError`] says what is wrong with the period.
    pub fn into_budget(self, name: BudgetName, week: WeekStart) -> Result<Budget, CalendarError> {
        let period = PeriodTerms {
            kind: self.period,
            from: self.from,
            until: self.until,
            days: self.days,
            week_starts: self.week_starts,
            year_starts: self.year_starts,
        };
        let standard = Thresholds::default();
        Ok(Budget {
            name,
            amount: self.amount_usd,
            period: period.read(week)?,
            scope: Scope { provider: self.provider, model: self.model, project: self.project },
            thresholds: Thresholds {
                low: self.low_usd.unwrap_or(standard.low),
                daily_limit: self.daily_limit_usd.unwrap_or(standard.daily_limit),
                ending_days: self.ending_days.unwrap_or(standard.ending_days),
            },
        })
    }
}

impl Snapshot {
    /// The state of each budget.
    #[must_use]
    pub fn budgets(&self, now: Timestamp) -> Vec<BudgetLine> {
        lines(&self.standing(now).uses, now, self.zone())
    }
}

impl Reads {
    /// The state of each budget, and how old the numbers are.
    #[must_use]
    pub fn budgets_shown(&self, now: Timestamp) -> Budgets {
        self.at(|at| Budgets { budgets: at.budgets(now), freshness: at.reading().freshness() })
    }
}
