//! Tracks tasks between two reads of a vault.
//!
//! A task is identified by its text, and by a number among tasks with the same text: its note may be renamed
//! and its line may move. Of lines with the same text, the one in the same note with the same due date is
//! taken for the same task, then another in that note, then one elsewhere. A task whose text changes is gone,
//! and a new one appears. Tasks that were closed when first seen are ignored: a ten-year-old vault has
//! thousands of them, and nothing happens to them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::task::{Priority, State};
use crate::domain::words::words;

/// The permanent identity of a task: its text, and its number among tasks with that text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskId {
    /// A digest of its text, or its own id.
    pub words: String,
    /// From 1.
    pub number: u32,
}

/// The tracked state of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// A digest of its note's path.
    pub note: String,
    pub state: State,
    pub due: Option<Date>,
    pub scheduled: Option<Date>,
    pub priority: Priority,
    /// Whether another task follows when it is done.
    pub recurs: bool,
}

/// A task as just read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// See [`TaskId::words`].
    pub words: String,
    pub fact: Fact,
}

/// What happened to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Appeared,
    /// It is done, or cancelled.
    Closed,
    /// Its due date changed.
    DueMoved,
    /// Something else about it changed.
    Changed,
    /// It moved to another note.
    Relocated,
    /// It no longer exists.
    Gone,
}

words! {
    Kind {
        Appeared: "appeared",
        Closed: "closed",
        DueMoved: "due-moved",
        Changed: "changed",
        Relocated: "relocated",
        Gone: "gone",
    }
}

/// A change of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub id: TaskId,
    pub kind: Kind,
    /// Its state; for a task that is gone, its last state.
    pub fact: Fact,
    /// Its index among the tasks just read, if it exists.
    pub seen: Option<usize>,
}

/// The tracked open tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    tasks: BTreeMap<TaskId, Fact>,
    /// The highest number used for each text.
    numbers: BTreeMap<String, u32>,
}

impl Known {
    pub fn tasks(&self) -> impl ExactSizeIterator<Item = (&TaskId, &Fact)> {
        self.tasks.iter()
    }

    /// Applies a change.
    pub fn evolve(&mut self, id: TaskId, kind: Kind, fact: Fact) {
        let highest = self.numbers.entry(id.words.clone()).or_default();
        *highest = id.number.max(*highest);
        match kind {
            Kind::Closed | Kind::Gone => self.tasks.remove(&id),
            _ => self.tasks.insert(id, fact),
        };
    }

    /// Removes a task.
    pub fn remove(&mut self, id: &TaskId) {
        self.tasks.remove(id);
    }

    /// The changes, given the tasks that exist now, in the order of notes and lines. `read` are the notes
    /// that could be read. If the read was not complete, tasks that may be elsewhere stay.
    #[must_use]
    pub fn changes(&self, seen: &[Seen], read: &BTreeSet<String>, is_whole: bool) -> Vec<Change> {
        let mut by_words: BTreeMap<&str, Group<'_>> = BTreeMap::new();
        for (id, fact) in &self.tasks {
            by_words.entry(&id.words).or_default().known.push((id, fact));
        }
        for (index, task) in seen.iter().enumerate() {
            by_words.entry(&task.words).or_default().seen.push((index, &task.fact));
        }
        let mut changes = Vec::new();
        for (words, group) in by_words {
            let highest = self.numbers.get(words).copied().unwrap_or_default();
            group.changes(words, highest, read, is_whole, &mut changes);
        }
        changes
    }
}

/// All tasks with the same text.
#[derive(Default)]
struct Group<'a> {
    known: Vec<(&'a TaskId, &'a Fact)>,
    seen: Vec<(usize, &'a Fact)>,
}

/// Whether a tracked task may be a task just read; the first match counts.
const FITS: [fn(&Fact, &Fact) -> bool; 6] = [
    |known, seen| known.note == seen.note && known.due == seen.due && seen.state.is_open(),
    |known, seen| known.note == seen.note && known.due == seen.due,
    |known, seen| known.note == seen.note && seen.state.is_open(),
    |known, seen| known.due == seen.due && seen.state.is_open(),
    |_, seen| seen.state.is_open(),
    |known, seen| known.note == seen.note,
];

impl Group<'_> {
    fn changes(
        mut self,
        words: &str,
        highest: u32,
        read: &BTreeSet<String>,
        is_whole: bool,
        changes: &mut Vec<Change>,
    ) {
        for fits in FITS {
            let seen = &mut self.seen;
            self.known.retain(|(id, known)| {
                let Some(at) = seen.iter().position(|(_, seen)| fits(known, seen)) else { return true };
                let (index, fact) = seen.remove(at);
                if let Some(kind) = kind(known, fact) {
                    changes.push(Change { id: (*id).clone(), kind, fact: fact.clone(), seen: Some(index) });
                }
                false
            });
        }
        for (id, known) in self.known {
            if is_whole || read.contains(&known.note) {
                changes.push(Change { id: id.clone(), kind: Kind::Gone, fact: known.clone(), seen: None });
            }
        }
        let open = self.seen.into_iter().filter(|(_, fact)| fact.state.is_open());
        for ((index, fact), number) in open.zip(highest + 1..) {
            let id = TaskId { words: words.to_owned(), number };
            changes.push(Change { id, kind: Kind::Appeared, fact: fact.clone(), seen: Some(index) });
        }
    }
}

/// What happened to a task; none if nothing did.
fn kind(known: &Fact, seen: &Fact) -> Option<Kind> {
    if !seen.state.is_open() {
        return Some(Kind::Closed);
    }
    if known.due != seen.due {
        return Some(Kind::DueMoved);
    }
    let before = Fact { note: seen.note.clone(), ..known.clone() };
    if before != *seen {
        return Some(Kind::Changed);
    }
    (known.note != seen.note).then_some(Kind::Relocated)
}

#[cfg(test)]
mod tests;
