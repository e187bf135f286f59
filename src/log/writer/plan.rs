//! The plan of a group: which events are new, and their positions.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::event::{EventId, Position, RecordRef, StreamId, TenantId, Version};
use crate::log::block::RECORD_BYTES_MAX;
use crate::log::index::FoldedMap;
use crate::log::shared::{IdCache, Shared, read};
use crate::log::{Append, Appended, Expected, LogError, Outcome};

/// An event to be appended.
#[derive(Debug, Clone, Copy)]
pub(super) struct New {
    /// Index of its append in the group.
    pub append: usize,
    /// Its index in the append.
    event: usize,
    pub position: Position,
    pub version: Version,
}

impl New {
    /// Its record.
    pub fn record<'a>(&self, appends: &'a [Append], recorded_at: Timestamp) -> RecordRef<'a> {
        let append = &appends[self.append];
        let event = &append.events[self.event];
        RecordRef::of(event, &append.tenant, &append.stream, self.position, self.version, recorded_at)
    }

    pub fn id(&self, appends: &[Append]) -> EventId {
        appends[self.append].events[self.event].id
    }
}

/// The group's appends so far; each sees those before it as if they were durable.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    shared: &'a Shared,
    cache: &'a mut IdCache,
    next: Position,
    appends: usize,
    new: Vec<New>,
    ids: FoldedMap<[u8; 16], Position>,
    versions: HashMap<(TenantId, StreamId), Version>,
}

impl<'a> Plan<'a> {
    pub fn new(shared: &'a Shared, cache: &'a mut IdCache, next: Position) -> Self {
        Self {
            shared,
            cache,
            next,
            appends: 0,
            new: Vec::new(),
            ids: FoldedMap::default(),
            versions: HashMap::new(),
        }
    }

    /// Adds an append; the result is valid once the group is durable. A refused append adds nothing.
    pub fn add(&mut self, append: &Append) -> Result<Appended, LogError> {
        let number = self.appends;
        self.appends += 1;
        let before = (self.new.len(), self.next);
        let planned = self.plan(number, append);
        if planned.is_err() {
            let (kept, next) = before;
            for new in self.new.drain(kept..) {
                self.ids.remove(&append.events[new.event].id.0);
            }
            self.next = next;
        }
        planned
    }

    fn plan(&mut self, number: usize, append: &Append) -> Result<Appended, LogError> {
        let key = (append.tenant.clone(), append.stream.clone());
        let stored = || read(&self.shared.index).version(&append.tenant, &append.stream);
        let actual = self.versions.get(&key).copied().unwrap_or_else(stored);
        let mut version = actual;
        let mut outcomes = Vec::with_capacity(append.events.len());
        for (event, new_event) in append.events.iter().enumerate() {
            if let Some(position) = self.find(new_event.id)? {
                outcomes.push(Outcome::Duplicate(position));
                continue;
            }
            let position = self.next;
            version = version.next();
            self.next = position.next();
            self.ids.insert(new_event.id.0, position);
            self.new.push(New { append: number, event, position, version });
            outcomes.push(Outcome::New(position));
        }
        let matches = match append.expected {
            Expected::Any => true,
            Expected::NoStream => actual == Version::NONE,
            Expected::Exact(expected) => actual == expected,
        };
        // Only new events must match: a repeated append returns what it returned the first time.
        if version != actual && !matches {
            return Err(LogError::Conflict { stream: append.stream.clone(), actual });
        }
        self.versions.insert(key, version);
        Ok(Appended { outcomes })
    }

    fn find(&mut self, id: EventId) -> Result<Option<Position>, LogError> {
        if let Some(position) = self.ids.get(&id.0) {
            return Ok(Some(*position));
        }
        let (shared, cache) = (self.shared, &mut *self.cache);
        read(&shared.index).find(id, &mut |position| cache.id_at(shared, position))
    }

    pub fn into_new(self) -> Vec<New> {
        self.new
    }
}

/// Checks the limits of the envelope, which do not depend on the log's content.
///
/// # Errors
/// [`LogError::Invalid`].
pub(in crate::log) fn check(append: &Append, bytes_max: usize) -> Result<(), LogError> {
    let invalid = |reason: String| Err(LogError::Invalid { reason });
    if append.events.is_empty() {
        return invalid("an append holds at least one event".to_owned());
    }
    let bytes = super::append_bytes(append);
    if bytes > bytes_max {
        return invalid(format!("an append of {bytes} bytes is over {bytes_max}; split it"));
    }
    for event in &append.events {
        let record = RecordRef::of(
            event,
            &append.tenant,
            &append.stream,
            Position::FIRST,
            Version::NONE,
            Timestamp::UNIX_EPOCH,
        );
        let names = [
            ("tenant", record.tenant),
            ("stream", record.stream),
            ("type name", record.type_name),
            ("actor", record.actor),
        ];
        if let Some((field, name)) = names.iter().find(|(_, name)| name.len() > 255) {
            return invalid(format!(
                "the {field} has {} bytes, and 255 is the limit; shorten it",
                name.len()
            ));
        }
        let bytes = record.encoded_len();
        if bytes > RECORD_BYTES_MAX {
            return invalid(format!(
                "an event of {bytes} bytes is over {RECORD_BYTES_MAX}; make its payload smaller"
            ));
        }
    }
    Ok(())
}
