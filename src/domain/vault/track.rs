//! What became of tasks between two looks at a vault.
//!
//! A task is known by its words, and where several have the same words, by a number among them: its note may be
//! renamed and its line may move. Of lines with the same words the one in the same note with the same due date is
//! taken for the same task, then another in that note, then one elsewhere. A task whose words change is gone, and
//! another one appears. Tasks that were closed when they were first seen are never known: a vault of ten years
//! holds thousands of them, and nothing became of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::task::{Priority, State};
use crate::domain::words::words;

/// Names a task for ever: of what words, and which of those.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskId {
    /// A digest of its words, or its own id.
    pub words: String,
    /// From 1.
    pub number: u32,
}

/// What is known of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// A digest of its note's path.
    pub note: String,
    /// Whether it is to be done.
    pub state: State,
    /// When it is due.
    pub due: Option<Date>,
    /// When it is to be begun.
    pub scheduled: Option<Date>,
    /// How much it matters.
    pub priority: Priority,
    /// Whether another one follows when it is done.
    pub recurs: bool,
}

/// A task as it was just seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// See [`TaskId::words`].
    pub words: String,
    /// How it stands.
    pub fact: Fact,
}

/// What became of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is new.
    Appeared,
    /// It is done, or will not be done.
    Closed,
    /// It is due at another time.
    DueMoved,
    /// Something else about it is different.
    Changed,
    /// It is in another note.
    Relocated,
    /// It is not there any more.
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

/// Something became of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub id: TaskId,
    /// What.
    pub kind: Kind,
    /// How it stands; of one that is gone, how it stood.
    pub fact: Fact,
    /// Which of those that were seen, where it was.
    pub seen: Option<usize>,
}

/// The open tasks that are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    tasks: BTreeMap<TaskId, Fact>,
    /// The highest number of each words.
    numbers: BTreeMap<String, u32>,
}

impl Known {
    /// The tasks.
    pub fn tasks(&self) -> impl ExactSizeIterator<Item = (&TaskId, &Fact)> {
        self.tasks.iter()
    }

    /// Applies what became of a task.
    pub fn evolve(&mut self, id: TaskId, kind: Kind, fact: Fact) {
        let highest = self.numbers.entry(id.words.clone()).or_default();
        *highest = id.number.max(*highest);
        match kind {
            Kind::Closed | Kind::Gone => self.tasks.remove(&id),
            _ => self.tasks.insert(id, fact),
        };
    }

    /// A task is not there any more.
    pub fn remove(&mut self, id: &TaskId) {
        self.tasks.remove(id);
    }

    /// What became of the tasks, given those that are there now, in the order of their notes and lines. `read` are
    /// the notes that could be read; where the look was not at all of them, those tasks stay that may be elsewhere.
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

/// All that have the same words.
#[derive(Default)]
struct Group<'a> {
    known: Vec<(&'a TaskId, &'a Fact)>,
    seen: Vec<(usize, &'a Fact)>,
}

/// Whether a task that is known may be one that is seen; the first that fits is taken.
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

/// What became of a task; none where nothing did.
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
