//! The index in memory: which block holds a position, an id, a stream's version, a moment.
//!
//! It is derived from the blocks at every open and never stored, so it cannot disagree with them.
//! An event costs some 50 bytes here.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use jiff::Timestamp;

use crate::event::{EventId, Position, RecordRef, Version};

use super::Head;
use super::block::{Block, BlockError, Hash};

/// Event ids are hashes or random already: their first eight bytes are as good as any hash.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = self.0.rotate_left(29) ^ u64::from_le_bytes(*first);
        }
    }
}

/// Where a block is and what it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockEntry {
    /// Position of its first record.
    pub first: Position,
    /// Number of its records.
    pub count: u32,
    /// Its length in bytes.
    pub len: u32,
    /// The number of its segment, counted from the oldest.
    pub segment: u32,
    /// Where in the segment it begins.
    pub offset: u32,
    /// When its last record was recorded, in microseconds.
    pub recorded_last_us: i64,
}

impl BlockEntry {
    /// The position of its last record.
    #[must_use]
    pub fn last(&self) -> Position {
        Position(self.first.0 + u64::from(self.count) - 1)
    }
}

/// A stream's version, and the blocks that hold its events.
#[derive(Debug, Clone, Default)]
struct StreamEntry {
    version: Version,
    /// (first version in the block, the block's number), ascending.
    blocks: Vec<(Version, u32)>,
}

/// What an index refuses to take in: the log would break its own rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// The block cannot be read.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// A stream's versions have a gap, or go back.
    #[error("version {found} of its stream stands where {expected} belongs")]
    Version {
        /// The version in the record.
        found: Version,
        /// The version that belongs there.
        expected: Version,
    },
    /// An id stands twice.
    #[error("the same event stands at {earlier} already")]
    Twice {
        /// Where it stands too.
        earlier: Position,
    },
}

/// See the module.
#[derive(Debug, Default)]
pub struct Index {
    blocks: Vec<BlockEntry>,
    ids: HashMap<[u8; 16], u64, BuildHasherDefault<IdHasher>>,
    tenants: HashMap<Box<str>, HashMap<Box<str>, StreamEntry>>,
    head_hash: Hash,
}

impl Index {
    /// The end of the log.
    #[must_use]
    pub fn head(&self) -> Head {
        let last = self.blocks.last();
        let recorded_at = last.and_then(|block| Timestamp::from_microsecond(block.recorded_last_us).ok());
        Head {
            position: last.map_or(Position::START, BlockEntry::last),
            hash: self.head_hash,
            recorded_at: recorded_at.unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }

    /// Takes in the next block.
    ///
    /// # Errors
    /// [`IndexError`]; the index must then not be used further.
    pub fn add(&mut self, block: &Block<'_>, segment: u32, offset: u32) -> Result<(), IndexError> {
        let number = self.blocks.len() as u32;
        let mut recorded_last_us = i64::MIN;
        for record in block.records() {
            let record = record?;
            self.add_record(&record, number)?;
            recorded_last_us = record.recorded_at.as_microsecond();
        }
        self.blocks.push(BlockEntry {
            first: block.header.first,
            count: block.header.count,
            len: block.bytes.len() as u32,
            segment,
            offset,
            recorded_last_us,
        });
        self.head_hash = block.hash();
        Ok(())
    }

    fn add_record(&mut self, record: &RecordRef<'_>, block: u32) -> Result<(), IndexError> {
        if let Some(earlier) = self.ids.insert(record.id.0, record.position.0) {
            return Err(IndexError::Twice { earlier: Position(earlier) });
        }
        if !self.tenants.contains_key(record.tenant) {
            self.tenants.insert(record.tenant.into(), HashMap::new());
        }
        let Some(streams) = self.tenants.get_mut(record.tenant) else { return Ok(()) };
        if !streams.contains_key(record.stream) {
            streams.insert(record.stream.into(), StreamEntry::default());
        }
        let Some(stream) = streams.get_mut(record.stream) else { return Ok(()) };
        let expected = stream.version.next();
        if record.version != expected {
            return Err(IndexError::Version { found: record.version, expected });
        }
        stream.version = expected;
        if stream.blocks.last().is_none_or(|&(_, last)| last != block) {
            stream.blocks.push((expected, block));
        }
        Ok(())
    }

    /// Where an event stands.
    #[must_use]
    pub fn find(&self, id: EventId) -> Option<Position> {
        self.ids.get(&id.0).copied().map(Position)
    }

    /// The version of a stream's last event.
    #[must_use]
    pub fn version(&self, tenant: &str, stream: &str) -> Version {
        self.stream(tenant, stream).map_or(Version::NONE, |stream| stream.version)
    }

    fn stream(&self, tenant: &str, stream: &str) -> Option<&StreamEntry> {
        self.tenants.get(tenant)?.get(stream)
    }

    /// How many blocks there are.
    #[must_use]
    pub fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// A block by its number.
    #[must_use]
    pub fn block(&self, number: usize) -> Option<BlockEntry> {
        self.blocks.get(number).copied()
    }

    /// The number of the block that holds a position, or of the first one after it.
    #[must_use]
    pub fn block_at(&self, position: Position) -> usize {
        self.blocks.partition_point(|block| block.last() < position)
    }

    /// The number of the first block whose last record was recorded after an instant.
    #[must_use]
    pub fn block_after(&self, recorded_at: Timestamp) -> usize {
        self.blocks.partition_point(|block| block.recorded_last_us <= recorded_at.as_microsecond())
    }

    /// The numbers of the blocks that hold a stream's events from a version on.
    #[must_use]
    pub fn stream_blocks(&self, tenant: &str, stream: &str, from: Version) -> Vec<usize> {
        let Some(stream) = self.stream(tenant, stream) else { return Vec::new() };
        let start = stream.blocks.partition_point(|&(first, _)| first <= from).saturating_sub(1);
        stream.blocks[start..].iter().map(|&(_, number)| number as usize).collect()
    }
}
