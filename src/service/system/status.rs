//! What the faces send in and get back, in one shape for all of them.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::budget::{Budget, BudgetName, Scope, Thresholds};
use crate::domain::calendar::{CalendarError, PeriodTerms, WeekStart, YearStart};
use crate::domain::money::Picodollars;
use crate::event::Position;
use crate::event::envelope::hex;
use crate::log::Head;
use crate::log::backup::BackupReport;
use crate::log::verify::VerifyReport;
use crate::service::runtime::forms;
use crate::service::runtime::sources::SourceShown;
use crate::view::alerts::AlertLine;
use crate::view::budgets::BudgetLine;
use crate::view::freshness::Freshness;
use crate::view::goals::GoalLine;
use crate::view::replay::Until;
use crate::view::report::Report;
use crate::view::status::Status;

/// How things stand, with the sources that are behind the numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusShown {
    /// The numbers.
    #[serde(flatten)]
    pub status: Status,
    /// The goals that need something done soon, the nearest to derailing first.
    pub urgent_goals: Vec<GoalLine>,
    /// What there is to be told, the worst first.
    pub alerts: Vec<AlertLine>,
    /// The outside systems, with the age of what they said; empty where no supervisor runs.
    pub sources: Vec<SourceShown>,
    /// How old these figures are.
    #[serde(flatten)]
    pub freshness: Freshness,
}

impl StatusShown {
    /// Of these numbers, goals, alerts and sources, so old.
    #[must_use]
    pub fn new(
        status: Status,
        goals: Vec<GoalLine>,
        alerts: Vec<AlertLine>,
        sources: Vec<SourceShown>,
        freshness: Freshness,
    ) -> Self {
        let urgent_goals = goals.into_iter().filter(|goal| goal.urgency.is_some()).collect();
        Self { status, urgent_goals, alerts, sources, freshness }
    }
}

/// The goals, with the source that told of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GoalsShown {
    /// The nearest to derailing first.
    pub goals: Vec<GoalLine>,
    /// How old they are, and why; null where no supervisor runs.
    pub source: Option<SourceShown>,
}

/// The budgets and how they stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Budgets {
    /// By name.
    pub budgets: Vec<BudgetLine>,
    /// How old these figures are.
    #[serde(flatten)]
    pub freshness: Freshness,
}

/// A report, and how old it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportShown {
    /// The report; which list it has tells by what it is grouped.
    #[serde(flatten)]
    pub report: Report,
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
    pub period: Option<String>,
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
            name: self.period,
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

/// Which actor a drill is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrillBody {
    /// Its path, as `mecris actors` shows it, such as `tenants/local/usage`.
    #[schema(min_length = 1, max_length = 200)]
    pub actor: String,
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

/// The end of the log: what to write down elsewhere, to prove later that nothing was rewritten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeadShown {
    /// The last position; 0 when the log is empty.
    pub position: u64,
    /// The hash of the last block, which covers everything before it; 64 hexadecimal digits. Null where the log is no
    /// chain of blocks.
    pub hash: Option<String>,
    /// When the last event was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
}

impl From<Head> for HeadShown {
    fn from(head: Head) -> Self {
        Self {
            position: head.position.0,
            hash: head.chain.map(|hash| hex(&hash)),
            recorded_at: head.recorded_at,
        }
    }
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundProblem {
    /// `journal` or `sled`.
    pub copy: String,
    /// The first position that it concerns.
    pub position: u64,
    /// What was found.
    pub detail: String,
}

/// What a verification of both copies found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verified {
    /// Whole records of the journal.
    pub events: u64,
    /// Whole blocks of the journal.
    pub blocks: u64,
    /// The end of the journal.
    pub head: HeadShown,
    /// The last position of the sled copy, which may trail.
    pub sled: u64,
    /// Bytes of a write that was cut short and that nobody was told of.
    pub torn_bytes: u64,
    /// Where the block ends whose hash was asked for, if it was found.
    pub expected_at: Option<u64>,
    /// What is wrong; empty where all is well. At most 1000 are listed.
    pub problems: Vec<FoundProblem>,
    /// How many problems there are.
    pub problem_count: u64,
}

impl From<VerifyReport> for Verified {
    fn from(report: VerifyReport) -> Self {
        let problem = |problem: crate::log::verify::Problem| FoundProblem {
            copy: problem.copy.to_string(),
            position: problem.position.0,
            detail: problem.detail,
        };
        Self {
            events: report.events,
            blocks: report.blocks,
            head: report.head.into(),
            sled: report.sled.0,
            torn_bytes: report.torn_bytes,
            expected_at: report.expected_at.map(|position| position.0),
            problems: report.problems.into_iter().map(problem).collect(),
            problem_count: report.problem_count,
        }
    }
}

/// Where to back up to: a directory on the supervisor's machine, below `backup.root`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupBody {
    /// A path below `backup.root`, relative to it or absolute.
    #[schema(value_type = forms::BackupDir)]
    pub dir: String,
}

/// What a backup did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackedUp {
    /// The head that the backup reaches.
    pub head: HeadShown,
    /// Segments of the backup.
    pub segments: usize,
    /// Segments that had to be copied.
    pub copied: usize,
    /// Bytes that were copied.
    pub copied_bytes: u64,
}

impl From<BackupReport> for BackedUp {
    fn from(report: BackupReport) -> Self {
        let BackupReport { head, segments, copied, copied_bytes } = report;
        Self { head: head.into(), segments, copied, copied_bytes }
    }
}
