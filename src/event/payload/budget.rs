//! Events about budgets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::class::classes;
use crate::domain::budget::{Budget, BudgetError, Scope, Thresholds};
use crate::domain::calendar::{CalendarError, PeriodTerms, WeekStart};
use crate::domain::money::Picodollars;
use crate::domain::project::directory;

/// A budget was created or replaced. Version 3; version 2 knew weeks from Monday, and no years and no rolling windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BudgetSet {
    /// Its name.
    pub name: String,
    /// USD for one period.
    #[schemars(with = "String")]
    pub amount: Picodollars,
    /// `daily`, `weekly`, `monthly`, `yearly`, `rolling` or `fixed`.
    pub period: String,
    /// The first day of a fixed period, `YYYY-MM-DD`.
    pub from: Option<String>,
    /// The last day of a fixed period, included.
    pub until: Option<String>,
    /// The provider it covers; none for all.
    pub provider: Option<String>,
    /// The model pattern it covers; none for all.
    pub model: Option<String>,
    /// The project it covers; none for all.
    pub project: Option<String>,
    /// `LOW_BUDGET` below this remainder, in USD.
    #[schemars(with = "String")]
    pub low: Picodollars,
    /// `DAILY_LIMIT_EXCEEDED` above this, in USD.
    #[schemars(with = "String")]
    pub daily_limit: Picodollars,
    /// `PERIOD_ENDING` at this many days left.
    pub ending_days: u32,
    /// How many days a rolling period has.
    pub days: Option<u32>,
    /// What a weekly period begins with, `monday` to `sunday`.
    pub week_starts: Option<String>,
    /// What a yearly period begins with, `MM-DD`.
    pub year_starts: Option<String>,
}

/// Version 2 of [`BudgetSet`], kept for the logs that hold it. Version 1 had no thresholds of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BudgetSetV2 {
    /// Its name.
    pub name: String,
    /// USD for one period.
    #[schemars(with = "String")]
    pub amount: Picodollars,
    /// `daily`, `weekly`, `monthly` or `fixed`.
    pub period: String,
    /// The first day of a fixed period, `YYYY-MM-DD`.
    pub from: Option<String>,
    /// The last day of a fixed period, included.
    pub until: Option<String>,
    /// The provider it covers; none for all.
    pub provider: Option<String>,
    /// The model pattern it covers; none for all.
    pub model: Option<String>,
    /// The project it covers; none for all.
    pub project: Option<String>,
    /// `LOW_BUDGET` below this remainder, in USD.
    #[schemars(with = "String")]
    pub low: Picodollars,
    /// `DAILY_LIMIT_EXCEEDED` above this, in USD.
    #[schemars(with = "String")]
    pub daily_limit: Picodollars,
    /// `PERIOD_ENDING` at this many days left.
    pub ending_days: u32,
}

/// Version 1 of [`BudgetSet`], kept for the logs that hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BudgetSetV1 {
    /// Its name.
    pub name: String,
    /// USD for one period.
    #[schemars(with = "String")]
    pub amount: Picodollars,
    /// `daily`, `weekly`, `monthly` or `fixed`.
    pub period: String,
    /// The first day of a fixed period.
    pub from: Option<String>,
    /// The last day of a fixed period, included.
    pub until: Option<String>,
    /// The provider it covers; none for all.
    pub provider: Option<String>,
    /// The model pattern it covers; none for all.
    pub model: Option<String>,
    /// The project it covers; none for all.
    pub project: Option<String>,
}

/// A budget was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BudgetRemoved {
    /// Its name.
    pub name: String,
}

classes! {
    BudgetSet {
        None: amount, period, from, until, provider, model, low, daily_limit, ending_days, days, week_starts,
            year_starts;
        Personal: name, project;
    }
    BudgetSetV2 {
        None: amount, period, from, until, provider, model, low, daily_limit, ending_days;
        Personal: name, project;
    }
    BudgetSetV1 { None: amount, period, from, until, provider, model; Personal: name, project; }
    BudgetRemoved { Personal: name; }
}

impl From<&Budget> for BudgetSet {
    fn from(budget: &Budget) -> Self {
        let terms = PeriodTerms::from(budget.period);
        Self {
            name: budget.name.to_string(),
            amount: budget.amount,
            period: budget.period.kind().to_string(),
            from: terms.from.map(|day| day.to_string()),
            until: terms.until.map(|day| day.to_string()),
            provider: budget.scope.provider.clone(),
            model: budget.scope.model.clone(),
            project: budget.scope.project.clone(),
            low: budget.thresholds.low,
            daily_limit: budget.thresholds.daily_limit,
            ending_days: budget.thresholds.ending_days,
            days: terms.days,
            week_starts: terms.week_starts.map(|day| day.to_string()),
            year_starts: terms.year_starts.map(|day| day.to_string()),
        }
    }
}

