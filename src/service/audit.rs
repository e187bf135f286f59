//! Audit queries: answered from the log alone, for one tenant.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::words::words;
use crate::event::decode;
use crate::event::envelope::hex;
use crate::event::{Position, RecordRef};
use crate::log::Head;
use crate::log::backup::BackupReport;
use crate::log::export::{ExportError, export};
use crate::log::verify::VerifyReport;
use crate::service::balances::balance::{Balances, shown_of};
use crate::service::providers::reconcile::reconciled;
use crate::service::runtime::forms;
use crate::service::runtime::reads::Reads;
use crate::view::budgets::{BudgetLine, budgets};
use crate::view::cost::{CostShown, unified_cost};
use crate::view::explain::{ExplainedEvent, Explanation, Subject, explain, explain_each};
use crate::view::odometer::{OdometerLine, odometers};
use crate::view::reconcile::{Reconciliation, Wanted};
use crate::view::replay::{Until, replay_of};
use crate::view::report::{Grouping, Range, Report, Totals, report};
use crate::view::{TenantView, ViewError};

/// An event with its envelope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShownEvent {
    /// Position in the log.
    pub position: u64,
    /// Event id, 32 hexadecimal digits.
    pub id: String,
    /// Stream name.
    pub stream: String,
    /// Version in the stream.
    pub version: u64,
    /// Event type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Schema version of the stored payload.
    pub schema_version: u16,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub occurred_at: Timestamp,
    /// When it was appended.
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    /// The principal or actor that decided it.
    pub actor: String,
    /// Trace id of the decision, 32 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The payload, upcast to the newest version of its type.
    pub data: serde_json::Value,
}

/// One page of events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventPage {
    /// In log order.
    pub events: Vec<ShownEvent>,
    /// The position to request next; null at the head.
    pub next: Option<u64>,
    /// The last position in the log.
    pub head: u64,
}

/// State rebuilt by a replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Replayed {
    /// The last event that was replayed.
    pub position: u64,
    /// When that event was recorded.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub recorded_at: Option<Timestamp>,
    /// The head of the log.
    pub head: u64,
    /// Total usage up to that event.
    pub total: Totals,
    /// The same by day.
    pub report: Report,
    /// The budgets at that point.
    pub budgets: Vec<BudgetLine>,
    /// The balances at that point.
    pub balances: Balances,
    /// The reconciliation with the providers' reports as known at that point.
    pub reconciliation: Reconciliation,
    /// The odometers at that point.
    pub odometers: Vec<OdometerLine>,
    /// The month's cost over all providers as known at that point.
    pub cost: CostShown,
    /// Number of log repairs and supervisor interventions.
    pub incidents: u64,
}

impl Reads {
    /// The events behind a number, from the log alone. Blocks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn explain(&self, subject: &Subject, zone: Option<&TimeZone>) -> Result<Explanation, ViewError> {
        let head = self.log.head()?.position;
        explain(&*self.log, &self.tenant, subject, zone.unwrap_or(&self.zone()), head)
    }

    /// The same, each event handed on and none kept. Blocks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn explain_each(
        &self,
        subject: &Subject,
        each: &mut dyn FnMut(ExplainedEvent),
    ) -> Result<Explanation, ViewError> {
        let head = self.log.head()?.position;
        explain_each(&*self.log, &self.tenant, subject, &self.zone(), head, each)
    }

    /// Rebuilds all views from the first event, from the log alone. Blocks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn replay(
        &self,
        until: Until,
        now: Timestamp,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Replayed, ViewError> {
        let views = replay_of(&*self.log, Some(&self.tenant), until, progress)?;
        let empty = TenantView::default();
        let view = views.tenant(&self.tenant).unwrap_or(&empty);
        let moment = match until {
            Until::Recorded(instant) | Until::Occurred(instant) => instant,
            Until::Position(_) => views.recorded_at.unwrap_or(now),
            Until::Head => now,
        };
        let loaded = self.settings.current();
        let (zone, config) = (&loaded.zone, &loaded.config);
        Ok(Replayed {
            position: views.position.0,
            recorded_at: views.recorded_at,
            head: self.log.head()?.position.0,
            total: (&view.spend.total()).into(),
            report: report(&view.spend, Grouping::Daily, &Range::default(), zone, config.week_starts),
            budgets: budgets(view, moment, zone, None),
            balances: shown_of(view, moment),
            reconciliation: reconciled(view, &Wanted::all(view), moment, zone, config),
            odometers: odometers(view, moment, zone),
            cost: unified_cost(view, &Range::default(), moment, zone),
            incidents: view.incidents,
        })
    }

    /// At most `limit` of the tenant's events from a position on. Blocks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn events(&self, from: Position, limit: usize) -> Result<EventPage, ViewError> {
        let head = self.log.head()?.position;
        let mut page = EventPage { events: Vec::new(), next: None, head: head.0 };
        let mut failure = None;
        self.log.scan(from.max(Position::FIRST), head, &mut |record| {
            if record.tenant != self.tenant.as_str() {
                return std::ops::ControlFlow::Continue(());
            }
            if page.events.len() == limit {
                page.next = Some(record.position.0);
                return std::ops::ControlFlow::Break(());
            }
            match show(record) {
                Ok(event) => page.events.push(event),
                Err(error) => {
                    failure = Some(error);
                    return std::ops::ControlFlow::Break(());
                }
            }
            std::ops::ControlFlow::Continue(())
        })?;
        failure.map_or(Ok(page), Err)
    }

    /// At most `limit` of the tenant's events from a position on, as JSON lines. Blocks.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn export(&self, from: Position, limit: u64) -> Result<Vec<u8>, ExportError> {
        let mut lines = Vec::new();
        export(
            &*self.log,
            &self.tenant,
            (from.max(Position::FIRST), limit),
            &mut lines,
            &readable,
            &mut |_, _| {},
        )?;
        Ok(lines)
    }
}

