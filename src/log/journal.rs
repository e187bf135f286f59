//! The journal: segment files of blocks, appended and synced with `fdatasync`. An acknowledgement waits for
//! this and for nothing else.
//!
//! A segment file has no header of its own: it consists of its blocks, one after another, so that backup,
//! repair and restore copy bytes without interpreting them. It is named after its first position:
//!
//! ```text
//! <data>/journal/00000000000000000001.seg     blocks of positions 1 to 48,211
//!                00000000000000048212.seg     blocks of positions 48,212 to now
//! ```

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::event::Position;

use super::block::BLOCK_BYTES_MAX;
use super::disk::{Disk, DiskFile};

/// A segment is full at this many bytes; a commit may exceed it by its own length.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
/// Limit of [`SEGMENT_BYTES`], so that an offset fits the directory's 28 bits.
pub const SEGMENT_BYTES_MAX: u64 = 128 * 1024 * 1024;

const EXTENSION: &str = ".seg";
const OFFSET_BITS: u32 = 28;
const LENGTH_BITS: u32 = 16;

/// The name of the segment file that starts at a position.
#[must_use]
pub fn segment_name(first: Position) -> String {
    format!("{:020}{EXTENSION}", first.0)
}

/// The first position that a segment's file name promises; `None` for other files.
#[must_use]
pub fn parse_segment_name(name: &str) -> Option<Position> {
    let first = name.strip_suffix(EXTENSION)?.parse().ok().map(Position)?;
    (first >= Position::FIRST && segment_name(first) == name).then_some(first)
}

/// The segment files of a directory, in order.
///
/// # Errors
/// The system's error.
pub fn list_segments(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<Position>> {
    let mut firsts: Vec<_> = disk.list(dir)?.iter().filter_map(|name| parse_segment_name(name)).collect();
    firsts.sort_unstable();
    Ok(firsts)
}

/// A segment file.
#[derive(Debug, Clone)]
pub struct Segment {
    /// The position of its first record.
    pub first: Position,
    /// `None` if the file is missing and the log was opened without repairing it.
    pub file: Option<Arc<dyn DiskFile>>,
}

/// A block's place: 16 bytes, because there may be a block for each event.
#[derive(Debug, Clone, Copy)]
struct Entry {
    first: Position,
    /// Segment number, offset, and length minus one, in 20, 28 and 16 bits.
    place: u64,
}

impl Entry {
    fn segment(self) -> usize {
        (self.place >> (OFFSET_BITS + LENGTH_BITS)) as usize
    }

    fn offset(self) -> u64 {
        (self.place >> LENGTH_BITS) & ((1 << OFFSET_BITS) - 1)
    }

    fn len(self) -> usize {
        (self.place & ((1 << LENGTH_BITS) - 1)) as usize + 1
    }
}

/// Adjacent blocks in one file.
#[derive(Debug, Clone)]
pub struct Span {
    /// The file; `None` if it is missing.
    pub file: Option<Arc<dyn DiskFile>>,
    /// Offset of the first block.
    pub offset: u64,
    /// First position and length of each.
    pub blocks: Vec<(Position, usize)>,
    /// The position after the last block.
    pub end: Position,
}

impl Span {
    /// Bytes of all its blocks.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.blocks.iter().map(|(_, len)| len).sum()
    }

    /// Reads the span into `buffer`; what could not be read is missing at its end.
    pub fn read(&self, buffer: &mut Vec<u8>) {
        let read = self.read_to(buffer, 0);
        buffer.truncate(read);
    }

    /// The same at an offset of `buffer`, which grows if it is too short and is not truncated. Returns the
    /// bytes read.
    pub fn read_to(&self, buffer: &mut Vec<u8>, at: usize) -> usize {
        let end = at + self.bytes();
        if buffer.len() < end {
            buffer.resize(end, 0);
        }
        let Some(file) = &self.file else { return 0 };
        file.read_at(&mut buffer[at..end], self.offset).unwrap_or_else(|error| {
            tracing::warn!(%error, offset = self.offset, "a segment of the journal cannot be read");
            0
        })
    }
}

/// The directory of all durable blocks, in memory.
#[derive(Debug, Default)]
pub struct Journal {
    segments: Vec<Segment>,
    blocks: Vec<Entry>,
    next: Position,
    /// Total of all blocks.
    bytes: u64,
}

impl Journal {
    /// An empty journal.
    #[must_use]
    pub fn new() -> Self {
        Self { segments: Vec::new(), blocks: Vec::new(), next: Position::FIRST, bytes: 0 }
    }

    /// Adds a segment after the others.
    pub fn push_segment(&mut self, segment: Segment) {
        debug_assert!(self.segments.last().is_none_or(|last| last.first < segment.first));
        self.segments.push(segment);
    }

    /// Adds a durable block of the last segment.
    ///
    /// # Panics
    ///
    /// If there is no segment, or `offset` or `len` exceeds its limit: the callers check both.
    pub fn push_block(&mut self, first: Position, count: u32, offset: u64, len: usize) {
        assert!(first == self.next && !self.segments.is_empty(), "blocks come in order");
        assert!(offset < 1 << OFFSET_BITS && (1..=BLOCK_BYTES_MAX).contains(&len));
        let segment = (self.segments.len() - 1) as u64;
        let place = (segment << (OFFSET_BITS + LENGTH_BITS)) | (offset << LENGTH_BITS) | (len as u64 - 1);
        self.blocks.push(Entry { first, place });
        self.next = first.plus(u64::from(count));
        self.bytes += len as u64;
    }

