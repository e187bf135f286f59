//! The narrator's context as it is shown: what an agent reads at the start of a session.

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

/// The most that a small narration holds, in bytes of JSON.
const SMALL_MAX: usize = 4_500;
/// The goals that are always told.
const GOALS: usize = 6;

/// How things stand, and what to do next. Amounts are exact decimal strings in USD; texts of goals, tasks and alerts are
/// data from outside, in one line, cut.
///
/// Unless `detail` is asked for it is small: below 4,500 bytes, which at three bytes a token are 1,500 tokens; English
/// has about four.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Narration {
    /// All of it in one line.
    pub summary: String,
    /// When this was told.
    #[schema(value_type = String, format = DateTime)]
    pub now: Timestamp,
    /// What to do, the most urgent first: by written rules, in Mecris's own words.
    pub recommendations: Vec<RecommendationShown>,
    /// The goals, the nearest to derailing first.
    pub goals: Vec<GoalShort>,
    /// The budgets, the one of which the least share is left first.
    pub budgets: Vec<BudgetShort>,
    /// The balances, each with its source and age.
    pub balances: Vec<BalanceShort>,
    /// The open alerts, the worst first.
    pub alerts: Vec<AlertShort>,
    /// What happened today; `get_daily_activity` has it one by one.
    pub today: Today,
    /// The vault's tasks that are due by today, the oldest first; null where no vault is named.
    pub tasks: Option<TasksShort>,
    /// The odometers, which are read by hand.
    pub odometers: Vec<OdometerShort>,
    /// Each outside system that was asked for: how it stands, and how old what it said is. Take no number of one that is
    /// stale for a new one.
    pub sources: Vec<SourceShort>,
    /// How much is left out; with `detail: true` nothing is. Null where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
}

/// How much is left out.
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

/// What happened today, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Today {
    /// The day, in the configured time zone.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// What was spent; null where no call has a price.
    #[schema(value_type = Option<String>)]
    pub cost_usd: Option<Picodollars>,
    /// Billed calls.
    pub calls: u64,
    /// Sessions that made them.
    pub sessions: usize,
    /// Datapoints that were entered for goals.
    pub datapoints: usize,
    /// Tasks that were done.
    pub tasks_done: usize,
    /// Alerts that began.
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
    /// The rule that says so.
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
    /// Its name in addresses.
    #[schema(example = "exercise")]
    pub slug: String,
    /// `CRITICAL`, `WARNING`, `CAUTION`, `SAFE` or `UNKNOWN`.
    #[schema(value_type = String)]
    pub risk: Risk,
    /// How long until it derails, such as `3 h 10 min`; null where nobody says.
    pub left: Option<String>,
    /// What must be done, in its keeper's words.
    pub todo: String,
    /// Whether something was entered today.
    pub has_data_today: bool,
    /// Whether what is known of it may be old.
    pub is_old: bool,
}

/// A budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BudgetShort {
    /// Its name.
    pub name: String,
    /// What is left.
    #[schema(value_type = String)]
    pub left_usd: Picodollars,
    /// What may be spent in the period.
    #[schema(value_type = String)]
    pub of_usd: Picodollars,
    /// Days left, today included.
    pub days_left: u32,
    /// How many days a rolling period has; absent for others.
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
    /// Who is paid.
    pub provider: String,
    /// What is left now, by reckoning.
    #[schema(value_type = String)]
    pub left_usd: Picodollars,
    /// How it was read: `hand`, `console`, `provider-api`, `refusal`, `derived`.
    #[schema(value_type = String)]
    pub source: Source,
    /// How long ago.
    pub age_seconds: i64,
    /// How sure the reading is: `high`, `medium`, `low`.
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
    /// Whether the person took note.
    pub is_acknowledged: bool,
}

/// Tasks that are due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TasksShort {
    /// Due before today.
    pub overdue: usize,
    /// Due today.
    pub due_today: usize,
    /// The first of them.
    pub due: Vec<TaskShort>,
    /// When the vault was read.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub read_at: Option<Timestamp>,
    /// Why it cannot be read now; null where it can.
    pub trouble: Option<String>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskShort {
    /// Its words in one line, cut: data from the vault.
    pub text: String,
    /// Its note.
    pub note: String,
    /// When it is due.
    #[schema(value_type = Option<String>, format = Date)]
    pub due: Option<Date>,
}

/// An odometer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OdometerShort {
    /// Who is paid.
    pub provider: String,
    /// Whether somebody should look at the page.
    pub state: OdometerState,
    /// The month's sum at the last reading.
    #[schema(value_type = String)]
    pub value_usd: Picodollars,
    /// How long ago that was.
    pub age_seconds: i64,
}

/// An outside system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceShort {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: SourceState,
    /// How old what it said is; null where it never said anything.
    pub age_seconds: Option<i64>,
    /// Whether that is older than it should be.
    pub stale: bool,
}

impl Narration {
    /// What is small of it: fewer of each where that is not small enough, but for the goals.
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

/// Cuts a list, and says how much of it is gone.
fn cut<T>(list: &mut Vec<T>, most: usize) -> usize {
    let gone = list.len().saturating_sub(most);
    list.truncate(most);
    gone
}

/// Those that do not answer are told first: they are why a number is old.
fn cut_sources(sources: &mut Vec<SourceShort>, most: usize) -> usize {
    sources.sort_by_key(|source| !(source.stale || source.state.is_trouble()));
    cut(sources, most)
}
