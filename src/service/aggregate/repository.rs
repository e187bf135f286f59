//! Loads a stream, decides on a command, appends at the version read, and retries on conflict.
//!
//! ```text
//! catch_up ─▶ decide ─▶ append at this version ─┬─▶ appended: the same events are applied to the state
//!     ▲                                         │
//!     └──── conflict: another append came first ◀───┘
//! ```
//!
//! A repository folds each event once: it reads only what the stream has gained since its last command.
//! Events that an earlier append left in the log, although it reported a failure, are read like anyone
//! else's.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::code::{Code, Coded};
use crate::event::{CodecError, decode, encode};
use crate::event::{
    Event, EventId, Metadata, NewEvent, Position, RecordRef, StreamId, TenantId, TraceContext, Version,
};
use crate::log::{Append, Appended, EventLog, Expected, LogError};
use crate::view::fold::Fold;
use crate::view::{CutShort, ViewError};

use super::caller;

/// How often a command is decided at most if other writers keep appending to its stream.
pub const DECISIONS_MAX: usize = 32;

/// A stream of the log, the state folded from it, and the rules for changing it.
pub trait Aggregate: Sized + Send + 'static {
    /// The stream's name within its tenant.
    const STREAM: &'static str;
    /// The actor name in event envelopes if no principal asked.
    const ACTOR: &'static str;
    /// Maximum number of events in one append. A command with more events takes several appends, and may
    /// stop between them.
    const BATCH: usize = usize::MAX;

    /// The folded state. The views use the same fold.
    type State: Fold + Send + Unpin;
    /// A command, with the facts that it is checked against.
    type Command: Clone + Send + 'static;
    /// A change that a command leads to.
    type Change: Send;
    /// Why a command is refused.
    type Error: Rejection + Clone + Send;

    /// Decides a command. An empty result means that there is nothing to change.
    ///
    /// # Errors
    /// The command is refused.
    fn decide(
        state: &Self::State,
        command: Self::Command,
        now: Timestamp,
    ) -> Result<Vec<Self::Change>, Self::Error>;

    /// The event that records a change. `state` is the state that the decision was made on.
    fn event(state: &Self::State, change: &Self::Change, next: &Next<'_>) -> Fact;

    /// The command's name in spans.
    fn label(command: &Self::Command) -> &'static str;
}

/// Where an event will be appended.
#[derive(Debug, Clone, Copy)]
pub struct Next<'a> {
    pub tenant: &'a str,
    /// Its version in the stream.
    pub version: Version,
    /// The time of the decision, in whole microseconds.
    pub now: Timestamp,
}

impl Next<'_> {
    /// An event of this moment, with a random id.
    #[must_use]
    pub fn fact(&self, event: Event<'static>) -> Fact {
        Fact { id: EventId::random(), event, at: self.now }
    }
}

/// A decided event that is not yet appended.
#[derive(Debug, Clone)]
pub struct Fact {
    /// Derived from the fact's own key if recording it twice must change nothing.
    pub id: EventId,
    pub event: Event<'static>,
    pub at: Timestamp,
}

/// Why a command is refused. Its code decides the HTTP status and the exit code.
pub trait Rejection: Coded + 'static {}

/// An observation is never refused.
impl Rejection for Infallible {}

/// Why a command was not executed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommandError<R: Rejection> {
    /// The domain refuses it.
    #[error(transparent)]
    Refused(R),
    /// The log refuses it.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The stream cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ViewError),
}

impl<R: Rejection> From<R> for CommandError<R> {
    fn from(refusal: R) -> Self {
        Self::Refused(refusal)
    }
}

impl<R: Rejection> Coded for CommandError<R> {
    fn code(&self) -> Code {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Log(error) => error.code(),
            Self::Unreadable(error) => error.code(),
        }
    }
}

impl<R: Rejection> From<CutShort> for CommandError<R> {
    fn from(cut: CutShort) -> Self {
        Self::Unreadable(cut.into())
    }
}

impl<R: Rejection> CommandError<R> {
    /// Whether another append came first and nothing was recorded.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Log(LogError::Conflict { .. }))
    }
}

/// An aggregate of one tenant: its state, and the stream version that the state includes.
pub struct Repository<A: Aggregate> {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    state: A::State,
    /// The last version that is folded into the state.
    version: Version,
}

