//! Opening: both copies are read to the end, and each mends the other.
//!
//! The journal is read whole, every checksum and the chain of hashes included. A block that is
//! damaged or missing there is taken from sled byte for byte. Bytes after the last whole block that
//! sled does not know either are a write that was never acknowledged: they are cut off. What neither
//! copy has is an error that names the position.

use std::path::Path;

use crate::event::Position;

use super::LogError;
use super::block::{Block, Hash};
use super::index::Index;
use super::journal;
use super::store::Store;

/// Part of one copy that was replaced from the other.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Repair {
    /// `journal` or `sled`.
    pub copy: &'static str,
    /// The first position that was replaced.
    pub first: Position,
    /// The last one.
    pub last: Position,
    /// What was found.
    pub cause: String,
}

/// What opening found.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The index of all blocks.
    pub index: Index,
    /// What was mended.
    pub repairs: Vec<Repair>,
    /// Bytes of an unacknowledged write that were cut off.
    pub torn_bytes: u64,
}

/// One step further along the chain.
struct Walk<'a> {
    store: &'a Store,
    next: Position,
    chain: Hash,
    segment: u32,
    recovered: Recovered,
}

fn io_error(action: &'static str, path: &Path, error: &std::io::Error) -> LogError {
    LogError::Io {
        action,
        path: path.display().to_string(),
        source_text: error.to_string(),
        fix: "check the directory's owner, mode and disk, or name another with --data-dir".into(),
    }
}

/// Reads the journal of `dir` to its end, mending it from the store.
///
/// # Errors
/// [`LogError::Corrupt`] names the first position that neither copy has; [`LogError::Io`].
pub fn recover(dir: &Path, store: &Store) -> Result<Recovered, LogError> {
    let segments = journal::segments(dir).map_err(|error| io_error("cannot list", dir, &error))?;
    let mut walk = Walk {
        store,
        next: Position::FIRST,
        chain: Hash::default(),
        segment: 0,
        recovered: Recovered::default(),
    };
    for (number, (first, path)) in segments.iter().enumerate() {
        let limit = segments.get(number + 1).map(|(first, _)| *first);
        if *first > walk.next {
            walk.rebuild(dir, *first)?;
        }
        let bytes = std::fs::read(path).map_err(|error| io_error("cannot read", path, &error))?;
        walk.segment(dir, *first, &bytes, limit)?;
    }
    if walk.stored_block(walk.next).is_some() {
        walk.rebuild(dir, Position(u64::MAX))?;
    }
    walk.nothing_beyond()?;
    Ok(walk.recovered)
}

