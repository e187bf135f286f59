//! The command line: asks a running supervisor over HTTP, or opens the log itself when none runs.

pub mod affording;
pub mod announce;
pub mod backend;
pub mod budget;
pub mod commands;
pub mod console;
pub mod doctor;
pub mod forecast;
pub mod gate;
pub mod goal;
pub mod keeping;
pub mod lean;
pub mod limit;
pub mod mcp;
pub mod narrator;
pub mod odometer;
pub mod output;
pub mod people;
pub mod prices;
pub mod projects;
pub mod remote;
pub mod reprice;
pub mod run;
pub mod server_file;
pub mod service_manager;
pub mod tables;
pub mod tenant;
pub mod token;
pub mod usage;
mod vault;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{ConfigError, Source, paths};
use crate::domain::calendar::Days;
use crate::domain::tenant::TenantName;
use crate::service::runtime::place::Place;
use crate::telemetry::LogFormat;
use crate::view::report::Grouping;

/// Accountability for what LLMs cost: every number traced to its events.
#[derive(Debug, Parser)]
#[command(name = "mecris", version, max_term_width = 100, propagate_version = true)]
pub struct Cli {
    /// Options that every command knows.
    #[command(flatten)]
    pub common: Common,
    /// What to do; to show how things stand where nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that every command knows.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Where the log is kept [default: $XDG_DATA_HOME/mecris or ~/.local/share/mecris]
    #[arg(long, global = true, env = "MECRIS_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The configuration file [default: $XDG_CONFIG_HOME/mecris/config.toml, if it is there]
    #[arg(long, global = true, env = "MECRIS_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Whose money and goals: a tenant of the data directory [default: local, the person's own]
    #[arg(
        long,
        global = true,
        env = "MECRIS_TENANT",
        value_name = "NAME",
        default_value = "local",
        hide_default_value = true
    )]
    pub tenant: TenantName,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// How log lines are written
    #[arg(long, global = true, env = "MECRIS_LOG_FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// How much is logged: error, warn, info, debug, trace [default: warn]
    #[arg(long, global = true, env = "MECRIS_LOG_LEVEL", value_name = "LEVEL")]
    pub log_level: Option<String>,
}

impl Common {
    /// Where the files of the tenant lie that the options name.
    ///
    /// # Errors
    /// [`ConfigError::NoHome`].
    pub fn place(&self) -> Result<Place, ConfigError> {
        Ok(Place::of(paths::data_dir(self.data_dir.as_deref())?, self.tenant.clone()))
    }