impl<A: Aggregate> Repository<A> {
    /// A repository that has not read its stream yet.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, tenant: TenantId) -> Self {
        Self { log, tenant, state: A::State::default(), version: Version::NONE }
    }

    /// Reads the stream. Blocks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn load(log: Arc<dyn EventLog>, tenant: TenantId) -> Result<Self, ViewError> {
        let mut repository = Self::new(log, tenant);
        repository.catch_up()?;
        Ok(repository)
    }

    /// Returns the kept repository, or loads one on a blocking thread.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn kept_or_loaded(
        kept: &mut Option<Self>,
        log: Arc<dyn EventLog>,
        tenant: &TenantId,
    ) -> Result<Self, ViewError> {
        if let Some(kept) = kept.take() {
            return Ok(kept);
        }
        let tenant = tenant.clone();
        caller::blocking(move || Self::load(log, tenant)).await?
    }

    /// The folded state.
    #[must_use]
    pub fn state(&self) -> &A::State {
        &self.state
    }

    /// The folded state, by value.
    #[must_use]
    pub fn into_state(self) -> A::State {
        self.state
    }

    /// The last version that is folded into the state.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Folds what the stream has gained. Blocks.
    ///
    /// # Errors
    /// [`ViewError`]; the events before the failure have been folded.
    pub fn catch_up(&mut self) -> Result<(), ViewError> {
        let (state, version) = (&mut self.state, &mut self.version);
        follow(&*self.log, &self.tenant, A::STREAM, version.next(), |record, event| {
            state.apply(record.occurred_at, event)?;
            *version = record.version;
            Ok(())
        })
    }

    /// Executes a command. Blocks. Returns the position of the last event, or none if nothing changed.
    ///
    /// # Errors
    /// [`CommandError`]; [`LogError::Conflict`] if every attempt met a conflict.
    pub fn execute(
        &mut self,
        command: A::Command,
        now: Timestamp,
        metadata: &Metadata,
    ) -> Result<Option<Position>, CommandError<A::Error>> {
        let now = to_micros(now);
        let decide = move |state: &A::State| Ok((A::decide(state, command.clone(), now)?, ()));
        self.transact(now, metadata, decide).map(|(position, ())| position)
    }

    /// Executes a decision that returns a value besides its changes. Blocks. Returns the position of the
    /// last event, and that value.
    ///
    /// # Errors
    /// As [`Repository::execute`].
    pub fn transact<T>(
        &mut self,
        now: Timestamp,
        metadata: &Metadata,
        mut decide: impl FnMut(&A::State) -> Result<(Vec<A::Change>, T), A::Error>,
    ) -> Result<(Option<Position>, T), CommandError<A::Error>> {
        let mut tries = 0;
        loop {
            tries += 1;
            self.catch_up()?;
            let (changes, said) = decide(&self.state)?;
            match self.commit(&changes, now, metadata) {
                Err(LogError::Conflict { .. }) if tries < DECISIONS_MAX => {}
                other => return Ok((other?, said)),
            }
        }
    }

    /// Appends changes that were decided on the current state. Blocks. Returns the position of the last
    /// event.
    ///
    /// # Errors
    /// [`LogError`]; after a [`LogError::Conflict`] catch up and decide again.
    pub fn commit(
        &mut self,
        changes: &[A::Change],
        now: Timestamp,
        metadata: &Metadata,
    ) -> Result<Option<Position>, LogError> {
        let mut last = None;
        for changes in changes.chunks(A::BATCH) {
            let facts = self.facts(changes, now);
            let appended = self.log.append(self.prepare(&facts, metadata)).wait()?;
            last = self.appended(&facts, &appended).or(last);
        }
        Ok(last)
    }

    /// As [`Repository::commit`], without blocking.
    ///
    /// # Errors
    /// As [`Repository::commit`].
    pub async fn commit_async(
        &mut self,
        changes: &[A::Change],
        now: Timestamp,
        metadata: &Metadata,
    ) -> Result<Option<Position>, LogError>
    where
        A::Change: Sync,
    {
        let mut last = None;
        for changes in changes.chunks(A::BATCH) {
            let facts = self.facts(changes, now);
            let appended = self.log.append(self.prepare(&facts, metadata)).await?;
            last = self.appended(&facts, &appended).or(last);
        }
        Ok(last)
    }

    fn facts(&self, changes: &[A::Change], now: Timestamp) -> Vec<Fact> {
        let (tenant, now) = (self.tenant.as_str(), to_micros(now));
        let versions = (self.version.0 + 1..).map(Version);
        let next = versions.map(|version| Next { tenant, version, now });
        changes.iter().zip(next).map(|(change, next)| A::event(&self.state, change, &next)).collect()
    }

    fn prepare(&self, facts: &[Fact], metadata: &Metadata) -> Append {
        let event = |fact: &Fact| new_event(fact.id, &fact.event, fact.at, metadata);
        prepared(&self.tenant, A::STREAM, Expected::at(self.version), facts.iter().map(event).collect())
    }

    /// Folds appended events. Events that the log already had are elsewhere in the stream; the next
    /// catch-up reads them.
    fn appended(&mut self, facts: &[Fact], appended: &Appended) -> Option<Position> {
        if appended.outcomes.iter().all(|outcome| outcome.is_new()) {
            for fact in facts {
                // An event that could be encoded can be applied; if not, the next catch-up reports why.
                if self.state.apply(fact.at, &fact.event).is_err() {
                    break;
                }
                self.version = self.version.next();
            }
        }
        appended.outcomes.last().map(|outcome| outcome.position())
    }
}

