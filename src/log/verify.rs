//! Verify: the whole log, both copies, trusting neither.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::Position;
use crate::event::envelope::hex;

use super::block::{Block, Hash};
use super::index::Index;
use super::journal;
use super::recover::Repair;
use super::sled_log::SledLog;
use super::{EventLog, LogError};

/// More problems than this are counted but not listed.
const MAX_LISTED: usize = 100;

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `journal` or `sled`.
    pub copy: String,
    /// The first position concerned.
    pub position: u64,
    /// What was found.
    pub detail: String,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct VerifyReport {
    /// Events that were read.
    pub events: u64,
    /// Blocks that were read in each copy.
    pub blocks: u64,
    /// Bytes that were read in each copy.
    pub bytes: u64,
    /// The last position.
    pub head: u64,
    /// The hash of the last block, which covers everything before it.
    pub head_hash: String,
    /// What is wrong; empty where all is well. At most 100 are listed.
    pub problems: Vec<Problem>,
    /// How many problems there are.
    pub problem_count: u64,
}

impl VerifyReport {
    /// Counts what opening the log had to mend: it was wrong until then.
    pub fn note_repairs(&mut self, repairs: &[Repair]) {
        for repair in repairs {
            let detail = format!("{}; mended from the other copy up to {}", repair.cause, repair.last);
            self.note(repair.copy, repair.first, &detail);
        }
    }

    fn note(&mut self, copy: &str, position: Position, detail: &dyn std::fmt::Display) {
        self.problem_count += 1;
        if self.problems.len() < MAX_LISTED {
            self.problems.push(Problem {
                copy: copy.into(),
                position: position.0,
                detail: detail.to_string(),
            });
        }
    }
}

/// Reads every block of both copies: checksums, hashes, the chain, gaps, versions, ids, and each
/// copy against the other. `progress` hears of (blocks done, blocks in all).
///
/// # Errors
/// [`LogError::Io`] where a file cannot be read at all; everything else is in the report.
pub fn verify(log: &SledLog, progress: &mut dyn FnMut(u64, u64)) -> Result<VerifyReport, LogError> {
    let mut report = VerifyReport::default();
    let head = log.head();
    (report.head, report.head_hash) = (head.position.0, hex(&head.hash));
    let total = log.shared().index().block_count() as u64;
    let mut check =
        Check { log, report, index: Index::default(), chain: Hash::default(), next: Position::FIRST };
    let dir = log.dir().join("journal");
    let failed = |error: std::io::Error| LogError::Io {
        action: "cannot read",
        path: dir.display().to_string(),
        source_text: error.to_string(),
        fix: "check its owner, mode and disk".into(),
    };
    for (_, path) in journal::segments(&dir).map_err(failed)? {
        let bytes = std::fs::read(&path).map_err(failed)?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() && check.next <= head.position {
            let Some(length) = check.journal_block(rest) else { break };
            rest = &rest[length..];
            progress(check.report.blocks, total);
        }
    }
    if check.next <= head.position {
        let detail = format!("the journal ends here, the head is {}", head.position);
        check.report.note("journal", check.next, &detail);
    }
    check.no_strangers_in_sled();
    Ok(check.report)
}

struct Check<'a> {
    log: &'a SledLog,
    report: VerifyReport,
    index: Index,
    chain: Hash,
    next: Position,
}

impl Check<'_> {
    /// Checks the journal's next block and sled's copy of it; the block's length, or none where the
    /// segment cannot be read further.
    fn journal_block(&mut self, bytes: &[u8]) -> Option<usize> {
        let block = match Block::read(bytes) {
            Ok(block) => block,
            Err(error) => {
                self.report.note("journal", self.next, &error);
                return self.skip();
            }
        };
        let header = block.header;
        if header.first != self.next {
            self.report.note("journal", self.next, &format!("position {} stands here", header.first));
            return None;
        }
        if header.previous != self.chain {
            self.report.note("journal", self.next, &"the chain of hashes is broken here");
        }
        if let Err(error) = block.verify_hash() {
            self.report.note("journal", self.next, &error);
        }
        if let Err(error) = self.index.add(&block, 0, 0) {
            self.report.note("journal", self.next, &error);
        }
        self.sled_block(&block);
        self.report.events += u64::from(header.count);
        self.report.blocks += 1;
        self.report.bytes += block.bytes.len() as u64;
        self.next = header.last().next();
        self.chain = block.hash();
        Some(block.bytes.len())
    }

    /// Steps over a damaged block, whose length the open log knows, with the help of the other copy.
    fn skip(&mut self) -> Option<usize> {
        let entry = {
            let index = self.log.shared().index();
            index.block(index.block_at(self.next))?
        };
        let index = &mut self.index;
        let (hash, added) =
            self.log.shared().with_block(entry, |block| (block.hash(), index.add(block, 0, 0))).ok()?;
        if let Err(error) = added {
            self.report.note("journal", entry.first, &error);
        }
        self.next = entry.last().next();
        self.chain = hash;
        Some(entry.len as usize)
    }

    fn sled_block(&mut self, block: &Block<'_>) {
        let first = block.header.first;
        match self.log.store().get(first) {
            Ok(Some(bytes)) if *bytes == *block.bytes => {}
            Ok(Some(_)) => self.report.note("sled", first, &"the block differs from the journal's"),
            Ok(None) if self.trails(first) => {}
            Ok(None) => self.report.note("sled", first, &"the block is missing"),
            Err(error) => self.report.note("sled", first, &error),
        }
    }

    /// Blocks that sled has not been given yet are no damage: it may trail the journal.
    fn trails(&self, first: Position) -> bool {
        self.log.store().last().is_ok_and(|last| last.is_none_or(|last| last < first))
    }

    fn no_strangers_in_sled(&mut self) {
        match self.log.store().positions() {
            Ok(positions) => {
                let index = self.log.shared().index();
                let is_known = |first: &Position| {
                    index.block(index.block_at(*first)).is_some_and(|entry| entry.first == *first)
                };
                let strangers: Vec<Position> =
                    positions.into_iter().filter(|first| !is_known(first)).collect();
                drop(index);
                for first in strangers {
                    self.report.note("sled", first, &"a block that the journal does not have");
                }
            }
            Err(error) => self.report.note("sled", self.next, &error),
        }
    }
}
