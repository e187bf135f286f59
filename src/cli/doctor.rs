//! `mecris doctor`.

use std::process::ExitCode;

use crate::config;
use crate::service::doctor::{Diagnosis, Verdict, local, online};

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