/// Repeats a decision as long as it meets a conflict, which `once` reports as `Ok(None)`. Blocks.
///
/// # Errors
/// The error of `once`; [`LogError::Conflict`] if every attempt met a conflict.
pub fn retried<T>(
    log: &dyn EventLog,
    tenant: &TenantId,
    stream: &str,
    mut once: impl FnMut() -> Result<Option<T>, ViewError>,
) -> Result<T, ViewError> {
    for _ in 1..DECISIONS_MAX {
        if let Some(done) = once()? {
            return Ok(done);
        }
    }
    let stream = StreamId::new(stream);
    let actual = log.stream_version(tenant, &stream)?;
    Err(LogError::Conflict { stream, actual }.into())
}

impl<A: Aggregate<Error = Infallible>> Repository<A>
where
    A::Change: Sync,
{
    /// Records what has changed since the last observation, in the actor's own name. Returns the number
    /// of changes.
    ///
    /// # Errors
    /// [`LogError`]. What was recorded is folded; after a [`LogError::Conflict`] catch up first.
    pub async fn observe(&mut self, seen: A::Command) -> Result<usize, LogError> {
        let now = Timestamp::now();
        let Ok(changes) = A::decide(&self.state, seen, now);
        self.commit_async(&changes, now, &metadata_for(A::ACTOR)).await?;
        Ok(changes.len())
    }
}

/// Reads a stream from a version on. Blocks.
///
/// # Errors
/// A failure of the log, an event that cannot be decoded, or an error of `apply`. Earlier events have been applied.
pub fn follow(
    log: &dyn EventLog,
    tenant: &TenantId,
    stream: &str,
    from: Version,
    mut apply: impl FnMut(&RecordRef<'_>, &Event<'_>) -> Result<(), CodecError>,
) -> Result<(), ViewError> {
    let mut failure = None;
    log.scan_stream(tenant, &StreamId::new(stream), from, &mut |record| match decode(record)
        .and_then(|event| apply(record, &event))
    {
        Ok(()) => ControlFlow::Continue(()),
        Err(source) => {
            failure = Some(ViewError::Event { position: record.position, source });
            ControlFlow::Break(())
        }
    })?;
    failure.map_or(Ok(()), Err)
}

/// Builds an append to a tenant's stream.
#[must_use]
pub fn prepared(tenant: &TenantId, stream: &str, expected: Expected, events: Vec<NewEvent>) -> Append {
    Append { tenant: tenant.clone(), stream: StreamId::new(stream), expected, events }
}

/// Encodes an event for appending.
#[must_use]
pub fn new_event(id: EventId, event: &Event<'_>, occurred_at: Timestamp, metadata: &Metadata) -> NewEvent {
    let (type_name, schema_version) = event.type_and_version();
    NewEvent {
        id,
        type_name,
        schema_version,
        occurred_at,
        metadata: metadata.clone(),
        payload: encode(event),
    }
}

/// The trace context of an event. Blocks. None if there is no such event, or it was not traced.
#[must_use]
pub fn trace_at(log: &dyn EventLog, position: Position) -> Option<TraceContext> {
    let mut trace = None;
    let scanned = log.scan(position, position, &mut |record| {
        trace = record.trace;
        ControlFlow::Break(())
    });
    // Without it only a link between two traces is missing.
    scanned.ok().and(trace)
}

/// Metadata of a decision: the principal that asked, or else the actor's own name, and the current
/// trace.
#[must_use]
pub fn metadata_for(actor: &str) -> Metadata {
    let actor = caller::current().map_or_else(|| actor.to_owned(), |caller| caller.reference.to_string());
    Metadata { actor, trace: crate::telemetry::current_trace(), ..Metadata::default() }
}

/// Truncates to microseconds, which is what the log stores, so that a repeated moment compares equal.
#[must_use]
pub fn to_micros(instant: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(instant.as_microsecond()).unwrap_or(instant)
}
