//! The append-only log: the only durable record of what happened.
//!
//! # The contract
//!
//! Every implementation of [`EventLog`] follows these rules, and `log/conformance.rs` tests them:
//!
//! 1. If [`EventLog::append`] returns [`Ok`], its events are durable: they survive a kill and a power cut.
//! 2. Positions are assigned by the log alone, gapless from 1, in the order of acknowledgement.
//! 3. An append is all or nothing, and its new events have consecutive positions.
//! 4. An event whose id is already in the log is not appended again: the append returns its old position,
//!    forever. This is checked before the expected version.
//! 5. Versions are gapless from 1 within (tenant, stream).
//! 6. [`Expected::NoStream`] and [`Expected::Exact`] are checked against the version at the moment
//!    of the append; a mismatch is [`LogError::Conflict`] and appends nothing.
//! 7. `recorded_at` never decreases along the log.
//! 8. A reader sees an event as soon as its append is acknowledged, and never an event that is not durable.
//! 9. The head that [`EventLog::watch`] shows never goes back, and shows an append of this process
//!    before it is acknowledged.
//! 10. After a failed write or sync the log returns [`LogError::UnknownOutcome`] to waiting appends, refuses
//!     new ones, and still serves reads.
//! 11. A read that fails returns an error: an empty page, no version or no position means that nothing is
//!     there.
//! 12. No implementation invokes a callback while it holds a lock or a connection.
//!
//! # Blocking
//!
//! Every query may block, on a disk or on a network, and may fail. Queries block the calling thread: writers
//! and views decide on blocking threads, where a query is a plain call. An actor or a handler queries from
//! `spawn_blocking`, or reads the head from [`EventLog::watch`], which never blocks. An append is a future,
//! so that the next one can be decided while it is on its way.
//!
//! [`Log`] combines both traits: the events, and their administration ([`LogAdmin`]).
//!
//! # The map
//!
//! ```text
//!   page.rs        the result of a read           admin.rs        verify, back up, health.rs, close
//!   location.rs    where a log is: opened, verified, repaired, restored there
//!   event_log.rs   SledLog: the durable log       memory.rs       MemoryLog
//!   writer.rs      the one thread that appends    applier.rs      the thread that brings sled up
//!   journal.rs     segment files, and in memory the place of each block
//!   store.rs       sled: the same blocks, and run.rs: an index entry for each run of them
//!   index.rs       ids and versions in memory     shared.rs       reading, with either copy
//!   block.rs       the unit of commit             disk.rs         the disk as a trait
//!   open.rs        from two copies to one log     heal.rs, repair.rs, verify.rs
//!   backup.rs, restore.rs, export.rs              conformance.rs  the rules as checks
//!   hold.rs       one process at a time           barrier.rs      keeps older programs out of a place that was left
//! ```
//!
//! `docs/log.md` draws the files and says what survives what.
//!
//! `missing_docs` is off here: a field has a comment where its name leaves something open (a unit, a format, an edge
//! case).

#![allow(missing_docs)]

mod admin;
mod applier;
pub mod backup;
pub mod barrier;
pub mod block;
mod bytes;
pub mod conformance;
pub mod disk;
mod error;
mod event_log;
pub mod export;
mod heal;
mod health;
mod hold;
mod index;
pub mod journal;
mod location;
mod memory;
mod meters;
mod open;
mod options;
mod page;
pub mod repair;
pub mod restore;
mod run;
mod shared;
mod store;
pub mod verify;
mod writer;

use std::ops::ControlFlow;

pub use admin::{Log, LogAdmin};
pub use error::LogError;
use error::io_error;
pub use event_log::{APPEND_BYTES_MAX, SledLog};
pub use health::{Footprint, Health, SecondCopy};
pub use hold::{Held, hold, is_held};
use jiff::Timestamp;
pub use location::{Inspected, Location, Opened};
pub use memory::MemoryLog;
pub use options::{CACHE_BYTES, LogCopy, OpenReport, Options, Progress, RESERVE_BYTES, Repair, RepairEvent};
pub use page::Page;

use crate::event::{EventId, NewEvent, Position, RecordRef, Recorded, StreamId, TenantId, Version};
use block::BlockHash;

/// What the caller expects of the stream's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Any version: append at the end.
    Any,
    /// The stream has no events.
    NoStream,
    /// The stream's last event has this version.
    Exact(Version),
}

impl Expected {
    /// The expectation of a writer that has read the stream up to this version.
    #[must_use]
    pub fn at(version: Version) -> Self {
        if version == Version::NONE { Self::NoStream } else { Self::Exact(version) }
    }
}

/// A request to append events to one stream, all or nothing.
#[derive(Debug, Clone)]
pub struct Append {
    pub tenant: TenantId,
    pub stream: StreamId,
    pub expected: Expected,
    /// At least one.
    pub events: Vec<NewEvent>,
}

/// The outcome for one event of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Appended now, at this position.
    New(Position),
    /// Its id was known: it is at this position.
    Duplicate(Position),
}

impl Outcome {
    /// The event's position.
    #[must_use]
    pub fn position(self) -> Position {
        match self {
            Self::New(position) | Self::Duplicate(position) => position,
        }
    }

    /// Whether this append wrote the event.
    #[must_use]
    pub fn is_new(self) -> bool {
        matches!(self, Self::New(_))
    }
}

/// The result of an append: one outcome per event, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// In the order of [`Append::events`].
    pub outcomes: Vec<Outcome>,
}

impl Appended {
    /// The number of events that were not in the log before.
    #[must_use]
    pub fn new_count(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.is_new()).count()
    }
}

