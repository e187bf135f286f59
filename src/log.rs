//! The append-only log: the one place where anything is remembered.
//!
//! # The contract
//!
//! Every implementation of [`EventLog`] holds these rules, and `log/conformance.rs` proves them:
//!
//! 1. If [`EventLog::append`] answers [`Ok`], its events are durable: they survive a kill and a power cut.
//! 2. Positions are assigned by the log alone, gapless from 1, in the order of acknowledgement.
//! 3. An append is all or nothing, and its new events stand at consecutive positions.
//! 4. An event whose id is already in the log is not appended again: its old position is answered,
//!    for ever. This is checked before the expected version.
//! 5. Versions are gapless from 1 within (tenant, stream).
//! 6. [`Expected::NoStream`] and [`Expected::Exact`] are checked against the version at the moment
//!    of the append; a mismatch is [`LogError::Conflict`] and appends nothing.
//! 7. `recorded_at` never decreases along the log.
//! 8. A reader sees an event as soon as its append is acknowledged, and never an event that is not durable.
//! 9. The head that [`EventLog::watch`] shows never goes back.
//! 10. After a failed write or sync the log answers [`LogError::UnknownOutcome`] to those who waited,
//!     refuses appends, and still serves reads.
//!
//! # The map
//!
//! ```text
//!   event_log.rs   SledLog: the durable log       memory.rs       MemoryLog
//!   writer.rs      the one thread that appends    applier.rs      the thread that brings sled up
//!   journal.rs     segment files, in memory where each block stands
//!   store.rs       sled: the same blocks, and run.rs: an index entry for each run of them
//!   index.rs       ids and versions in memory     shared.rs       reading, with either copy
//!   block.rs       the unit of commit             disk.rs         the disk as a trait
//!   open.rs        from two copies to one log     heal.rs, repair.rs, verify.rs
//!   backup.rs, restore.rs, export.rs              conformance.rs  the rules as checks
//! ```
//!
//! `docs/log.md` draws the files and says what survives what.

mod applier;
pub mod backup;
pub mod block;
mod bytes;
pub mod conformance;
pub mod disk;
mod event_log;
pub mod export;
mod footprint;
mod heal;
mod hold;
mod index;
pub mod journal;
mod memory;
mod meters;
mod open;
mod options;
pub mod repair;
pub mod restore;
mod run;
mod shared;
mod store;
pub mod verify;
mod writer;

use std::ops::ControlFlow;
use std::path::Path;

pub use event_log::{APPEND_BYTES_MAX, SecondCopy, SledLog};
pub use footprint::Footprint;
pub use hold::is_held;
use jiff::Timestamp;
pub use memory::MemoryLog;
pub use options::{CACHE_BYTES, LogCopy, OpenReport, Options, RESERVE_BYTES, Repair, RepairEvent};

use crate::domain::code::{Code, Coded};
use crate::event::{EventId, NewEvent, Position, RecordRef, Recorded, StreamId, TenantId, Version};
use crate::files::{Refused, refusal};

/// What the appender believes about the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// No belief: append at the end.
    Any,
    /// The stream has no events.
    NoStream,
    /// The stream's last event has this version.
    Exact(Version),
}

impl Expected {
    /// What a writer believes who has read the stream up to this version.
    #[must_use]
    pub fn at(version: Version) -> Self {
        if version == Version::NONE { Self::NoStream } else { Self::Exact(version) }
    }
}

/// A request to append events to one stream, all or nothing.
#[derive(Debug, Clone)]
pub struct Append {
    /// Whose events.
    pub tenant: TenantId,
    /// The stream.
    pub stream: StreamId,
    /// See [`Expected`].
    pub expected: Expected,
    /// At least one.
    pub events: Vec<NewEvent>,
}

/// What became of one event of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Appended now, at this position.
    New(Position),
    /// Its id was known: it has stood at this position since then.
    Duplicate(Position),
}

impl Outcome {
    /// Where the event stands.
    #[must_use]
    pub fn position(self) -> Position {
        match self {
            Self::New(position) | Self::Duplicate(position) => position,
        }
    }

    /// Whether this append wrote it.
    #[must_use]
    pub fn is_new(self) -> bool {
        matches!(self, Self::New(_))
    }
}

/// The answer to an append: one outcome for each event, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// In the order of [`Append::events`].
    pub outcomes: Vec<Outcome>,
}

impl Appended {
    /// How many events were not in the log before.
    #[must_use]
    pub fn new_count(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.is_new()).count()
    }
}

/// The end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Head {
    /// The last event's position; [`Position::START`] when the log is empty.
    pub position: Position,
    /// The hash of the last block, which covers everything before it; zero when the log is empty.
    #[serde(serialize_with = "as_hex")]
    pub hash: [u8; 32],
    /// When the last event was recorded.
    pub recorded_at: Timestamp,
}

/// Hashes are hexadecimal wherever people or other programs see them.
fn as_hex<S: serde::Serializer>(hash: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&blake3::Hash::from_bytes(*hash))
}

