//! Records what a provider told: its balances, its days, and that it refused because no credit is left.

use jiff::{SignedDuration, Timestamp};

use crate::domain::balance::{Reading, Source};
use crate::domain::money::Picodollars;
use crate::event::TenantId;
use crate::integration::anthropic;
use crate::integration::official::Looked;
use crate::integration::resilience::OutsideError;
use crate::log::{EventLog, LogError};
use crate::service::balances::balance::{BalanceFailure, record_reading};
use crate::view::ViewError;

use super::reports::{ReportFailure, record_day, record_days};

/// Why what was told could not be recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TakeFailure {
    /// A balance.
    #[error(transparent)]
    Balance(#[from] BalanceFailure),
    /// A report.
    #[error(transparent)]
    Report(#[from] ReportFailure),
}

/// What came of what was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Days of which something was told for the first time.
    pub new: usize,
    /// Days that were corrected.
    pub revised: usize,
    /// Why something of it was refused: the first reason. All else is recorded.
    pub refused: Option<String>,
}

/// Records what a look brought; blocks on the disk. What the domain refuses is left out and told of.
///
/// # Errors
/// [`TakeFailure`]: the log. The next look tells all of it again.
pub fn take(
    log: &dyn EventLog,
    tenant: &TenantId,
    system: &'static str,
    looked: Looked,
    now: Timestamp,
) -> Result<Taken, TakeFailure> {
    let mut taken = Taken::default();
    for reading in looked.told.balances.into_iter().chain(refusal(system, looked.failed.as_ref(), now)) {
        match record_reading(log, tenant, reading, now, system) {
            Err(BalanceFailure::Refused(error)) => {
                taken.refused.get_or_insert_with(|| error.to_string());
            }
            other => drop(other?),
        }
    }
    let reports = looked.told.reports;
    match record_days(log, tenant, &reports, now, system) {
        Ok(told) => (taken.new, taken.revised) = (told.new, told.revised),
        // One day that makes no sense takes no other with it.
        Err(ReportFailure::Refused(_)) => {
            for report in reports {
                match record_day(log, tenant, report, now, system) {
                    Ok(told) => {
                        taken.new += told.new;
                        taken.revised += told.revised;
                    }
                    Err(ReportFailure::Refused(error)) => {
                        taken.refused.get_or_insert_with(|| error.to_string());
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(taken)
}

/// That no credit is left is a reading as well: of nothing.
fn refusal(system: &'static str, failed: Option<&OutsideError>, now: Timestamp) -> Option<Reading> {
    let Some(OutsideError::NoCredit { status, .. }) = failed else { return None };
    let found = format!("HTTP {status}");
    Some(Reading::usd(system, Picodollars::ZERO, now, Source::Refusal, &found))
}

/// A refusal is news for so long: whoever has added credit since is not told of it any more.
const PASSING: SignedDuration = SignedDuration::from_hours(24);

/// A transcript tells that Anthropic refused a call at an instant because no credit was left: a reading of nothing.
/// Blocks. An older one says nothing of now. Readings that cannot be understood are logged, and stop no import.
///
/// # Errors
/// [`LogError`]: it was not recorded, and will be where the transcript is read again.
pub fn refused_in_passing(
    log: &dyn EventLog,
    tenant: &TenantId,
    at: Timestamp,
    now: Timestamp,
) -> Result<(), LogError> {
    if now.duration_since(at) > PASSING {
        return Ok(());
    }
    let reading =
        Reading::usd(anthropic::SYSTEM, Picodollars::ZERO, at, Source::Refusal, "Claude Code's transcript");
    match record_reading(log, tenant, reading, now, "usage") {
        // Another session's refusal, or that of a call of ours, is known already and newer.
        Ok(_) | Err(BalanceFailure::Refused(_)) => Ok(()),
        // What is damaged stays so, however often transcripts are read.
        Err(BalanceFailure::Log(error) | BalanceFailure::Unreadable(ViewError::Log(error)))
            if !matches!(error, LogError::Corrupt { .. }) =>
        {
            Err(error)
        }
        Err(error) => {
            tracing::warn!(%error, "a refusal for want of credit could not be recorded");
            Ok(())
        }
    }
}
