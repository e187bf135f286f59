//! What every command prints, and how it fails.

use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;

use crate::domain::code::{Code, Coded, EXIT_FAILURE, EXIT_MISTAKE};
use crate::domain::shown;
use crate::service::runtime::client::ServiceError;
use crate::service::runtime::node::StartError;
use crate::telemetry::TelemetryError;

/// Why a command failed: one line, with the mend.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// What a capability says.
    #[error("{0}")]
    Coded(Box<dyn Coded + Send + Sync>),
    /// What a running supervisor says, in the words of the capability there.
    #[error("{detail}")]
    Told {
        /// The code of its problem document. None where this program does not know it.
        code: Option<Code>,
        /// The words.
        detail: String,
    },
    /// Starting the supervisor, or opening the log.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The actors of the supervisor that runs in this process.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Tracing.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// An option's value.
    #[error("{0}")]
    Usage(String),
    /// The running supervisor does not answer, or not as one does.
    #[error("{0}")]
    Remote(String),
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
    /// The exit code: that of the error's code, with a supervisor and without one; 2 for what the person typed, 1 for
    /// everything else.
    #[must_use]
    pub fn exit(&self) -> u8 {
        match self {
            Self::Coded(error) => error.code().exit(),
            Self::Told { code, .. } => code.map_or(EXIT_FAILURE, Code::exit),
            Self::Service(error) => error.code().exit(),
            Self::Usage(_) => EXIT_MISTAKE,
            // A price file that cannot be used is told by a supervisor too, as what it is.
            Self::Start(StartError::Config(error)) => error.code().exit(),
            Self::Start(StartError::NoTenant(error)) => error.code().exit(),
            Self::Start(_) | Self::Telemetry(_) | Self::Remote(_) | Self::File { .. } | Self::Output(_) => {
                EXIT_FAILURE
            }
        }
    }
}

impl<E: Coded + Send + Sync + 'static> From<E> for CliError {
    fn from(error: E) -> Self {
        Self::Coded(Box::new(error))
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
