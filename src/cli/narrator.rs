//! `mecris narrator` and `mecris activity`.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::service::briefing::activity::Activity;
use crate::service::briefing::shape::Narration;

use super::Common;
use super::backend::Backend;
use super::output::{CliError, print};
use super::tables;

/// Prints how things stand and what to do.
///
/// # Errors
/// [`CliError`].
pub fn narrator(common: &Common, detail: bool) -> Result<(), CliError> {
    let narration: Narration = match Backend::current(common)? {
        Backend::Running(remote) => remote.get("/api/v1/narrator", &[("detail", detail.to_string())])?,
        Backend::Own(node) => {
            let queries = node.queries()?;
            queries.look_at_vault();
            queries.narrator(detail, Timestamp::now())
        }
    };
    print(common.json, &narration, tables::narrator::narration)
}

/// Prints what happened on a day.
///
/// # Errors
/// [`CliError`].
pub fn activity(common: &Common, date: Option<Date>) -> Result<(), CliError> {
    let activity: Activity = match Backend::current(common)? {
        Backend::Running(remote) => {
            let query: Vec<_> = date.map(|date| ("date", date.to_string())).into_iter().collect();
            remote.get("/api/v1/activity", &query)?
        }
        Backend::Own(node) => {
            let queries = node.queries()?;
            queries.look_at_vault();
            queries.activity(date, Timestamp::now())
        }
    };
    print(common.json, &activity, tables::narrator::activity)
}
