//! `mecris doctor`.

use std::process::ExitCode;

use crate::config;
use crate::service::doctor::{Check, Diagnosis, Verdict, local, messages, online};
use crate::service::endpoints::alerts::ListAlerts;

use super::backend::Backend;
use super::output::{CliError, print};
use super::{Common, tables};

/// Looks at everything, and says what mends it. Exit code 1 where something does not work.
///
/// # Errors
/// [`CliError::Output`].
pub fn doctor(common: &Common, is_offline: bool) -> Result<ExitCode, CliError> {
    let place = common.place();
    // Without a data directory there are still the person's settings.
    let inspection = match &place {
        Ok(place) => config::inspect_source(&common.source(place)),
        Err(_) => config::inspect(common.config.as_deref()),
    };
    let mut checks = local::checks(&inspection, place);
    checks.extend(of_messages(common, &checks));
    if is_offline {
        checks.extend(online::skipped(&inspection.loaded));
    } else {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        checks.extend(runtime.block_on(online::checks(&inspection.loaded)));
    }
    let diagnosis = Diagnosis::new(&inspection, checks);
    print(common.json, &diagnosis, tables::system::diagnosis)?;
    Ok(if diagnosis.worst == Verdict::Problem { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What became of the last messages, where there is a log that can be read.
fn of_messages(common: &Common, checks: &[Check]) -> Vec<Check> {
    let is_there = |check: &Check| check.name == local::LOG && check.verdict == Verdict::Ok;
    if !checks.iter().any(|check| is_there(check) && check.detail != local::EMPTY) {
        return Vec::new();
    }
    let shown = Backend::open(common).and_then(|backend| backend.call(ListAlerts { all: true }));
    shown.map_or_else(|_| Vec::new(), |shown| messages::checks(&shown.alerts))
}
