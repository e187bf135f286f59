//! Finding transcripts.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::domain::depth::DEPTH_MAX;

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
    /// Sorted by path.
    pub files: Vec<(PathBuf, u64)>,
    /// What could not be looked at.
    pub problems: Vec<Problem>,
    /// The `projects` directories that are there.
    pub roots: Vec<PathBuf>,
}

/// Claude Code's configuration directories: `$CLAUDE_CONFIG_DIR` (several may be separated by
/// commas), or else `~/.claude` and `~/.config/claude`.
#[must_use]
pub fn default_roots(claude_config_dir: Option<&str>, home: Option<&Path>) -> Vec<PathBuf> {
    match claude_config_dir.filter(|value| !value.trim().is_empty()) {
        Some(list) => {
            list.split(',').map(str::trim).filter(|dir| !dir.is_empty()).map(PathBuf::from).collect()
        }
        None => home.map(|home| vec![home.join(".claude"), home.join(".config/claude")]).unwrap_or_default(),
    }
}

/// Finds every `*.jsonl` below the `projects` directory of each root. Links are followed, each
/// directory and file is visited once, and what cannot be read is a problem, never a stop.
#[must_use]
pub fn discover(roots: &[PathBuf]) -> Found {
    let mut walk = Walk { found: Found::default(), seen: HashSet::new() };
    for root in roots {
        let projects = root.join("projects");
        if projects.is_dir() {
            walk.found.roots.push(projects.clone());
            walk.entry(&projects, 0);
        }
    }
    walk.found.files.sort();
    walk.found
}

struct Walk {
    found: Found,
    /// (device, inode) of all that was visited.
    seen: HashSet<(u64, u64)>,
}

impl Walk {
    fn problem(&mut self, path: &Path, reason: impl Into<String>) {
        self.found.problems.push(Problem { path: path.to_owned(), reason: reason.into() });
    }

    /// `level` counts the directories above it, from 0 for a root.
    fn entry(&mut self, path: &Path, level: usize) {
        let is_transcript = path.extension().is_some_and(|extension| extension == "jsonl");
        // Follows links: a dangling or circular one is an error here.
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) => {
                let is_link = path.symlink_metadata().is_ok_and(|link| link.is_symlink());
                if is_link {
                    self.problem(path, format!("the link leads nowhere ({error}); remove it"));
                } else {
                    self.problem(path, format!("cannot be looked at ({error}); check its owner and mode"));
                }
                return;
            }
        };
        if !self.seen.insert((metadata.dev(), metadata.ino())) {
            // A transcript by two names is read once, and nothing is wrong with that.
            if metadata.is_dir() && path.symlink_metadata().is_ok_and(|link| link.is_symlink()) {
                self.problem(path, "the link leads to what was read already, it may be a loop; remove it");
            }
            return;
        }
        if metadata.is_dir() {
            if is_transcript && level > 0 {
                self.problem(path, "a directory is named like a transcript; rename it");
            }
            if level > DEPTH_MAX {
                self.problem(path, format!("over {DEPTH_MAX} directories deep; nothing below it is read"));
                return;
            }
            self.dir(path, level);
        } else if is_transcript && metadata.is_file() {
            self.found.files.push((path.to_owned(), metadata.len()));
        }
    }

    fn dir(&mut self, path: &Path, level: usize) {
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                self.problem(path, format!("cannot be listed ({error}); check its owner and mode"));
                return;
            }
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        // What is a file itself comes before links to it, whatever the directory's order.
        paths.sort_by_key(|path| (path.is_symlink(), path.clone()));
        for path in paths {
            self.entry(&path, level + 1);
        }
    }
}
