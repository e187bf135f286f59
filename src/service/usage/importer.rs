//! Imports transcripts: each part is read once and recorded once.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::Config;
use crate::files::own;
use crate::integration::SOURCES;
use crate::integration::transcripts::{Collected, Cursors, Found, Progress, TranscriptSource, cursor};
use crate::service::aggregate::repository::Repository;
use crate::service::balances::balance::{BalanceAggregate, refused_in_passing};
use crate::service::runtime::node::Node;
use crate::service::runtime::reading::SharedReading;
use crate::view::ViewError;

use super::recorder::Recorder;

/// Maximum number of problems listed by name; more are counted.
const NAMED: usize = 20;

/// Progress of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Files are being read.
    Reading {
        /// Bytes read.
        bytes: u64,
        /// Bytes to read.
        total: u64,
        /// Files read.
        files: usize,
    },
    /// Calls are being recorded.
    Recording {
        /// Calls recorded.
        done: usize,
        /// Calls to record.
        total: usize,
    },
}

/// Receives the progress of an import.
pub type OnStep = Arc<dyn Fn(Step) + Send + Sync>;

/// Something that could not be imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Obstacle {
    /// The file, or `file:line`.
    pub at: String,
    /// What is wrong, and the fix.
    pub reason: String,
}

/// Result of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct ImportSummary {
    /// The directories that were searched.
    pub roots: Vec<String>,
    /// Transcripts found.
    pub files: u64,
    /// Bytes read by this import.
    pub bytes: u64,
    /// Calls recorded by this import.
    pub recorded: u64,
    /// Known calls that had grown, and were revised.
    pub revised: u64,
    /// Calls already known.
    pub known: u64,
    /// Lines that could not be parsed.
    pub bad_lines: u64,
    /// Files that could not be read.
    pub bad_files: u64,
    /// The first of both, by name.
    pub obstacles: Vec<Obstacle>,
}

/// Number of cursors kept for missing files: a hidden file may come back.
const GONE_KEPT: usize = 1_000;

/// Drops the cursors of deleted files if there are many: old transcripts are deleted every day, for years. A
/// file that comes back is read from its start, which adds nothing. Returns whether any were dropped.
fn forget_gone(cursors: &mut Cursors, found: &Found) -> bool {
    if cursors.len() <= found.files.len() + GONE_KEPT {
        return false;
    }
    let is_there = |path: &PathBuf| found.files.binary_search_by(|(known, _)| known.cmp(path)).is_ok();
    cursors.retain(|path, _| is_there(path));
    true
}

