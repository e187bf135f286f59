//! `mecris tasks`, `daily`, `vault` and `log-session`.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::service::endpoints::vault::{GetDaily, GetVault, ListTasks, LogSession, UndoWrite};
use crate::service::vault::queries::{DailyParams, LogBody};
use crate::service::vault::tasks::TasksFilter;

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

/// What can be done with the vault.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum VaultCommand {
    /// Take back what was written to a note last; refused if the note was changed since
    Undo,
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
            print(json, &backend.call(ListTasks(filter))?, tables::vault::tasks)
        }
        Command::Daily(DailyArgs { date, period }) => {
            print(json, &backend.call(GetDaily(DailyParams { date, period }))?, tables::vault::daily)
        }
        Command::LogSession(LogArgs { text, heading, session, at }) => {
            let body = LogBody { text, heading, session, at };
            print(json, &backend.call(LogSession(body))?, tables::vault::logged)
        }
        Command::Vault { command: Some(VaultCommand::Undo) } => {
            print(json, &backend.call(UndoWrite)?, tables::vault::taken_back)
        }
        _ => print(json, &backend.call(GetVault)?, tables::vault::vault),
    }
}
