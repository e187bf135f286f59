//! What providers reported of their days, as the log has it, and the one way to add to it.
//!
//! For a client of a provider's reports: build a [`DayReport`] for each UTC day (`DayReport::cost`,
//! `DayReport::usage`; lines in any order, amounts in exact picodollars, cents and decimals parsed as text and never
//! through a float) and hand all that was read to [`record_days`] inside of `spawn_blocking`, since it waits for the
//! disk. Tell every day again as often as it is read: what is unchanged adds no event (but one when the day is over, and
//! one when it has settled two days later: only then it is known to be whole), what has changed adds a
//! revision that supersedes the one before, and no event is ever changed. A day on which nothing was spent is told
//! without lines. A page that was read twice must be told once: lines of one report are added up.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use jiff::Timestamp;

use crate::domain::report::{Contents, DayReport, ReportChange, ReportError, Reports};
use crate::event::codec::{CodecError, decode};
use crate::event::payload::{report_change, report_event};
use crate::event::{Metadata, Position, RecordRef, StreamId, TenantId, Version};
use crate::log::{Append, EventLog, Expected, LogError};
use crate::view::ViewError;

use super::recorder::new_event;

/// The stream of all reports of a tenant.
const STREAM: &str = "provider-reports";
/// How often reports are decided at most, where others came between.
const DECISIONS_MAX: usize = 4;

/// Why reports were not recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReportFailure {
    /// The domain refuses one: none of the reports told with it is recorded.
    #[error(transparent)]
    Refused(#[from] ReportError),
    /// The log refused them.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The reports there are cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ViewError),
}

/// What came of reports that were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportsTaken {
    /// Days of which something was told for the first time.
    pub new: usize,
    /// Days that were corrected.
    pub revised: usize,
    /// Days that were told again, unchanged.
    pub known: usize,
    /// The last event's position, for who waits for the views; none where nothing was news.
    pub position: Option<Position>,
}

/// Records what a provider reported of one UTC day: see [`record_days`].
///
/// # Errors
/// [`ReportFailure`].
pub fn record_day(
    log: &dyn EventLog,
    tenant: &TenantId,
    report: DayReport,
    now: Timestamp,
    actor: &'static str,
) -> Result<ReportsTaken, ReportFailure> {
    record_days(log, tenant, &[report], now, actor)
}

/// Records what a provider reported of some UTC days, in one append: all of it, or nothing. Blocks on the disk.
///
/// `actor` is who has read it, as the events' envelopes will say; `now` is when it was told. Of two reports of one
/// day, source and kind (cost, usage) the later in the slice counts.
///
/// # Errors
/// [`ReportFailure`].
pub fn record_days(
    log: &dyn EventLog,
    tenant: &TenantId,
    reports: &[DayReport],
    now: Timestamp,
    actor: &'static str,
) -> Result<ReportsTaken, ReportFailure> {
    for _ in 1..DECISIONS_MAX {
        match record_once(log, tenant, reports, now, actor) {
            Err(ReportFailure::Log(LogError::Conflict { .. })) => {}
            other => return other,
        }
    }
    record_once(log, tenant, reports, now, actor)
}

fn record_once(
    log: &dyn EventLog,
    tenant: &TenantId,
    reports: &[DayReport],
    now: Timestamp,
    actor: &'static str,
) -> Result<ReportsTaken, ReportFailure> {
    let (known, version) = load(log, tenant)?;
    let metadata =
        Metadata { actor: actor.into(), trace: crate::telemetry::current_trace(), ..Metadata::default() };
    let (mut taken, mut events, mut seen) = (ReportsTaken::default(), Vec::new(), BTreeSet::new());
    for report in reports.iter().rev() {
        if !seen.insert((&report.key, matches!(report.contents, Contents::Cost(_)))) {
            continue;
        }
        match known.decide(report.clone(), now)? {
            None => taken.known += 1,
            Some(change) => {
                if change.revision == 0 {
                    taken.new += 1;
                } else {
                    taken.revised += 1;
                }
                let (id, event) = report_event(tenant.as_str(), &change);
                events.push(new_event(id, &event, now, &metadata));
            }
        }
    }
    if events.is_empty() {
        return Ok(taken);
    }
    events.reverse();
    let append = Append {
        tenant: tenant.clone(),
        stream: StreamId::new(STREAM),
        expected: Expected::at(version),
        events,
    };
    let appended = log.append(append).wait()?;
    taken.position = appended.outcomes.last().map(|outcome| outcome.position());
    Ok(taken)
}

/// Reads what was reported from the log. Blocks.
fn load(log: &dyn EventLog, tenant: &TenantId) -> Result<(Reports, Version), ViewError> {
    let (mut reports, mut version, mut failure) = (Reports::default(), Version::NONE, None);
    log.scan_stream(tenant, &StreamId::new(STREAM), Version(1), &mut |record| {
        match change_of(record) {
            Ok(Some(change)) => reports.evolve(record.occurred_at, change),
            Ok(None) => {}
            Err(source) => {
                failure = Some(ViewError::Event { position: record.position, source });
                return ControlFlow::Break(());
            }
        }
        version = record.version;
        ControlFlow::Continue(())
    })?;
    failure.map_or(Ok((reports, version)), Err)
}

fn change_of(record: &RecordRef<'_>) -> Result<Option<ReportChange>, CodecError> {
    let malformed = |detail: String| CodecError::Malformed {
        type_name: record.type_name.to_owned(),
        version: record.schema_version,
        detail,
    };
    report_change(&decode(record)?).map_err(|error| malformed(error.to_string()))
}
