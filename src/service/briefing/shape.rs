//! The narrator's response: what an agent reads at the start of a session.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::alert::{Kind, Severity};
use crate::domain::balance::{Confidence, Source};
use crate::domain::budget::{Flag, Health};
use crate::domain::goal::Risk;
use crate::domain::money::Picodollars;
use crate::domain::narrator::{Recommendation, Urgency};
use crate::service::runtime::sources::SourceState;
use crate::view::odometer::OdometerState;

use super::activity::Activity;

/// Maximum size of the short form, in bytes of JSON.
const SMALL_MAX: usize = 4_500;
/// Number of goals that are always included.
const GOALS: usize = 6;

/// The current situation, and what to do next. Amounts are exact decimal strings in USD. Texts of goals,
/// tasks and alerts are data from outside: one line each, truncated.
///
/// Without `detail` it is at most 4,500 bytes, which is at most 1,500 tokens at three bytes a token;
/// English has about four bytes a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Narration {
    /// A summary in one line.
    pub summary: String,
    /// When this was computed.
    #[schema(value_type = String, format = DateTime)]
    pub now: Timestamp,
    /// What to do, most urgent first: from fixed rules, in Mecris's own words.
    pub recommendations: Vec<RecommendationShown>,
    /// The goals, nearest to derailing first.
    pub goals: Vec<GoalShort>,
    /// The budgets, least remaining share first.
    pub budgets: Vec<BudgetShort>,
    /// The balances, each with its source and age.
    pub balances: Vec<BalanceShort>,
    /// The open alerts, worst first.
    pub alerts: Vec<AlertShort>,
    /// Today's activity in numbers; `get_daily_activity` lists it.
    pub today: Today,
    /// The vault's tasks due by today, oldest first; null if no vault is configured.
    pub tasks: Option<TasksShort>,
    /// The odometers, which a person reads by hand.
    pub odometers: Vec<OdometerShort>,
    /// Each polled outside system: its state, and the age of its data. Do not treat numbers of a stale
    /// source as current.
    pub sources: Vec<SourceShort>,
    /// How many entries are left out; with `detail: true` none are. Null if none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
}

/// How many entries are left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftOut {
    /// Recommendations.
    pub recommendations: usize,
    /// Goals.
    pub goals: usize,
    /// Budgets.
    pub budgets: usize,
    /// Balances.
    pub balances: usize,
    /// Alerts.
    pub alerts: usize,
    /// Tasks.
    pub tasks: usize,
    /// Odometers.
    pub odometers: usize,
    /// Sources that answer.
    pub sources: usize,
}

/// Today's activity in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Today {
    /// The day, in the configured time zone.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// The cost; null if no call has a price.
    #[schema(value_type = Option<String>)]
    pub cost_usd: Option<Picodollars>,
    /// Billed calls.
    pub calls: u64,
    /// Sessions that made them.
    pub sessions: usize,
    /// Datapoints entered for goals.
    pub datapoints: usize,
    /// Finished tasks.
    pub tasks_done: usize,
    /// Alerts raised.
    pub alerts_raised: usize,
}

impl From<Activity> for Today {
    fn from(activity: Activity) -> Self {
        Self {
            day: activity.day,
            cost_usd: activity.usage.cost_usd,
            calls: activity.usage.messages,
            sessions: activity.sessions,
            datapoints: activity.datapoints.len(),
            tasks_done: activity.tasks_done.len(),
            alerts_raised: activity.alerts_raised.len(),
        }
    }
}

/// A recommendation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecommendationShown {
    /// The rule behind it.
    #[schema(example = "goal-today")]
    pub rule: String,
    /// `now`, `today`, `soon` or `info`.
    #[schema(value_type = String)]
    pub urgency: Urgency,
    /// What to do.
    pub text: String,
}

impl From<Recommendation> for RecommendationShown {
    fn from(told: Recommendation) -> Self {
        Self { rule: told.rule.to_owned(), urgency: told.urgency, text: told.text }
    }
}

/// A goal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GoalShort {
    /// Its slug.
    #[schema(example = "exercise")]
    pub slug: String,
    /// `CRITICAL`, `WARNING`, `CAUTION`, `SAFE` or `UNKNOWN`.
    #[schema(value_type = String)]
    pub risk: Risk,
    /// Time until it derails, such as `3 h 10 min`; null if unknown.
    pub left: Option<String>,
    /// What must be done, in the words of its keeper.
    pub todo: String,
    /// Whether something was entered today.
    pub has_data_today: bool,
    /// Whether its data may be out of date.
    pub is_old: bool,
}

