//! Verification: every byte of both copies, independent of what the log knows about them.
//!
//! The journal: each block's CRC32C, BLAKE3 hash and place in the chain, each record, and gaps between blocks
//! and between files. sled: the same, and each index entry compared with its blocks. Both: the two chains
//! must end in the same hash. An open log's own indexes are compared with the blocks too.

mod journal;
mod sled;

use std::path::Path;

use serde::Serialize;

use crate::event::Position;

use super::block::BlockHash;
use super::event_log::SledLog;
use super::hold::take_lock;
use super::open::{EMPTY, Floor};
use super::options::{LogCopy, Options, Progress};
use super::shared::Shared;
use super::store::Store;
use super::{Head, LogError};

/// Problems that a report lists; further ones are only counted.
pub const PROBLEMS_MAX: usize = 1000;

/// Damage that a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub copy: LogCopy,
    /// The first affected position.
    pub position: Position,
    /// What is wrong.
    pub detail: String,
}

/// Result of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Intact records in the journal.
    pub events: u64,
    /// Intact blocks in the journal.
    pub blocks: u64,
    /// The end of the journal.
    pub head: Head,
    /// The last position of the sled copy; it may trail.
    pub sled: Position,
    /// Bytes after the last finished commit: an interrupted write that was never acknowledged.
    pub torn_bytes: u64,
    /// The last position of the block with the requested hash, if there is one.
    pub expected_at: Option<Position>,
    /// The problems, by copy and position; empty if there are none.
    pub problems: Vec<Problem>,
    /// The number of problems, listed or not.
    pub problem_count: u64,
}

impl VerifyReport {
    fn new() -> Self {
        Self {
            events: 0,
            blocks: 0,
            head: EMPTY,
            sled: Position::START,
            torn_bytes: 0,
            expected_at: None,
            problems: Vec::new(),
            problem_count: 0,
        }
    }

    /// Whether both copies are intact.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problem_count == 0
    }

    fn problem(&mut self, copy: LogCopy, position: Position, detail: impl Into<String>) {
        self.problem_count += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { copy, position, detail: detail.into() });
        }
    }

    /// Adds an intact block of the journal.
    fn block(&mut self, block: &super::block::Block<'_>, expected: Option<&BlockHash>) {
        let header = block.header();
        self.blocks += 1;
        self.events += u64::from(header.count);
        self.head =
            Head { position: header.last(), chain: Some(block.hash()), recorded_at: header.recorded_at };
        if expected == Some(&block.hash()) {
            self.expected_at = Some(header.last());
        }
    }
}

/// What is verified.
struct Sources<'a> {
    disk: &'a dyn super::disk::Disk,
    journal_dir: &'a Path,
    store: Option<&'a Store>,
    /// An open log: blocks after its head are still being written, and it has indexes to compare.
    open: Option<(&'a Shared, Head)>,
}

/// Counts bytes for the progress bar.
struct Meter<'a, 'b> {
    done: u64,
    total: u64,
    progress: &'a mut Progress<'b>,
}

impl Meter<'_, '_> {
    fn add(&mut self, bytes: usize) {
        self.done += bytes as u64;
        (self.progress)(self.done.min(self.total), self.total);
    }
}

/// Parses a head's hash: 64 hexadecimal digits.
#[must_use]
pub fn parse_hash(text: &str) -> Option<BlockHash> {
    blake3::Hash::from_hex(text.trim()).ok().map(Into::into)
}

/// Verifies the log of a data directory that no process has open. `expected` is a head's hash that was
/// written down earlier: if no block has it, the log was rewritten or truncated.
///
/// # Errors
/// [`LogError::Locked`], [`LogError::Io`]. Damage is not an error: the report lists it.
pub fn verify(
    data: &Path,
    options: &Options,
    expected: Option<BlockHash>,
    progress: &mut Progress<'_>,
) -> Result<VerifyReport, LogError> {
    let _lock = take_lock(data)?;
    let store_path = data.join("sled");
    let mut report = VerifyReport::new();
    let mut store = None;
    if store_path.join("db").exists() {
        match Store::open(&store_path, options.cache_bytes) {
            Ok(opened) => store = Some(opened),
            Err(error) if error.is_locked() => {
                return Err(LogError::Locked { path: store_path.display().to_string() });
            }
            Err(error) => report.problem(LogCopy::Sled, Position::FIRST, error.to_string()),
        }
    }
    let journal_dir = data.join("journal");
    let sources =
        Sources { disk: &*options.disk, journal_dir: &journal_dir, store: store.as_ref(), open: None };
    run(&sources, expected, &mut report, progress)?;
    if store.is_none() && report.is_clean() && report.events > 0 {
        report.problem(LogCopy::Sled, Position::FIRST, "its file is missing");
    }
    check_floor(Floor::read(data), &mut report);
    Ok(report)
}

impl SledLog {
    /// Verifies this log while it is open; see [`verify`]. Events appended meanwhile are not verified.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn verify(
        &self,
        expected: Option<BlockHash>,
        progress: &mut Progress<'_>,
    ) -> Result<VerifyReport, LogError> {
        let shared = self.shared();
        let mut report = VerifyReport::new();
        if let Some(detail) = self.second_copy().failed {
            report.problem(LogCopy::Sled, Position::FIRST, detail);
        }
        let sources = Sources {
            disk: &*shared.disk,
            journal_dir: &shared.journal_dir,
            store: shared.store.as_ref(),
            open: Some((shared, self.head())),
        };
        run(&sources, expected, &mut report, progress)?;
        Ok(report)
    }
}

fn run(
    sources: &Sources<'_>,
    expected: Option<BlockHash>,
    report: &mut VerifyReport,
    progress: &mut Progress<'_>,
) -> Result<(), LogError> {
    let bytes = journal::bytes(sources)?;
    let mut meter = Meter { done: 0, total: bytes * 2, progress };
    let mut hashes = sled::HashAt::default();
    if let Some(store) = sources.store {
        sled::walk(store, sources.open.map(|(_, head)| head.position), report, &mut meter, &mut hashes);
    }
    journal::walk(sources, expected, report, &mut meter, &hashes)?;
    if expected == Some(EMPTY.hash()) {
        report.expected_at = Some(Position::START);
    }
    if expected.is_some() && report.expected_at.is_none() {
        let detail =
            "no block has the hash that was written down: the log was rewritten, or cut off before it";
        report.problem(LogCopy::Journal, report.head.position, detail);
    }
    (meter.progress)(meter.total, meter.total);
    Ok(())
}

fn check_floor(floor: Option<Floor>, report: &mut VerifyReport) {
    let Some(floor) = floor else {
        return;
    };
    let head = report.head.position;
    if head < floor.journal {
        let detail = format!("it ended at position {} when the log was last closed", floor.journal);
        report.problem(LogCopy::Journal, head.next(), detail);
    }
    if report.sled < floor.sled {
        let detail = format!("it ended at position {} when the log was last closed", floor.sled);
        report.problem(LogCopy::Sled, report.sled.next(), detail);
    }
}
