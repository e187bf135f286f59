//! Verifies sled: runs, their blocks, their index entries.

use crate::event::Position;
use crate::log::block::{Block, BlockHash};
use crate::log::options::LogCopy;
use crate::log::run::index_entry;
use crate::log::store::Store;

use super::{Meter, VerifyReport};

/// The hash of sled's last intact block, and its last position: the journal must have the same there.
#[derive(Debug, Default)]
pub(super) struct HashAt {
    pub last: Option<(Position, BlockHash)>,
}

/// Walks all runs up to `until`.
pub(super) fn walk(
    store: &Store,
    until: Option<Position>,
    report: &mut VerifyReport,
    meter: &mut Meter<'_, '_>,
    hashes: &mut HashAt,
) {
    let mut next = Position::FIRST;
    let mut previous = Some([0; 32]);
    let mut key = Position::START;
    loop {
        let (first, bytes) = match store.run_after(key) {
            Ok(Some(run)) => run,
            Ok(None) => return,
            Err(error) => return report.problem(LogCopy::Sled, next, error.to_string()),
        };
        if until.is_some_and(|until| first > until) {
            return;
        }
        key = first;
        if first != next {
            let detail =
                format!("the blocks of positions {next} to {} are missing", first.0.saturating_sub(1));
            report.problem(LogCopy::Sled, next, detail);
            previous = None;
        }
        check_entry(store, first, &bytes, report);
        next = first;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let checked = Block::read_at(rest, next).and_then(|block| {
                // After a gap only the block's own field is known.
                block.verify(&previous.unwrap_or(block.header().previous))?;
                Ok(block)
            });
            let block = match checked {
                Ok(block) => block,
                Err(error) => {
                    report.problem(LogCopy::Sled, next, error.to_string());
                    previous = None;
                    break;
                }
            };
            // A run grows while it is written to: blocks appended meanwhile are not verified.
            if until.is_some_and(|until| block.header().last() > until) {
                return;
            }
            rest = &rest[block.bytes().len()..];
            next = block.header().last().next();
            previous = Some(block.hash());
            report.sled = block.header().last();
            hashes.last = Some((report.sled, block.hash()));
        }
        meter.add(bytes.len());
        if previous.is_none() {
            // The next run says where it starts; the gap is counted as missing above.
            next = report.sled.next();
        }
    }
}

/// Compares the index entry with the one that the blocks give.
fn check_entry(store: &Store, first: Position, blocks: &[u8], report: &mut VerifyReport) {
    let Ok(derived) = index_entry(blocks) else {
        // The blocks themselves are damaged, and already reported.
        return;
    };
    let detail = match store.index_entry(first) {
        Ok(Some(entry)) if entry == derived => return,
        Ok(Some(_)) => "the index entry does not match its blocks".to_owned(),
        Ok(None) => "the index entry is missing".to_owned(),
        Err(error) => error.to_string(),
    };
    report.problem(LogCopy::Sled, first, detail);
}
