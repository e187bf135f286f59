//! What the faces send in and get back, in one shape for all of them.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::budget::{Budget, BudgetName, Scope, Thresholds};
use crate::domain::calendar::Period;
use crate::domain::money::Picodollars;
use crate::event::Position;
use crate::view::budgets::BudgetLine;
use crate::view::replay::Until;

/// The budgets and how they stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Budgets {
    /// By name.
    pub budgets: Vec<BudgetLine>,
}

/// A budget to set. Amounts are decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetBody {
    /// What may be spent in one period.
    #[schema(value_type = String, example = "50")]
    pub amount_usd: Picodollars,
    /// `daily`, `weekly` or `monthly`; left out where `from` and `until` are given.
    #[serde(default)]
    pub period: Option<String>,
    /// The first day of a fixed period.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub from: Option<Date>,
    /// The last day of a fixed period, included.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<Date>,
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
    #[schema(value_type = Option<String>)]
    pub low_usd: Option<Picodollars>,
    /// `DAILY_LIMIT_EXCEEDED` above this; 2 where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub daily_limit_usd: Option<Picodollars>,
    /// `PERIOD_ENDING` at this many days left; 1 where absent.
    #[serde(default)]
    pub ending_days: Option<u32>,
}

impl BudgetBody {
    /// The budget of this name.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the period.
    pub fn into_budget(self, name: BudgetName) -> Result<Budget, String> {
        let period = match (self.period.as_deref(), self.from, self.until) {
            (None | Some("fixed"), Some(from), Some(until)) => Period::Fixed { from, until },
            (Some("daily"), None, None) => Period::Daily,
            (Some("weekly"), None, None) => Period::Weekly,
            (None | Some("monthly"), None, None) => Period::Monthly,
            _ => {
                return Err(
                    "give either a period (daily, weekly, monthly) or both a first and a last day".into()
                );
            }
        };
        let standard = Thresholds::default();
        Ok(Budget {
            name,
            amount: self.amount_usd,
            period,
            scope: Scope { provider: self.provider, model: self.model, project: self.project },
            thresholds: Thresholds {
                low: self.low_usd.unwrap_or(standard.low),
                daily_limit: self.daily_limit_usd.unwrap_or(standard.daily_limit),
                ending_days: self.ending_days.unwrap_or(standard.ending_days),
            },
        })
    }
}

/// What an instant is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reckoning {
    /// When the log took an event: what was known then.
    #[default]
    Recorded,
    /// When an event happened: what is known now of then.
    Occurred,
}

/// Reads an end of replay: a position, or an instant.
///
/// # Errors
/// A sentence that says how to write it.
pub fn parse_until(text: Option<&str>, reckoning: Reckoning) -> Result<Until, String> {
    let Some(text) = text else { return Ok(Until::Head) };
    if let Ok(position) = text.parse() {
        return Ok(Until::Position(Position(position)));
    }
    let instant: Timestamp = text
        .parse()
        .map_err(|_| format!("'{text}' is neither a position nor an instant such as 2026-11-23T12:00:00Z"))?;
    Ok(match reckoning {
        Reckoning::Recorded => Until::Recorded(instant),
        Reckoning::Occurred => Until::Occurred(instant),
    })
}
