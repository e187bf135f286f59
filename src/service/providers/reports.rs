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

use crate::domain::report::{Contents, DayReport, ReportChange, ReportError, Reports};
use crate::event::Position;
use crate::event::payload::report_event;
use crate::service::aggregate::repository::{
    self, Aggregate, CommandError, Fact, Next, Rejection, Repository,
};

/// Why reports were not recorded: where the domain refuses one, none of those told with it is.
pub type ReportFailure = CommandError<ReportError>;

impl Rejection for ReportError {}

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

/// What providers reported of their days to a tenant.
pub struct ReportAggregate;

impl Aggregate for ReportAggregate {
    const STREAM: &'static str = "provider-reports";
    const ACTOR: &'static str = "providers";

    type State = Reports;
    /// Of two reports of one day, source and kind (cost, usage) the later one counts.
    type Command = Vec<DayReport>;
    type Change = ReportChange;
    type Error = ReportError;

    fn decide(
        known: &Reports,
        reports: Vec<DayReport>,
        now: Timestamp,
    ) -> Result<Vec<ReportChange>, ReportError> {
        decide(known, &reports, now).map(|(changes, _)| changes)
    }

    fn event(_: &Reports, change: &ReportChange, next: &Next<'_>) -> Fact {
        let (id, event) = report_event(next.tenant, change);
        Fact { id, event, at: next.now }
    }

    fn label(_: &Vec<DayReport>) -> &'static str {
        "record-reports"
    }
}

fn decide(
    known: &Reports,
    reports: &[DayReport],
    now: Timestamp,
) -> Result<(Vec<ReportChange>, ReportsTaken), ReportError> {
    let (mut taken, mut changes, mut seen) = (ReportsTaken::default(), Vec::new(), BTreeSet::new());
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
                changes.push(change);
            }
        }
    }
    changes.reverse();
    Ok((changes, taken))
}

/// Records what a provider reported of some UTC days, in one append: all of it, or nothing. Blocks on the disk.
///
/// `actor` is who has read it, as the events' envelopes will say; `now` is when it was told.
///
/// # Errors
/// [`ReportFailure`].
pub fn record_days(
    repository: &mut Repository<ReportAggregate>,
    reports: &[DayReport],
    now: Timestamp,
    actor: &'static str,
) -> Result<ReportsTaken, ReportFailure> {
    let decided =
        repository.transact(now, &repository::metadata_for(actor), |known| decide(known, reports, now));
    let (position, taken) = decided?;
    Ok(ReportsTaken { position, ..taken })
}
