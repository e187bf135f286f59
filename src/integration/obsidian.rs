//! An Obsidian vault on disk: its notes as they are now. Obsidian need not run.
//!
//! A look walks the folder and reads what has changed since the look before: a note is told from its earlier self
//! by its length, its time and its inode. What cannot be read is a problem with its mend, and stops nothing.

pub mod append;
pub mod settings;
mod walk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::domain::vault::task::Rules;
use crate::domain::vault::{Note, State, Task};
use crate::files::beneath::{Astray, Root};

pub use crate::domain::vault::VaultSettings;

/// The name of this source.
pub const SYSTEM: &str = "vault";

/// Longer notes are not read, in bytes.
pub(crate) const NOTE_MAX: u64 = 16 * 1024 * 1024;
/// Said of a link that leads to where others than the vault's owner may have meant it to lead.
const OUTSIDE: &str = "the link leads out of the vault and is not read; move what it leads to into the vault";
/// A note that was this young when it was read may have changed since without another time.
const TICK: Duration = Duration::from_secs(2);

/// Something that stands in the way of reading: where, and the mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Relative to the vault.
    pub path: String,
    /// What is wrong, and the mend.
    pub reason: String,
    /// Whether notes may be behind it that were not read.
    pub hides: bool,
}

/// Why there is no vault to read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The folder is not there: moved, or a disk that is not mounted.
    #[error("{0} is not there; mount it, or name the vault's folder in vault.path")]
    Missing(String),
    /// It is something else.
    #[error("{0} is no folder; name the vault's folder in vault.path")]
    NoFolder(String),
    /// The system lets nobody in.
    #[error("{path} cannot be read ({reason}); check its owner and mode")]
    Unreadable {
        /// Which.
        path: String,
        /// What the system said.
        reason: String,
    },
}

/// How a note's file was when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    /// Device and inode.
    inode: (u64, u64),
    /// Whether it was old enough that a change would show.
    is_settled: bool,
}

#[derive(Debug, Clone)]
struct Kept {
    stamp: Stamp,
    note: Arc<Note>,
}

/// A vault as it was at a look.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The vault's folder.
    pub root: PathBuf,
    notes: BTreeMap<String, Kept>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Links that lead out of the vault and are not read.
    pub links_left_out: usize,
    /// Obsidian's own settings in the vault.
    pub settings: VaultSettings,
}

/// Looks at a vault. What `before` holds is not read again. Blocks.
///
/// # Errors
/// [`VaultError`].
pub fn read(root: &Path, before: Option<&Snapshot>) -> Result<Snapshot, VaultError> {
    let shown = || root.display().to_string();
    match std::fs::metadata(root) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(VaultError::NoFolder(shown())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(VaultError::Missing(shown()));
        }
        Err(error) => return Err(VaultError::Unreadable { path: shown(), reason: error.to_string() }),
    }
    std::fs::read_dir(root)
        .map_err(|error| VaultError::Unreadable { path: shown(), reason: error.to_string() })?;
    let inside = Root::open(root)
        .map_err(|error| VaultError::Unreadable { path: shown(), reason: error.to_string() })?;
    let (settings, mut problems) = settings::read(&inside);
    let found = walk::notes(root, &inside, &settings);
    problems.extend(found.problems);
    // By other rules the same lines are other tasks.
    let before = before.filter(|before| before.root == root && before.settings.rules() == settings.rules());
    let mut notes = BTreeMap::new();
    for (path, stamp) in found.notes {
        let kept = before.and_then(|before| before.notes.get(&path));
        if let Some(kept) = kept.filter(|kept| kept.stamp == stamp && kept.stamp.is_settled) {
            notes.insert(path, kept.clone());
            continue;
        }
        match read_note(&inside, &path, stamp, settings.rules()) {
            Ok(note) => {
                notes.insert(path, Kept { stamp, note: Arc::new(note) });
            }
            // It went away between the walk and now: as if it had not been there.
            Err(None) => {}
            Err(Some(reason)) => problems.push(Problem { path, reason, hides: true }),
        }
    }
    Ok(Snapshot { root: root.to_owned(), notes, problems, links_left_out: found.links_left_out, settings })
}

fn read_note(inside: &Root, path: &str, stamp: Stamp, rules: &Rules) -> Result<Note, Option<String>> {
    if stamp.length > NOTE_MAX {
        return Err(Some(format!(
            "it has {} MiB, more than {} are not read; split it",
            stamp.length >> 20,
            NOTE_MAX >> 20
        )));
    }
    // Whatever has come to this path since the walk: it is read inside of the vault or not at all.
    match inside.read(path, NOTE_MAX) {
        // Obsidian shows what is no UTF-8 with a sign in its place, and so do we.
        Ok(Some(bytes)) => Ok(Note::parse_by(&String::from_utf8_lossy(&bytes), rules)),
        Ok(None) | Err(Astray::Nowhere) => Err(None),
        Err(Astray::Outside) => Err(Some(OUTSIDE.to_owned())),
        Err(Astray::File(error)) if error.kind() == std::io::ErrorKind::NotFound => Err(None),
        Err(Astray::File(error)) => {
            Err(Some(format!("it cannot be read ({error}); check its owner and mode")))
        }
    }
}

impl Snapshot {
    /// The notes by their paths, which are relative to the vault.
    pub fn notes(&self) -> impl ExactSizeIterator<Item = (&str, &Note)> {
        self.notes.iter().map(|(path, kept)| (path.as_str(), &*kept.note))
    }

    /// One note.
    #[must_use]
    pub fn note(&self, path: &str) -> Option<&Note> {
        self.notes.get(path).map(|kept| &*kept.note)
    }

    /// The tasks, in the order of their notes and lines: those that the vault's own settings make tasks.
    pub fn tasks(&self) -> impl Iterator<Item = (&str, &Task, State)> {
        self.notes().flat_map(move |(path, note)| {
            note.tasks.iter().filter_map(move |task| Some((path, task, self.settings.state_of(task)?)))
        })
    }

    /// Whether all notes could be read.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.problems.iter().any(|problem| problem.hides)
    }
}
