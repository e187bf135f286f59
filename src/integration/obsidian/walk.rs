//! Finding notes.

use std::collections::HashSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use crate::files::beneath::{Astray, Root};

use super::settings::VaultSettings;
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
        settings,
        now: SystemTime::now(),
    };
    if let Ok(metadata) = std::fs::metadata(root) {
        walk.seen.insert((metadata.dev(), metadata.ino()));
    }
    walk.dir(root, "");
    walk.found.notes.sort_by(|(a, _), (b, _)| a.cmp(b));
    walk.found
}

struct Walk<'a> {
    found: Found,
    inside: &'a Root,
    /// (device, inode) of all that was visited.
    seen: HashSet<(u64, u64)>,
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
        let mut entries = match listed {
            Ok(entries) => entries,
            Err(error) => {
                return self.problem(
                    relative,
                    format!("it cannot be listed ({error}); check its owner and mode"),
                    true,
                );
            }
        };
        // What is there itself comes before links to it, whatever the folder's order.
        entries
            .sort_by_key(|entry| (entry.file_type().is_ok_and(|kind| kind.is_symlink()), entry.file_name()));
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
            self.entry(&entry, name, path);
        }
    }

    fn entry(&mut self, entry: &std::fs::DirEntry, name: &str, path: String) {
        let Ok(kind) = entry.file_type() else { return };
        let is_note =
            Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("md"));
        if !is_note && !kind.is_dir() && !kind.is_symlink() {
            return;
        }
        // Follows links: a dangling or circular one is an error here.
        let metadata = match std::fs::metadata(entry.path()) {
            Ok(metadata) => metadata,
            Err(error) if kind.is_symlink() => {
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
        if kind.is_symlink() && matches!(self.inside.find(&path), Err(Astray::Outside)) {
            // An attachment's link is nobody's business.
            if is_note || metadata.is_dir() {
                self.found.links_left_out += 1;
                self.problem(&path, OUTSIDE.to_owned(), false);
            }
            return;
        }
        if !self.seen.insert((metadata.dev(), metadata.ino())) {
            if kind.is_symlink() {
                let reason = "the link leads to what was read already, it may be a loop; remove it";
                self.problem(&path, reason.to_owned(), false);
            }
            return;
        }
        if metadata.is_dir() {
            self.dir(&entry.path(), &path);
        } else if is_note && metadata.is_file() {
            let stamp = self.stamp(&metadata);
            self.found.notes.push((path, stamp));
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

fn join(relative: &str, name: &str) -> String {
    if relative.is_empty() { name.to_owned() } else { format!("{relative}/{name}") }
}

/// What Syncthing, Dropbox and Obsidian Sync call the other copy where two differ.
fn is_left_behind(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.contains(".sync-conflict-") || lower.contains("conflicted copy") || lower.starts_with("~syncthing~")
}
