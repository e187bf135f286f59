//! `mecris record-usage`: what a session consumed that no transcript here shows.

use clap::Args;
use jiff::Timestamp;

use crate::domain::pricing::MEND;
use crate::service::endpoints::usage::RecordUsage;
use crate::service::usage::manual::{ToldBody, ToldShown};

use super::Common;
use super::backend::Backend;
use super::output::{CliError, print};

/// Options of `record-usage`.
#[derive(Debug, Clone, Args)]
pub struct RecordUsageArgs {
    /// The model, as the provider names it
    #[arg(long)]
    pub model: String,
    /// Tokens that were sent, without those that the cache held
    #[arg(long, value_name = "TOKENS", default_value_t = 0)]
    pub input: u64,
    /// Tokens that came back
    #[arg(long, value_name = "TOKENS", default_value_t = 0)]
    pub output: u64,
    /// Tokens that were read from the cache
    #[arg(long, value_name = "TOKENS", default_value_t = 0)]
    pub cache_read: u64,
    /// Tokens that were written to the cache for five minutes
    #[arg(long, value_name = "TOKENS", default_value_t = 0)]
    pub cache_write: u64,
    /// Who was paid
    #[arg(long, default_value = "anthropic")]
    pub provider: String,
    /// The session's name, by which its sum can be told anew [default: a new one]
    #[arg(long)]
    pub session: Option<String>,
    /// The project's directory
    #[arg(long, value_name = "DIR", default_value = "")]
    pub project: String,
    /// When it ended (2026-11-23T12:00:00Z) [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
}

/// Records it and prints what it cost.
///
/// # Errors
/// [`CliError`].
pub fn record(common: &Common, args: RecordUsageArgs) -> Result<(), CliError> {
    let told = Backend::open(common)?.call(RecordUsage(ToldBody {
        model: args.model,
        input_tokens: args.input,
        output_tokens: args.output,
        cache_read_tokens: args.cache_read,
        cache_write_tokens: args.cache_write,
        provider: args.provider,
        session: args.session,
        project: args.project,
        at: args.at,
    }))?;
    print(common.json, &told, text)
}

fn text(told: &ToldShown) -> String {
    let price = if told.is_priced {
        String::new()
    } else {
        format!("; the model has no price, so nothing is counted: {MEND}")
    };
    format!("{}: session {}, {} USD so far{price}\n", told.outcome, told.session, told.session_usd)
}
