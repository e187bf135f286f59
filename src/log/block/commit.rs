//! Writing the blocks of a commit.

use jiff::Timestamp;

use crate::event::record::{RecordError, encode_record};
use crate::event::{Position, RecordRef};

use super::{
    BLOCK_BYTES_MAX, BlockHash, FLAG_FIRST_OF_SEGMENT, FLAG_LAST_OF_COMMIT, FORMAT, HEADER_BYTES, Header,
    MAGIC, RECORD_BYTES_MAX, TRAILER_BYTES,
};

/// What all blocks of one commit share.
#[derive(Debug, Clone, Copy)]
pub struct Commit {
    /// The last durable position.
    pub committed: Position,
    /// When the records are recorded.
    pub recorded_at: Timestamp,
    /// Whether the first block starts a segment.
    pub starts_segment: bool,
}

/// A finished block in a [`CommitWriter`]'s bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// Its header.
    pub header: Header,
    /// Its hash.
    pub hash: BlockHash,
}

/// Writes the blocks of one commit one after another into one buffer.
#[derive(Debug)]
pub struct CommitWriter {
    commit: Commit,
    bytes: Vec<u8>,
    blocks: Vec<Sealed>,
    /// Start of the open block in `bytes`.
    start: usize,
    first: Position,
    count: u32,
    previous: BlockHash,
}

impl CommitWriter {
    /// Starts a commit after `previous`; `bytes` is a buffer to reuse.
    #[must_use]
    pub fn new(commit: Commit, first: Position, previous: BlockHash, mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        Self { commit, bytes, blocks: Vec::new(), start: 0, first, count: 0, previous }
    }

    /// Adds a record, in a new block if the open one is full.
    ///
    /// # Errors
    /// [`RecordError`]: the record was not added.
    ///
    /// # Panics
    /// If the record is longer than [`RECORD_BYTES_MAX`]: the caller checks before it assigns positions.
    pub fn push(&mut self, record: &RecordRef<'_>) -> Result<(), RecordError> {
        let len = record.encoded_len();
        assert!(len <= RECORD_BYTES_MAX, "the writer refuses longer records");
        let open = self.bytes.len() - self.start;
        if self.count > 0 && open + len + TRAILER_BYTES > BLOCK_BYTES_MAX {
            self.seal(false);
        }
        if self.count == 0 {
            self.bytes.resize(self.start + HEADER_BYTES, 0);
        }
        encode_record(&mut self.bytes, record)?;
        self.count += 1;
        Ok(())
    }

    /// Finishes the last block. Returns the bytes of all blocks, and a description of each.
    #[must_use]
    pub fn finish(mut self) -> (Vec<u8>, Vec<Sealed>) {
        if self.count > 0 {
            self.seal(true);
        }
        (self.bytes, self.blocks)
    }

    fn seal(&mut self, last_of_commit: bool) {
        let header = Header {
            last_of_commit,
            first_of_segment: self.commit.starts_segment && self.blocks.is_empty(),
            len: self.bytes.len() - self.start + TRAILER_BYTES,
            first: self.first,
            count: self.count,
            committed: self.commit.committed,
            recorded_at: self.commit.recorded_at,
            previous: self.previous,
        };
        write_header(&mut self.bytes[self.start..], &header);
        let hash = *blake3::hash(&self.bytes[self.start..]).as_bytes();
        self.bytes.extend_from_slice(&hash);
        let crc = crc32c::crc32c(&self.bytes[self.start..]);
        self.bytes.extend_from_slice(&crc.to_le_bytes());
        self.blocks.push(Sealed { header, hash });
        self.start = self.bytes.len();
        self.first = header.last().next();
        self.count = 0;
        self.previous = hash;
    }
}

fn write_header(out: &mut [u8], header: &Header) {
    let mut flags = 0;
    flags |= if header.last_of_commit { FLAG_LAST_OF_COMMIT } else { 0 };
    flags |= if header.first_of_segment { FLAG_FIRST_OF_SEGMENT } else { 0 };
    out[0..8].copy_from_slice(&MAGIC);
    out[8..10].copy_from_slice(&FORMAT.to_le_bytes());
    out[10..12].copy_from_slice(&flags.to_le_bytes());
    out[12..16].copy_from_slice(&(header.len as u32).to_le_bytes());
    out[16..24].copy_from_slice(&header.first.0.to_le_bytes());
    out[24..28].copy_from_slice(&header.count.to_le_bytes());
    out[32..40].copy_from_slice(&header.committed.0.to_le_bytes());
    out[40..48].copy_from_slice(&header.recorded_at.as_microsecond().to_le_bytes());
    out[48..80].copy_from_slice(&header.previous);
}
