//! `mecris odometer`.

use clap::{Args, Subcommand};
use jiff::Timestamp;

use crate::service::balances::odometer::OdometerBody;
use crate::service::endpoints::odometer::{ListOdometers, ReadOdometer, StopOdometer};

use super::backend::Backend;
use super::output::{CliError, print};
use super::{Common, tables};

/// What can be done with odometers.
#[derive(Debug, Subcommand)]
pub enum OdometerCommand {
    /// Tell what a provider's page shows as the month's sum so far
    Record(RecordArgs),
    /// The months' sums, and what the days cost by inference
    Status,
    /// Be asked for readings no more; what was read stays, and the next reading begins it again
    Stop {
        /// Whose
        #[arg(long, default_value = "groq")]
        provider: String,
    },
}

/// Options of `odometer record`.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// The month's sum so far, in USD, such as 1.06
    #[arg(allow_negative_numbers = true)]
    pub value: String,
    /// The month that the page counts, such as 2026-10 [default: that of the moment]
    #[arg(long, value_name = "MONTH")]
    pub month: Option<String>,
    /// What there is to say about it
    #[arg(long, default_value = "", hide_default_value = true)]
    pub note: String,
    /// Whose page says so
    #[arg(long, default_value = "groq")]
    pub provider: String,
    /// When it was read (2026-11-23T12:00:00Z) [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
    /// The last reading of the month was a typing error: this one takes its place
    #[arg(long)]
    pub correct: bool,
}

/// Carries out `mecris odometer`.
///
/// # Errors
/// [`CliError`].
pub fn odometer(common: &Common, command: Option<OdometerCommand>) -> Result<(), CliError> {
    let backend = Backend::current(common)?;
    let shown = match command {
        None | Some(OdometerCommand::Status) => backend.call(ListOdometers)?,
        Some(OdometerCommand::Stop { provider }) => backend.call(StopOdometer { provider })?,
        Some(OdometerCommand::Record(args)) => backend.call(ReadOdometer(OdometerBody {
            value_usd: args.value,
            provider: args.provider,
            month: args.month,
            note: args.note,
            at: args.at,
            correct: args.correct,
        }))?,
    };
    print(common.json, &shown, tables::odometer::odometers)
}
