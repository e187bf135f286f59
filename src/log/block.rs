//! The block: the unit of commit, of checksums and of repair. Both copies of the log hold the same
//! blocks, byte for byte.
//!
//! All numbers are little-endian.
//!
//! ```text
//!  offset size
//!       0    8  magic: 89 'M' 'E' 'C' 'R' 'I' 'S' 0A
//!       8    2  format version, 1
//!      10    2  flags: 1 the last block of its commit, 2 the first of its segment; others zero
//!      12    4  length of the whole block, at most 65,536
//!      16    8  first position
//!      24    4  count of records, at least 1
//!      28    4  zero
//!      32    8  committed: the last position that was durable when this block was written
//!      40    8  recorded_at of its records       µs, signed
//!      48   32  BLAKE3 hash of the block before; zero for the first
//!      80    .  records, see `event/record.rs`
//!       .   32  BLAKE3 hash of everything before this field
//!       .    4  CRC32C of everything before this field
//! ```
//!
//! A *commit* is what one `fdatasync` made durable: one block or several. Its last block says so. What
//! follows the last such block after a power cut was never acknowledged.
//!
//! `committed` distinguishes a torn write from bit rot: if any later block was written when the damaged
//! position was already durable, the damage is a loss and is never truncated silently.

mod commit;

use jiff::Timestamp;

use crate::event::{Position, RecordRef};
pub use commit::{Commit, CommitWriter, Sealed};

/// The first bytes of every block. The first byte is not ASCII and the last is a line feed, so a
/// transfer that mangles text is noticed, as in PNG.
pub const MAGIC: [u8; 8] = *b"\x89MECRIS\n";
/// The format that this program writes and reads.
pub const FORMAT: u16 = 1;
/// Maximum length of a block, including header and checksums: longer values leave sled's own log.
pub const BLOCK_BYTES_MAX: usize = 64 * 1024;
/// Bytes before the first record.
pub const HEADER_BYTES: usize = 80;
/// The two checksums at the end.
pub const TRAILER_BYTES: usize = 36;
/// The longest record that fits into a block.
pub const RECORD_BYTES_MAX: usize = BLOCK_BYTES_MAX - HEADER_BYTES - TRAILER_BYTES;

const FLAG_LAST_OF_COMMIT: u16 = 1;
const FLAG_FIRST_OF_SEGMENT: u16 = 2;

/// The hash of a block, which covers everything before it.
pub type BlockHash = [u8; 32];

/// Why bytes are not a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// The bytes end before the block does.
    #[error("a block of {needed} bytes stands in {available}")]
    Short {
        /// Length that the block needs.
        needed: usize,
        /// Length available.
        available: usize,
    },
    /// The magic is missing: no block starts here.
    #[error("no block starts here")]
    NoMagic,
    /// Written by a newer program.
    #[error("block format {0} is not known to this mecris; use a newer one")]
    Format(u16),
    /// Length, count or flags are impossible.
    #[error("the header of the block is impossible")]
    Header,
    /// The CRC32C does not match the bytes.
    #[error("the checksum of the block does not match its bytes")]
    Checksum,
    /// The BLAKE3 hash does not match the bytes.
    #[error("the hash of the block does not match its bytes")]
    Hash,
    /// The block is whole, but it is not the one that belongs here.
    #[error("the block at position {found} stands where position {expected} belongs")]
    Misplaced {
        /// The position in its header.
        found: Position,
        /// The position that belongs here.
        expected: Position,
    },
    /// The block does not name the hash of the one before it.
    #[error("the block does not continue the hash chain")]
    Chain,
    /// A record in a block whose checksums match is not a record.
    #[error("record {index} of the block: {source}")]
    Record {
        /// Its number, from 0.
        index: usize,
        source: crate::event::record::RecordError,
    },
    /// The records do not carry the positions that the header promises.
    #[error("the records of the block do not match its header")]
    Records,
}

/// A block's header, read and within its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Whether an `fdatasync` ended with this block.
    pub last_of_commit: bool,
    /// Whether a segment file starts with this block.
    pub first_of_segment: bool,
    /// The whole block, in bytes.
    pub len: usize,
    /// The position of its first record.
    pub first: Position,
    /// How many records, at least 1.
    pub count: u32,
    /// The last position that was durable when it was written.
    pub committed: Position,
    /// When its records were recorded.
    pub recorded_at: Timestamp,
    /// The hash of the block before.
    pub previous: BlockHash,
}

