//! `mecris tasks`, `daily`, `vault` and `log-session`.

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::service::runtime::reads::Reads;
use crate::service::vault::queries::{DailyParams, DailyShown, LogBody, Logged, VaultShown};
use crate::service::vault::tasks::{TasksFilter, TasksShown};

use super::backend::Backend;
use super::output::{CliError, print};
use super::tables;
use super::{Command, Common};

/// Options of `tasks`.
#[derive(Debug, Args)]
pub struct TasksArgs {
    /// Due by then: overdue, today, tomorrow, week or a day, YYYY-MM-DD
    #[arg(long, value_name = "DAY")]
    pub due: Option<String>,
    /// Also those that are done or cancelled
    #[arg(long)]
    pub all: bool,
    /// Only those of this note, or below this folder
    #[arg(long, value_name = "PATH")]
    pub note: Option<String>,
    /// How many at most
    #[arg(long, value_name = "COUNT")]
    pub limit: Option<usize>,
}

/// Options of `daily`.
#[derive(Debug, Args)]
pub struct DailyArgs {
    /// The day, YYYY-MM-DD [default: today]
    pub date: Option<Date>,
    /// Another kind of note: weekly, monthly, quarterly or yearly
    #[arg(long, value_name = "KIND")]
    pub period: Option<String>,
}

/// Options of `log-session`.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// What was done, in one line
    pub text: String,
    /// Below which heading [default: vault.log_heading]
    #[arg(long)]
    pub heading: Option<String>,
    /// A session of Claude Code, whose cost is written behind it
    #[arg(long)]
    pub session: Option<String>,
    /// When it was (2026-11-23T12:00:00Z) [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
}

/// Carries out a command on the vault.
///
/// # Errors
/// [`CliError`].
pub fn vault(common: &Common, command: Command) -> Result<(), CliError> {
    let (json, backend) = (common.json, Backend::open(common)?);
    match command {
        Command::Tasks(TasksArgs { due, all, note, limit }) => {
            let filter = TasksFilter { due, all: all.then_some(true), note, limit };
            print(json, &backend.tasks(&filter)?, tables::vault::tasks)
        }
        Command::Daily(DailyArgs { date, period }) => {
            print(json, &backend.daily(&DailyParams { date, period })?, tables::vault::daily)
        }
        Command::LogSession(LogArgs { text, heading, session, at }) => {
            let body = LogBody { text, heading, session, at };
            print(json, &backend.log_session(body)?, tables::vault::logged)
        }
        _ => print(json, &backend.vault()?, tables::vault::vault),
    }
}

/// What a question's query says: its parts that are there.
fn query(parts: [(&'static str, Option<String>); 4]) -> Vec<(&'static str, String)> {
    parts.into_iter().filter_map(|(name, part)| Some((name, part?))).collect()
}

impl Backend {
    /// Asks the log itself, with the vault as it is now.
    fn own(node: &crate::service::runtime::node::Node) -> Result<Reads, CliError> {
        let queries = node.queries()?;
        queries.look_at_vault();
        Ok(queries)
    }

    fn tasks(&self, filter: &TasksFilter) -> Result<TasksShown, CliError> {
        // A word makes sense on every day or on none.
        filter.check(Date::default())?;
        match self {
            Self::Running(remote) => {
                let parts = [
                    ("due", filter.due.clone()),
                    ("all", filter.all.map(|all| all.to_string())),
                    ("note", filter.note.clone()),
                    ("limit", filter.limit.map(|limit| limit.to_string())),
                ];
                remote.get("/api/v1/tasks", &query(parts))
            }
            Self::Own(node) => Ok(Self::own(node)?.tasks(filter, Timestamp::now())?),
        }
    }

    fn daily(&self, asked: &DailyParams) -> Result<DailyShown, CliError> {
        asked.kind()?;
        match self {
            Self::Running(remote) => {
                let date = asked.date.map(|date| date.to_string());
                let parts = [("date", date), ("period", asked.period.clone()), ("", None), ("", None)];
                remote.get("/api/v1/daily", &query(parts))
            }
            Self::Own(node) => Ok(Self::own(node)?.daily(asked, Timestamp::now())?),
        }
    }

    fn log_session(&self, body: LogBody) -> Result<Logged, CliError> {
        body.check()?;
        match self {
            Self::Running(remote) => remote.post_body("/api/v1/daily", &body),
            Self::Own(node) => Ok(Self::own(node)?.log_session(body, Timestamp::now(), "cli")?),
        }
    }

    fn vault(&self) -> Result<VaultShown, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/vault", &[]),
            Self::Own(node) => Ok(Self::own(node)?.vault(Timestamp::now())?),
        }
    }
}