    /// Where the settings of the tenant at a place are read from.
    #[must_use]
    pub fn source(&self, place: &Place) -> Source {
        Source::of(self.config.as_deref(), &place.root, &place.tenant)
    }
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Supervise: import usage, follow it, keep the log, serve HTTP
    Run(RunArgs),
    /// How things stand; what `mecris` alone shows too
    Status,
    /// What to do next: goals, money, tasks and alerts in one text, and how old each of it is
    Narrator {
        /// All of it, however long
        #[arg(long)]
        detail: bool,
    },
    /// What happened on a day
    Activity {
        /// Which: 2026-11-23, yesterday [default: today]
        #[arg(value_name = "DAY")]
        date: Option<Days>,
    },
    /// Look at everything that can stand in the way, and say what mends it; exit 1 if something does
    Doctor {
        /// Ask no outside system
        #[arg(long)]
        offline: bool,
    },
    /// The configuration's example and schema
    #[command(subcommand)]
    Config(ConfigCommand),
    /// What was spent, by hour, day, week, month, year, provider, project, session or model
    Report(ReportArgs),
    /// Import transcripts now
    Import(ImportArgs),
    /// Set, list and remove budgets
    #[command(subcommand)]
    Budget(budget::BudgetCommand),
    /// What is left of the money at the providers; tell what their page says
    Balance {
        /// What to do
        #[command(subcommand)]
        command: Option<BalanceCommand>,
    },
    /// Whether something can be afforded: exit code 0 for yes, 1 for no, 2 where there is no answer
    CanAfford(affording::CanAffordArgs),
    /// What every provider cost, and how that is known: actual, inferred or estimated
    Cost(affording::CostArgs),
    /// When the money ends, with a range: for each balance and budget
    Forecast {
        /// Hold the forecast of each past day against what came, and print how often it was right
        #[arg(long)]
        backtest: bool,
    },
    /// Allow more than the limits say, knowingly: recorded with its reason, and over by itself
    Override(affording::OverrideArgs),
    /// Who else may ask, and for what: tokens for agents, machines, auditors and colleagues
    Token {
        /// What to do
        #[command(subcommand)]
        command: Option<token::TokenCommand>,
    },
    /// Whose money and goals are kept, beside your own: tenants with logs, settings and tokens of their own
    Tenant {
        /// What to do
        #[command(subcommand)]
        command: Option<tenant::TenantCommand>,
    },
    /// What agents ask for beyond the limits; grant or refuse it
    Limit {
        /// What to do
        #[command(subcommand)]
        command: Option<limit::LimitCommand>,
    },
    /// Months' sums that are read by hand, for providers that have no interface for them
    Odometer {
        /// What to do
        #[command(subcommand)]
        command: Option<odometer::OdometerCommand>,
    },
    /// How much of a Claude subscription's limits is used, as Claude Code's status line tells it
    Quota,
    /// Who of an organisation used Claude Code on a day, asked with its admin key; names are kept nowhere
    People(people::PeopleArgs),
    /// What is recorded, held against what the providers say; how far the two are apart, and why
    Reconcile {
        /// From these UTC days on: 2026-11-23, 7d, last-month [default: the last thirty]
        #[arg(long, value_name = "DAYS")]
        since: Option<Days>,
        /// Up to the last of these UTC days [default: today]
        #[arg(long, value_name = "DAYS")]
        until: Option<Days>,
        /// Only this provider
        #[arg(long, value_name = "NAME")]
        provider: Option<String>,
    },
    /// A provider's own billing page, read by a browser; off until it is switched on
    #[command(subcommand)]
    Console(console::ConsoleCommand),
    /// Log in at a provider's page once, so that its balance can be read
    Login(console::LoginArgs),
    /// The goals, the nearest to derailing first
    Goals,
    /// Write datapoints, feed goals from what is spent, keep goals of one's own
    #[command(subcommand)]
    Goal(goal::GoalCommand),
    /// What there is to be told, and whether the person was; take note of it
    Alerts {
        /// Also what is over
        #[arg(long)]
        all: bool,
        /// What to do with them
        #[command(subcommand)]
        command: Option<AlertsCommand>,
    },
    /// Whose numbers may be written to; nothing is sent to a number without its owner's consent
    Consent {
        /// What to do
        #[command(subcommand)]
        command: Option<ConsentCommand>,
    },
    /// Whether work that costs money may go on: answers Claude Code's hooks
    Gate(gate::GateArgs),
    /// Speak the Model Context Protocol over standard input and output, for clients that start their servers
    Mcp,
    /// Record what a session consumed that no transcript here shows: its sum so far
    RecordUsage(usage::RecordUsageArgs),
    /// One line for Claude Code's status line
    Statusline(gate::StatuslineArgs),
    /// The tasks of the Obsidian vault, the one that is due first before all others
    Tasks(vault::TasksArgs),
    /// A daily note of the vault
    Daily(vault::DailyArgs),
    /// The vault, the goals in it, and what stands in the way of reading it; take back what was written to it
    Vault {
        /// What to do
        #[command(subcommand)]
        command: Option<vault::VaultCommand>,
    },
    /// Write one line to today's daily note
    LogSession(vault::LogArgs),
    /// The price table, now and before; which models lack prices
    Prices(prices::PricesArgs),
    /// What was folded into which project, and what each cost; call a project by a name
    Projects {
        /// What to do
        #[command(subcommand)]
        command: Option<projects::ProjectsCommand>,
    },
    /// Price calls that had no price, once the price file has it; what was priced stays as it was
    Reprice(reprice::RepriceArgs),
    /// Rebuild every number from the first event, or explain one
    Replay(ReplayArgs),
    /// Verify the whole log, both copies; exit 1 and the position where something is wrong
    Verify {
        /// A head hash that was written down: it must still be part of the log
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
    },
    /// Mend one copy of the log from the other: says what it would do, --yes does it
    Repair {
        /// Do it
        #[arg(long)]
        yes: bool,
    },
    /// Copy the log to a directory, consistent while it is written to
    Backup {
        /// The directory; a second backup to it copies only what is new
        dir: PathBuf,
    },
    /// Make a data directory from a backup, after verifying all of it
    Restore(RestoreArgs),
    /// Write events to standard output, one JSON object a line
    Export {
        /// The format
        #[arg(long, default_value = "jsonl", value_parser = ["jsonl"])]
        format: String,
    },
    /// The head of the log: what to write down elsewhere, to prove later that nothing was rewritten
    Head,
    /// The supervisor's actors
    Actors,
    /// Have an actor of the running supervisor panic, to see that it comes back
    Drill {
        /// Its path, as `mecris actors` shows it
        actor: String,
    },
    /// The outside systems: whether each answers, and how old what it said is
    Sources,
    /// What happened to the system itself: restarts, sources that came and went, repairs
    Incidents {
        /// From this instant on (2026-11-23T12:00:00Z)
        #[arg(long, value_name = "TIME")]
        since: Option<jiff::Timestamp>,
    },
    /// Have the running supervisor read its settings again
    Reload,
    /// Write a shell's completions to standard output
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What can be asked about the configuration; `doctor` shows what is in force.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigCommand {
    /// A file with every key, its default and what it is for
    Example,
    /// The JSON Schema, for editors
    Schema,
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Where to serve HTTP [default: 127.0.0.1:7787]
    #[arg(long, env = "MECRIS_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<std::net::SocketAddr>,
    /// Use bundled sample data in a temporary directory
    #[arg(long)]
    pub demo: bool,
}

/// Options of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// By what to group
    #[arg(default_value = "daily")]
    pub by: Grouping,
    /// From these days on: 2026-11-23, yesterday, 7d, last-week, 2026-11
    #[arg(long, value_name = "DAYS")]
    pub since: Option<Days>,
    /// Up to the last of these days, included
    #[arg(long, value_name = "DAYS")]
    pub until: Option<Days>,
    /// Only what this provider was paid
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// Only this model; a part of the name that no other has is enough, as for project and session
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Only this project
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// Only this session
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// The time zone of the days, such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
}

