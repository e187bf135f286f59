//! Opening: reconciles two copies on disk into one intact log.
//!
//! ```text
//!   sled's index entries ──▶ directory and indexes, without reading the journal
//!            │ (no entries, or entries that do not follow: read the whole journal instead)
//!            ▼
//!   each segment file: its length, first and last block ── damaged ──▶ healed from sled
//!            ▼
//!   the tail behind the last entry: every block verified
//!            ├── damaged, and sled has the block ──▶ healed
//!            ├── damaged, and a later block proves that it was durable ──▶ LogError::Corrupt
//!            └── damaged otherwise: a torn write that nobody was told of ──▶ cut off
//!            ▼
//!   the last commit of the tail is written and synced again before it is believed: after a failed
//!   fsync the kernel may show pages that the disk does not have
//! ```
//!
//! Bytes that flip in the middle of a segment are found when they are read, and by `verify`.

mod floor;
mod interrupted;
mod segments;
mod tail;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::event::Position;

use super::block::{Block, BlockError, BlockHash};
use super::disk::Disk;
use super::index::Index;
use super::journal::{Journal, Segment, list_segments, segment_path};
use super::options::{LogCopy, Options, Repair};
use super::run::{Run, RunBlock};
use super::store::Store;
use super::{Head, LogError, io_error};
pub(super) use floor::Floor;
pub(super) use interrupted::{FRESH, finish_interrupted};

/// Whether opening may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Heal, cut, and take appends.
    Write,
    /// Change nothing; stop before damage.
    Read,
}

/// What a segment file must contain, by sled's entries.
#[derive(Debug, Clone)]
struct Expectation {
    first: Position,
    /// Bytes that the entries cover.
    len: u64,
    /// The hash of the block before its first.
    previous: BlockHash,
    /// The last covered block: position, offset, hash.
    last: (Position, u64, BlockHash),
}

/// The state of an opening log.
#[derive(Debug)]
pub(super) struct Opening {
    mode: Mode,
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    store_path: PathBuf,
    cache_bytes: u64,
    pub store: Option<Store>,
    pub store_error: Option<String>,
    /// Why sled must be rebuilt.
    store_damage: Option<String>,
    pub journal: Journal,
    pub index: Index,
    expected: Vec<Expectation>,
    /// The last position that sled has.
    pub applied: Position,
    pub head: Head,
    /// Bytes of the last segment's durable blocks.
    pub tail_len: u64,
    /// Length of the last durable block.
    pub last_block: usize,
    /// Whether the last block seen ended a commit.
    commit_ended: bool,
    pub repairs: Vec<Repair>,
    pub scanned_bytes: u64,
    pub torn_bytes: u64,
    /// In [`Mode::Read`]: the damage that ended the opening.
    pub corrupt: Option<LogError>,
}

/// The head of an empty log.
pub(super) const EMPTY: Head =
    Head { position: Position::START, chain: Some([0; 32]), recorded_at: Timestamp::UNIX_EPOCH };

/// Opens the two copies under `data`.
///
/// # Errors
/// [`LogError::Corrupt`] and [`LogError::Io`].
pub(super) fn open(data: &Path, options: &Options, mode: Mode) -> Result<Opening, LogError> {
    let mut opening = Opening {
        mode,
        disk: options.disk.clone(),
        dir: data.join("journal"),
        store_path: data.join("sled"),
        cache_bytes: options.cache_bytes,
        store: None,
        store_error: None,
        store_damage: None,
        journal: Journal::new(),
        index: Index::default(),
        expected: Vec::new(),
        applied: Position::START,
        head: EMPTY,
        tail_len: 0,
        last_block: 0,
        commit_ended: true,
        repairs: Vec::new(),
        scanned_bytes: 0,
        torn_bytes: 0,
        corrupt: None,
    };
    opening.run(data)?;
    Ok(opening)
}

impl Opening {
    fn run(&mut self, data: &Path) -> Result<(), LogError> {
        if self.mode == Mode::Write {
            self.disk
                .create_dir_all(&self.dir)
                .map_err(|error| io_error("creating the directory", &self.dir, &error))?;
        }
        self.open_store();
        self.load_index();
        let floor = Floor::read(data);
        let checked = self.check_segments().and_then(|()| self.scan_tail());
        let scanned = checked.and_then(|()| self.check_floor(floor));
        match scanned {
            Err(error @ LogError::Corrupt { .. }) if self.mode == Mode::Read => self.corrupt = Some(error),
            scanned => scanned?,
        }
        self.rebuild_store();
        Ok(())
    }

    fn open_store(&mut self) {
        // sled's one file: without it, sled opens as if it had always been empty.
        let exists = self.store_path.join("db").exists();
        if self.mode == Mode::Read && !exists {
            self.store_error = Some("there is no sled copy".to_owned());
            return;
        }
        let journal = list_segments(&*self.disk, &self.dir).unwrap_or_default();
        if !exists && !journal.is_empty() {
            self.store_damage = Some("its file is missing".to_owned());
        }
        match Store::open(&self.store_path, self.cache_bytes) {
            Ok(store) => self.store = Some(store),
            Err(error) if error.is_locked() => self.store_error = Some(error.to_string()),
            Err(error) => self.store_damage = Some(error.to_string()),
        }
    }