impl Walk<'_> {
    /// The store's block at a position, if it is whole and continues the chain.
    fn stored_block(&self, first: Position) -> Option<sled::IVec> {
        let bytes = self.store.get(first).ok().flatten()?;
        let block = Block::read(&bytes).ok()?;
        let continues = block.header.first == first && block.header.previous == self.chain;
        (continues && block.verify_hash().is_ok()).then_some(bytes)
    }

    fn accept(&mut self, block: &Block<'_>, offset: usize) -> Result<(), LogError> {
        self.recovered
            .index
            .add(block, self.segment, offset as u32)
            .map_err(|error| LogError::Corrupt { position: block.header.first, detail: error.to_string() })?;
        self.next = block.header.last().next();
        self.chain = block.hash();
        Ok(())
    }

    /// Walks a segment. Its blocks end before `limit`; the last segment has none.
    fn segment(
        &mut self,
        dir: &Path,
        first: Position,
        bytes: &[u8],
        limit: Option<Position>,
    ) -> Result<(), LogError> {
        if first < self.next {
            let detail = format!("segment {} overlaps the one before", journal::segment_name(first));
            return Err(LogError::Corrupt { position: first, detail });
        }
        let mut offset = 0;
        let mut mended: Option<Mended> = None;
        while limit.is_none_or(|limit| self.next < limit) {
            let rest = bytes.get(offset..).unwrap_or_default();
            let cause = match Block::read(rest) {
                Ok(block) if block.header.first == self.next && block.header.previous == self.chain => {
                    self.accept(&block, offset)?;
                    offset += block.bytes.len();
                    if let Some(mended) = &mut mended {
                        mended.bytes.extend_from_slice(block.bytes);
                    }
                    continue;
                }
                Ok(_) => "another block stands in its place".to_owned(),
                Err(error) => error.to_string(),
            };
            let Some(stored) = self.stored_block(self.next) else {
                if limit.is_some() {
                    return Err(LogError::Corrupt { position: self.next, detail: cause });
                }
                break;
            };
            let mended = mended.get_or_insert_with(|| Mended::new(bytes, offset, self.next, cause));
            let block = Block::read(&stored)
                .map_err(|error| LogError::Corrupt { position: self.next, detail: error.to_string() })?;
            self.accept(&block, offset)?;
            offset += stored.len();
            mended.bytes.extend_from_slice(&stored);
            mended.last = block.header.last();
        }
        self.finish_segment(dir, first, bytes, offset, mended, limit.is_none())?;
        self.segment += 1;
        Ok(())
    }

    /// Puts the mended segment in place, or cuts off what follows its last block.
    fn finish_segment(
        &mut self,
        dir: &Path,
        first: Position,
        bytes: &[u8],
        offset: usize,
        mended: Option<Mended>,
        is_last: bool,
    ) -> Result<(), LogError> {
        let path = dir.join(journal::segment_name(first));
        let failed = |error| io_error("cannot mend", &path, &error);
        if let Some(mended) = mended {
            journal::replace_segment(dir, first, &mended.bytes).map_err(failed)?;
            self.recovered.repairs.push(mended.repair());
        } else if offset < bytes.len() {
            let torn = (bytes.len() - offset) as u64;
            let file = std::fs::OpenOptions::new().write(true).open(&path).map_err(failed)?;
            file.set_len(offset as u64).and_then(|()| file.sync_all()).map_err(failed)?;
            if is_last {
                self.recovered.torn_bytes += torn;
            } else {
                let cause = format!("{torn} bytes too many");
                let at = self.next;
                self.recovered.repairs.push(Repair { copy: "journal", first: at, last: at, cause });
            }
        }
        Ok(())
    }

    /// Makes a segment that is missing, up to `limit`, from the store.
    fn rebuild(&mut self, dir: &Path, limit: Position) -> Result<(), LogError> {
        let first = self.next;
        let mut bytes = Vec::new();
        while self.next < limit {
            let Some(stored) = self.stored_block(self.next) else { break };
            let block = Block::read(&stored)
                .map_err(|error| LogError::Corrupt { position: self.next, detail: error.to_string() })?;
            self.accept(&block, bytes.len())?;
            bytes.extend_from_slice(&stored);
        }
        if self.next < limit && limit != Position(u64::MAX) {
            let detail = "the segment is missing, and sled does not have it".to_owned();
            return Err(LogError::Corrupt { position: self.next, detail });
        }
        journal::replace_segment(dir, first, &bytes).map_err(|error| io_error("cannot mend", dir, &error))?;
        let last = Position(self.next.0 - 1);
        let cause = "the segment was missing".to_owned();
        self.recovered.repairs.push(Repair { copy: "journal", first, last, cause });
        self.segment += 1;
        Ok(())
    }

    /// A block that the store holds beyond the end would be an acknowledged one that is lost to both.
    fn nothing_beyond(&self) -> Result<(), LogError> {
        match self.store.last() {
            Ok(Some(last)) if last >= self.next => Err(LogError::Corrupt {
                position: self.next,
                detail: format!("it is missing from both copies, and sled goes on at {last}"),
            }),
            _ => Ok(()),
        }
    }
}

/// A segment as it is being put together again.
struct Mended {
    bytes: Vec<u8>,
    first: Position,
    last: Position,
    cause: String,
}

impl Mended {
    fn new(damaged: &[u8], offset: usize, first: Position, cause: String) -> Self {
        let sound = damaged.get(..offset).unwrap_or_default();
        Self { bytes: sound.to_vec(), first, last: first, cause }
    }

    fn repair(self) -> Repair {
        Repair { copy: "journal", first: self.first, last: self.last, cause: self.cause }
    }
}