/// The payload as JSON; if this version cannot read it, JSON that says so.
#[must_use]
pub fn readable(record: &RecordRef<'_>) -> serde_json::Value {
    match decode(record) {
        Ok(event) => serde_json::to_value(&event).unwrap_or_default(),
        Err(error) => serde_json::json!({ "unreadable": error.to_string() }),
    }
}

/// The event with its envelope.
///
/// # Errors
/// [`ViewError::Event`]: the payload cannot be decoded.
pub fn show(record: &RecordRef<'_>) -> Result<ShownEvent, ViewError> {
    let event = decode(record).map_err(|source| ViewError::Event { position: record.position, source })?;
    Ok(ShownEvent {
        position: record.position.0,
        id: record.id.to_string(),
        stream: record.stream.to_owned(),
        version: record.version.0,
        type_name: record.type_name.to_owned(),
        schema_version: record.schema_version,
        occurred_at: record.occurred_at,
        recorded_at: record.recorded_at,
        actor: record.actor.to_owned(),
        trace_id: record.trace.map(|trace| hex(&trace.trace_id)),
        data: serde_json::to_value(&event).unwrap_or_default(),
    })
}

/// Which timestamp an instant is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reckoning {
    /// When the log recorded an event: the state as it was known then.
    #[default]
    Recorded,
    /// When an event happened: that time's state as it is known now.
    Occurred,
}

words! { Reckoning { Recorded: "recorded", Occurred: "occurred" } }

/// Parses the end of a replay: a position, or an instant.
///
/// # Errors
/// A message that gives the expected format.
pub fn parse_until(text: Option<&str>, reckoning: Reckoning) -> Result<Until, String> {
    let Some(text) = text else { return Ok(Until::Head) };
    if let Ok(position) = text.parse() {
        return Ok(Until::Position(Position(position)));
    }
    let instant: Timestamp = text
        .parse()
        .map_err(|_| format!("'{text}' is neither a position nor an instant such as 2026-11-23T12:00:00Z"))?;
    Ok(match reckoning {
        Reckoning::Recorded => Until::Recorded(instant),
        Reckoning::Occurred => Until::Occurred(instant),
    })
}

/// The end of the log. Keep it elsewhere to prove later that nothing was rewritten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeadShown {
    /// The last position; 0 if the log is empty.
    pub position: u64,
    /// Hash of the last block, which covers all blocks before it; 64 hexadecimal digits. Null if the log
    /// is not a chain of blocks.
    pub hash: Option<String>,
    /// When the last event was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
}

impl From<Head> for HeadShown {
    fn from(head: Head) -> Self {
        Self {
            position: head.position.0,
            hash: head.chain.map(|hash| hex(&hash)),
            recorded_at: head.recorded_at,
        }
    }
}

/// Damage that a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundProblem {
    /// `journal` or `sled`.
    pub copy: String,
    /// The first affected position.
    pub position: u64,
    /// What is wrong.
    pub detail: String,
}

/// Result of verifying both copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verified {
    /// Intact records in the journal.
    pub events: u64,
    /// Intact blocks in the journal.
    pub blocks: u64,
    /// The end of the journal.
    pub head: HeadShown,
    /// The last position of the sled copy, which may trail the journal.
    pub sled: u64,
    /// Bytes of an incomplete write that was never acknowledged.
    pub torn_bytes: u64,
    /// The last position of the block with the requested hash, if there is one.
    pub expected_at: Option<u64>,
    /// Problems found; at most 1000 are listed.
    pub problems: Vec<FoundProblem>,
    /// Total number of problems.
    pub problem_count: u64,
}

impl From<VerifyReport> for Verified {
    fn from(report: VerifyReport) -> Self {
        let problem = |problem: crate::log::verify::Problem| FoundProblem {
            copy: problem.copy.to_string(),
            position: problem.position.0,
            detail: problem.detail,
        };
        Self {
            events: report.events,
            blocks: report.blocks,
            head: report.head.into(),
            sled: report.sled.0,
            torn_bytes: report.torn_bytes,
            expected_at: report.expected_at.map(|position| position.0),
            problems: report.problems.into_iter().map(problem).collect(),
            problem_count: report.problem_count,
        }
    }
}

/// Target of a backup: a directory on the supervisor's machine, below `backup.root`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupBody {
    /// A path below `backup.root`, relative to it or absolute.
    #[schema(value_type = forms::BackupDir)]
    pub dir: String,
}

/// Result of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackedUp {
    /// The head of the backup.
    pub head: HeadShown,
    /// Segments in the backup.
    pub segments: usize,
    /// Segments that were copied now.
    pub copied: usize,
    /// Bytes that were copied now.
    pub copied_bytes: u64,
}

impl From<BackupReport> for BackedUp {
    fn from(report: BackupReport) -> Self {
        let BackupReport { head, segments, copied, copied_bytes } = report;
        Self { head: head.into(), segments, copied, copied_bytes }
    }
}

#[cfg(test)]
mod tests;
