//! Calls of old logs, whose identity was the message id and the request id together.
//!
//! They are at the start of the stream, in version 1 of `usage-recorded`. One response with two request ids,
//! or with and without one, was counted twice there: the later record is withdrawn by an event that gives the
//! reason. Everything else about them is valid, and they are revised under their existing ids.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};

use crate::domain::telemetry_usage::Fingerprint;
use crate::domain::usage::MessageKey;
use crate::domain::usage::is_told;
use crate::event::decode;
use crate::event::payload::{CallId, UsageWithdrawn, withdrawn_event_id};
use crate::event::{Event, EventId, Metadata, NewEvent, Position, StreamId, TenantId, Version};
use crate::log::EventLog;
use crate::service::aggregate::repository::new_event;
use crate::view::ViewError;

use super::stored::{call_of, read_at, standing, to_latest};
use super::{Recorder, STREAM};

/// The schema version from which the message id alone identifies a call.
const ALONE: u16 = 2;

/// See the module.
#[derive(Debug, Default)]
pub struct Former {
    /// The first request id recorded with each message, by a hash of the message id.
    requests: HashMap<Fingerprint, Box<str>>,
    /// Further records of such a message.
    doubled: Vec<MessageKey>,
}

fn print(message_id: &str) -> Fingerprint {
    Fingerprint::of("message", &[message_id.as_bytes()])
}

impl Former {
    /// Reads them from the start of the stream.
    ///
    /// # Errors
    /// [`ViewError`]: the log cannot be read.
    pub fn find(log: &dyn EventLog, tenant: &TenantId) -> Result<Self, ViewError> {
        let (mut former, mut failure) = (Self::default(), None);
        log.scan_stream(tenant, &StreamId::new(STREAM), Version(1), &mut |record| {
            if record.type_name != "usage-recorded" {
                return ControlFlow::Continue(());
            }
            if record.schema_version >= ALONE {
                return ControlFlow::Break(());
            }
            match decode(record) {
                Ok(Event::UsageRecorded(usage)) => former.add(&usage.message_id, &usage.request_id),
                Ok(_) => {}
                Err(source) => {
                    failure = Some(ViewError::Event { position: record.position, source });
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        })?;
        failure.map_or(Ok(former), Err)
    }

    fn add(&mut self, message_id: &str, request_id: &str) {
        if is_told(message_id) {
            return;
        }
        match self.requests.entry(print(message_id)) {
            Entry::Vacant(place) => {
                place.insert(request_id.into());
            }
            Entry::Occupied(_) => {
                self.doubled
                    .push(MessageKey { message_id: message_id.into(), request_id: request_id.into() });
            }
        }
    }

    /// The identity of a message's call, if it was recorded this way.
    #[must_use]
    pub fn id(&self, message_id: &str) -> Option<CallId> {
        let request_id = self.requests.get(&print(message_id))?.clone();
        Some(CallId::Pair(MessageKey { message_id: message_id.into(), request_id }))
    }

    /// The withdrawals of what was counted twice and is not withdrawn yet.
    ///
    /// # Errors
    /// [`ViewError`]: the log cannot be read.
    pub fn doubled(
        &self,
        log: &dyn EventLog,
        tenant: &TenantId,
        metadata: &Metadata,
    ) -> Result<Vec<NewEvent>, ViewError> {
        /// Events in one append.
        const MOST: usize = 4_096;
        for keys in self.doubled.chunks(MOST) {
            let calls = keys.iter().map(|key| CallId::Pair(key.clone()));
            let calls: Vec<_> = calls.map(|id| (id.event(tenant.as_str(), 0), id)).collect();
            let firsts: Vec<EventId> = calls.iter().map(|(first, _)| *first).collect();
            let standing: HashMap<EventId, Position> =
                standing(log, &firsts)?.into_iter().map(|(position, id)| (id, position)).collect();
            let of = |(first, id): (EventId, CallId)| Some((*standing.get(&first)?, (first, id)));
            let mut chains: Vec<_> = calls.into_iter().filter_map(of).collect();
            to_latest(log, &mut chains, |(_, id), revision| id.event(tenant.as_str(), revision))?;
            chains.sort_unstable_by_key(|(position, _)| *position);
            let mut events = Vec::new();
            read_at(log, &chains, |(first, _), record| {
                if let Some((usage, _)) = call_of(decode(record)?) {
                    let by = "same-call".to_owned();
                    let event = Event::UsageWithdrawn(UsageWithdrawn { usage, ordinal: None, by });
                    let withdrawn = withdrawn_event_id(*first);
                    events.push(new_event(withdrawn, &event, record.occurred_at, metadata));
                }
                Ok(())
            })?;
            if !events.is_empty() {
                return Ok(events);
            }
        }
        Ok(Vec::new())
    }
}

impl Recorder {
    /// Searches once for calls with the former identity, and withdraws what was counted twice.
    pub(super) fn settle_former(&self) -> Result<(), ViewError> {
        let mut known = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_some() {
            return Ok(());
        }
        let former = self.retried(|| {
            let expected = self.version()?;
            let former = Former::find(&*self.log, &self.tenant)?;
            let metadata = Metadata { actor: self.actor.to_owned(), ..Metadata::default() };
            let events = former.doubled(&*self.log, &self.tenant, &metadata)?;
            if events.is_empty() {
                return Ok(Some(former));
            }
            // A later search no longer finds what is withdrawn now.
            self.append_all(expected, events)?;
            Ok(None)
        })?;
        *known = Some(Arc::new(former));
        Ok(())
    }
}
