//! What tools take.

use jiff::civil::Date;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::calendar::{PeriodKind, WeekStart, YearStart};
use crate::domain::money::Picodollars;
use crate::service::goals::requests::LocalGoalBody;
use crate::service::runtime::forms;
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

/// Which day.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Day {
    /// `YYYY-MM-DD`; today where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub date: Option<Date>,
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
    /// The first UTC day; thirty days ago where absent.
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
    #[schema(value_type = forms::Usd)]
    pub amount_usd: Picodollars,
    /// `daily`, `weekly`, `monthly` (the default), `yearly` or `rolling`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub period: Option<PeriodKind>,
    /// How many days a rolling period has, today among them.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 366)]
    pub days: Option<u32>,
    /// What a weekly period begins with.
    #[serde(default)]
    #[schema(value_type = Option<forms::WeekDay>)]
    pub week_starts: Option<WeekStart>,
    /// What a yearly period begins with, `MM-DD`.
    #[serde(default)]
    #[schema(value_type = Option<forms::YearDay>)]
    pub year_starts: Option<YearStart>,
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
    #[schema(example = "taxes")]
    pub slug: String,
}

/// Which goals.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Goals {
    /// Only the goal of this short name.
    #[serde(default)]
    pub slug: Option<String>,
}

/// An alert.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledge {
    /// Its number, as get_alerts tells it.
    #[schema(minimum = 1, example = 7)]
    pub id: u64,
}

/// Which days of a provider.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reported {
    /// The first UTC day; thirty days ago where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub since: Option<Date>,
    /// The last UTC day, included.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<Date>,
}

/// What to explain.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Explain {
    /// A day (`YYYY-MM-DD`), a session's id or a message's id, or how one begins.
    #[schema(example = "2026-11-23")]
    pub subject: String,
}

/// Which tasks.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tasks {
    /// Due by then: `overdue`, `today`, `tomorrow`, `week` or a day.
    #[serde(default)]
    #[schema(value_type = Option<forms::DueBy>)]
    pub due: Option<String>,
    /// Also those that are closed.
    #[serde(default)]
    pub all: Option<bool>,
    /// Only those of this note, or below this folder.
    #[serde(default)]
    pub note: Option<String>,
    /// How many at most.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub limit: Option<usize>,
}

/// What the usage page shows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The month's sum so far, a decimal string in USD.
    #[schema(value_type = forms::UsdText)]
    pub value_usd: String,
    /// Which month's, `YYYY-MM`; this month's where absent.
    #[serde(default)]
    #[schema(value_type = Option<forms::Month>)]
    pub month: Option<String>,
    /// What there is to say about it, in one line.
    #[serde(default)]
    pub note: Option<String>,
    /// Whether it takes the place of the last reading, which was a typing error.
    #[serde(default)]
    pub correct: Option<bool>,
}

/// What was done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogSession {
    /// One line for today's daily note.
    #[schema(example = "mended the parser, two tests to go")]
    pub text: String,
    /// The session it is of.
    #[serde(default)]
    pub session: Option<String>,
}
