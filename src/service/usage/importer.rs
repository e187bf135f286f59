//! Imports transcripts: each part is read once and recorded once.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::{Config, paths};
use crate::files::own;
use crate::integration::claude_code::discover::default_roots;
use crate::integration::claude_code::{self, Cursors, Found, cursor, discover, read_all};
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

/// Imports from a list of directories.
#[derive(Clone)]
pub struct Importer {
    recorder: Recorder,
    roots: Vec<PathBuf>,
    cursor_file: PathBuf,
    reading: SharedReading,
    /// Records a zero balance if a transcript shows that credit ran out.
    balances: Arc<Mutex<Repository<BalanceAggregate>>>,
}

impl Importer {
    /// Imports from the `projects` directories of `roots`. The cursors are kept in `cursor_file`, and the
    /// progress is published in `reading`.
    #[must_use]
    pub fn new(
        recorder: Recorder,
        roots: Vec<PathBuf>,
        cursor_file: PathBuf,
        reading: SharedReading,
    ) -> Self {
        let (log, tenant) = recorder.place();
        let balances = Arc::new(Mutex::new(Repository::new(log.clone(), tenant.clone())));
        Self { recorder, roots, cursor_file, reading, balances }
    }

    /// The directories.
    #[must_use]
    pub fn roots(&self) -> &[PathBuf] {
        &self.roots
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
        let found = discover(&self.roots);
        let file_count = found.files.len() as u64;
        let is_due = |(path, size): &&(PathBuf, u64)| {
            !changed_only || cursors.get(path).is_none_or(|cursor| cursor.has_more(*size, now))
        };
        let files: Vec<(PathBuf, u64)> = found.files.iter().filter(is_due).cloned().collect();
        self.reading.begin(&files);
        let total = files.iter().map(|(_, size)| size).sum();
        let threads = std::thread::available_parallelism().map_or(2, usize::from).min(4);
        let collected = read_all(&files, cursors, now, threads, &|progress: claude_code::Progress| {
            on_step(Step::Reading { bytes: progress.bytes, total, files: progress.files });
        });
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

/// Where transcripts are looked for: the configured directories, or Claude Code's own.
#[must_use]
pub fn transcript_roots(config: &Config) -> Vec<PathBuf> {
    match config.transcripts.roots.as_slice() {
        [] => {
            let named = std::env::var("CLAUDE_CONFIG_DIR").ok();
            default_roots(named.as_deref(), paths::home().as_deref())
        }
        configured => configured.to_vec(),
    }
}

impl Node {
    /// An importer for these directories, or the configured ones, or Claude Code's own.
    #[must_use]
    pub fn importer(&self, roots: &[PathBuf], actor: &'static str) -> Importer {
        let roots = match roots {
            [] => transcript_roots(&self.settings.current().config),
            // Absolute, so that the cursors are valid from any working directory.
            named => {
                named.iter().map(|root| std::path::absolute(root).unwrap_or_else(|_| root.clone())).collect()
            }
        };
        let recorder = Recorder::new(self.log.clone(), self.tenant.clone(), self.prices.clone(), actor);
        Importer::new(recorder, roots, self.dir.join("transcripts.json"), self.reading.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_of_files_that_are_gone_are_forgotten_where_there_are_many() {
        let name = |number: usize| PathBuf::from(format!("{number:05}.jsonl"));
        let mut cursors: Cursors =
            (0..GONE_KEPT + 10).map(|number| (name(number), claude_code::FileCursor::default())).collect();
        let mut found =
            Found { files: (0..10).map(|number| (name(number), 1)).collect(), ..Found::default() };
        assert!(!forget_gone(&mut cursors, &found), "one that is hidden may come back");
        found.files.pop();
        assert!(forget_gone(&mut cursors, &found));
        assert_eq!(cursors.into_keys().collect::<Vec<_>>(), (0..9).map(name).collect::<Vec<_>>());
    }
}
