//! The block: one group commit, or a part of a large one. The same bytes stand in the journal and in sled.
//!
//! All integers are little-endian. A block is at most 64 KiB, because larger values in sled go to
//! files that it never syncs.
//!
//! ```text
//! offset  bytes  field
//!      0      4  magic "MCRB"
//!      4      2  format version, 1
//!      6      2  zero
//!      8      8  position of the first record
//!     16      4  number of records, at least 1
//!     20      4  length of the records
//!     24     32  hash of the block before; zero for the first
//!     56      n  the records, see `event::record`
//!   56+n     32  BLAKE3 of everything above: the chain that proves nothing was rewritten
//!   88+n      4  CRC32C of everything above: cheap enough to check at every read
//! ```

use crate::event::Position;
use crate::event::record::{RecordError, RecordRef};

const MAGIC: [u8; 4] = *b"MCRB";
const FORMAT: u16 = 1;
/// Bytes before the records.
pub const HEADER: usize = 56;
/// Bytes after the records.
pub const TRAILER: usize = 36;
/// The largest block.
pub const MAX_BLOCK: usize = 64 * 1024;

/// A BLAKE3 hash.
pub type Hash = [u8; 32];

/// Why bytes are not a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// They end before the block does.
    #[error("the block is cut off")]
    CutOff,
    /// They do not begin as a block does.
    #[error("no block begins here")]
    NoBlock,
    /// A newer program wrote it.
    #[error("block format {0} is not known to this mecris")]
    Format(u16),
    /// The CRC32C does not match.
    #[error("the checksum does not match")]
    Checksum,
    /// The BLAKE3 hash does not match.
    #[error("the hash does not match")]
    Hash,
    /// A record cannot be read.
    #[error("record {number}: {source}")]
    Record {
        /// The record's number in the block, from 0.
        number: u32,
        /// What is wrong with it.
        source: RecordError,
    },
}

/// A block's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Position of the first record.
    pub first: Position,
    /// Number of records.
    pub count: u32,
    /// Length of the records in bytes.
    pub body: u32,
    /// Hash of the block before.
    pub previous: Hash,
}

impl Header {
    /// The whole block's length in bytes.
    #[must_use]
    pub fn block_len(&self) -> usize {
        HEADER + self.body as usize + TRAILER
    }

    /// The position of the last record.
    #[must_use]
    pub fn last(&self) -> Position {
        Position(self.first.0 + u64::from(self.count) - 1)
    }
}

/// A block whose checksum has been verified.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// See [`Header`].
    pub header: Header,
    /// All its bytes.
    pub bytes: &'a [u8],
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], BlockError> {
    bytes.get(at..at + N).and_then(|slice| slice.try_into().ok()).ok_or(BlockError::CutOff)
}

impl<'a> Block<'a> {
    /// Reads the block at the front of `bytes` and verifies its checksum.
    ///
    /// # Errors
    /// [`BlockError`]; nothing is allocated, whatever the bytes say.
    pub fn read(bytes: &'a [u8]) -> Result<Self, BlockError> {
        let header = read_header(bytes)?;
        let bytes = bytes.get(..header.block_len()).ok_or(BlockError::CutOff)?;
        let (covered, crc) = bytes.split_at(bytes.len() - 4);
        if crc32c::crc32c(covered) != u32::from_le_bytes(array(crc, 0)?) {
            return Err(BlockError::Checksum);
        }
        Ok(Self { header, bytes })
    }

    /// The hash as it stands in the block.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let at = self.bytes.len() - TRAILER;
        array(self.bytes, at).unwrap_or_default()
    }

    /// Verifies the hash, which [`Block::read`] does not.
    ///
    /// # Errors
    /// [`BlockError::Hash`].
    pub fn verify_hash(&self) -> Result<(), BlockError> {
        let covered = &self.bytes[..self.bytes.len() - TRAILER];
        if *blake3::hash(covered).as_bytes() == self.hash() { Ok(()) } else { Err(BlockError::Hash) }
    }

    /// The records in order. After an error there are no more.
    pub fn records(&self) -> impl Iterator<Item = Result<RecordRef<'a>, BlockError>> {
        let mut rest = &self.bytes[HEADER..self.bytes.len() - TRAILER];
        let (first, count) = (self.header.first, self.header.count);
        let mut number = 0;
        std::iter::from_fn(move || {
            if number == count {
                return None;
            }
            let position = first.plus(u64::from(number));
            match RecordRef::decode(rest, position) {
                Ok((record, after)) => {
                    rest = after;
                    number += 1;
                    Some(Ok(record))
                }
                Err(source) => {
                    let failed = number;
                    number = count;
                    Some(Err(BlockError::Record { number: failed, source }))
                }
            }
        })
    }
}

fn read_header(bytes: &[u8]) -> Result<Header, BlockError> {
    if array::<4>(bytes, 0)? != MAGIC {
        return Err(BlockError::NoBlock);
    }
    let format = u16::from_le_bytes(array(bytes, 4)?);
    if format != FORMAT {
        return Err(BlockError::Format(format));
    }
    let header = Header {
        first: Position(u64::from_le_bytes(array(bytes, 8)?)),
        count: u32::from_le_bytes(array(bytes, 16)?),
        body: u32::from_le_bytes(array(bytes, 20)?),
        previous: array(bytes, 24)?,
    };
    let is_sane = header.count > 0 && header.first > Position::START && header.body as usize <= MAX_BLOCK;
    if is_sane && header.block_len() <= MAX_BLOCK { Ok(header) } else { Err(BlockError::NoBlock) }
}

/// A block being filled.
#[derive(Debug)]
pub struct Builder {
    bytes: Vec<u8>,
    first: Position,
    count: u32,
}

impl Builder {
    /// For records from a position on.
    #[must_use]
    pub fn new(first: Position) -> Self {
        assert!(first > Position::START, "positions begin at 1");
        Self { bytes: vec![0; HEADER], first, count: 0 }
    }

    /// Whether a record of this length still fits.
    #[must_use]
    pub fn fits(&self, record: usize) -> bool {
        self.bytes.len() + record + TRAILER <= MAX_BLOCK
    }

    /// Adds an encoded record, which must fit.
    pub fn push(&mut self, record: &[u8]) {
        assert!(self.fits(record.len()), "the writer asks before it adds");
        self.bytes.extend_from_slice(record);
        self.count += 1;
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The finished block and its hash.
    #[must_use]
    pub fn finish(mut self, previous: &Hash) -> (Vec<u8>, Hash) {
        assert!(self.count > 0, "a block has at least one record");
        let body = (self.bytes.len() - HEADER) as u32;
        self.bytes[0..4].copy_from_slice(&MAGIC);
        self.bytes[4..6].copy_from_slice(&FORMAT.to_le_bytes());
        self.bytes[8..16].copy_from_slice(&self.first.0.to_le_bytes());
        self.bytes[16..20].copy_from_slice(&self.count.to_le_bytes());
        self.bytes[20..24].copy_from_slice(&body.to_le_bytes());
        self.bytes[24..56].copy_from_slice(previous);
        let hash = *blake3::hash(&self.bytes).as_bytes();
        self.bytes.extend_from_slice(&hash);
        let crc = crc32c::crc32c(&self.bytes);
        self.bytes.extend_from_slice(&crc.to_le_bytes());
        (self.bytes, hash)
    }
}

/// The longest record that fits into a block.
pub const MAX_RECORD: usize = MAX_BLOCK - HEADER - TRAILER;
