//! What became of tasks in the vault, and what was written to it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::class::classes;
use crate::domain::vault::track::{Change as TaskChange, Fact, Kind, TaskId};
use crate::domain::vault::written::Change;
use crate::domain::vault::{Priority, State};

/// A task appeared, or something about it changed: all that is known of it now. Its words are here only where
/// `vault.record_text` says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskObserved {
    /// A digest of its words, and its number among those that have the same.
    pub task: String,
    /// `appeared`, `closed`, `due-moved`, `changed` or `relocated`.
    pub change: String,
    /// A digest of its note's path.
    pub note: String,
    /// `todo`, `in-progress`, `on-hold`, `done` or `cancelled`.
    pub state: String,
    /// When it is due, `YYYY-MM-DD`.
    pub due: Option<String>,
    /// When it is to be begun, `YYYY-MM-DD`.
    pub scheduled: Option<String>,
    /// `highest`, `high`, `medium`, `none`, `low` or `lowest`.
    pub priority: String,
    /// Whether another one follows when it is done.
    pub recurs: bool,
    /// Its note's path.
    pub path: Option<String>,
    /// Its words.
    pub text: Option<String>,
}

/// A task is not in the vault any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskGone {
    /// As in `task-observed`.
    pub task: String,
}

/// A line was added to a note of the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionLogged {
    /// A digest of the note's path.
    pub note: String,
    /// A digest of the line.
    pub line: String,
    /// The session, or empty.
    pub session: String,
}

/// Bytes were put into a note of the vault. Digests are of all of the note: no text is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoteWritten {
    /// A digest of the note's path.
    pub note: String,
    /// A digest of the note before; none if it was made.
    pub before: Option<String>,
    /// A digest of the note after.
    pub after: String,
    /// Where the new bytes begin.
    pub at: u64,
    /// How many they are.
    pub length: u64,
    /// How many folders were made for the note.
    pub folders: u32,
}

/// What was written to a note of the vault was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoteRestored {
    /// A digest of the note's path.
    pub note: String,
    /// Which of the `note-written`, counted from 1.
    pub write: u64,
}

impl From<&Change> for NoteWritten {
    fn from(change: &Change) -> Self {
        let Change { note, before, after, at, length, folders } = change.clone();
        Self { note, before, after, at, length, folders }
    }
}

impl From<&NoteWritten> for Change {
    fn from(written: &NoteWritten) -> Self {
        let NoteWritten { note, before, after, at, length, folders } = written.clone();
        Self { note, before, after, at, length, folders }
    }
}

classes! {
    NoteWritten {
        None: at, length, folders;
        Pseudonymous: note, before, after;
    }
    NoteRestored {
        None: write;
        Pseudonymous: note;
    }
    TaskObserved {
        None: change, state, priority, recurs;
        Pseudonymous: task, note;
        Personal: due, scheduled, path;
        FreeText: text;
    }
    TaskGone { Pseudonymous: task; }
    SessionLogged { Pseudonymous: note, line, session; }
}

/// Why a stored task is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is nothing that this mecris knows of a task; use a newer one")]
pub struct TaskPayloadError(pub String);

fn shown(id: &TaskId) -> String {
    format!("{}-{}", id.words, id.number)
}

fn id(text: &str) -> Result<TaskId, TaskPayloadError> {
    let refused = || TaskPayloadError(text.to_owned());
    let (words, number) = text.rsplit_once('-').ok_or_else(refused)?;
    Ok(TaskId { words: words.to_owned(), number: number.parse().map_err(|_| refused())? })
}

impl TaskObserved {
    /// Of what became of a task; `words` are its path and its text, where they may be kept.
    #[must_use]
    pub fn new(change: &TaskChange, words: Option<(&str, &str)>) -> Self {
        let Fact { note, state, due, scheduled, priority, recurs } = &change.fact;
        Self {
            task: shown(&change.id),
            change: change.kind.word().to_owned(),
            note: note.clone(),
            state: state.word().to_owned(),
            due: due.map(|day| day.to_string()),
            scheduled: scheduled.map(|day| day.to_string()),
            priority: priority.word().to_owned(),
            recurs: *recurs,
            path: words.map(|(path, _)| path.to_owned()),
            text: words.map(|(_, text)| text.to_owned()),
        }
    }

    /// What it says.
    ///
    /// # Errors
    /// [`TaskPayloadError`].
    pub fn to_change(&self) -> Result<(TaskId, Kind, Fact), TaskPayloadError> {
        let refused = |text: &str| TaskPayloadError(text.to_owned());
        // That a task is gone is told by an event of its own.
        let kind = Kind::of_word(&self.change).filter(|kind| *kind != Kind::Gone);
        let state = State::of_word(&self.state);
        let priority = Priority::of_word(&self.priority);
        let day = |text: &Option<String>| match text {
            Some(text) => text.parse().map(Some).map_err(|_| refused(text)),
            None => Ok(None),
        };
        let fact = Fact {
            note: self.note.clone(),
            state: state.ok_or_else(|| refused(&self.state))?,
            due: day(&self.due)?,
            scheduled: day(&self.scheduled)?,
            priority: priority.ok_or_else(|| refused(&self.priority))?,
            recurs: self.recurs,
        };
        Ok((id(&self.task)?, kind.ok_or_else(|| refused(&self.change))?, fact))
    }
}

impl TaskGone {
    /// Of a task.
    #[must_use]
    pub fn new(task: &TaskId) -> Self {
        Self { task: shown(task) }
    }

    /// Which.
    ///
    /// # Errors
    /// [`TaskPayloadError`].
    pub fn to_id(&self) -> Result<TaskId, TaskPayloadError> {
        id(&self.task)
    }
}
