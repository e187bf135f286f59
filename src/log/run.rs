//! The index entry of a run: consecutive blocks that went to sled together.
//!
//! sled's cost is per item, not per byte (measured: some 50 µs per item, whether it holds one event or two
//! hundred). So there is one entry for a run of up to 64 KiB of blocks, and it contains all three indexes:
//! event ids, streams and versions, and times. It is derived from the block bytes alone, so that `verify` can
//! compute it again and compare.
//!
//! All numbers are little-endian.
//!
//! ```text
//!       2  layout version, 1
//!       2  count of blocks            b
//!       2  count of streams           s
//!       2  zero
//!       4  count of events            e
//!       8  first position
//!  b ×  4  length of the block        4  count of its records
//!       8  recorded_at, µs            2  flags: 1 last of its commit, 2 first of its segment
//!      32  its hash
//!  s ×  8  version of the stream's first event in the run
//!       1  length of the tenant       1  length of the stream      then both
//!  e ×  2  number of its stream      16  event id
//!       4  CRC32C of everything before
//! ```

use std::collections::HashMap;

use crate::event::{EventId, Position, Version};

use super::block::{Block, BlockError, BlockHash};
use super::bytes::Reader;

const LAYOUT: u16 = 1;

/// A block of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunBlock {
    /// Its length in bytes.
    pub len: usize,
    /// Number of records.
    pub count: u32,
    /// When they were recorded, in microseconds.
    pub recorded_at_us: i64,
    /// Whether an `fdatasync` ended with it.
    pub last_of_commit: bool,
    /// Whether a segment file starts with it.
    pub first_of_segment: bool,
    /// Its hash.
    pub hash: BlockHash,
}

/// A stream that has events in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunStream<'a> {
    pub tenant: &'a str,
    pub stream: &'a str,
    /// The version of its first event in the run; the others are consecutive.
    pub first: Version,
}

/// A decoded index entry of a run.
#[derive(Debug)]
pub struct Run<'a> {
    /// The first position.
    pub first: Position,
    /// Its blocks, in order.
    pub blocks: Vec<RunBlock>,
    /// Its streams.
    pub streams: Vec<RunStream<'a>>,
    /// The stream's number and the id of each event, in order.
    pub events: Vec<(usize, EventId)>,
}

/// Builds the index entry of the blocks in `bytes`.
///
/// # Errors
/// [`BlockError`] if they are not consecutive blocks.
pub fn index_entry(bytes: &[u8]) -> Result<Vec<u8>, BlockError> {
    let (mut blocks, mut streams, mut events) = (Vec::new(), Vec::new(), Vec::new());
    let (mut block_count, mut event_count) = (0_u16, 0_u32);
    let mut numbers: HashMap<(&str, &str), u16> = HashMap::new();
    let mut first = None;
    let mut rest = bytes;
    while !rest.is_empty() {
        let block = Block::read(rest)?;
        rest = &rest[block.bytes().len()..];
        let header = block.header();
        first.get_or_insert(header.first);
        block_count += 1;
        blocks.extend_from_slice(&(header.len as u32).to_le_bytes());
        blocks.extend_from_slice(&header.count.to_le_bytes());
        blocks.extend_from_slice(&header.recorded_at.as_microsecond().to_le_bytes());
        let flags = u16::from(header.last_of_commit) | (u16::from(header.first_of_segment) << 1);
        blocks.extend_from_slice(&flags.to_le_bytes());
        blocks.extend_from_slice(&block.hash());
        for record in block.records() {
            let record = record?;
            let known = numbers.len() as u16;
            let number = *numbers.entry((record.tenant, record.stream)).or_insert_with(|| {
                streams.extend_from_slice(&record.version.0.to_le_bytes());
                streams.extend([record.tenant.len() as u8, record.stream.len() as u8]);
                streams.extend_from_slice(record.tenant.as_bytes());
                streams.extend_from_slice(record.stream.as_bytes());
                known
            });
            event_count += 1;
            events.extend_from_slice(&number.to_le_bytes());
            events.extend_from_slice(&record.id.0);
        }
    }
    let mut entry = Vec::with_capacity(24 + blocks.len() + streams.len() + events.len());
    entry.extend_from_slice(&LAYOUT.to_le_bytes());
    entry.extend_from_slice(&block_count.to_le_bytes());
    entry.extend_from_slice(&(numbers.len() as u16).to_le_bytes());
    entry.extend_from_slice(&[0; 2]);
    entry.extend_from_slice(&event_count.to_le_bytes());
    entry.extend_from_slice(&first.unwrap_or_default().0.to_le_bytes());
    for part in [blocks, streams, events] {
        entry.extend_from_slice(&part);
    }
    let crc = crc32c::crc32c(&entry);
    entry.extend_from_slice(&crc.to_le_bytes());
    Ok(entry)
}

impl<'a> Run<'a> {
    /// Decodes an entry; `None` if its checksum or its layout is wrong.
    #[must_use]
    pub fn read(entry: &'a [u8]) -> Option<Self> {
        let (covered, crc) = entry.split_last_chunk()?;
        if crc32c::crc32c(covered) != u32::from_le_bytes(*crc) {
            return None;
        }
        let mut reader = Reader(covered);
        if reader.u16()? != LAYOUT {
            return None;
        }
        let (block_count, stream_count) = (reader.u16()?, reader.u16()?);
        reader.u16()?;
        let event_count = reader.u32()?;
        let first = Position(reader.u64()?);
        let blocks = (0..block_count).map(|_| read_block(&mut reader)).collect::<Option<Vec<_>>>()?;
        let streams = (0..stream_count).map(|_| read_stream(&mut reader)).collect::<Option<Vec<_>>>()?;
        let events = (0..event_count)
            .map(|_| {
                let number = usize::from(reader.u16()?);
                (number < streams.len()).then_some((number, EventId(reader.array()?)))
            })
            .collect::<Option<Vec<_>>>()?;
        let counted: u64 = blocks.iter().map(|block| u64::from(block.count)).sum();
        let whole = reader.0.is_empty() && counted == u64::from(event_count) && !blocks.is_empty();
        whole.then_some(Self { first, blocks, streams, events })
    }
}

fn read_block(reader: &mut Reader<'_>) -> Option<RunBlock> {
    let (len, count) = (reader.u32()? as usize, reader.u32()?);
    let recorded_at_us = reader.u64()?.cast_signed();
    let flags = reader.u16()?;
    let hash = reader.array()?;
    Some(RunBlock {
        len,
        count,
        recorded_at_us,
        last_of_commit: flags & 1 != 0,
        first_of_segment: flags & 2 != 0,
        hash,
    })
}

fn read_stream<'a>(reader: &mut Reader<'a>) -> Option<RunStream<'a>> {
    let first = Version(reader.u64()?);
    let [tenant_len, stream_len] = reader.array()?;
    Some(RunStream { tenant: reader.text(tenant_len)?, stream: reader.text(stream_len)?, first })
}

#[cfg(test)]
mod tests;
