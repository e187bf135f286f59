//! The tasks of the vault as the log has them, and the one way to change them.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::vault::track::{Change, Fact, Kind, Known, Seen};
use crate::domain::vault::{State, Task};
use crate::event::envelope::hex;
use crate::event::payload::{SessionLogged, TaskGone, TaskObserved};
use crate::event::{Event, EventId, StreamId, TenantId, Version};
use crate::integration::obsidian::Snapshot;
use crate::log::{Append, EventLog, Expected, LogError};
use crate::service::aggregate::repository;
use crate::service::usage::recorder::new_event;
use crate::view::ViewError;

/// The stream of all tasks of a tenant.
const STREAM: &str = "vault";
/// The stream of what was written to the vault.
const WRITTEN: &str = "vault-written";
/// Bytes of a digest: enough that two words never share one.
const DIGEST: usize = 12;
/// Events of one append: a first look at a vault of ten years finds thousands.
const BATCH: usize = 1024;

/// The digest of a text. Whoever guesses the text can prove it by this; whoever does not learns nothing.
#[must_use]
pub fn digest(kind: &str, text: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_bytes()).update(&[0]).update(text.as_bytes());
    hex(&hasher.finalize().as_bytes()[..DIGEST])
}

/// A task as it is followed.
fn seen(path: &str, task: &Task, state: State) -> Seen {
    let words = match &task.id {
        Some(id) => digest("id", id),
        None => digest("text", &task.text.split_whitespace().collect::<Vec<_>>().join(" ")),
    };
    let fact = Fact {
        note: digest("note", path),
        state,
        due: task.due,
        scheduled: task.scheduled,
        priority: task.priority,
        recurs: task.recurrence.is_some(),
    };
    Seen { words, fact }
}

/// The tasks of one tenant's vault and the version of their stream.
#[derive(Clone)]
pub struct VaultBook {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    known: Known,
    version: Version,
}

impl VaultBook {
    /// Reads the tasks from the log. Blocks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn load(log: Arc<dyn EventLog>, tenant: TenantId) -> Result<Self, ViewError> {
        let mut known = Known::default();
        let version = repository::fold(&*log, &tenant, STREAM, |record, event| {
            match event {
                Event::TaskObserved(stored) => {
                    let change = stored.to_change();
                    let (id, kind, fact) = change.map_err(|error| repository::malformed(record, &error))?;
                    known.evolve(id, kind, fact);
                }
                Event::TaskGone(gone) => {
                    known.remove(&gone.to_id().map_err(|error| repository::malformed(record, &error))?);
                }
                _ => {}
            }
            Ok::<_, ViewError>(())
        })?;
        Ok(Self { log, tenant, known, version })
    }

    /// Whether no open task is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.tasks().len() == 0
    }

    /// Records what became of the tasks since the last look. How many changes there were. With `keeps_words` the
    /// events hold the tasks' words and paths.
    ///
    /// # Errors
    /// [`LogError`]. What was recorded is in the book; after a conflict it must be loaded again.
    pub async fn observe(&mut self, snapshot: &Snapshot, keeps_words: bool) -> Result<usize, LogError> {
        let tasks: Vec<(&str, &Task, State)> = snapshot.tasks().collect();
        let told: Vec<Seen> = tasks.iter().map(|(path, task, state)| seen(path, task, *state)).collect();
        let read: BTreeSet<String> = snapshot.notes().map(|(path, _)| digest("note", path)).collect();
        let changes = self.known.changes(&told, &read, snapshot.is_whole());
        let count = changes.len();
        let words = |change: &Change| {
            let (path, task, _) = tasks.get(change.seen?)?;
            keeps_words.then_some((*path, task.text.as_str()))
        };
        for batch in changes.chunks(BATCH) {
            self.record(batch, &words).await?;
        }
        Ok(count)
    }

    async fn record<'a>(
        &mut self,
        batch: &[Change],
        words: &(dyn Fn(&Change) -> Option<(&'a str, &'a str)> + Sync),
    ) -> Result<(), LogError> {
        let metadata = repository::by("vault");
        let now = Timestamp::now();
        let events = batch.iter().zip(self.version.0 + 1..).map(|(change, version)| {
            let event = match change.kind {
                Kind::Gone => Event::TaskGone(TaskGone::new(&change.id)),
                _ => Event::TaskObserved(TaskObserved::new(change, words(change))),
            };
            // Of this place in the stream: what is told again after an outcome that was not known is the same.
            let parts =
                [self.tenant.as_str(), &change.id.words, &change.id.number.to_string(), &version.to_string()];
            new_event(EventId::derive("task", &parts), &event, now, &metadata)
        });
        let append = Append {
            tenant: self.tenant.clone(),
            stream: StreamId::new(STREAM),
            expected: Expected::at(self.version),
            events: events.collect(),
        };
        self.log.append(append).await?;
        self.version = Version(self.version.0 + batch.len() as u64);
        for change in batch {
            self.known.evolve(change.id.clone(), change.kind, change.fact.clone());
        }
        Ok(())
    }
}

/// Records that a line was added to a note; the same line again is the same event. Blocks.
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
    let logged =
        SessionLogged { note: digest("note", path), line: digest("line", line), session: session.to_owned() };
    let id = EventId::derive("session-logged", &[tenant.as_str(), &logged.note, &logged.line]);
    let metadata = repository::by(actor);
    let event = new_event(id, &Event::SessionLogged(logged), Timestamp::now(), &metadata);
    let append = Append {
        tenant: tenant.clone(),
        stream: StreamId::new(WRITTEN),
        expected: Expected::Any,
        events: vec![event],
    };
    log.append(append).wait().map(drop)
}