/// Why a stored budget is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BudgetPayloadError {
    /// The domain refuses it.
    #[error(transparent)]
    Refused(#[from] BudgetError),
    /// The domain refuses its period.
    #[error(transparent)]
    Period(#[from] CalendarError),
    /// A fixed period's day that is none.
    #[error("'{0}' is not a day")]
    Day(String),
}

impl TryFrom<&BudgetSet> for Budget {
    type Error = BudgetPayloadError;

    fn try_from(stored: &BudgetSet) -> Result<Self, BudgetPayloadError> {
        let day = |text: &Option<String>| {
            let read = |text: &String| text.parse().map_err(|_| BudgetPayloadError::Day(text.clone()));
            text.as_ref().map(read).transpose()
        };
        let terms = PeriodTerms {
            kind: Some(stored.period.parse()?),
            from: day(&stored.from)?,
            until: day(&stored.until)?,
            days: stored.days,
            week_starts: stored.week_starts.as_deref().map(str::parse).transpose()?,
            year_starts: stored.year_starts.as_deref().map(str::parse).transpose()?,
        };
        Ok(Self {
            name: stored.name.parse()?,
            amount: stored.amount,
            // What a week begins with is always written; not by what the settings say when it is read.
            period: terms.read(WeekStart::Monday)?,
            scope: Scope {
                provider: stored.provider.clone(),
                model: stored.model.clone(),
                // Written as people wrote it before directories had one spelling.
                project: stored.project.as_deref().map(|project| directory(project).into_owned()),
            },
            thresholds: Thresholds {
                low: stored.low,
                daily_limit: stored.daily_limit,
                ending_days: stored.ending_days,
            },
        })
    }
}

impl From<BudgetSetV2> for BudgetSet {
    /// Version 2 knew one kind of week, from Monday.
    fn from(old: BudgetSetV2) -> Self {
        let is_weekly = old.period == "weekly";
        Self {
            name: old.name,
            amount: old.amount,
            period: old.period,
            from: old.from,
            until: old.until,
            provider: old.provider,
            model: old.model,
            project: old.project,
            low: old.low,
            daily_limit: old.daily_limit,
            ending_days: old.ending_days,
            days: None,
            week_starts: is_weekly.then(|| WeekStart::Monday.to_string()),
            year_starts: None,
        }
    }
}

impl From<BudgetSetV1> for BudgetSetV2 {
    /// Version 1 knew no thresholds: every budget had the standard ones.
    fn from(old: BudgetSetV1) -> Self {
        let standard = Thresholds::default();
        Self {
            name: old.name,
            amount: old.amount,
            period: old.period,
            from: old.from,
            until: old.until,
            provider: old.provider,
            model: old.model,
            project: old.project,
            low: standard.low,
            daily_limit: standard.daily_limit,
            ending_days: standard.ending_days,
        }
    }
}

impl From<BudgetSetV1> for BudgetSet {
    fn from(old: BudgetSetV1) -> Self {
        BudgetSetV2::from(old).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::Period;

    fn stored(period: Period) -> BudgetSet {
        BudgetSet::from(&Budget {
            name: "main".parse().unwrap(),
            amount: Picodollars::usd(50),
            period,
            scope: Scope::default(),
            thresholds: Thresholds::default(),
        })
    }

    #[test]
    fn every_period_is_read_as_it_was_stored() {
        let fixed =
            Period::Fixed { from: "2026-01-01".parse().unwrap(), until: "2026-01-09".parse().unwrap() };
        let rolling = Period::Rolling { days: 30.try_into().unwrap() };
        let yearly = Period::Yearly { starts: "02-29".parse().unwrap() };
        let weekly = WeekStart::ALL.map(|starts| Period::Weekly { starts });
        for period in [Period::Daily, Period::Monthly, fixed, rolling, yearly].into_iter().chain(weekly) {
            assert_eq!(Budget::try_from(&stored(period)).unwrap().period, period);
        }
    }

    #[test]
    fn a_week_of_an_old_version_begins_with_monday() {
        let old = BudgetSetV1 {
            name: "main".into(),
            amount: Picodollars::usd(50),
            period: "weekly".into(),
            from: None,
            until: None,
            provider: None,
            model: None,
            project: None,
        };
        let newest = BudgetSet::from(BudgetSetV2::from(old));
        assert_eq!(newest, stored(Period::Weekly { starts: WeekStart::Monday }));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let rolling = stored(Period::Rolling { days: 30.try_into().unwrap() });
        let refused = |stored: BudgetSet| Budget::try_from(&stored).unwrap_err();
        let hourly = refused(BudgetSet { period: "hourly".into(), ..rolling.clone() });
        assert_eq!(hourly, BudgetPayloadError::Period(CalendarError::Period("hourly".into())));
        let endless = refused(BudgetSet { days: None, ..rolling.clone() });
        assert!(matches!(endless, BudgetPayloadError::Period(CalendarError::Missing { .. })));
        let never = refused(BudgetSet { from: Some("never".into()), ..rolling });
        assert_eq!(never, BudgetPayloadError::Day("never".into()));
    }
}