    /// Fills directory and indexes from sled's entries if they are consecutive; otherwise starts empty, and
    /// sled is only used for its blocks.
    fn load_index(&mut self) {
        let Some(store) = self.store.take() else {
            return;
        };
        let mut damage = None;
        let visited = store.index_entries(&mut |key, entry| {
            let loaded = match Run::read(entry) {
                Some(run) if run.first == key => self.load_run(&run),
                _ => Err("an index entry is damaged"),
            };
            damage = loaded.err().map(|detail| format!("{detail} at position {key}"));
            damage.is_none()
        });
        self.store = Some(store);
        let damage = visited.err().map(|error| error.to_string()).or(damage);
        if damage.is_some() {
            self.store_damage = damage;
            self.journal = Journal::new();
            self.index = Index::default();
            self.expected.clear();
            self.head = EMPTY;
            self.tail_len = 0;
            self.commit_ended = true;
        }
        self.applied = self.head.position;
    }

    fn load_run(&mut self, run: &Run<'_>) -> Result<(), &'static str> {
        if run.first != self.journal.next() {
            return Err("index entries are missing");
        }
        if !self.index.insert_run(run) {
            return Err("the versions of a stream do not follow");
        }
        let mut first = run.first;
        for block in &run.blocks {
            self.load_block(first, block)?;
            first = first.plus(u64::from(block.count));
        }
        Ok(())
    }

    fn load_block(&mut self, first: Position, block: &RunBlock) -> Result<(), &'static str> {
        if block.first_of_segment {
            let file = self.disk.open(&segment_path(&self.dir, first)).ok();
            self.journal.push_segment(Segment { first, file });
            self.tail_len = 0;
            let previous = self.head.hash();
            self.expected.push(Expectation { first, len: 0, previous, last: (first, 0, block.hash) });
        }
        let expectation = self.expected.last_mut().ok_or("the first block is missing")?;
        expectation.last = (first, self.tail_len, block.hash);
        expectation.len += block.len as u64;
        let recorded_at = Timestamp::from_microsecond(block.recorded_at_us);
        self.journal.push_block(first, block.count, self.tail_len, block.len);
        self.tail_len += block.len as u64;
        self.last_block = block.len;
        self.commit_ended = block.last_of_commit;
        self.head = Head {
            position: Position(first.0 + u64::from(block.count) - 1),
            chain: Some(block.hash),
            recorded_at: recorded_at.map_err(|_| "a time is out of range")?,
        };
        Ok(())
    }

    /// Checks that the log reaches what it had when it was last closed cleanly.
    fn check_floor(&mut self, floor: Option<Floor>) -> Result<(), LogError> {
        let Some(floor) = floor else {
            return Ok(());
        };
        if self.head.position < floor.journal {
            let detail = format!("the log ended at position {} when it was last closed", floor.journal);
            return Err(LogError::Corrupt { position: self.head.position.next(), detail });
        }
        if self.applied < floor.sled && self.store_damage.is_none() {
            let detail = format!("it ended at position {} when it was last closed", floor.sled);
            self.repairs.push(Repair {
                copy: LogCopy::Sled,
                first: self.applied.next(),
                last: floor.sled,
                detail,
            });
        }
        Ok(())
    }

    /// sled's copy of the block at a position, if it continues the chain.
    fn stored(&self, position: Position, previous: &BlockHash) -> Option<Vec<u8>> {
        let bytes = self.store.as_ref()?.block(position)?;
        Block::read_at(&bytes, position).ok()?.verify(previous).ok()?;
        Some(bytes)
    }

    /// Deletes a damaged sled store and opens a new one, which the applier fills from the journal. This
    /// happens last: until the journal is known to be intact, the rest of sled may be needed.
    fn rebuild_store(&mut self) {
        let Some(detail) = self.store_damage.take() else {
            return;
        };
        self.applied = Position::START;
        if self.mode == Mode::Read {
            self.store_error = Some(detail);
            return;
        }
        tracing::warn!(%detail, "sled is damaged; it is built again from the journal");
        if let Some(store) = self.store.take() {
            store.close();
        }
        let removed = std::fs::remove_dir_all(&self.store_path);
        match Store::open(&self.store_path, self.cache_bytes) {
            Ok(store) => self.store = Some(store),
            Err(error) => self.store_error = Some(error.to_string()),
        }
        if let Err(error) = removed {
            tracing::warn!(%error, "the damaged sled could not be removed");
        }
        if self.head.position > Position::START {
            let last = self.head.position;
            self.repairs.push(Repair { copy: LogCopy::Sled, first: Position::FIRST, last, detail });
        }
    }

    fn lost(position: Position, error: &BlockError) -> LogError {
        super::shared::corrupt(position, error)
    }
}
