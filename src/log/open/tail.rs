//! The tail of the journal, which no index entry covers: every block is read and verified.

use std::io;
use std::sync::Arc;

use crate::event::Position;
use crate::log::block::{BLOCK_BYTES_MAX, Block, BlockError, BlockHash, MAGIC};
use crate::log::disk::DiskFile;
use crate::log::journal::{Segment, list_segments, segment_path};
use crate::log::options::{LogCopy, Repair};
use crate::log::{Head, LogError, io_error};

use super::{Mode, Opening};

const READ_BYTES: usize = 1024 * 1024;

/// Reads a file from an offset on, in large chunks.
struct Window {
    file: Arc<dyn DiskFile>,
    bytes: Vec<u8>,
    /// The file offset of the first of `bytes`.
    start: u64,
}

impl Window {
    fn new(file: Arc<dyn DiskFile>) -> Self {
        Self { file, bytes: Vec::new(), start: 0 }
    }

    /// The bytes from `offset` on: at least a block's worth, unless the file ends before. A file that cannot
    /// be read does not count as ended: an I/O error must never look like a torn tail.
    fn at(&mut self, offset: u64) -> io::Result<&[u8]> {
        let skip = offset.checked_sub(self.start).map_or(usize::MAX, |skip| skip as usize);
        if skip > self.bytes.len() || self.bytes.len() - skip < BLOCK_BYTES_MAX {
            self.bytes.resize(READ_BYTES, 0);
            let read = self.file.read_at(&mut self.bytes, offset);
            self.bytes.truncate(*read.as_ref().unwrap_or(&0));
            self.start = offset;
            read?;
            return Ok(&self.bytes);
        }
        Ok(&self.bytes[skip..])
    }

    fn forget(&mut self) {
        self.bytes.clear();
    }
}

/// The position of the scan: after all blocks seen, including those of an unfinished commit.
struct Scan {
    window: Option<Window>,
    offset: u64,
    next: Position,
    previous: BlockHash,
    /// Blocks of the commit that has not ended yet, one after another.
    pending: Vec<u8>,
    /// Offset of the pending blocks.
    pending_at: u64,
    /// Segment files in the directory, in order.
    files: Vec<Position>,
    /// The last finished commit of the scan: its offset and bytes.
    last_commit: Option<(u64, Vec<u8>)>,
}

/// What is at the scan's position.
enum Found {
    /// The verified bytes of the next block.
    Block(Vec<u8>),
    /// The file ends here, cleanly.
    End,
    Damage(BlockError),
}

impl Scan {
    /// Whether a segment file starts at the scan's position. A commit never crosses into another segment.
    fn next_segment_follows(&self) -> bool {
        self.pending.is_empty() && self.files.binary_search(&self.next).is_ok()
    }
}

fn look(scan: &mut Scan) -> io::Result<Found> {
    let Some(window) = &mut scan.window else {
        return Ok(Found::End);
    };
    let bytes = window.at(scan.offset)?;
    if bytes.is_empty() {
        return Ok(Found::End);
    }
    let checked = Block::read_at(bytes, scan.next).and_then(|block| {
        block.verify(&scan.previous)?;
        Ok(block.bytes().to_vec())
    });
    Ok(checked.map_or_else(Found::Damage, Found::Block))
}

impl Opening {
    pub(super) fn scan_tail(&mut self) -> Result<(), LogError> {
        let files = list_segments(&*self.disk, &self.dir)
            .map_err(|error| io_error("listing the directory", &self.dir, &error))?;
        let mut scan = Scan {
            window: self.journal.last_segment().and_then(|segment| segment.file.clone()).map(Window::new),
            offset: self.tail_len,
            next: self.head.position.next(),
            previous: self.head.hash(),
            pending: Vec::new(),
            pending_at: self.tail_len,
            files,
            last_commit: None,
        };
        loop {
            let unreadable = |error| io_error("reading the journal in", &self.dir, &error);
            match look(&mut scan).map_err(unreadable)? {
                Found::Block(bytes) => self.accept(&mut scan, &bytes)?,
                Found::End if scan.next_segment_follows() => self.enter_segment(&mut scan)?,
                Found::End => {
                    let missing = BlockError::NoMagic;
                    if !self.mend(&mut scan, &missing)? {
                        break;
                    }
                }
                Found::Damage(error) => {
                    if !self.mend(&mut scan, &error)? {
                        break;
                    }
                }
            }
        }
        self.finish(&scan)
    }

