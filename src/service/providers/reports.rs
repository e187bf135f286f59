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

use jiff::Timestamp;

use crate::domain::report::{Contents, DayReport, ReportError, Reports};
use crate::event::payload::{report_change, report_event};
use crate::event::{Position, TenantId, Version};
use crate::log::EventLog;
use crate::service::aggregate::repository;
use crate::service::aggregate::repository::{BookFailure, Refusal};
use crate::service::usage::recorder::new_event;
use crate::view::ViewError;

/// The stream of all reports of a tenant.
const STREAM: &str = "provider-reports";
/// Why reports were not recorded: where the domain refuses one, none of those told with it is.
pub type ReportFailure = BookFailure<ReportError>;

impl Refusal for ReportError {}

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
    repository::anew(|| record_once(log, tenant, reports, now, actor))
}

fn record_once(
    log: &dyn EventLog,
    tenant: &TenantId,
    reports: &[DayReport],
    now: Timestamp,
    actor: &'static str,
) -> Result<ReportsTaken, ReportFailure> {
    let (known, version) = load(log, tenant)?;
    let metadata = repository::by(actor);
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
    taken.position = repository::append(log, tenant, STREAM, version, events)?;
    Ok(taken)
}

/// Reads what was reported from the log. Blocks.
fn load(log: &dyn EventLog, tenant: &TenantId) -> Result<(Reports, Version), ViewError> {
    let mut reports = Reports::default();
    let version = repository::fold(log, tenant, STREAM, |record, event| {
        if let Some(change) = report_change(&event).map_err(|error| repository::malformed(record, &error))? {
            reports.evolve(record.occurred_at, change);
        }
        Ok::<_, ViewError>(())
    })?;
    Ok((reports, version))
}
