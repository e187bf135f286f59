//! `mecris narrator` and `mecris activity`.

use crate::domain::calendar::Days;
use crate::service::endpoints::briefing::{GetActivity, GetNarration};

use super::Common;
use super::backend::Backend;
use super::output::{CliError, print};
use super::tables;

/// Prints how things stand and what to do.
///
/// # Errors
/// [`CliError`].
pub fn narrator(common: &Common, detail: bool) -> Result<(), CliError> {
    let narration = Backend::current(common)?.call(GetNarration { detail })?;
    print(common.json, &narration, tables::narrator::narration)
}

/// Prints what happened on a day.
///
/// # Errors
/// [`CliError`].
pub fn activity(common: &Common, date: Option<Days>) -> Result<(), CliError> {
    let activity = Backend::current(common)?.call(GetActivity { date })?;
    print(common.json, &activity, tables::narrator::activity)
}