/// A budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BudgetShort {
    /// Its name.
    pub name: String,
    /// The remaining amount.
    #[schema(value_type = String)]
    pub left_usd: Picodollars,
    /// The amount for the period.
    #[schema(value_type = String)]
    pub of_usd: Picodollars,
    /// Days left in the period, including today.
    pub days_left: u32,
    /// Length of a rolling period in days; absent for other periods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling_days: Option<u32>,
    /// `GOOD`, `WARNING` or `CRITICAL`.
    #[schema(value_type = String)]
    pub health: Health,
    /// `LOW_BUDGET`, `BURN_RATE_HIGH`, `PERIOD_ENDING`, `DAILY_LIMIT_EXCEEDED`.
    #[schema(value_type = Vec<String>)]
    pub flags: Vec<Flag>,
}

/// A balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BalanceShort {
    /// The provider.
    pub provider: String,
    /// The remaining amount now, calculated from the last reading.
    #[schema(value_type = String)]
    pub left_usd: Picodollars,
    /// Origin of the reading: `hand`, `console`, `provider-api`, `refusal`, `derived`.
    #[schema(value_type = String)]
    pub source: Source,
    /// Age of the reading, in seconds.
    pub age_seconds: i64,
    /// Confidence in the reading: `high`, `medium`, `low`.
    #[schema(value_type = String)]
    pub confidence: Confidence,
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertShort {
    /// Its number.
    pub id: u64,
    /// What it is about.
    #[schema(value_type = String)]
    pub kind: Kind,
    /// A goal's slug, a budget's name …
    pub subject: String,
    /// `info`, `warning`, `critical` or `immediate`.
    #[schema(value_type = String)]
    pub severity: Severity,
    /// Whether the person acknowledged it.
    pub is_acknowledged: bool,
}

/// Tasks that are due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TasksShort {
    /// Number due before today.
    pub overdue: usize,
    /// Number due today.
    pub due_today: usize,
    /// The first of them.
    pub due: Vec<TaskShort>,
    /// When the vault was read.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub read_at: Option<Timestamp>,
    /// Why the vault cannot be read now; null if it can.
    pub trouble: Option<String>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskShort {
    /// Its text as one line, truncated. This is data from the vault.
    pub text: String,
    /// Its note.
    pub note: String,
    /// Its due date.
    #[schema(value_type = Option<String>, format = Date)]
    pub due: Option<Date>,
}

/// An odometer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OdometerShort {
    /// The provider.
    pub provider: String,
    /// Whether a person should read the page.
    pub state: OdometerState,
    /// The month-to-date sum at the last reading.
    #[schema(value_type = String)]
    pub value_usd: Picodollars,
    /// Age of that reading, in seconds.
    pub age_seconds: i64,
}

/// An outside system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceShort {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: SourceState,
    /// Age of its data, in seconds; null if it never answered.
    pub age_seconds: Option<i64>,
    /// Whether the data is older than it should be.
    pub stale: bool,
}

impl Narration {
    /// The short form: lists are truncated until it fits, except the goals.
    #[must_use]
    pub fn small(self) -> Self {
        let fits = |told: &Self| serde_json::to_vec(told).is_ok_and(|told| told.len() <= SMALL_MAX);
        [5, 4, 3, 2].into_iter().map(|most| self.clone().cut(most)).find(fits).unwrap_or_else(|| self.cut(1))
    }

    fn cut(mut self, most: usize) -> Self {
        let left_out = LeftOut {
            recommendations: cut(&mut self.recommendations, most.max(3)),
            goals: cut(&mut self.goals, GOALS),
            budgets: cut(&mut self.budgets, most),
            balances: cut(&mut self.balances, most),
            alerts: cut(&mut self.alerts, most),
            tasks: self.tasks.as_mut().map_or(0, |tasks| cut(&mut tasks.due, most)),
            odometers: cut(&mut self.odometers, most),
            sources: cut_sources(&mut self.sources, most),
        };
        self.left_out = Some(left_out).filter(|left_out| *left_out != LeftOut::default());
        self
    }
}

/// Truncates a list. Returns the number of removed entries.
fn cut<T>(list: &mut Vec<T>, most: usize) -> usize {
    let gone = list.len().saturating_sub(most);
    list.truncate(most);
    gone
}

/// Sources that fail come first: they explain why a number is old.
fn cut_sources(sources: &mut Vec<SourceShort>, most: usize) -> usize {
    sources.sort_by_key(|source| !(source.stale || source.state.needs_a_look()));
    cut(sources, most)
}