    /// Bytes of all durable blocks.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The position after the last block.
    #[must_use]
    pub fn next(&self) -> Position {
        self.next
    }

    /// How many blocks there are.
    #[must_use]
    pub fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// The first position and length of a block by number.
    #[must_use]
    pub fn block(&self, number: usize) -> Option<(Position, usize)> {
        self.blocks.get(number).map(|entry| (entry.first, entry.len()))
    }

    /// The number of the block that holds a position.
    #[must_use]
    pub fn block_of(&self, position: Position) -> Option<usize> {
        if position < Position::FIRST || position >= self.next {
            return None;
        }
        self.blocks.partition_point(|entry| entry.first <= position).checked_sub(1)
    }

    /// The segments, in order, with the size of their durable blocks in bytes.
    #[must_use]
    pub fn segments(&self) -> Vec<(Segment, u64)> {
        let mut lens = vec![0; self.segments.len()];
        for entry in &self.blocks {
            lens[entry.segment()] = entry.offset() + entry.len() as u64;
        }
        self.segments.iter().cloned().zip(lens).collect()
    }

    /// The file of a segment by number, if it exists.
    #[must_use]
    pub fn segment_file(&self, number: usize) -> Option<Arc<dyn DiskFile>> {
        self.segments.get(number).and_then(|segment| segment.file.clone())
    }

    /// Sets the file of a segment that was missing.
    pub fn replace_file(&mut self, number: usize, file: Arc<dyn DiskFile>) {
        if let Some(segment) = self.segments.get_mut(number) {
            segment.file = Some(file);
        }
    }

    /// The last segment.
    #[must_use]
    pub fn last_segment(&self) -> Option<&Segment> {
        self.segments.last()
    }

    /// The blocks from the one with `from` to the one with `until`, as many as are in one file and fit
    /// `bytes_max` (but at least one).
    #[must_use]
    pub fn span(&self, from: Position, until: Position, bytes_max: usize) -> Option<Span> {
        let start = self.block_of(from)?;
        let head = self.blocks[start];
        let mut span = Span {
            file: self.segments.get(head.segment()).and_then(|segment| segment.file.clone()),
            offset: head.offset(),
            blocks: Vec::new(),
            end: self.next,
        };
        let mut bytes = 0;
        for entry in &self.blocks[start..] {
            let full = bytes + entry.len() > bytes_max || entry.segment() != head.segment();
            if !span.blocks.is_empty() && (full || entry.first > until) {
                span.end = entry.first;
                break;
            }
            bytes += entry.len();
            span.blocks.push((entry.first, entry.len()));
        }
        Some(span)
    }
}

/// The path of a segment file.
#[must_use]
pub fn segment_path(dir: &Path, first: Position) -> PathBuf {
    dir.join(segment_name(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_like_positions_and_read_back() {
        assert_eq!(segment_name(Position(48_212)), "00000000000000048212.seg");
        assert_eq!(parse_segment_name("00000000000000048212.seg"), Some(Position(48_212)));
        for stranger in ["48212.seg", "00000000000000000000.seg", "0000000000000000001x.seg", "lock", ".seg"]
        {
            assert_eq!(parse_segment_name(stranger), None, "{stranger}");
        }
    }

    fn journal() -> Journal {
        let mut journal = Journal::new();
        journal.push_segment(Segment { first: Position(1), file: None });
        journal.push_block(Position(1), 10, 0, BLOCK_BYTES_MAX);
        journal.push_block(Position(11), 5, 65_536, 300);
        journal.push_segment(Segment { first: Position(16), file: None });
        journal.push_block(Position(16), 1, 0, 200);
        journal
    }

    #[test]
    fn a_position_is_found_in_its_block() {
        let journal = journal();
        let found: Vec<_> = [0, 1, 10, 11, 15, 16, 17].map(|p| journal.block_of(Position(p))).into();
        assert_eq!(found, [None, Some(0), Some(0), Some(1), Some(1), Some(2), None]);
        assert_eq!(journal.block(0), Some((Position(1), BLOCK_BYTES_MAX)));
        assert_eq!(journal.segments().iter().map(|(_, len)| *len).collect::<Vec<_>>(), [65_836, 200]);
    }

    #[test]
    fn a_span_ends_with_its_file_its_size_or_its_last_position() {
        let journal = journal();
        let ends = |from, until, bytes| {
            let span = journal.span(Position(from), Position(until), bytes).unwrap();
            (span.offset, span.blocks.len(), span.end.0)
        };
        assert_eq!(ends(5, 99, 1 << 20), (0, 2, 16));
        assert_eq!(ends(5, 99, 1), (0, 1, 11));
        assert_eq!(ends(5, 10, 1 << 20), (0, 1, 11));
        assert_eq!(ends(12, 99, 1 << 20), (65_536, 1, 16));
        assert_eq!(ends(16, 99, 1 << 20), (0, 1, 17));
        assert!(journal.span(Position(17), Position(99), 1).is_none());
    }
}