impl Header {
    /// Reads a header; the block's other bytes need not be there yet.
    ///
    /// # Errors
    /// [`BlockError::Short`], [`BlockError::NoMagic`], [`BlockError::Format`], [`BlockError::Header`].
    pub fn read(bytes: &[u8]) -> Result<Self, BlockError> {
        let short = BlockError::Short { needed: HEADER_BYTES, available: bytes.len() };
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(short)?;
        if header[..8] != MAGIC {
            return Err(BlockError::NoMagic);
        }
        let format = u16::from_le_bytes(array_at(header, 8));
        if format != FORMAT {
            return Err(BlockError::Format(format));
        }
        let flags = u16::from_le_bytes(array_at(header, 10));
        let len = u32::from_le_bytes(array_at(header, 12)) as usize;
        let first = u64::from_le_bytes(array_at(header, 16));
        let count = u32::from_le_bytes(array_at(header, 24));
        let committed = u64::from_le_bytes(array_at(header, 32));
        let recorded_at = i64::from_le_bytes(array_at(header, 40));
        let possible = flags & !(FLAG_LAST_OF_COMMIT | FLAG_FIRST_OF_SEGMENT) == 0
            && (HEADER_BYTES + TRAILER_BYTES..=BLOCK_BYTES_MAX).contains(&len)
            && count > 0
            && (count as usize) < BLOCK_BYTES_MAX / crate::event::record::HEADER_BYTES
            && header[28..32] == [0; 4]
            // Far from overflow, so that sums of positions need no checks.
            && (1..=u64::MAX / 2).contains(&first)
            && committed < first;
        let recorded_at = Timestamp::from_microsecond(recorded_at).ok().filter(|_| possible);
        Ok(Self {
            last_of_commit: flags & FLAG_LAST_OF_COMMIT != 0,
            first_of_segment: flags & FLAG_FIRST_OF_SEGMENT != 0,
            len,
            first: Position(first),
            count,
            committed: Position(committed),
            recorded_at: recorded_at.ok_or(BlockError::Header)?,
            previous: array_at(header, 48),
        })
    }

    /// The position of its last record.
    #[must_use]
    pub fn last(&self) -> Position {
        self.first.plus(u64::from(self.count) - 1)
    }
}

/// A block whose CRC32C matches its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    header: Header,
    bytes: &'a [u8],
}

impl<'a> Block<'a> {
    /// Reads the block at the start of `bytes` and checks its CRC32C.
    ///
    /// # Errors
    /// [`BlockError`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, BlockError> {
        let header = Header::read(bytes)?;
        let short = BlockError::Short { needed: header.len, available: bytes.len() };
        let bytes = bytes.get(..header.len).ok_or(short)?;
        let (covered, crc) = bytes.split_last_chunk().ok_or(BlockError::Header)?;
        if crc32c::crc32c(covered) != u32::from_le_bytes(*crc) {
            return Err(BlockError::Checksum);
        }
        Ok(Self { header, bytes })
    }

    /// The same, and the block must start at `position`.
    ///
    /// # Errors
    /// [`BlockError`].
    pub fn read_at(bytes: &'a [u8], position: Position) -> Result<Self, BlockError> {
        let block = Self::read(bytes)?;
        if block.header.first != position {
            return Err(BlockError::Misplaced { found: block.header.first, expected: position });
        }
        Ok(block)
    }

    /// Checks what the CRC32C cannot: the BLAKE3 hash, the chain, and each record.
    ///
    /// # Errors
    /// [`BlockError::Hash`], [`BlockError::Chain`], [`BlockError::Record`], [`BlockError::Records`].
    pub fn verify(&self, previous: &BlockHash) -> Result<(), BlockError> {
        let (covered, _) = self.bytes.split_at(self.bytes.len() - TRAILER_BYTES);
        if *blake3::hash(covered).as_bytes() != self.hash() {
            return Err(BlockError::Hash);
        }
        if self.header.previous != *previous {
            return Err(BlockError::Chain);
        }
        let mut expected = self.header.first;
        for record in self.records() {
            if record?.position != expected {
                return Err(BlockError::Records);
            }
            expected = expected.next();
        }
        if expected == self.header.last().next() { Ok(()) } else { Err(BlockError::Records) }
    }

    /// Its header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// All its bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The hash in its trailer; [`Block::verify`] checks it.
    #[must_use]
    pub fn hash(&self) -> BlockHash {
        let mut hash = [0; 32];
        let end = self.bytes.len() - 4;
        hash.copy_from_slice(&self.bytes[end - 32..end]);
        hash
    }

    /// The range of its records within its bytes.
    #[must_use]
    pub fn body(&self) -> std::ops::Range<usize> {
        HEADER_BYTES..self.bytes.len() - TRAILER_BYTES
    }

    /// Its records, in order. The iteration ends at the first that cannot be read.
    #[must_use]
    pub fn records(&self) -> Records<'a> {
        Records { rest: &self.bytes[self.body()], index: 0 }
    }
}

/// The records of a block.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    rest: &'a [u8],
    index: usize,
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<RecordRef<'a>, BlockError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let index = self.index;
        self.index += 1;
        match RecordRef::decode(self.rest) {
            Ok((record, rest)) => {
                self.rest = rest;
                Some(Ok(record))
            }
            Err(source) => {
                self.rest = &[];
                Some(Err(BlockError::Record { index, source }))
            }
        }
    }
}

/// `N` bytes of the header; every caller's offset is a constant inside it.
fn array_at<const N: usize>(header: &[u8; HEADER_BYTES], offset: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&header[offset..offset + N]);
    bytes
}

#[cfg(test)]
pub(in crate::log) mod tests;
