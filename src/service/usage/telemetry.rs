//! Records usage from telemetry: the events of one export, each call once.
//!
//! This is the second writer of the usage stream, next to [`super::recorder`], which reads transcripts. Both
//! use optimistic concurrency: append at the version read; on conflict, catch up and retry. Of two reports of
//! one call, whichever is recorded second has therefore seen the first:
//!
//! - a transcript after telemetry withdraws the telemetry call in the append that records its own;
//! - telemetry after a transcript finds the request known, and records nothing.
//!
//! An append is all or nothing, so that after a crash the call is recorded once or not at all, never twice.
//! The known requests are folded from the log ([`Heard`]) and need no file of their own.

use jiff::Timestamp;

use crate::domain::pricing::PriceTable;
use crate::domain::telemetry_usage::{Draft, Export, Fact, Heard, Outcome};
use crate::event::payload::{
    MeteredPoint, UsageMetered, UsageRecorded, UsageTold, hear, session_event_id, told_event_id,
};
use crate::event::{Event, EventId, Metadata, NewEvent, Position, TenantId, Version};
use crate::log::{EventLog, Expected, LogError};
use crate::service::aggregate::repository::{follow, new_event, prepared, retried};
use crate::view::ViewError;

use super::recorder::{STREAM, take_back};

/// Counts of an export's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Counted.
    pub counted: u64,
    /// Kept for comparison.
    pub compared: u64,
    /// Already known.
    pub known: u64,
    /// Ignored: it names neither a request nor a session.
    pub nameless: u64,
    /// Position of the last event, if any.
    pub position: Option<Position>,
}

impl Taken {
    /// Adds another export's counts.
    pub fn add(&mut self, other: &Self) {
        self.counted += other.counted;
        self.compared += other.compared;
        self.known += other.known;
        self.nameless += other.nameless;
    }

    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Counted => self.counted += 1,
            Outcome::Compared => self.compared += 1,
            Outcome::Known => self.known += 1,
            Outcome::Nameless => self.nameless += 1,
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct TelemetryUsage {
    heard: Heard,
    /// The last version that has been read.
    version: Version,
}

impl TelemetryUsage {
    /// Records an export; it is durable when this returns. Blocks.
    ///
    /// # Errors
    /// [`ViewError`]: nothing was recorded, or the outcome is unknown; repeating the export records nothing
    /// twice.
    pub fn record(
        &mut self,
        log: &dyn EventLog,
        tenant: &TenantId,
        prices: &PriceTable,
        export: &Export,
        metadata: &Metadata,
    ) -> Result<Taken, ViewError> {
        retried(log, tenant, STREAM, || self.try_record(log, tenant, prices, export, metadata))
    }

    /// None on conflict.
    fn try_record(
        &mut self,
        log: &dyn EventLog,
        tenant: &TenantId,
        prices: &PriceTable,
        export: &Export,
        metadata: &Metadata,
    ) -> Result<Option<Taken>, ViewError> {
        self.catch_up(log, tenant)?;
        let mut taken = Taken::default();
        let mut draft = Draft::new(&self.heard);
        export.calls.iter().for_each(|call| taken.count(draft.call(call)));
        draft.points(&export.points).into_iter().for_each(|outcome| taken.count(outcome));
        let withdrawn: Vec<EventId> =
            draft.facts.iter().filter_map(|fact| withdrawn_id(tenant, fact)).collect();
        let mut taken_back = take_back(log, &withdrawn, "calls", metadata)?;
        let mut events = Vec::with_capacity(draft.facts.len());
        for fact in &draft.facts {
            events.extend(match withdrawn_id(tenant, fact) {
                Some(id) => taken_back.remove(&id),
                None => event_of(tenant, prices, fact, metadata),
            });
        }
        if events.is_empty() {
            return Ok(Some(taken));
        }
        let append = prepared(tenant, STREAM, Expected::at(self.version), events);
        match log.append(append).wait() {
            // An append of a run that died may have used the same ids for other contents.
            Ok(appended) if appended.outcomes.iter().any(|outcome| !outcome.is_new()) => Ok(None),
            Ok(appended) => {
                taken.position = appended.outcomes.last().map(|outcome| outcome.position());
                Ok(Some(taken))
            }
            Err(LogError::Conflict { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads what the stream has gained.
    fn catch_up(&mut self, log: &dyn EventLog, tenant: &TenantId) -> Result<(), ViewError> {
        let (heard, version) = (&mut self.heard, &mut self.version);
        follow(log, tenant, STREAM, version.next(), |record, event| {
            hear(heard, event);
            // Set first: what was folded before a failure must not be folded again.
            *version = record.version;
            Ok(())
        })
    }
}

/// The event id that a withdrawal refers to.
fn withdrawn_id(tenant: &TenantId, fact: &Fact) -> Option<EventId> {
    let Fact::Withdrawn { session, standing } = fact else { return None };
    Some(session_event_id(tenant.as_str(), session, standing.ordinal))
}

fn event_of(tenant: &TenantId, prices: &PriceTable, fact: &Fact, metadata: &Metadata) -> Option<NewEvent> {
    let tenant = tenant.as_str();
    let table = &prices.version;
    let (id, event, at): (_, _, Timestamp) = match fact {
        Fact::Told { call, ordinal, counted } => {
            let usage = &call.usage;
            let id = match ordinal {
                Some(ordinal) => session_event_id(tenant, &usage.session, *ordinal),
                None => told_event_id(tenant, &usage.key.request_id),
            };
            let told = UsageTold {
                usage: UsageRecorded::new(usage, &prices.price(usage), table),
                client_request_id: (&*call.client_request_id).into(),
                key: call.key().0,
                ordinal: *ordinal,
                counted: *counted,
                told_cost: call.told_cost,
            };
            (id, Event::UsageTold(told), usage.occurred_at)
        }
        Fact::Metered { usage, ordinal, counted, told_cost, points } => {
            let metered = UsageMetered {
                usage: UsageRecorded::new(usage, &prices.price_sum(usage), table),
                ordinal: *ordinal,
                counted: *counted,
                told_cost: *told_cost,
                points: points.iter().map(|(series, point)| MeteredPoint::new(*series, point)).collect(),
            };
            (
                session_event_id(tenant, &usage.session, *ordinal),
                Event::UsageMetered(metered),
                usage.occurred_at,
            )
        }
        Fact::Withdrawn { .. } => return None,
    };
    Some(new_event(id, &event, at, metadata))
}
