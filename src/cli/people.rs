//! `mecris people`: asked of Anthropic by a running supervisor, or by this command itself.

use clap::Args;

use crate::domain::calendar::Days;
use crate::service::endpoints::providers::ListPeople;

use super::backend::Backend;
use super::output::{CliError, print};
use super::{Common, tables};

/// Options of `people`.
#[derive(Debug, Args)]
pub struct PeopleArgs {
    /// A UTC day: 2026-11-23, today [default: yesterday]
    #[arg(long, value_name = "DAY")]
    pub day: Option<Days>,
    /// By name, and not by pseudonym; that you asked so is in the log lines
    #[arg(long)]
    pub names: bool,
}

/// Carries out `mecris people`.
///
/// # Errors
/// [`CliError`].
pub fn shown(common: &Common, args: &PeopleArgs) -> Result<(), CliError> {
    let shown = Backend::open(common)?.call(ListPeople { day: args.day, names: args.names })?;
    print(common.json, &shown, tables::people::all)
}
