//! Reading many files at once into one telling of each call.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::domain::usage::Usage;
use crate::integration::transcripts::cursor::Refused;
use crate::integration::transcripts::{BadLine, Collected, Cursors, FileCursor, Problem, Progress};

use super::file::{Piece, Placed, read_file};
use super::line::{LineParser, Parsed, Refusal};
use super::place::{Places, Repositories, main_of};

/// More bad lines than this are counted but not named.
const MAX_NAMED: usize = 1_000;

#[derive(Default)]
struct Gathered {
    calls: HashMap<Box<str>, Usage>,
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
                let mut reader = Reader::new(now);
                while let Some((path, size)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    reader.read(path, cursors.get(path), &gathered);
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
    let mut usages: Vec<Usage> = gathered.calls.into_values().collect();
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
    repositories: Repositories,
    /// The main transcript that was looked into last, and what it said: a session's subagents stand side by side.
    main: Option<(PathBuf, Vec<(String, String)>)>,
    now: Timestamp,
}

/// What one file told.
#[derive(Default)]
struct OfFile {
    calls: Vec<Usage>,
    /// Of each, the session that its owner's line was written in.
    written_in: Vec<Arc<str>>,
    places: HashMap<Box<str>, usize>,
    bad: Vec<BadLine>,
    bad_count: u64,
    refused: Vec<Refused>,
    no_credit_at: Option<Timestamp>,
}

impl Reader {
    fn new(now: Timestamp) -> Self {
        let (parser, repositories) = (LineParser::new(now), Repositories::default());
        Self { parser, buffer: Vec::new(), repositories, main: None, now }
    }

    fn read(&mut self, path: &Path, cursor: Option<&FileCursor>, all: &Mutex<Gathered>) {
        let mut of_file = OfFile::default();
        let Self { parser, buffer, repositories, main: known_main, now } = self;
        // A subagent's lines do not say where their session began, if its own transcript does.
        let (mut is_begun, mut is_main) = (false, true);
        parser.places = Places::default();
        let read = read_file(path, cursor, *now, buffer, &mut |start, placed| {
            if !is_begun {
                is_begun = true;
                let remembered = cursor.filter(|cursor| start.offset > 0 && !cursor.begun.is_empty());
                parser.places = match (remembered, main_of(path)) {
                    (Some(cursor), _) => Places::remembered(&cursor.begun, repositories),
                    (None, Some(main)) => places_of(main, known_main, repositories),
                    (None, None) => Places::default(),
                };
                is_main = parser.places.is_empty() || remembered.is_some();
            }
            let (Piece::Line(bytes) | Piece::Tail(bytes)) = placed.piece else {
                let reason = "longer than 8 MiB; no call is that long, so it was skipped";
                return of_file.refuse(path, &placed, Refusal { reason, may_cost: true, until: None });
            };
            if is_main {
                parser.places.learn(bytes, repositories);
            }
            match parser.parse(bytes) {
                Parsed::Calls(call, parts) => {
                    of_file.keep(*call, &parser.written_in);
                    for part in parts {
                        of_file.keep(part, &parser.written_in);
                    }
                }
                Parsed::Bad(_) if matches!(placed.piece, Piece::Tail(_)) => {
                    of_file.name(
                        path,
                        placed.line,
                        "a half line at the end; it is read again when the file grows",
                    );
                }
                Parsed::Bad(refusal) => of_file.refuse(path, &placed, refusal),
                Parsed::NoCredit(at) => of_file.no_credit_at = of_file.no_credit_at.max(Some(at)),
                Parsed::Other => {}
            }
        });
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok((mut after, start, written_us)) => {
                all.bytes += after.offset - start.offset;
                after.begun = match cursor.filter(|_| !is_begun) {
                    Some(cursor) => cursor.begun.clone(),
                    None => parser.places.begun(),
                };
                // What was refused before where reading went on, and is not read again.
                if let Some(before) = cursor.filter(|_| start.offset > 0) {
                    // A line that is too long stands where reading stopped within it.
                    let is_before = |known: &&Refused| {
                        known.offset < start.offset || (start.is_within && known.line == start.line + 1)
                    };
                    let known = before.refused.iter().filter(is_before);
                    known.for_each(|known| after.refuse(known.clone()));
                    after.take_unnamed(before);
                }
                of_file
                    .refused
                    .into_iter()
                    .for_each(|refused| after.refuse(Refused { written_us, ..refused }));
                all.cursors.insert(path.to_owned(), after);
            }
            Err(error) => {
                let reason = format!("cannot be read ({error}); check its owner and mode");
                all.problems.push(Problem { path: path.to_owned(), reason });
            }
        }
        all.no_credit_at = all.no_credit_at.max(of_file.no_credit_at);
        all.bad_count += of_file.bad_count;
        if all.bad.len() < 2 * MAX_NAMED {
            all.bad.append(&mut of_file.bad);
        }
        for (mut usage, written_in) in of_file.calls.into_iter().zip(of_file.written_in) {
            // What was told before the file said where its session began.
            if let Some(place) = parser.places.of(&written_in).filter(|_| usage.project.is_empty()) {
                (usage.project, usage.repository) = (place.project.clone(), place.repository.clone());
            }
            all.tell(usage);
        }
    }
}

/// What a subagent's main transcript says; it is read once for all of its subagents that follow each other.
fn places_of(
    main: PathBuf,
    known: &mut Option<(PathBuf, Vec<(String, String)>)>,
    repositories: &mut Repositories,
) -> Places {
    if let Some((path, begun)) = known.as_ref()
        && *path == main
    {
        return Places::remembered(begun, repositories);
    }
    let places = Places::of_file(&main, repositories);
    *known = Some((main, places.begun()));
    places
}

impl OfFile {
    /// A message's lines stand close together: most of the merging is done within the file.
    fn keep(&mut self, usage: Usage, written_in: &Arc<str>) {
        let id = &usage.key.message_id;
        let last = self.calls.len().checked_sub(1).filter(|last| self.calls[*last].key.message_id == *id);
        let place = last.or_else(|| self.places.get(id).copied());
        if let Some(place) = place {
            let known = std::mem::take(&mut self.calls[place]);
            if usage.outranks(&known) {
                self.written_in[place] = written_in.clone();
            }
            self.calls[place] = known.merge(usage);
        } else {
            self.places.insert(id.clone(), self.calls.len());
            self.calls.push(usage);
            self.written_in.push(written_in.clone());
        }
    }

    fn name(&mut self, path: &Path, line: u64, reason: &'static str) {
        self.bad_count += 1;
        // A file of bad lines alone must not fill the memory.
        if self.bad.len() < MAX_NAMED {
            self.bad.push(BadLine { file: path.to_owned(), line, reason });
        }
    }

    fn refuse(&mut self, path: &Path, placed: &Placed<'_>, refusal: Refusal) {
        let Refusal { reason, may_cost, until } = refusal;
        self.name(path, placed.line, reason);
        if self.refused.len() < MAX_NAMED {
            let until_us = until.map(Timestamp::as_microsecond);
            let (line, offset) = (placed.line, placed.offset);
            self.refused.push(Refused {
                line,
                offset,
                reason: reason.to_owned(),
                may_cost,
                until_us,
                written_us: 0,
            });
        }
    }
}

impl Gathered {
    fn tell(&mut self, told: Usage) {
        match self.calls.entry(told.key.message_id.clone()) {
            Entry::Occupied(mut known) => {
                let before = std::mem::take(known.get_mut());
                known.insert(before.merge(told));
            }
            Entry::Vacant(place) => {
                place.insert(told);
            }
        }
    }
}
