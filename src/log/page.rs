//! A page, the result of a read: consecutive records in their stored form.
//!
//! ```text
//!   bytes   ..[header | record record record | trailer][header | record record | trailer]..
//!   runs              └──────── run ────────┘                   └──── run ────┘
//! ```
//!
//! The bytes are read into the page and stay there: records borrow from them. Refilling a page reuses its
//! memory.

use std::ops::{ControlFlow, Range};

use crate::event::{Position, RecordRef};

use super::{LogError, Visit};

/// About this much is read at once, in bytes.
pub(super) const PAGE_BYTES: usize = 1024 * 1024;

/// See the module. It owns its bytes: reading it holds no lock and no connection.
#[derive(Debug, Default)]
pub struct Page {
    /// The runs say which parts are in use.
    pub(super) bytes: Vec<u8>,
    /// Ranges of encoded, consecutive records.
    pub(super) runs: Vec<Range<usize>>,
    /// Records at the start of the runs that were not requested: a block is read as a whole.
    pub(super) skip: u64,
    /// Records after those.
    pub(super) len: u64,
    /// Position of the first run, for error messages about a record.
    pub(super) first: Position,
}

impl Page {
    /// The number of records.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none: then there is nothing at the requested place.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Visits the records in order. Returns whether the visitor broke off.
    ///
    /// # Errors
    /// [`LogError::Corrupt`]: bytes with a valid checksum are not a record.
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

    /// Empties the page, and keeps its memory.
    pub(super) fn clear(&mut self) {
        self.runs.clear();
        (self.skip, self.len, self.first) = (0, 0, Position::START);
    }

    /// Adds a copy of one record.
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
