//! `mecris reprice`: what had no price gets one; or what all of it would cost by the prices of a day.

use clap::Args;
use jiff::civil::Date;

use crate::service::endpoints::usage::{GetWhatIf, Reprice};

use super::backend::Backend;
use super::output::{CliError, bar, print};
use super::{Common, tables};

/// Options of `reprice`.
#[derive(Debug, Clone, Args)]
pub struct RepriceArgs {
    /// Tell what all calls would cost by the prices of one day; nothing is written
    #[arg(long)]
    pub all: bool,
    /// With --all: the day, YYYY-MM-DD [default: today, by UTC]
    #[arg(long, value_name = "DAY")]
    pub as_of: Option<Date>,
}

/// Prices, or tells what it would be.
///
/// # Errors
/// [`CliError`].
pub fn reprice(common: &Common, args: &RepriceArgs) -> Result<(), CliError> {
    if args.all {
        let what_if = Backend::open(common)?.call(GetWhatIf { as_of: args.as_of })?;
        return print(common.json, &what_if, tables::usage::what_if);
    }
    if let Some(day) = args.as_of {
        return Err(CliError::Usage(format!(
            "what is recorded is priced by the prices of its own day; what everything would cost by those of {day} is told \
             by `mecris reprice --all --as-of {day}`, which writes nothing"
        )));
    }
    let bar = if common.json { indicatif::ProgressBar::hidden() } else { bar("pricing", false) };
    let repriced = Backend::open(common)?.call_showing(Reprice, &bar)?;
    print(common.json, &repriced, tables::usage::repriced)
}
