//! What a source of transcripts is: the files in which a coding agent writes down its calls. Each agent's own files say where
//! they lie and how they are read; [`SOURCES`](super::SOURCES) lists the agents.

pub mod cursor;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::config::Config;
use crate::domain::usage::Usage;

pub use cursor::{Cursors, FileCursor};

/// A coding agent whose transcripts are read.
pub trait TranscriptSource: Sync {
    /// The agent, as usage names it, such as `claude-code`.
    fn name(&self) -> &'static str;

    /// The directories to look in: those that the settings name, or else those that the agent uses.
    fn roots(&self, config: &Config) -> Vec<PathBuf>;

    /// The directory below a root that changes when there is something new.
    fn watched(&self, root: &Path) -> PathBuf;

    /// What is there where the agent was used, such as `projects directory`, and what to do where it is not.
    fn trace(&self) -> (&'static str, &'static str);

    /// Finds the transcripts below the roots. What cannot be looked at is a problem, never a stop.
    fn find(&self, roots: &[PathBuf]) -> Found;

    /// Reads files (path and size) from their cursors on, on `threads` threads; `progress` is called after each file.
    fn read(
        &self,
        files: &[(PathBuf, u64)],
        cursors: &Cursors,
        now: Timestamp,
        threads: usize,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Collected;
}

/// Something that stands in the way of reading: what, and the mend.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// Where.
    pub path: PathBuf,
    /// What is wrong, and the mend.
    pub reason: String,
}

/// The transcripts that were found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Path and size in bytes; sorted by path.
    pub files: Vec<(PathBuf, u64)>,
    /// What could not be looked at.
    pub problems: Vec<Problem>,
    /// The directories that are there.
    pub roots: Vec<PathBuf>,
}

impl Found {
    /// Takes in what another source has.
    pub fn join(&mut self, other: Self) {
        self.files.extend(other.files);
        self.files.sort();
        self.problems.extend(other.problems);
        self.roots.extend(other.roots);
    }
}

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
    /// The first of them, by file and line.
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

impl Collected {
    /// Takes in what was read of another source. Calls stay sorted by time and key.
    pub fn join(&mut self, other: Self) {
        let is_sorted = self.usages.is_empty() || other.usages.is_empty();
        self.usages.extend(other.usages);
        if !is_sorted {
            self.usages.sort_unstable_by(|a, b| (a.occurred_at, &a.key).cmp(&(b.occurred_at, &b.key)));
        }
        self.bad.extend(other.bad);
        self.bad_count += other.bad_count;
        self.problems.extend(other.problems);
        self.cursors.extend(other.cursors);
        self.bytes += other.bytes;
        self.no_credit_at = self.no_credit_at.max(other.no_credit_at);
    }
}
