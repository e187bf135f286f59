//! What a read answers: records one behind the other, as the log keeps them.
//!
//! ```text
//!   bytes   ..[header | record record record | trailer][header | record record | trailer]..
//!   runs              └──────── run ────────┘                   └──── run ────┘
//! ```
//!
//! The bytes are read into the page and stay there: records borrow from them. A page that is filled
//! again uses the same memory.

use std::ops::{ControlFlow, Range};

use crate::event::{Position, RecordRef};

use super::{LogError, Visit};

/// A read takes about this much at once.
pub(super) const PAGE_BYTES: usize = 1024 * 1024;

/// See the module. It owns what it shows: no lock and no connection is held while it is read.
#[derive(Debug, Default)]
pub struct Page {
    /// What is in use of it is what the runs name.
    pub(super) bytes: Vec<u8>,
    /// Where encoded records stand, one behind the other.
    pub(super) runs: Vec<Range<usize>>,
    /// Records at the beginning of the runs that were not asked for: a block is read as a whole.
    pub(super) skip: u64,
    /// Records after those.
    pub(super) len: u64,
    /// Where the first run begins, for what is said of a record that cannot be read.
    pub(super) first: Position,
}

impl Page {
    /// How many records it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has none: there is nothing where it was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Visits its records in order. Whether that was broken off.
    ///
    /// # Errors
    /// [`LogError::Corrupt`]: bytes with the right checksum are no record.
    pub fn visit(&self, visit: &mut Visit<'_>) -> Result<ControlFlow<()>, LogError> {
        let (mut skip, mut left, mut at) = (self.skip, self.len, self.first);
        for run in &self.runs {
            let mut rest = self.bytes.get(run.clone()).unwrap_or_default();
            while !rest.is_empty() && left > 0 {
                let (record, behind) = RecordRef::decode(rest)
                    .map_err(|error| LogError::Corrupt { position: at, detail: error.to_string() })?;
                rest = behind;
                at = record.position.next();
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                left -= 1;
                if visit(&record).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Nothing, with the memory that it has.
    pub(super) fn clear(&mut self) {
        self.runs.clear();
        (self.skip, self.len, self.first) = (0, 0, Position::START);
    }

    /// Adds one record by a copy of its bytes.
    pub(super) fn push(&mut self, record: &[u8]) {
        let start = self.runs.last().map_or(0, |run| run.end);
        self.bytes.truncate(start);
        self.bytes.extend_from_slice(record);
        match self.runs.last_mut() {
            Some(run) => run.end = self.bytes.len(),
            None => self.runs.push(0..self.bytes.len()),
        }
        self.len += 1;
    }
}
