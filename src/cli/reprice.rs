//! `mecris reprice`: what had no price gets one; or what all of it would cost by the prices of a day.

use clap::Args;
use jiff::civil::Date;

use crate::service::usage::repricing::today;

use super::backend::Backend;
use super::output::{CliError, print};
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
        let what_if = Backend::open(common)?.what_if(args.as_of.unwrap_or_else(today))?;
        return print(common.json, &what_if, tables::usage::what_if);
    }
    if let Some(day) = args.as_of {
        return Err(CliError::Usage(format!(
            "what is recorded is priced by the prices of its own day; what everything would cost by those of {day} is told \
             by `mecris reprice --all --as-of {day}`, which writes nothing"
        )));
    }
    let repriced = Backend::open(common)?.reprice(common.json)?;
    print(common.json, &repriced, tables::usage::repriced)
}
