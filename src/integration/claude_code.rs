//! Claude Code's transcripts: JSON lines under `projects/` of its configuration directory.
//!
//! The format is not documented by its vendor. What is relied on: an assistant's line has
//! `message.usage`, `message.model`, `message.id`, `requestId`, `timestamp` and `sessionId`; a
//! message is written again while it streams, and copied when a session is resumed. Subagents'
//! calls stand in lines with `isSidechain`, often in files of their own under `subagents/`, and may
//! be repeated in `progress` lines; `toolUseResult` holds only their totals, which are passed over.

pub mod discover;
pub mod file;
pub mod hook;
pub mod line;
pub mod loose;
pub mod place;
pub mod read;
pub mod status_line;
pub mod telemetry;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::config::{Config, paths};

use super::transcripts::{Collected, Cursors, Found, Progress, TranscriptSource};

pub use discover::discover;
pub use read::read_all;

/// Claude Code's transcripts as a source.
#[derive(Debug)]
pub struct ClaudeCode;

impl TranscriptSource for ClaudeCode {
    fn name(&self) -> &'static str {
        line::AGENT
    }

    fn roots(&self, config: &Config) -> Vec<PathBuf> {
        match config.transcripts.roots.as_slice() {
            [] => {
                let named = std::env::var("CLAUDE_CONFIG_DIR").ok();
                discover::default_roots(named.as_deref(), paths::home().as_deref())
            }
            configured => configured.to_vec(),
        }
    }

    fn watched(&self, root: &Path) -> PathBuf {
        root.join("projects")
    }

    fn trace(&self) -> (&'static str, &'static str) {
        ("projects directory", "use Claude Code once, or name its directories in transcripts.roots")
    }

    fn find(&self, roots: &[PathBuf]) -> Found {
        discover(roots)
    }

    fn read(
        &self,
        files: &[(PathBuf, u64)],
        cursors: &Cursors,
        now: Timestamp,
        threads: usize,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Collected {
        read_all(files, cursors, now, threads, progress)
    }
}
