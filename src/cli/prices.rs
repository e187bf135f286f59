//! `mecris prices`: the price table, and what it lacks.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::config::prices::price_table;
use crate::service::endpoints::usage::ListLacking;

use super::backend::{Backend, settings};
use super::output::{CliError, print};
use super::{Common, tables};

/// Options of `prices`.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct PricesArgs {
    /// Only models whose name contains this
    pub filter: Option<String>,
    /// What else to do
    #[command(subcommand)]
    pub command: Option<PricesCommand>,
}

/// What else can be done with prices.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum PricesCommand {
    /// Which models of the log lack prices, and why; exit 1 if one does
    Check,
}

/// Shows the table, or what it lacks.
///
/// # Errors
/// [`CliError`].
pub fn prices(common: &Common, args: PricesArgs) -> Result<ExitCode, CliError> {
    if let Some(PricesCommand::Check) = args.command {
        let lacks = Backend::open(common)?.call(ListLacking)?;
        print(common.json, &lacks, tables::usage::lacks)?;
        return Ok(if lacks.models.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let (loaded, _) = settings(common)?;
    let mut prices = price_table(loaded.config.prices.as_deref())?;
    let filter = args.filter.unwrap_or_default();
    prices.models.retain(|model, _| model.contains(&filter));
    print(common.json, &prices, tables::prices::prices)?;
    Ok(ExitCode::SUCCESS)
}