/// A source, and the directories in which it is looked for.
pub type Place = (&'static dyn TranscriptSource, Vec<PathBuf>);

/// All sources in the directories that are named, or else each where its settings say, or where its agent writes.
#[must_use]
pub fn places(config: &Config, named: &[PathBuf]) -> Vec<Place> {
    // What is kept of a file is found again from any directory.
    let absolute = |root: &PathBuf| std::path::absolute(root).unwrap_or_else(|_| root.clone());
    let roots = |source: &dyn TranscriptSource| match named {
        [] => source.roots(config),
        named => named.iter().map(absolute).collect(),
    };
    SOURCES.iter().map(|source| (*source, roots(*source))).collect()
}

/// Imports from a list of sources.
#[derive(Clone)]
pub struct Importer {
    recorder: Recorder,
    places: Vec<Place>,
    cursor_file: PathBuf,
    reading: SharedReading,
    /// Records a zero balance if a transcript shows that credit ran out.
    balances: Arc<Mutex<Repository<BalanceAggregate>>>,
}

impl Importer {
    /// Imports from these places. The cursors are kept in `cursor_file`, and the
    /// progress is published in `reading`.
    #[must_use]
    pub fn new(recorder: Recorder, places: Vec<Place>, cursor_file: PathBuf, reading: SharedReading) -> Self {
        let (log, tenant) = recorder.place();
        let balances = Arc::new(Mutex::new(Repository::new(log.clone(), tenant.clone())));
        Self { recorder, places, cursor_file, reading, balances }
    }

    /// The directories that change when there is something new.
    pub fn watched(&self) -> impl Iterator<Item = PathBuf> {
        self.places.iter().flat_map(|(source, roots)| roots.iter().map(|root| source.watched(root)))
    }

    /// What is there now.
    #[must_use]
    pub fn find(&self) -> Found {
        let mut found = Found::default();
        self.places.iter().for_each(|(source, roots)| found.join(source.find(roots)));
        found
    }

    /// The recorder that the importer uses.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Loads the cursors of the last import.
    #[must_use]
    pub fn load_cursors(&self) -> Cursors {
        cursor::load(&self.cursor_file)
    }

    /// Reads and records everything that is new. Blocks. With `changed_only`, files of unchanged length are
    /// not opened.
    ///
    /// # Errors
    /// [`ViewError`]; a second import completes the work.
    pub fn import(
        &self,
        cursors: &mut Cursors,
        changed_only: bool,
        now: Timestamp,
        on_step: &OnStep,
    ) -> Result<ImportSummary, ViewError> {
        let is_due = |(path, size): &&(PathBuf, u64)| {
            !changed_only || cursors.get(path).is_none_or(|cursor| cursor.has_more(*size, now))
        };
        let (mut found, mut files, mut due) = (Found::default(), Vec::new(), Vec::new());
        for (source, roots) in &self.places {
            let of_source = source.find(roots);
            let first = files.len();
            files.extend(of_source.files.iter().filter(is_due).cloned());
            due.push((source, first..files.len()));
            found.join(of_source);
        }
        let file_count = found.files.len() as u64;
        self.reading.begin(&files);
        let total = files.iter().map(|(_, size)| size).sum();
        let threads = std::thread::available_parallelism().map_or(2, usize::from).min(4);
        let (mut collected, mut done) = (Collected::default(), 0);
        for (source, range) in due {
            let of_source = &files[range.clone()];
            let step = |progress: Progress| {
                let (bytes, files) = (done + progress.bytes, range.start + progress.files);
                on_step(Step::Reading { bytes, total, files });
            };
            collected.join(source.read(of_source, cursors, now, threads, &step));
            done += of_source.iter().map(|(_, size)| size).sum::<u64>();
        }
        let recorded = self.recorder.record(&collected.usages, &|done, total| {
            on_step(Step::Recording { done, total });
        });
        let tally = recorded.inspect_err(|error| self.reading.fail(error.to_string()))?;
        if let Some(at) = collected.no_credit_at {
            let mut balances = self.balances.lock().unwrap_or_else(PoisonError::into_inner);
            refused_in_passing(&mut balances, at, now)
                .inspect_err(|error| self.reading.fail(error.to_string()))?;
        }
        let has_moved = collected.cursors.iter().any(|(path, cursor)| cursors.get(path) != Some(cursor));
        cursors.extend(collected.cursors);
        let has_moved = forget_gone(cursors, &found) || has_moved;
        // Only now, with everything durable: what the cursors cover is not read again.
        if has_moved && let Err(error) = own::write(&self.cursor_file, &cursor::to_bytes(cursors)) {
            tracing::warn!(%error, "where reading stopped cannot be kept; the next start reads everything again");
        }
        self.reading.end(now, &found, cursors, &collected.problems);
        let Found { problems, roots, .. } = found;
        let bad_files = problems.len() + collected.problems.len();
        let named = problems.iter().chain(&collected.problems).map(|problem| Obstacle {
            at: problem.path.display().to_string(),
            reason: problem.reason.clone(),
        });
        let lines = collected.bad.iter().map(|bad| Obstacle {
            at: format!("{}:{}", bad.file.display(), bad.line),
            reason: bad.reason.to_owned(),
        });
        Ok(ImportSummary {
            roots: roots.iter().map(|root| root.display().to_string()).collect(),
            files: file_count,
            bytes: collected.bytes,
            recorded: tally.recorded,
            revised: tally.revised,
            known: tally.known,
            bad_lines: collected.bad_count,
            bad_files: bad_files as u64,
            obstacles: named.chain(lines).take(NAMED).collect(),
        })
    }
}

impl Node {
    /// An importer for these directories, or the configured ones, or those where agents write.
    #[must_use]
    pub fn importer(&self, roots: &[PathBuf], actor: &'static str) -> Importer {
        let places = places(&self.settings.current().config, roots);
        let recorder = Recorder::new(self.log.clone(), self.tenant.clone(), self.prices.clone(), actor);
        Importer::new(recorder, places, self.dir.join("transcripts.json"), self.reading.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_of_files_that_are_gone_are_forgotten_where_there_are_many() {
        let name = |number: usize| PathBuf::from(format!("{number:05}.jsonl"));
        let mut cursors: Cursors = (0..GONE_KEPT + 10)
            .map(|number| (name(number), crate::integration::transcripts::FileCursor::default()))
            .collect();
        let mut found =
            Found { files: (0..10).map(|number| (name(number), 1)).collect(), ..Found::default() };
        assert!(!forget_gone(&mut cursors, &found), "one that is hidden may come back");
        found.files.pop();
        assert!(forget_gone(&mut cursors, &found));
        assert_eq!(cursors.into_keys().collect::<Vec<_>>(), (0..9).map(name).collect::<Vec<_>>());
    }
}