/// What can go wrong, by what the caller can do about it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// The stream moved: read it again and decide again.
    #[error("stream {stream} is at version {actual}, not as expected; read it again and decide again")]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// Its version at the moment of the append.
        actual: Version,
    },
    /// Nothing was written, and nothing will be until the cause is gone.
    #[error("the log does not accept events: {reason}; {fix}")]
    ReadOnly {
        /// Why.
        reason: String,
        /// The mend.
        fix: String,
    },
    /// A write or sync failed: the events may or may not be there. Ask again with the same ids.
    #[error(
        "it is not known whether the events were written ({reason}); send them again with the same ids once the log is open"
    )]
    UnknownOutcome {
        /// What the disk said.
        reason: String,
    },
    /// Both copies are damaged.
    #[error(
        "the log is damaged at position {position}: {detail}; everything before it is readable; run `mecris verify`, then `mecris repair` or `mecris restore` from a backup"
    )]
    Corrupt {
        /// The first position that is lost.
        position: Position,
        /// What was found.
        detail: String,
    },
    /// Another process holds the log.
    #[error("another mecris holds {path}; stop it, or choose another directory with --data-dir")]
    Locked {
        /// The lock file.
        path: String,
    },
    /// An event breaks a limit of the envelope.
    #[error("event refused: {reason}")]
    Invalid {
        /// Which limit.
        reason: String,
    },
    /// The disk or the file system said no.
    #[error("{action} {path}: {source_text}; {fix}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: String,
        /// What the system said.
        source_text: String,
        /// The mend.
        fix: String,
    },
    /// A file or directory is a link, somebody else's, or lies where it must not: it is left alone.
    #[error(transparent)]
    Unsafe(#[from] Refused),
    /// Too much waits for the disk.
    #[error("the log has {queued_bytes} bytes of events waiting for the disk; send this again in a moment")]
    Busy {
        /// What waits.
        queued_bytes: usize,
    },
    /// The log has been closed.
    #[error("the log is closed")]
    Closed,
}

impl Coded for LogError {
    fn code(&self) -> Code {
        match self {
            Self::Conflict { .. } => Code::Conflict,
            Self::ReadOnly { .. } | Self::Closed => Code::Unavailable,
            Self::UnknownOutcome { .. } => Code::UnknownOutcome,
            Self::Corrupt { .. } => Code::LogDamaged,
            Self::Invalid { .. } | Self::Unsafe(_) => Code::EventRefused,
            Self::Busy { .. } => Code::Busy,
            Self::Locked { .. } | Self::Io { .. } => Code::Internal,
        }
    }
}

fn io_error(action: &'static str, path: &Path, error: &std::io::Error) -> LogError {
    if let Some(refused) = refusal(error) {
        return LogError::Unsafe(refused.clone());
    }
    let fix = match error.kind() {
        std::io::ErrorKind::PermissionDenied => "give this user the rights to it",
        std::io::ErrorKind::StorageFull => "free some space on its disk",
        std::io::ErrorKind::NotFound => "check the data directory",
        _ => "check the disk",
    };
    LogError::Io {
        action,
        path: path.display().to_string(),
        source_text: error.to_string(),
        fix: fix.to_owned(),
    }
}

/// The future of an append. Dropping it does not undo the append.
#[derive(Debug)]
pub struct Appending(tokio::sync::oneshot::Receiver<Result<Appended, LogError>>);

impl Appending {
    /// For implementations: the future and the place to send its answer.
    #[must_use]
    pub fn channel() -> (tokio::sync::oneshot::Sender<Result<Appended, LogError>>, Self) {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        (sender, Self(receiver))
    }

    /// Waits on this thread. Never call it on an actor's thread or a runtime worker.
    ///
    /// # Errors
    /// As [`EventLog::append`].
    pub fn wait(self) -> Result<Appended, LogError> {
        self.0.blocking_recv().unwrap_or(Err(LogError::Closed))
    }
}

impl Future for Appending {
    type Output = Result<Appended, LogError>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(cx).map(|answer| answer.unwrap_or(Err(LogError::Closed)))
    }
}

/// Called for each record of a scan; break to stop.
pub type Visit<'a> = dyn FnMut(&RecordRef<'_>) -> ControlFlow<()> + 'a;

/// An append-only log of events. The module's essay numbers its rules.
///
/// Reads block on the disk: call them from a blocking thread, never from an actor.
pub trait EventLog: Send + Sync + 'static {
    /// Appends events to one stream.
    ///
    /// # Errors
    /// [`LogError::Conflict`], [`LogError::ReadOnly`], [`LogError::UnknownOutcome`],
    /// [`LogError::Invalid`], [`LogError::Closed`].
    fn append(&self, append: Append) -> Appending;

    /// The end of the log.
    fn head(&self) -> Head;

    /// Follows the head; see rule 9.
    fn watch(&self) -> tokio::sync::watch::Receiver<Head>;

    /// Visits the records from `from` (inclusive) to `until` (inclusive), in order, each block's
    /// checksum verified on the way.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] at the first record that neither copy can give.
    fn scan(&self, from: Position, until: Position, visit: &mut Visit<'_>) -> Result<(), LogError>;

    /// Visits the records of one stream from a version on.
    ///
    /// # Errors
    /// As [`EventLog::scan`].
    fn scan_stream(
        &self,
        tenant: &TenantId,
        stream: &StreamId,
        from: Version,
        visit: &mut Visit<'_>,
    ) -> Result<(), LogError>;

    /// The version of a stream's last event.
    fn stream_version(&self, tenant: &TenantId, stream: &StreamId) -> Version;

    /// Where the event with this id stands.
    ///
    /// # Errors
    /// As [`EventLog::scan`].
    fn find(&self, id: EventId) -> Result<Option<Position>, LogError>;

    /// The last position recorded at or before an instant.
    ///
    /// # Errors
    /// As [`EventLog::scan`].
    fn position_at(&self, recorded_at: Timestamp) -> Result<Position, LogError>;

    /// One record, owned.
    ///
    /// # Errors
    /// As [`EventLog::scan`].
    fn get(&self, position: Position) -> Result<Option<Recorded>, LogError> {
        let mut found = None;
        if position != Position::START && position <= self.head().position {
            self.scan(position, position, &mut |record| {
                found = Some(record.to_recorded());
                ControlFlow::Break(())
            })?;
        }
        Ok(found)
    }

    /// Why appends are refused just now, if they are.
    fn read_only(&self) -> Option<String>;
}
