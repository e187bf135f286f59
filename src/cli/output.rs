//! What every command prints, and how it fails.

use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;

use crate::config::ConfigError;
use crate::config::zone::ZoneError;
use crate::domain::budget::BudgetError;
use crate::domain::calendar::CalendarError;
use crate::domain::money::MoneyError;
use crate::domain::shown;
use crate::log::LogError;
use crate::log::export::ExportError;
use crate::service::ServiceError;
use crate::service::access::token::TokenFailure;
use crate::service::alerts::alert::AlertFailure;
use crate::service::alerts::consent::ConsentFailure;
use crate::service::alerts::contacts::ContactsError;
use crate::service::balances::balance::BalanceFailure;
use crate::service::balances::console::ConsoleFailure;
use crate::service::balances::odometer::OdometerFailure;
use crate::service::budgets::allowance::AllowanceFailure;
use crate::service::budgets::budget::BudgetFailure;
use crate::service::budgets::limit::LimitFailure;
use crate::service::budgets::limit_requests::LimitBodyError;
use crate::service::goals::local::GoalFailure;
use crate::service::runtime::node::StartError;
use crate::service::usage::manual::ToldFailure;
use crate::service::usage::projects::ProjectFailure;
use crate::service::vault::error::VaultFailure;
use crate::telemetry::TelemetryError;
use crate::view::ViewError;

/// Why a command failed: one line, with the mend.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// An export.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The views, or recording usage.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A balance.
    #[error(transparent)]
    Balance(#[from] BalanceFailure),
    /// What may be spent.
    #[error(transparent)]
    Allowance(#[from] AllowanceFailure),
    /// A request for more.
    #[error(transparent)]
    Limit(#[from] LimitFailure),
    /// A token.
    #[error(transparent)]
    Token(#[from] TokenFailure),
    /// A request for more that says nothing.
    #[error(transparent)]
    LimitBody(#[from] LimitBodyError),
    /// Usage that somebody tells.
    #[error(transparent)]
    Told(#[from] ToldFailure),
    /// An odometer.
    #[error(transparent)]
    Odometer(#[from] OdometerFailure),
    /// A provider's own page.
    #[error(transparent)]
    Console(#[from] ConsoleFailure),
    /// What a project is called.
    #[error(transparent)]
    Project(#[from] ProjectFailure),
    /// A budget.
    #[error(transparent)]
    Budget(#[from] BudgetFailure),
    /// A goal.
    #[error(transparent)]
    Goal(#[from] GoalFailure),
    /// An alert.
    #[error(transparent)]
    Alert(#[from] AlertFailure),
    /// Consent.
    #[error(transparent)]
    Consent(#[from] ConsentFailure),
    /// A number.
    #[error(transparent)]
    Contacts(#[from] ContactsError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultFailure),
    /// Starting the supervisor.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The running supervisor's actors.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Tracing.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// A time zone.
    #[error(transparent)]
    Zone(#[from] ZoneError),
    /// A period.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// An option's value.
    #[error("{0}")]
    Usage(String),
    /// The running supervisor.
    #[error("{0}")]
    Remote(String),
    /// Something was asked of a supervisor, and none runs.
    #[error("no supervisor runs on {0}; start one with `mecris run`")]
    NotRunning(String),
    /// Files.
    #[error("{path}: {reason}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// Standard output is gone.
    #[error("cannot write: {0}")]
    Output(#[from] std::io::Error),
}

impl CliError {
    /// The exit code: 2 for what the person typed, 1 for everything else.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_)
            | Self::Config(_)
            | Self::Zone(_)
            | Self::Calendar(_)
            | Self::Balance(BalanceFailure::Refused(_))
            | Self::Console(ConsoleFailure::Off | ConsoleFailure::Recipe(_))
            | Self::Budget(BudgetFailure::Refused(_))
            | Self::Vault(VaultFailure::Mistake(_))
            | Self::Odometer(OdometerFailure::Refused(_))
            | Self::Project(ProjectFailure::Refused(_))
            | Self::Limit(LimitFailure::Refused(_))
            | Self::Token(TokenFailure::Refused(_))
            | Self::LimitBody(_)
            | Self::Alert(AlertFailure::Refused(_))
            | Self::Contacts(ContactsError::Form(_) | ContactsError::NoNumber) => 2,
            Self::Allowance(failure) if failure.is_mistake() => 2,
            Self::Goal(failure) if failure.is_mistake() => 2,
            _ => 1,
        }
    }
}

impl From<MoneyError> for CliError {
    fn from(error: MoneyError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<BudgetError> for CliError {
    fn from(error: BudgetError) -> Self {
        Self::Usage(error.to_string())
    }
}

/// Prints a value as JSON, or as a person reads it.
///
/// # Errors
/// [`CliError::Output`].
pub fn print<T: Serialize>(json: bool, value: &T, human: impl FnOnce(&T) -> String) -> Result<(), CliError> {
    if json {
        let text = serde_json::to_string_pretty(value).map_err(std::io::Error::from)?;
        return print_raw(&shown::json(&text)).map(drop);
    }
    print_text(&human(value)).map(drop)
}

/// Prints a text. What a terminal would obey in it is shown as a picture.
///
/// # Errors
/// [`CliError::Output`].
pub fn print_text(text: &str) -> Result<ExitCode, CliError> {
    print_raw(&shown::page(text))
}

/// Says something on standard output beside the work. Whoever read this may have gone, which hinders nothing.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{}", shown::page(text));
}

/// Says something on standard error, likewise.
pub fn warn(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", shown::page(text));
}

fn print_raw(text: &str) -> Result<ExitCode, CliError> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{}", text.trim_end()) {
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        other => other?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A progress bar on a terminal, nothing elsewhere.
#[must_use]
pub fn bar(what: &'static str, bytes: bool) -> indicatif::ProgressBar {
    let counts =
        if bytes { "{bytes}/{total_bytes} {bytes_per_sec}" } else { "{human_pos}/{human_len} {per_sec}" };
    let template = format!("{what} {{bar:32}} {counts} {{eta}}");
    let style = indicatif::ProgressStyle::with_template(&template)
        .unwrap_or_else(|_| indicatif::ProgressStyle::default_bar());
    indicatif::ProgressBar::new(0).with_style(style)
}
