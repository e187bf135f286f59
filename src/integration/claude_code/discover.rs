//! Finding transcripts.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::domain::depth::DEPTH_MAX;
use crate::files::others::no_file;
use crate::integration::transcripts::{Found, Problem};

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
    let mut walk = Walk { found: Found::default(), seen: HashSet::new(), waiting: Vec::new() };
    for root in roots {
        let projects = root.join("projects");
        if projects.is_dir() {
            walk.found.roots.push(projects.clone());
            walk.waiting.push((false, 0, projects));
            // A tree as deep as its maker likes: what waits is on the heap, not on the stack.
            while let Some((is_link, level, path)) = walk.waiting.pop() {
                walk.entry(&path, is_link, level);
            }
        }
    }
    walk.found.files.sort();
    walk.found
}

/// Whether a link leads to a directory that it lies in.
fn leads_up(link: &Path) -> bool {
    let target = std::fs::canonicalize(link);
    let place = link.parent().and_then(|above| std::fs::canonicalize(above).ok());
    target.is_ok_and(|target| place.is_none_or(|place| place.starts_with(target)))
}

struct Walk {
    found: Found,
    /// (device, inode) of all that was visited.
    seen: HashSet<(u64, u64)>,
    /// What is to be looked at, the next last: whether it is a link, how many directories are above it from the root
    /// on, and where it is.
    waiting: Vec<(bool, usize, PathBuf)>,
}

impl Walk {
    fn problem(&mut self, path: &Path, reason: impl Into<String>) {
        self.found.problems.push(Problem { path: path.to_owned(), reason: reason.into() });
    }

    fn entry(&mut self, path: &Path, is_link: bool, level: usize) {
        let is_transcript = path.extension().is_some_and(|extension| extension == "jsonl");
        // Follows links: a dangling or circular one is an error here.
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            // It went away while we looked.
            Err(error) if error.kind() == ErrorKind::NotFound && !is_link => return,
            Err(error) if is_link => {
                return self.problem(path, format!("the link leads nowhere ({error}); remove it"));
            }
            Err(error) => {
                return self
                    .problem(path, format!("cannot be looked at ({error}); check its owner and mode"));
            }
        };
        if !self.seen.insert((metadata.dev(), metadata.ino())) {
            // What has two names is read once, and nothing is wrong with that.
            if is_link && metadata.is_dir() && leads_up(path) {
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
        } else if is_transcript {
            match no_file(metadata.file_type()) {
                None => self.found.files.push((path.to_owned(), metadata.len())),
                Some(what) => {
                    self.problem(
                        path,
                        format!("{what} is named like a transcript, and is not read; rename it"),
                    );
                }
            }
        }
    }

    fn dir(&mut self, path: &Path, level: usize) {
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                return self.problem(path, format!("cannot be listed ({error}); check its owner and mode"));
            }
        };
        let first = self.waiting.len();
        self.waiting.extend(entries.flatten().map(|entry| {
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            (is_link, level + 1, entry.path())
        }));
        // What is a file itself comes before links to it, whatever the directory's order; the last is looked at next.
        self.waiting[first..].sort_unstable_by(|a, b| b.cmp(a));
    }
}