/// Options of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Claude configuration directories [default: those of the configuration]
    #[arg(value_name = "DIR")]
    pub roots: Vec<PathBuf>,
    /// Read everything again, as if nothing had been read before
    #[arg(long)]
    pub afresh: bool,
    /// Read nothing; list the lines that were refused, and the files that cannot be read
    #[arg(long, conflicts_with_all = ["roots", "afresh"])]
    pub refused: bool,
}

/// What can be done with balances.
#[derive(Debug, Clone, Subcommand)]
pub enum BalanceCommand {
    /// Tell what is left: spend recorded from then on is taken off
    Set(BalanceSetArgs),
    /// Tell that money was added
    TopUp(TopUpArgs),
}

/// Options of `balance top-up`.
#[derive(Debug, Clone, Args)]
pub struct TopUpArgs {
    /// How much was added, in USD, such as 20
    #[arg(allow_negative_numbers = true)]
    pub amount: String,
    /// Who was paid
    #[arg(long, default_value = "anthropic")]
    pub provider: String,
    /// When (2026-11-23T12:00:00Z) [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<jiff::Timestamp>,
}

/// Options of `balance set`.
#[derive(Debug, Clone, Args)]
pub struct BalanceSetArgs {
    /// What is left, in USD, such as 13.92
    #[arg(allow_negative_numbers = true)]
    pub left: String,
    /// What was bought in all, in USD
    #[arg(long, value_name = "USD")]
    pub total: Option<String>,
    /// Whose page says so
    #[arg(long, default_value = "anthropic")]
    pub provider: String,
    /// When it was read (2026-11-23T12:00:00Z) [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<jiff::Timestamp>,
}

/// What can be done with alerts.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum AlertsCommand {
    /// Look now whether something must be told, and send what is due, by the rules
    Check,
    /// Take note of one: nothing more is sent unless it gets worse
    Ack {
        /// Its number
        id: u64,
    },
}

/// What can be done about a number.
#[derive(Debug, Clone, Subcommand)]
pub enum ConsentCommand {
    /// It may be written to
    Grant {
        /// In E.164 form, such as +15558675310 [default: twilio.to_number]
        number: Option<String>,
    },
    /// It may not be written to any more
    Revoke {
        /// In E.164 form, such as +15558675310 [default: twilio.to_number]
        number: Option<String>,
    },
}

/// Options of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Stop at this position or instant (2026-11-23T12:00:00Z)
    #[arg(long, value_name = "TIME|POSITION")]
    pub until: Option<String>,
    /// Hold the instant against when events were recorded: what was known then (the default)
    #[arg(long, conflicts_with = "as_occurred")]
    pub as_recorded: bool,
    /// Hold the instant against when events happened: what is known now of then
    #[arg(long)]
    pub as_occurred: bool,
    /// List the events behind a day's, a session's or a message's number
    #[arg(long, value_name = "DAY|SESSION|MESSAGE", conflicts_with = "until")]
    pub explain: Option<String>,
    /// The time zone of days, such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
}

/// Options of `restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The backup
    pub dir: PathBuf,
    /// The data directory to make
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Leave out what comes after this position
    #[arg(long, value_name = "POSITION")]
    pub until: Option<u64>,
}

/// Where a panic was, and nothing of what: its text may hold anything.
fn told_without_its_text(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    output::warn(&format!("mecris: a panic at {place}; this is a defect, please report it"));
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(told_without_its_text));
    // Before anything is written, and for all that is started.
    crate::files::close_umask();
    let cli = Cli::parse();
    match commands::dispatch(cli) {
        Ok(code) => code,
        Err(error) => {
            output::warn(&format!("mecris: {error}"));
            ExitCode::from(error.exit())
        }
    }
}
