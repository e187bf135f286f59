//! Reading many files at once into one telling of each call.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::domain::usage::{MessageKey, Usage};

use super::cursor::{Cursors, FileCursor};
use super::discover::Problem;
use super::file::{Piece, read_file};
use super::line::{LineParser, Parsed};

/// More bad lines than this are counted but not named.
const MAX_NAMED: usize = 1_000;

/// A line that is not one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct BadLine {
    /// The file.
    pub file: PathBuf,
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong with it; never its contents.
    pub reason: &'static str,
}

/// How far reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Files that are done.
    pub files: usize,
    /// Bytes that are done.
    pub bytes: u64,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Collected {
    /// One telling of each call, by time and key.
    pub usages: Vec<Usage>,
    /// The first thousand, by file and line.
    pub bad: Vec<BadLine>,
    /// How many bad lines there are.
    pub bad_count: u64,
    /// Files that could not be read.
    pub problems: Vec<Problem>,
    /// Where reading stopped, for the files that were read.
    pub cursors: Cursors,
    /// Bytes that were read.
    pub bytes: u64,
    /// When a call was last refused because no credit was left.
    pub no_credit_at: Option<Timestamp>,
}

/// A telling, and the number of the file it stands in: of equal ones the first file's counts, so
/// that the outcome does not depend on which thread was faster.
struct Told {
    usage: Usage,
    file: usize,
}

impl Told {
    fn yields_to(&self, other: &Self) -> bool {
        other.usage.supersedes(&self.usage)
            || (!self.usage.supersedes(&other.usage) && other.file < self.file)
    }
}

#[derive(Default)]
struct Gathered {
    calls: HashMap<MessageKey, Told>,
    bad: Vec<BadLine>,
    bad_count: u64,
    problems: Vec<Problem>,
    cursors: Cursors,
    bytes: u64,
    no_credit_at: Option<Timestamp>,
}

/// Reads files from their cursors on, on `threads` threads. `progress` is called after each file.
#[must_use]
pub fn read_all(
    files: &[(PathBuf, u64)],
    cursors: &Cursors,
    now: Timestamp,
    threads: usize,
    progress: &(dyn Fn(Progress) + Sync),
) -> Collected {
    let gathered = Mutex::new(Gathered::default());
    let (next, files_done, bytes_done) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, files.len().max(1)) {
            scope.spawn(|| {
                let mut reader = Reader { parser: LineParser::new(now), buffer: Vec::new() };
                while let Some((number, (path, size))) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    files.get(number).map(|file| (number, file))
                } {
                    reader.read(number, path, cursors.get(path), &gathered);
                    let done = files_done.fetch_add(1, Ordering::Relaxed) + 1;
                    let bytes = bytes_done.fetch_add(*size, Ordering::Relaxed) + size;
                    progress(Progress { files: done, bytes });
                }
            });
        }
    });
    finish(gathered.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn finish(gathered: Gathered) -> Collected {
    let mut usages: Vec<Usage> = gathered.calls.into_values().map(|told| told.usage).collect();
    usages.sort_unstable_by(|a, b| (a.occurred_at, &a.key).cmp(&(b.occurred_at, &b.key)));
    let mut bad = gathered.bad;
    bad.sort_unstable();
    bad.truncate(MAX_NAMED);
    let mut problems = gathered.problems;
    problems.sort_by(|a, b| a.path.cmp(&b.path));
    Collected {
        usages,
        bad,
        bad_count: gathered.bad_count,
        problems,
        cursors: gathered.cursors,
        bytes: gathered.bytes,
        no_credit_at: gathered.no_credit_at,
    }
}

struct Reader {
    parser: LineParser,
    buffer: Vec<u8>,
}

impl Reader {
    fn read(&mut self, number: usize, path: &Path, cursor: Option<&FileCursor>, all: &Mutex<Gathered>) {
        // A message's lines stand close together: most of the merging is done within the file.
        let mut calls: Vec<Usage> = Vec::new();
        let mut places: HashMap<MessageKey, usize> = HashMap::new();
        let (mut bad, mut bad_count, mut no_credit_at) = (Vec::new(), 0_u64, None);
        let parser = &mut self.parser;
        let read = read_file(path, cursor, &mut self.buffer, &mut |line, piece| {
            let parsed = match piece {
                Piece::Line(bytes) => parser.parse(bytes),
                Piece::Tail(bytes) => match parser.parse(bytes) {
                    Parsed::Bad(_) => {
                        Parsed::Bad("a half line at the end; it is read again when the file grows")
                    }
                    parsed => parsed,
                },
                Piece::TooLong => Parsed::Bad("longer than 8 MiB; no call is that long, so it was skipped"),
            };
            match parsed {
                Parsed::Usage(usage) => keep(&mut calls, &mut places, *usage),
                Parsed::Bad(reason) => {
                    bad_count += 1;
                    // A file of bad lines alone must not fill the memory.
                    if bad.len() < MAX_NAMED {
                        bad.push(BadLine { file: path.to_owned(), line, reason });
                    }
                }
                Parsed::NoCredit(at) => no_credit_at = no_credit_at.max(Some(at)),
                Parsed::Other => {}
            }
        });
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok((cursor, bytes)) => {
                all.bytes += bytes;
                all.cursors.insert(path.to_owned(), cursor);
            }
            Err(error) => {
                let reason = format!("cannot be read ({error}); check its owner and mode");
                all.problems.push(Problem { path: path.to_owned(), reason });
            }
        }
        all.no_credit_at = all.no_credit_at.max(no_credit_at);
        all.bad_count += bad_count;
        if all.bad.len() < 2 * MAX_NAMED {
            all.bad.append(&mut bad);
        }
        for usage in calls {
            all.tell(Told { usage, file: number });
        }
    }
}

fn keep(calls: &mut Vec<Usage>, places: &mut HashMap<MessageKey, usize>, usage: Usage) {
    if let Some(last) = calls.last_mut().filter(|last| last.key == usage.key) {
        if usage.supersedes(last) {
            *last = usage;
        }
        return;
    }
    match places.entry(usage.key.clone()) {
        Entry::Occupied(place) => {
            let known = &mut calls[*place.get()];
            if usage.supersedes(known) {
                *known = usage;
            }
        }
        Entry::Vacant(place) => {
            place.insert(calls.len());
            calls.push(usage);
        }
    }
}

impl Gathered {
    fn tell(&mut self, told: Told) {
        match self.calls.entry(told.usage.key.clone()) {
            Entry::Occupied(mut known) => {
                if known.get().yields_to(&told) {
                    known.insert(told);
                }
            }
            Entry::Vacant(place) => {
                place.insert(told);
            }
        }
    }
}
