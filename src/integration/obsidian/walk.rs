//! Finding notes.

use std::collections::HashSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::domain::vault::VaultSettings;
use crate::files::beneath::{Astray, Root};
use crate::files::others::no_file;

use super::{OUTSIDE, Problem, Stamp, TICK};

pub(super) struct Found {
    /// In the order of their paths.
    pub notes: Vec<(String, Stamp)>,
    pub problems: Vec<Problem>,
    /// Links that lead out of the vault.
    pub links_left_out: usize,
}

/// Finds every `*.md` of the vault but what is hidden (`.obsidian`, `.trash`), what the vault ignores, and what
/// programs that copy a vault leave behind. Links are followed where they stay inside; each folder and note is visited
/// once.
pub(super) fn notes(root: &Path, inside: &Root, settings: &VaultSettings) -> Found {
    let mut walk = Walk {
        found: Found { notes: Vec::new(), problems: Vec::new(), links_left_out: 0 },
        inside,
        seen: HashSet::new(),
        waiting: Vec::new(),
        settings,
        now: SystemTime::now(),
    };
    if let Ok(metadata) = std::fs::metadata(root) {
        walk.seen.insert((metadata.dev(), metadata.ino()));
    }
    walk.dir(root, "");
    // A tree as deep as its maker likes: what waits is on the heap, not on the stack.
    while let Some((is_link, name, whole, path)) = walk.waiting.pop() {
        walk.entry(is_link, &name, &whole, path);
    }
    walk.found.notes.sort_by(|(a, _), (b, _)| a.cmp(b));
    walk.found
}

struct Walk<'a> {
    found: Found,
    inside: &'a Root,
    /// (device, inode) of all that was visited.
    seen: HashSet<(u64, u64)>,
    /// What is to be looked at, the next last: whether it is a link, its name, its place, and that within the vault.
    waiting: Vec<(bool, String, PathBuf, String)>,
    settings: &'a VaultSettings,
    now: SystemTime,
}

impl Walk<'_> {
    fn problem(&mut self, path: &str, reason: String, hides: bool) {
        let path = if path.is_empty() { "." } else { path };
        self.found.problems.push(Problem { path: path.to_owned(), reason, hides });
    }

    fn dir(&mut self, dir: &Path, relative: &str) {
        let listed = std::fs::read_dir(dir).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let entries = match listed {
            Ok(entries) => entries,
            Err(error) => {
                return self.problem(
                    relative,
                    format!("it cannot be listed ({error}); check its owner and mode"),
                    true,
                );
            }
        };
        let first = self.waiting.len();
        for entry in entries {
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                let name = name.to_string_lossy();
                self.problem(&join(relative, &name), "its name is no UTF-8; rename it".to_owned(), true);
                continue;
            };
            if name.starts_with('.') || is_left_behind(name) {
                continue;
            }
            let path = join(relative, name);
            if self.settings.ignores(&path) {
                continue;
            }
            let Ok(kind) = entry.file_type() else { continue };
            if is_note(name) || kind.is_dir() || kind.is_symlink() {
                self.waiting.push((kind.is_symlink(), name.to_owned(), entry.path(), path));
            }
        }
        // What is there itself comes before links to it, whatever the folder's order; the last is looked at next.
        self.waiting[first..].sort_unstable_by(|a, b| b.cmp(a));
    }

    fn entry(&mut self, is_link: bool, name: &str, whole: &Path, path: String) {
        // Follows links: a dangling or circular one is an error here.
        let metadata = match std::fs::metadata(whole) {
            Ok(metadata) => metadata,
            Err(error) if is_link => {
                return self.problem(&path, format!("the link leads nowhere ({error}); remove it"), false);
            }
            // It went away while we looked.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => {
                return self.problem(
                    &path,
                    format!("it cannot be looked at ({error}); check its owner and mode"),
                    true,
                );
            }
        };
        if is_link && matches!(self.inside.find(&path), Err(Astray::Outside)) {
            // An attachment's link is nobody's business.
            if is_note(name) || metadata.is_dir() {
                self.found.links_left_out += 1;
                self.problem(&path, OUTSIDE.to_owned(), false);
            }
            return;
        }
        if !self.seen.insert((metadata.dev(), metadata.ino())) {
            if is_link {
                let reason = "the link leads to what was read already, it may be a loop; remove it";
                self.problem(&path, reason.to_owned(), false);
            }
            return;
        }
        if metadata.is_dir() {
            self.dir(whole, &path);
        } else if is_note(name) {
            match no_file(metadata.file_type()) {
                None => {
                    let stamp = self.stamp(&metadata);
                    self.found.notes.push((path, stamp));
                }
                Some(what) => {
                    self.problem(
                        &path,
                        format!("{what} is named like a note, and is not read; rename it"),
                        false,
                    );
                }
            }
        }
    }

    fn stamp(&self, metadata: &Metadata) -> Stamp {
        let modified = metadata.modified().ok();
        let age = modified.and_then(|modified| self.now.duration_since(modified).ok());
        Stamp {
            length: metadata.len(),
            modified,
            inode: (metadata.dev(), metadata.ino()),
            is_settled: age.is_some_and(|age| age > TICK),
        }
    }
}

fn is_note(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("md"))
}

fn join(relative: &str, name: &str) -> String {
    if relative.is_empty() { name.to_owned() } else { format!("{relative}/{name}") }
}

/// What Syncthing, Dropbox and Obsidian Sync call the other copy where two differ.
fn is_left_behind(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.contains(".sync-conflict-") || lower.contains("conflicted copy") || lower.starts_with("~syncthing~")
}