    /// Adds a verified block; a commit counts only once its last block has been read.
    fn accept(&mut self, scan: &mut Scan, bytes: &[u8]) -> Result<(), LogError> {
        let position = scan.next;
        let block = Block::read_at(bytes, position).map_err(|error| Self::lost(position, &error))?;
        let header = *block.header();
        scan.previous = block.hash();
        scan.pending.extend_from_slice(bytes);
        scan.offset += bytes.len() as u64;
        scan.next = header.last().next();
        self.scanned_bytes += bytes.len() as u64;
        if header.last_of_commit {
            let pending = std::mem::take(&mut scan.pending);
            self.commit(scan.pending_at, &pending)?;
            scan.last_commit = Some((scan.pending_at, pending));
            scan.pending_at = scan.offset;
        }
        Ok(())
    }

    /// Adds the blocks of a finished commit to directory, indexes and head.
    fn commit(&mut self, at: u64, bytes: &[u8]) -> Result<(), LogError> {
        let (mut rest, mut offset) = (bytes, at);
        while !rest.is_empty() {
            let position = self.journal.next();
            let lost = |error: BlockError| Self::lost(position, &error);
            let block = Block::read_at(rest, position).map_err(lost)?;
            self.index.insert_block(&block).map_err(lost)?;
            let header = block.header();
            self.journal.push_block(header.first, header.count, offset, header.len);
            self.last_block = header.len;
            self.head =
                Head { position: header.last(), chain: Some(block.hash()), recorded_at: header.recorded_at };
            offset += header.len as u64;
            rest = &rest[header.len..];
        }
        self.tail_len = offset;
        self.commit_ended = true;
        Ok(())
    }

    fn enter_segment(&mut self, scan: &mut Scan) -> Result<(), LogError> {
        let path = segment_path(&self.dir, scan.next);
        let file = self.disk.open(&path).map_err(|error| io_error("opening the segment", &path, &error))?;
        self.push_segment(scan, Some(file));
        Ok(())
    }

    fn push_segment(&mut self, scan: &mut Scan, file: Option<Arc<dyn DiskFile>>) {
        self.journal.push_segment(Segment { first: scan.next, file: file.clone() });
        scan.files.retain(|first| *first != scan.next);
        scan.window = file.map(Window::new);
        scan.offset = 0;
        scan.pending_at = 0;
        // A new segment starts only after the last commit of the previous one was synced.
        scan.last_commit = None;
        self.tail_len = 0;
        self.last_block = 0;
    }

    /// Handles damage at the scan's position: heals it, or returns `false` if the log ends here.
    fn mend(&mut self, scan: &mut Scan, error: &BlockError) -> Result<bool, LogError> {
        let position = scan.next;
        if scan.offset > 0 && scan.next_segment_follows() {
            // The next segment starts where it should, so the bytes in between are not a block.
            self.cut_segment(scan)?;
            self.note_repair(
                position,
                position,
                format!("bytes behind the last block of a segment: {error}"),
            );
            self.enter_segment(scan)?;
            return Ok(true);
        }
        if let Some(bytes) = self.stored(position, &scan.previous) {
            self.heal_tail(scan, &bytes, error)?;
            return Ok(true);
        }
        // Blocks that sled has, or that a later block knew to be durable, were acknowledged.
        if !self.commit_ended || self.proves_durable(scan) {
            return Err(Self::lost(position, error));
        }
        Ok(false)
    }

    fn note_repair(&mut self, first: Position, last: Position, detail: String) {
        if self.mode == Mode::Write {
            self.repairs.push(Repair { copy: LogCopy::Journal, first, last, detail });
        }
    }

    fn cut_segment(&mut self, scan: &Scan) -> Result<(), LogError> {
        if let (Some(window), Mode::Write) = (&scan.window, self.mode) {
            let cut = window.file.set_len(scan.offset).and_then(|()| window.file.sync_data());
            cut.map_err(|error| io_error("cutting a segment in", &self.dir, &error))?;
        }
        Ok(())
    }

