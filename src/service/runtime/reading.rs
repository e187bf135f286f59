//! How far transcripts have been read: every number about usage depends on it.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;

use crate::domain::lacking::Doubts;
use crate::integration::transcripts::{Cursors, Found, Problem};
use crate::view::freshness::{Freshness, Unread};

/// Refused lines that may be billed calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refused {
    /// Modification time of their file.
    written: Timestamp,
    lines: u64,
}

/// A transcript that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Closed {
    written: Option<Timestamp>,
    bytes: u64,
}

/// The state of the last read.
#[derive(Debug, Clone, Default)]
struct Reading {
    as_of: Option<Timestamp>,
    /// What the first read still has to do, while it runs.
    ahead: Unread,
    refused: Vec<Refused>,
    closed: Vec<Closed>,
    /// Why the last read failed.
    error: Option<String>,
    /// Whether transcripts are read here at all.
    is_off: bool,
}

/// Shared by the importer and the queries.
#[derive(Debug, Clone, Default)]
pub struct SharedReading(Arc<RwLock<Reading>>);

/// Maximum number of unreadable transcripts that are kept one by one.
const KEPT: usize = 10_000;

impl SharedReading {
    fn change(&self, change: impl FnOnce(&mut Reading)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn look<T>(&self, look: impl FnOnce(&Reading) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The person switched reading off here: nothing is missing because of that.
    pub fn turn_off(&self) {
        self.change(|reading| reading.is_off = true);
    }

    /// A read begins, with this much to do.
    pub fn begin(&self, files: &[(std::path::PathBuf, u64)]) {
        let ahead = Unread { files: files.len() as u64, bytes: files.iter().map(|(_, bytes)| bytes).sum() };
        self.change(|reading| reading.ahead = ahead);
    }

    /// A read succeeded at `now` with these cursors; these files could not be read.
    pub fn end(&self, now: Timestamp, found: &Found, cursors: &Cursors, unread: &[Problem]) {
        // Deleted files are dropped: nobody can read them again.
        let mut refused: Vec<Refused> = Vec::new();
        for cursor in found.files.iter().filter_map(|(path, _)| cursors.get(path)) {
            let of_file = |written_us: i64, lines| {
                let written = Timestamp::from_microsecond(written_us).unwrap_or(Timestamp::UNIX_EPOCH);
                Refused { written, lines }
            };
            let may_cost = cursor.refused.iter().filter(|refused| refused.may_cost);
            refused.extend(may_cost.map(|refused| of_file(refused.written_us, 1)));
            if cursor.more_may_cost > 0 {
                refused.push(of_file(cursor.more_written_us, cursor.more_may_cost));
            }
        }
        let size = |path: &Path| {
            let place = found.files.binary_search_by(|(known, _)| known.as_path().cmp(path));
            place.map_or(0, |place| found.files[place].1)
        };
        let closed = unread
            .iter()
            .take(KEPT)
            .map(|problem| Closed { written: written(&problem.path), bytes: size(&problem.path) });
        let closed = closed.collect();
        self.change(|reading| {
            let is_off = reading.is_off;
            *reading = Reading { as_of: Some(now), refused, closed, is_off, ..Reading::default() };
        });
    }

    /// A read failed.
    pub fn fail(&self, reason: String) {
        self.change(|reading| reading.error = Some(reason));
    }

    /// How old the numbers are, and what they leave out.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        self.look(|reading| {
            let closed = Unread {
                files: reading.closed.len() as u64,
                bytes: reading.closed.iter().map(|closed| closed.bytes).sum(),
            };
            let is_new = reading.as_of.is_some() || reading.is_off;
            let unread = if is_new { closed } else { reading.ahead };
            let refused_lines = reading.refused.iter().map(|refused| refused.lines).sum();
            Freshness { as_of: reading.as_of, unread, refused_lines }
        })
    }

    /// What sums since `since` may leave out. A file last modified before that has nothing newer.
    #[must_use]
    pub fn doubts(&self, since: Timestamp) -> Doubts {
        let lines = |count: u64, one: &str, more: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {more}")),
        };
        self.look(|reading| {
            let mut missing = Vec::new();
            let refused = reading.refused.iter().filter(|refused| refused.written >= since);
            let refused = refused.map(|refused| refused.lines).sum();
            missing.extend(lines(
                refused,
                "line that may be a call was refused",
                "lines that may be calls were refused",
            ));
            let is_in = |closed: &&Closed| closed.written.is_none_or(|written| written >= since);
            let closed = reading.closed.iter().filter(is_in).count() as u64;
            missing.extend(lines(closed, "transcript cannot be read", "transcripts cannot be read"));
            if reading.as_of.is_none() && !reading.is_off {
                let Unread { files, .. } = reading.ahead;
                missing.push(match files {
                    0 => "transcripts have not been read yet".to_owned(),
                    files => format!("{files} transcripts have not been read yet"),
                });
            }
            missing.extend(
                reading.error.as_ref().map(|_| "what is new in transcripts cannot be recorded".to_owned()),
            );
            Doubts { missing, old: Vec::new() }
        })
    }
}

fn written(path: &Path) -> Option<Timestamp> {
    std::fs::metadata(path).ok()?.modified().ok()?.try_into().ok()
}
