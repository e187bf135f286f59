//! The aggregate of the vault's tasks.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::vault::track::{self, Change, Kind, Known, Seen};
use crate::domain::vault::{State, Task, VaultSettings};
use crate::event::envelope::hex;
use crate::event::payload::{SessionLogged, TaskGone, TaskObserved};
use crate::event::{Event, EventId, TenantId};
use crate::integration::obsidian::Snapshot;
use crate::log::{EventLog, Expected, LogError};
use crate::service::aggregate::repository::{self, Aggregate, Fact, Next, new_event, prepared};

/// The stream of lines written to the vault.
const WRITTEN: &str = "vault-written";
/// Digest length in bytes: enough to rule out collisions.
const DIGEST: usize = 12;

/// The digest of a text or a note. Someone who guesses the text can confirm it with the digest; the digest alone
/// reveals nothing.
#[must_use]
pub fn digest(kind: &str, bytes: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_bytes()).update(&[0]).update(bytes);
    hex(&hasher.finalize().as_bytes()[..DIGEST])
}

/// A task as it is tracked.
fn seen(path: &str, task: &Task, state: State, settings: &VaultSettings) -> Seen {
    let words = match &task.id {
        Some(id) => digest("id", id.as_bytes()),
        None => digest("text", task.text.split_whitespace().collect::<Vec<_>>().join(" ").as_bytes()),
    };
    let fact = track::Fact {
        note: digest("note", path.as_bytes()),
        state,
        due: task.due,
        scheduled: settings.scheduled(path, task),
        priority: task.priority,
        recurs: task.recurrence.is_some(),
    };
    Seen { words, fact }
}

/// The open tasks of a tenant's vault.
pub struct TaskAggregate;

/// What one read of the vault found.
#[derive(Debug, Clone, Default)]
pub struct Look {
    tasks: Vec<Seen>,
    /// The notes that were read.
    notes: BTreeSet<String>,
    /// Whether nothing was left out: only then are missing tasks gone.
    is_whole: bool,
    /// The path and text of each task if the events may hold them; else empty.
    words: Vec<(String, String)>,
}

impl Look {
    /// The tasks of a snapshot. With `keeps_words` the events hold their texts and paths.
    #[must_use]
    pub fn new(snapshot: &Snapshot, keeps_words: bool) -> Self {
        let (mut tasks, mut words) = (Vec::new(), Vec::new());
        for (path, task, state) in snapshot.tasks() {
            tasks.push(seen(path, task, state, &snapshot.settings));
            if keeps_words {
                words.push((path.to_owned(), task.text.clone()));
            }
        }
        let notes = snapshot.notes().map(|(path, _)| digest("note", path.as_bytes())).collect();
        Self { tasks, notes, is_whole: snapshot.is_whole(), words }
    }
}

/// A change of a task, with its path and text if the event may hold them.
#[derive(Debug, Clone)]
pub struct TaskChange {
    change: Change,
    words: Option<(String, String)>,
}

impl Aggregate for TaskAggregate {
    const STREAM: &'static str = "vault";
    const ACTOR: &'static str = "vault";
    /// The first read of a ten-year-old vault finds thousands of tasks. What exceeds one append follows with
    /// the next read.
    const BATCH: usize = 1024;

    type State = Known;
    type Command = Arc<Look>;
    type Change = TaskChange;
    type Error = Infallible;

    fn decide(known: &Known, look: Arc<Look>, _: Timestamp) -> Result<Vec<TaskChange>, Infallible> {
        let changes = known.changes(&look.tasks, &look.notes, look.is_whole).into_iter();
        let words = |change: &Change| look.words.get(change.seen?).cloned();
        Ok(changes.map(|change| TaskChange { words: words(&change), change }).collect())
    }

    fn event(_: &Known, TaskChange { change, words }: &TaskChange, next: &Next<'_>) -> Fact {
        let event = if change.kind == Kind::Gone {
            Event::TaskGone(TaskGone::new(&change.id))
        } else {
            let words = words.as_ref().map(|(path, text)| (path.as_str(), text.as_str()));
            Event::TaskObserved(TaskObserved::new(change, words))
        };
        // Unique to this version of the stream: a retry after an unknown outcome has the same id.
        let (number, version) = (change.id.number.to_string(), next.version.to_string());
        let id = EventId::derive("task", &[next.tenant, &change.id.words, &number, &version]);
        Fact { id, event, at: next.now }
    }

    fn label(_: &Arc<Look>) -> &'static str {
        "observe-tasks"
    }
}

/// Records that a line was added to a note; the same line again has the same event id. Blocks.
///
/// # Errors
/// [`LogError`].
pub fn record_line(
    log: &dyn EventLog,
    tenant: &TenantId,
    path: &str,
    line: &str,
    session: &str,
    actor: &'static str,
) -> Result<(), LogError> {
    let (note, line) = (digest("note", path.as_bytes()), digest("line", line.as_bytes()));
    let logged = SessionLogged { note, line, session: session.to_owned() };
    let id = EventId::derive("session-logged", &[tenant.as_str(), &logged.note, &logged.line]);
    let metadata = repository::metadata_for(actor);
    let event = new_event(id, &Event::SessionLogged(logged), Timestamp::now(), &metadata);
    log.append(prepared(tenant, WRITTEN, Expected::Any, vec![event])).wait().map(drop)
}
