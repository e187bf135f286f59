//! The log in memory: the contract without a disk, for tests and examples.

use std::collections::HashMap;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::event::record::encode_record;
use crate::event::{EventId, Position, RecordRef, StreamId, TenantId, Version};

use super::event_log::APPEND_BYTES_MAX;
use super::page::{PAGE_BYTES, Page};
use super::shared::{read, write};
use super::writer::plan;
use super::{Append, Appended, Appending, EventLog, Expected, Head, LogError, Outcome};

/// A log that forgets everything when it is dropped. It is not a chain of blocks: its head has no hash.
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

    /// An empty log with a custom clock.
    #[must_use]
    pub fn with_clock(clock: fn() -> Timestamp) -> Self {
        let empty = Head { position: Position::START, chain: None, recorded_at: Timestamp::UNIX_EPOCH };
        Self { state: RwLock::default(), head: watch::Sender::new(empty), clock }
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
        let (mut position, mut version) = (head.position, actual);
        for number in new {
            let event = &append.events[number];
            (position, version) = (position.next(), version.next());
            let record = RecordRef::of(event, &append.tenant, &append.stream, position, version, recorded_at);
            let mut bytes = Vec::with_capacity(record.encoded_len());
            encode_record(&mut bytes, &record)
                .map_err(|error| LogError::Invalid { reason: error.to_string() })?;
            state.records.push(bytes.into());
            state.ids.insert(event.id, position);
            state.streams.entry(key.clone()).or_default().push(position);
        }
        if position > head.position {
            // Still under the lock, so that no reader sees more than the head shows.
            self.head.send_replace(Head { position, chain: None, recorded_at });
        }
        Ok(Appended { outcomes })
    }
}

impl State {
    /// The outcome of each event, and the indexes of the new ones.
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

    /// Fills a page with the records at these positions.
    fn fill(
        &self,
        page: &mut Page,
        positions: impl Iterator<Item = Position>,
        limit: u64,
    ) -> Result<(), LogError> {
        let mut bytes = 0;
        for position in positions {
            if page.len() == limit || bytes >= PAGE_BYTES {
                break;
            }
            let index = usize::try_from(position.0 - 1).unwrap_or(usize::MAX);
            let record = self.records.get(index);
            let detail = "no such record".to_owned();
            let record = record.ok_or(LogError::Corrupt { position, detail })?;
            page.push(record);
            bytes += record.len();
        }
        Ok(())
    }
}

impl EventLog for MemoryLog {
    fn append(&self, append: Append) -> Appending {
        let (reply, appending) = Appending::channel();
        drop(reply.send(self.commit(&append)));
        appending
    }

    fn head(&self) -> Result<Head, LogError> {
        Ok(*self.head.borrow())
    }

    fn watch(&self) -> Result<watch::Receiver<Head>, LogError> {
        Ok(self.head.subscribe())
    }

    fn read(&self, from: Position, limit: u64, page: &mut Page) -> Result<(), LogError> {
        page.clear();
        let state = self.state();
        let from = from.max(Position::FIRST);
        let skip = usize::try_from(from.0 - 1).unwrap_or(usize::MAX);
        state.fill(page, (from.0..).map(Position).take(state.records.len().saturating_sub(skip)), limit)
    }

    fn read_stream(
        &self,
        tenant: &TenantId,
        stream: &StreamId,
        from: Version,
        limit: u64,
        page: &mut Page,
    ) -> Result<(), LogError> {
        page.clear();
        let state = self.state();
        let Some(positions) = state.streams.get(&(tenant.clone(), stream.clone())) else { return Ok(()) };
        let skip = usize::try_from(from.0.saturating_sub(1)).unwrap_or(usize::MAX);
        state.fill(page, positions.iter().copied().skip(skip), limit)
    }

    fn stream_version(&self, tenant: &TenantId, stream: &StreamId) -> Result<Version, LogError> {
        Ok(Version(self.state().streams.get(&(tenant.clone(), stream.clone())).map_or(0, Vec::len) as u64))
    }

    fn find_many(&self, ids: &[EventId]) -> Result<Vec<Option<Position>>, LogError> {
        let state = self.state();
        Ok(ids.iter().map(|id| state.ids.get(id).copied()).collect())
    }

    fn position_at(&self, recorded_at: Timestamp) -> Result<Position, LogError> {
        let state = self.state();
        let after = state.records.partition_point(|bytes| {
            RecordRef::decode(bytes).is_ok_and(|(record, _)| record.recorded_at <= recorded_at)
        });
        Ok(Position(after as u64))
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
