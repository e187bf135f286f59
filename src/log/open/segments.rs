//! The part of the journal that sled's entries cover: a check of each segment file, and healing.

use crate::event::Position;
use crate::log::block::{Block, BlockError, BlockHash, Header};
use crate::log::disk::DiskFile;
use crate::log::journal::segment_path;
use crate::log::options::{LogCopy, Repair};
use crate::log::{LogError, io_error};

use super::{Expectation, Mode, Opening};

/// Checks a file by reading two blocks, not the whole file.
fn looks_whole(file: &dyn DiskFile, expected: &Expectation, is_last: bool) -> Result<(), String> {
    let len = file.len().map_err(|error| error.to_string())?;
    if len < expected.len || (len > expected.len && !is_last) {
        return Err(format!("it has {len} bytes, and its blocks take {}", expected.len));
    }
    let first = read_block(file, 0, expected.first).map_err(|error| error.to_string())?;
    let first = Block::read(&first).map_err(|error| error.to_string())?;
    first.verify(&expected.previous).map_err(|error| error.to_string())?;
    let (position, offset, hash) = expected.last;
    let last = read_block(file, offset, position).map_err(|error| error.to_string())?;
    let last = Block::read(&last).map_err(|error| error.to_string())?;
    if last.hash() == hash { Ok(()) } else { Err("its last block is another one".to_owned()) }
}

/// The bytes of the block at an offset, checked by its CRC32C.
fn read_block(file: &dyn DiskFile, offset: u64, position: Position) -> Result<Vec<u8>, BlockError> {
    let mut bytes = vec![0; crate::log::block::HEADER_BYTES];
    let unread = BlockError::Short { needed: bytes.len(), available: 0 };
    let read = file.read_at(&mut bytes, offset).map_err(|_| unread.clone())?;
    let header = Header::read(&bytes[..read])?;
    bytes.resize(header.len, 0);
    let read = file.read_at(&mut bytes, offset).map_err(|_| unread)?;
    bytes.truncate(read);
    Block::read_at(&bytes, position)?;
    Ok(bytes)
}

impl Opening {
    /// Checks each segment that sled's entries cover, and heals damaged ones.
    pub(super) fn check_segments(&mut self) -> Result<(), LogError> {
        let expected = std::mem::take(&mut self.expected);
        for (number, expectation) in expected.iter().enumerate() {
            let file = self.journal.segment_file(number);
            let is_last = number + 1 == expected.len();
            let looked = match &file {
                Some(file) => looks_whole(&**file, expectation, is_last),
                None => Err("the file is missing".to_owned()),
            };
            if let Err(detail) = looked {
                let detail = format!("segment {}: {detail}", expectation.first);
                tracing::warn!(%detail, "the journal is damaged");
                self.heal_segment(number, expectation, is_last, detail)?;
            }
        }
        Ok(())
    }

    fn heal_segment(
        &mut self,
        number: usize,
        expected: &Expectation,
        is_last: bool,
        detail: String,
    ) -> Result<(), LogError> {
        let damaged = self.damaged_blocks(number, expected)?;
        if self.mode == Mode::Read {
            // Readers take each damaged block from sled.
            return Ok(());
        }
        let path = segment_path(&self.dir, expected.first);
        let failed = |error: std::io::Error| io_error("healing the segment", &path, &error);
        let file = self.disk.create(&path).map_err(failed)?;
        for (first, offset, previous) in &damaged {
            // It was there a moment ago; if not, the block is lost after all.
            let bytes =
                self.stored(*first, previous).ok_or_else(|| Self::lost(*first, &BlockError::NoMagic))?;
            file.write_at(&bytes, *offset).map_err(failed)?;
        }
        if !is_last {
            file.set_len(expected.len).map_err(failed)?;
        }
        file.sync_data().map_err(failed)?;
        self.disk.sync_dir(&self.dir).map_err(failed)?;
        self.journal.replace_file(number, file);
        let (first, last) = match (damaged.first(), damaged.last()) {
            (Some(first), Some(last)) => (first.0, self.end_of_block(last.0)),
            _ => (expected.first, expected.last.0),
        };
        self.repairs.push(Repair { copy: LogCopy::Journal, first, last, detail });
        Ok(())
    }

    fn end_of_block(&self, first: Position) -> Position {
        let end = self.journal.span(first, first, 1).map_or(first.next(), |span| span.end);
        Position(end.0 - 1)
    }

    /// The damaged blocks of a segment, as (position, offset, previous hash); all of them are in sled.
    fn damaged_blocks(
        &self,
        number: usize,
        expected: &Expectation,
    ) -> Result<Vec<(Position, u64, BlockHash)>, LogError> {
        let file = self.journal.segment_file(number);
        let mut damaged = Vec::new();
        let (mut first, mut offset, mut previous) = (expected.first, 0, expected.previous);
        while offset < expected.len {
            let in_place = match &file {
                Some(file) => read_block(&**file, offset, first),
                None => Err(BlockError::NoMagic),
            };
            let checked = in_place.and_then(|bytes| {
                Block::read(&bytes)?.verify(&previous)?;
                Ok(bytes)
            });
            let bytes = match checked {
                Ok(bytes) => bytes,
                Err(error) => {
                    let stored = self.stored(first, &previous).ok_or_else(|| Self::lost(first, &error))?;
                    damaged.push((first, offset, previous));
                    stored
                }
            };
            let block = Block::read(&bytes).map_err(|error| Self::lost(first, &error))?;
            offset += bytes.len() as u64;
            previous = block.hash();
            first = block.header().last().next();
        }
        Ok(damaged)
    }
}