/// The end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Head {
    /// Position of the last event; [`Position::START`] if the log is empty.
    pub position: Position,
    /// Hash of the last block, which covers all blocks before it. Zero if the log is empty; none if the log
    /// is not a chain of blocks.
    #[serde(rename = "hash", serialize_with = "as_hex")]
    pub chain: Option<BlockHash>,
    /// When the last event was recorded.
    pub recorded_at: Timestamp,
}

impl Head {
    /// The previous-block hash for the next block.
    fn hash(&self) -> BlockHash {
        self.chain.unwrap_or_default()
    }
}

/// People and other programs see hashes in hexadecimal.
#[allow(clippy::ref_option)] // serde requires this signature
fn as_hex<S: serde::Serializer>(chain: &Option<BlockHash>, serializer: S) -> Result<S::Ok, S::Error> {
    match chain {
        Some(hash) => serializer.collect_str(&blake3::Hash::from_bytes(*hash)),
        None => serializer.serialize_none(),
    }
}

/// The future of an append. Dropping it does not undo the append.
#[derive(Debug)]
pub struct Appending(tokio::sync::oneshot::Receiver<Result<Appended, LogError>>);

impl Appending {
    /// For implementations: the future, and the sender for its result.
    #[must_use]
    pub fn channel() -> (tokio::sync::oneshot::Sender<Result<Appended, LogError>>, Self) {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        (sender, Self(receiver))
    }

    /// Blocks this thread. Never call it on an actor's thread or a runtime worker.
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

/// An append-only log of events. The module documentation numbers its rules.
///
/// Queries block: call them from a blocking thread, never from an actor. Each may fail with
/// [`LogError::Unavailable`] if the log is on another machine.
pub trait EventLog: Send + Sync + 'static {
    /// Appends events to one stream.
    ///
    /// # Errors
    /// [`LogError::Conflict`], [`LogError::ReadOnly`], [`LogError::UnknownOutcome`],
    /// [`LogError::Invalid`], [`LogError::Busy`], [`LogError::Unavailable`], [`LogError::Closed`].
    fn append(&self, append: Append) -> Appending;

    /// The end of the log.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    fn head(&self) -> Result<Head, LogError>;

    /// Subscribes to the head; see rule 9. Reading it never blocks, and it is never ahead of the log.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    fn watch(&self) -> Result<tokio::sync::watch::Receiver<Head>, LogError>;

    /// Fills a page with at most `limit` records from a position on: as many as the log reads at once, and at
    /// least one if there is any. The page's memory is reused.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] if no copy has the first of them, [`LogError::Unavailable`].
    fn read(&self, from: Position, limit: u64, page: &mut Page) -> Result<(), LogError>;

    /// The same with the records of one stream, from a version on.
    ///
    /// # Errors
    /// As [`EventLog::read`].
    fn read_stream(
        &self,
        tenant: &TenantId,
        stream: &StreamId,
        from: Version,
        limit: u64,
        page: &mut Page,
    ) -> Result<(), LogError>;

    /// The version of a stream's last event.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    fn stream_version(&self, tenant: &TenantId, stream: &StreamId) -> Result<Version, LogError>;

    /// The positions of the events with these ids, in the order of the ids: one query for all of them.
    ///
    /// # Errors
    /// As [`EventLog::read`].
    fn find_many(&self, ids: &[EventId]) -> Result<Vec<Option<Position>>, LogError>;

    /// The last position recorded at or before an instant.
    ///
    /// # Errors
    /// As [`EventLog::read`].
    fn position_at(&self, recorded_at: Timestamp) -> Result<Position, LogError>;

    /// The position of the event with this id. For several ids use [`EventLog::find_many`].
    ///
    /// # Errors
    /// As [`EventLog::read`].
    fn find(&self, id: EventId) -> Result<Option<Position>, LogError> {
        Ok(self.find_many(&[id])?.into_iter().next().flatten())
    }

    /// Visits the records from `from` to `until`, both inclusive, in order, page by page. Records appended
    /// meanwhile are not visited.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] at the first record that no copy has: the records before it have been visited.
    /// [`LogError::Unavailable`].
    fn scan(&self, from: Position, until: Position, visit: &mut Visit<'_>) -> Result<(), LogError> {
        let until = until.min(self.head()?.position);
        let mut next = from.max(Position::FIRST);
        let mut page = Page::default();
        while next <= until {
            self.read(next, until.0 - next.0 + 1, &mut page)?;
            if page.is_empty() {
                let detail = format!("nothing stands there, and the log reaches to {until}");
                return Err(LogError::Corrupt { position: next, detail });
            }
            if page.visit(visit)?.is_break() {
                break;
            }
            next = next.plus(page.len());
        }
        Ok(())
    }

    /// Visits the records of one stream from a version on, page by page.
    ///
    /// # Errors
    /// As [`EventLog::scan`].
    fn scan_stream(
        &self,
        tenant: &TenantId,
        stream: &StreamId,
        from: Version,
        visit: &mut Visit<'_>,
    ) -> Result<(), LogError> {
        let mut next = from.max(Version(1));
        let mut page = Page::default();
        loop {
            self.read_stream(tenant, stream, next, u64::MAX, &mut page)?;
            if page.is_empty() || page.visit(visit)?.is_break() {
                return Ok(());
            }
            next = Version(next.0 + page.len());
        }
    }

    /// One record, owned.
    ///
    /// # Errors
    /// As [`EventLog::read`].
    fn get(&self, position: Position) -> Result<Option<Recorded>, LogError> {
        if position == Position::START {
            return Ok(None);
        }
        let (mut page, mut found) = (Page::default(), None);
        self.read(position, 1, &mut page)?;
        page.visit(&mut |record| {
            found = Some(record.to_recorded());
            ControlFlow::Break(())
        })
        .map(|_| found)
    }
}
