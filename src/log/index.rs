//! The in-memory indexes that an append needs: event id to position, and stream to version. Filled on open
//! from the runs' index entries, or from the blocks.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::event::{EventId, Position, StreamId, TenantId, Version};

use super::{LogError, block::Block, block::BlockError, run::Run};

/// A stream's positions are indexed at this granularity: one entry for each stretch of positions with an
/// event of it. Small enough to read a rare stream without reading the others.
const STRETCH: u64 = 256;

/// Maximum number of adjacent stretches that are read at once: some pages.
const RANGE_STRETCHES: usize = 64;

/// Passes through a key that is already evenly distributed.
#[derive(Debug, Default)]
pub(super) struct Folded(u64);

impl Hasher for Folded {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        // Ids may be UUIDs of the same millisecond: multiply, so that all bits take part.
        self.0 = (self.0.rotate_left(32) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

pub(super) type FoldedMap<K, V> = HashMap<K, V, BuildHasherDefault<Folded>>;

/// Where a stream has events.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    position: Position,
    version: Version,
}

#[derive(Debug, Default)]
struct StreamEntry {
    version: Version,
    stretches: Vec<Stretch>,
}

/// Reads the id of the event at a position, from its block.
pub(super) type IdAt<'a> = dyn FnMut(Position) -> Result<EventId, LogError> + 'a;

/// The indexes.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Half an id to the position of the first event with it: 16 bytes per event instead of 24. A hit is only
    /// a candidate; the event's own bytes decide.
    ids: FoldedMap<u64, Position>,
    /// Events whose half id was taken.
    collisions: FoldedMap<[u8; 16], Position>,
    /// Tenant to stream to number: looked up by borrowed names, without allocation.
    numbers: HashMap<Box<str>, HashMap<Box<str>, u32>>,
    streams: Vec<StreamEntry>,
}

fn half(id: EventId) -> u64 {
    let [low, high] = [0, 8].map(|at| {
        let mut word = [0; 8];
        word.copy_from_slice(&id.0[at..at + 8]);
        u64::from_le_bytes(word)
    });
    low ^ high.rotate_left(29)
}

impl Index {
    /// The position of the event with this id.
    pub(super) fn find(&self, id: EventId, id_at: &mut IdAt<'_>) -> Result<Option<Position>, LogError> {
        let Some(&candidate) = self.ids.get(&half(id)) else {
            return Ok(None);
        };
        if id_at(candidate)? == id {
            return Ok(Some(candidate));
        }
        Ok(self.collisions.get(&id.0).copied())
    }

    /// Whether looking up the id finds the event at this position.
    pub(super) fn holds(&self, id: EventId, position: Position) -> bool {
        self.ids.get(&half(id)) == Some(&position) || self.collisions.get(&id.0) == Some(&position)
    }

    /// The version of a stream.
    pub(super) fn version(&self, tenant: &TenantId, stream: &StreamId) -> Version {
        self.entry(tenant, stream).map_or(Version::NONE, |entry| entry.version)
    }

    fn entry(&self, tenant: &TenantId, stream: &StreamId) -> Option<&StreamEntry> {
        let number = self.numbers.get(tenant.as_str())?.get(stream.as_str())?;
        self.streams.get(*number as usize)
    }

    /// The next range of positions in which a stream has events of version `from` or later; none if there are
    /// none. Positions between two ranges need not be read. A range ends after [`RANGE_STRETCHES`] at the
    /// latest.
    pub(super) fn range(
        &self,
        tenant: &TenantId,
        stream: &StreamId,
        from: Version,
    ) -> Option<(Position, Position)> {
        let entry = self.entry(tenant, stream).filter(|entry| entry.version >= from)?;
        let start = entry.stretches.partition_point(|stretch| stretch.version <= from).saturating_sub(1);
        let mut range: Option<(Position, Position)> = None;
        for stretch in entry.stretches.get(start..)?.iter().take(RANGE_STRETCHES) {
            let end = Position((stretch.position.0 / STRETCH + 1) * STRETCH - 1);
            match &mut range {
                None => range = Some((stretch.position, end)),
                Some(found) if found.1.next() >= stretch.position => found.1 = end,
                Some(_) => break,
            }
        }
        range
    }

    /// The number of a stream, assigned now if it has none.
    pub(super) fn number(&mut self, tenant: &str, stream: &str) -> u32 {
        if let Some(number) = self.numbers.get(tenant).and_then(|streams| streams.get(stream)) {
            return *number;
        }
        let number = self.streams.len() as u32;
        self.streams.push(StreamEntry::default());
        self.numbers.entry(tenant.into()).or_default().insert(stream.into(), number);
        number
    }

    /// Adds the next event of a stream by its number.
    pub(super) fn insert(&mut self, number: u32, id: EventId, position: Position, version: Version) {
        if *self.ids.entry(half(id)).or_insert(position) != position {
            self.collisions.insert(id.0, position);
        }
        let entry = &mut self.streams[number as usize];
        entry.version = version;
        if entry.stretches.last().is_none_or(|last| last.position.0 / STRETCH != position.0 / STRETCH) {
            entry.stretches.push(Stretch { position, version });
        }
    }

    /// Adds all events of a run; `false` if a stream's versions are not consecutive.
    pub(super) fn insert_run(&mut self, run: &Run<'_>) -> bool {
        let mut streams = Vec::with_capacity(run.streams.len());
        for stream in &run.streams {
            let number = self.number(stream.tenant, stream.stream);
            if self.streams[number as usize].version.next() != stream.first {
                return false;
            }
            streams.push((number, stream.first));
        }
        let mut position = run.first;
        for (stream, id) in &run.events {
            let (number, version) = &mut streams[*stream];
            self.insert(*number, *id, position, *version);
            *version = version.next();
            position = position.next();
        }
        true
    }

    /// Adds all events of a block.
    ///
    /// # Errors
    /// [`BlockError`] if a record cannot be read, or a stream's versions are not consecutive.
    pub(super) fn insert_block(&mut self, block: &Block<'_>) -> Result<(), BlockError> {
        for record in block.records() {
            let record = record?;
            let number = self.number(record.tenant, record.stream);
            if self.streams[number as usize].version.next() != record.version {
                return Err(BlockError::Records);
            }
            self.insert(number, record.id, record.position, record.version);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
