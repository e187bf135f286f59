//! The log in memory: the contract without a disk, for tests and for trying things out.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;
use tokio::sync::watch;

use super::event_log::APPEND_BYTES_MAX;
use super::open::EMPTY;
use super::shared::{read, write};
use super::writer::plan;
use super::{Append, Appended, Appending, EventLog, Expected, Head, LogError, Outcome, Visit};
use crate::event::record::encode_record;
use crate::event::{EventId, Position, RecordRef, StreamId, TenantId, Version};

/// A log that forgets everything when it is dropped.
#[derive(Debug)]
pub struct MemoryLog {
    state: RwLock<State>,
    head: watch::Sender<Head>,
    clock: fn() -> Timestamp,
}

#[derive(Debug, Default)]
struct State {
    /// The record of position `n` at `n - 1`.
    records: Vec<Box<[u8]>>,
    ids: HashMap<EventId, Position>,
    streams: HashMap<(TenantId, StreamId), Vec<Position>>,
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Timestamp::now)
    }

    /// An empty log with a clock of one's own.
    #[must_use]
    pub fn with_clock(clock: fn() -> Timestamp) -> Self {
        Self { state: RwLock::default(), head: watch::Sender::new(EMPTY), clock }
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        read(&self.state)
    }

    fn commit(&self, append: &Append) -> Result<Appended, LogError> {
        plan::check(append, APPEND_BYTES_MAX)?;
        let mut state: RwLockWriteGuard<'_, State> = write(&self.state);
        let head = *self.head.borrow();
        let key = (append.tenant.clone(), append.stream.clone());
        let actual = Version(state.streams.get(&key).map_or(0, Vec::len) as u64);
        let (outcomes, new) = state.plan(append);
        let matches = match append.expected {
            Expected::Any => true,
            Expected::NoStream => actual == Version::NONE,
            Expected::Exact(expected) => actual == expected,
        };
        if !new.is_empty() && !matches {
            return Err(LogError::Conflict { stream: append.stream.clone(), actual });
        }
        let now = Timestamp::from_microsecond((self.clock)().as_microsecond()).unwrap_or(head.recorded_at);
        let recorded_at = now.max(head.recorded_at);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&head.hash);
        let (mut position, mut version) = (head.position, actual);
        for number in new {
            let event = &append.events[number];
            (position, version) = (position.next(), version.next());
            let record = RecordRef::of(event, &append.tenant, &append.stream, position, version, recorded_at);
            let mut bytes = Vec::with_capacity(record.encoded_len());
            encode_record(&mut bytes, &record)
                .map_err(|error| LogError::Invalid { reason: error.to_string() })?;
            hasher.update(&bytes);
            state.records.push(bytes.into());
            state.ids.insert(event.id, position);
            state.streams.entry(key.clone()).or_default().push(position);
        }
        if position > head.position {
            // Still under the lock, so that nobody reads what the head does not show.
            let hash = *hasher.finalize().as_bytes();
            self.head.send_replace(Head { position, hash, recorded_at });
        }
        Ok(Appended { outcomes })
    }
}

impl State {
    /// The outcome of each event, and the numbers of the new ones.
    fn plan(&self, append: &Append) -> (Vec<Outcome>, Vec<usize>) {
        let mut next = Position(self.records.len() as u64);
        let (mut outcomes, mut new) = (Vec::new(), Vec::new());
        let mut seen: HashMap<EventId, Position> = HashMap::new();
        for (number, event) in append.events.iter().enumerate() {
            if let Some(position) = self.ids.get(&event.id).or_else(|| seen.get(&event.id)) {
                outcomes.push(Outcome::Duplicate(*position));
                continue;
            }
            next = next.next();
            seen.insert(event.id, next);
            outcomes.push(Outcome::New(next));
            new.push(number);
        }
        (outcomes, new)
    }

    fn record(&self, position: Position) -> Result<RecordRef<'_>, LogError> {
        let corrupt = |detail: String| LogError::Corrupt { position, detail };
        let index = usize::try_from(position.0 - 1).unwrap_or(usize::MAX);
        let bytes = self.records.get(index).ok_or_else(|| corrupt("no such record".to_owned()))?;
        let (record, _) = RecordRef::decode(bytes).map_err(|error| corrupt(error.to_string()))?;
        Ok(record)
    }
}

impl EventLog for MemoryLog {
    fn append(&self, append: Append) -> Appending {
        let (reply, appending) = Appending::channel();
        drop(reply.send(self.commit(&append)));
        appending
    }

    fn head(&self) -> Head {
        *self.head.borrow()
    }

    fn watch(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }

    fn scan(&self, from: Position, until: Position, visit: &mut Visit<'_>) -> Result<(), LogError> {
        let until = until.min(self.head().position);
        for position in from.0.max(1)..=until.0 {
            if visit(&self.state().record(Position(position))?).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn scan_stream(
        &self,
        tenant: &TenantId,
        stream: &StreamId,
        from: Version,
        visit: &mut Visit<'_>,
    ) -> Result<(), LogError> {
        let positions = self.state().streams.get(&(tenant.clone(), stream.clone())).cloned();
        for position in positions.unwrap_or_default().into_iter().skip(from.0.saturating_sub(1) as usize) {
            if let ControlFlow::Break(()) = visit(&self.state().record(position)?) {
                break;
            }
        }
        Ok(())
    }

    fn stream_version(&self, tenant: &TenantId, stream: &StreamId) -> Version {
        Version(self.state().streams.get(&(tenant.clone(), stream.clone())).map_or(0, Vec::len) as u64)
    }

    fn find(&self, id: EventId) -> Result<Option<Position>, LogError> {
        Ok(self.state().ids.get(&id).copied())
    }

    fn position_at(&self, recorded_at: Timestamp) -> Result<Position, LogError> {
        let state = self.state();
        let after = state.records.partition_point(|bytes| {
            RecordRef::decode(bytes).is_ok_and(|(record, _)| record.recorded_at <= recorded_at)
        });
        Ok(Position(after as u64))
    }

    fn read_only(&self) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_the_contract() {
        for (name, check) in crate::log::conformance::CHECKS {
            println!("{name}");
            check(&MemoryLog::new());
        }
    }
}
