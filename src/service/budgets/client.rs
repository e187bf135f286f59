//! What the faces ask about budgets, and what they send in.

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

/// The budgets and how they stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Budgets {
    /// By name.
    pub budgets: Vec<BudgetLine>,
    /// How old these figures are.
    #[serde(flatten)]
    pub freshness: Freshness,
}

/// A budget to set. Amounts are decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetBody {
    /// What may be spent in one period.
    #[schema(value_type = forms::Usd)]
    pub amount_usd: Picodollars,
    /// `daily`, `weekly`, `monthly`, `yearly`, `rolling` or `fixed`; where absent it is what the next fields belong to,
    /// or else `monthly`.
    #[serde(default)]
    #[schema(value_type = Option<forms::PeriodName>)]
    pub period: Option<PeriodKind>,
    /// The first day of a fixed period.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub from: Option<Date>,
    /// The last day of a fixed period, included.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<Date>,
    /// How many days a rolling period has, today among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 366)]
    pub days: Option<u32>,
    /// What a weekly period begins with, `monday` to `sunday`; where absent what `week_starts` says in the settings now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<forms::WeekDay>)]
    pub week_starts: Option<WeekStart>,
    /// What a yearly period begins with, `MM-DD`; `01-01` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<forms::YearDay>)]
    pub year_starts: Option<YearStart>,
    /// Covers only this provider.
    #[serde(default)]
    pub provider: Option<String>,
    /// Covers only models of this pattern, in which `*` is any text.
    #[serde(default)]
    pub model: Option<String>,
    /// Covers only this directory and those below it.
    #[serde(default)]
    pub project: Option<String>,
    /// `LOW_BUDGET` below this remainder; 5 where absent.
    #[serde(default)]
    #[schema(value_type = Option<forms::Usd>)]
    pub low_usd: Option<Picodollars>,
    /// `DAILY_LIMIT_EXCEEDED` above this; 2 where absent.
    #[serde(default)]
    #[schema(value_type = Option<forms::Usd>)]
    pub daily_limit_usd: Option<Picodollars>,
    /// `PERIOD_ENDING` at this many days left; 1 where absent.
    #[serde(default)]
    pub ending_days: Option<u32>,
}

impl BudgetBody {
    /// The budget of this name; a week that does not say what it begins with begins with `week`.
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
    /// How the budgets stand.
    #[must_use]
    pub fn budgets(&self, now: Timestamp) -> Vec<BudgetLine> {
        lines(&self.standing(now).uses, now, self.zone())
    }
}

impl Reads {
    /// How the budgets stand, and how old that is.
    #[must_use]
    pub fn budgets_shown(&self, now: Timestamp) -> Budgets {
        self.at(|at| Budgets { budgets: at.budgets(now), freshness: at.reading().freshness() })
    }
}
