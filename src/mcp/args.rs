//! What tools take.

use jiff::civil::Date;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::money::Picodollars;
use crate::service::goal_requests::LocalGoalBody;
use crate::view::report::Grouping;

/// Nothing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Which usage.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecentUsage {
    /// How many days back, today included; 7 where absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 366)]
    pub days: Option<u16>,
    /// By what to group; by model where absent.
    #[serde(default)]
    pub by: Option<Grouping>,
}

/// Which days.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Days {
    /// The first day, `YYYY-MM-DD`.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub since: Option<Date>,
    /// The last day, included.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<Date>,
}

/// What to reconcile.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    /// The first UTC day; the last thirty days where none is named.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub since: Option<Date>,
    /// The last UTC day, included.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<Date>,
    /// Only this provider.
    #[serde(default)]
    pub provider: Option<String>,
}

/// A budget to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateBudget {
    /// Its name.
    #[schema(example = "main")]
    pub name: String,
    /// What may be spent in one period, a decimal string in USD.
    #[schema(value_type = String, example = "50")]
    pub amount_usd: Picodollars,
    /// `daily`, `weekly` or `monthly` (the default).
    #[serde(default)]
    pub period: Option<String>,
}

/// A local goal to make or change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddGoal {
    /// Its short name, of a-z, 0-9 and '-'.
    #[schema(example = "taxes")]
    pub slug: String,
    /// What it says.
    pub goal: LocalGoalBody,
}

/// A local goal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteGoal {
    /// Its short name.
    pub slug: String,
}

/// An alert.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledge {
    /// Its number.
    pub id: u64,
}