    /// Takes the next block from sled, and writes it to its place.
    fn heal_tail(&mut self, scan: &mut Scan, bytes: &[u8], error: &BlockError) -> Result<(), LogError> {
        let block = Block::read(bytes).map_err(|error| Self::lost(scan.next, &error))?;
        let header = *block.header();
        if header.first_of_segment && scan.offset > 0 || scan.window.is_none() {
            self.cut_segment(scan)?;
            let path = segment_path(&self.dir, scan.next);
            let file = match self.mode {
                Mode::Read => None,
                Mode::Write => Some(
                    self.disk
                        .create(&path)
                        .map_err(|error| io_error("creating the segment", &path, &error))?,
                ),
            };
            self.push_segment(scan, file);
        }
        if let (Some(window), Mode::Write) = (&mut scan.window, self.mode) {
            let healed = window.file.write_at(bytes, scan.offset).and_then(|()| window.file.sync_data());
            healed.map_err(|error| io_error("healing the journal in", &self.dir, &error))?;
            window.forget();
        }
        self.note_repair(header.first, header.last(), error.to_string());
        self.accept(scan, bytes)
    }

    /// Whether an intact block after the damage was written when the damaged position was already durable.
    fn proves_durable(&self, scan: &Scan) -> bool {
        let proves = |file: &dyn DiskFile, from| search(file, from, scan.next);
        let here = scan.window.as_ref().is_some_and(|window| proves(&*window.file, scan.offset));
        here || scan.files.iter().filter(|first| **first >= scan.next).any(|first| {
            let file = self.disk.open(&segment_path(&self.dir, *first));
            file.is_ok_and(|file| proves(&*file, 0))
        })
    }

    /// Truncates what was never acknowledged, and makes the last commit durable again.
    fn finish(&mut self, scan: &Scan) -> Result<(), LogError> {
        let failed = |error: std::io::Error| io_error("cutting the tail of", &self.dir, &error);
        let mut torn = 0;
        if let Some(file) = self.journal.last_segment().and_then(|segment| segment.file.clone()) {
            torn += file.len().map_err(failed)?.saturating_sub(self.tail_len);
            if self.mode == Mode::Write {
                if let Some((offset, bytes)) = &scan.last_commit {
                    file.write_at(bytes, *offset).map_err(failed)?;
                }
                if torn > 0 {
                    file.set_len(self.tail_len).map_err(failed)?;
                }
                if torn > 0 || scan.last_commit.is_some() {
                    file.sync_data().map_err(failed)?;
                }
            }
        }
        let strays: Vec<_> =
            scan.files.iter().filter(|first| **first > self.head.position).copied().collect();
        for first in &strays {
            let path = segment_path(&self.dir, *first);
            torn += self.disk.open(&path).and_then(|file| file.len()).unwrap_or(0);
            if self.mode == Mode::Write {
                self.disk.remove(&path).map_err(failed)?;
            }
        }
        if self.mode == Mode::Write && (!strays.is_empty() || scan.last_commit.is_some()) {
            self.disk.sync_dir(&self.dir).map_err(failed)?;
        }
        if torn > 0 {
            tracing::warn!(bytes = torn, "an unfinished commit at the end of the journal was left out");
        }
        self.torn_bytes = torn;
        Ok(())
    }
}

/// Searches `file` from an offset on for a block whose `committed` covers `position`.
fn search(file: &dyn DiskFile, mut offset: u64, position: Position) -> bool {
    let mut bytes = vec![0; READ_BYTES];
    loop {
        let Ok(read) = file.read_at(&mut bytes, offset) else {
            // What cannot be read cannot be shown to be torn.
            return true;
        };
        let found = memchr::memmem::find_iter(&bytes[..read], &MAGIC)
            .any(|at| Block::read(&bytes[at..read]).is_ok_and(|block| block.header().committed >= position));
        if found || read < READ_BYTES {
            return found;
        }
        // A block may cross the chunk boundary.
        offset += (READ_BYTES - BLOCK_BYTES_MAX) as u64;
    }
}
