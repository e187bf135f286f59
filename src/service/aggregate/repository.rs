//! Loads a stream, decides on a command, appends at the version read, and retries on conflict.
//!
//! ```text
//! catch_up ─▶ decide ─▶ append at this version ─┬─▶ appended: the same events are applied to the state
//!     ▲                                         │
//!     └──────────── another came between ◀──────┘
//! ```
//!
//! A repository never folds an event twice: it reads what the stream has gained since its last command. What an append
//! that failed has left in the log is read like the events of others.

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

/// How often a command is decided at most, where others append to its stream at the same time.
pub const DECISIONS_MAX: usize = 32;

/// A stream of the log, the state that is folded from it, and what may be done to it.
pub trait Aggregate: Sized + Send + 'static {
    /// The stream's name within its tenant.
    const STREAM: &'static str;
    /// Who decides where nobody asked, as the events' envelopes will say.
    const ACTOR: &'static str;
    /// Events of one append at most. A command with more of them is several appends, and may stop between them.
    const BATCH: usize = usize::MAX;

    /// What is known. Its fold is the view's as well.
    type State: Fold + Send + Unpin;
    /// What can be asked for, with what it is held against.
    type Command: Clone + Send + 'static;
    /// What is decided.
    type Change: Send;
    /// Why a command is refused.
    type Error: Rejection + Clone + Send;

    /// Decides a command. No changes: it is carried out already.
    ///
    /// # Errors
    /// It is refused.
    fn decide(
        state: &Self::State,
        command: Self::Command,
        now: Timestamp,
    ) -> Result<Vec<Self::Change>, Self::Error>;

    /// The event that tells of a change. `state` is the one that was decided on.
    fn event(state: &Self::State, change: &Self::Change, next: &Next<'_>) -> Fact;

    /// A command, as it stands in spans.
    fn label(command: &Self::Command) -> &'static str;
}

/// Where an event will stand.
#[derive(Debug, Clone, Copy)]
pub struct Next<'a> {
    /// Whose it is.
    pub tenant: &'a str,
    /// Its version in the stream.
    pub version: Version,
    /// When it is decided, in whole microseconds.
    pub now: Timestamp,
}

impl Next<'_> {
    /// A fact of this moment that no other is the same as.
    #[must_use]
    pub fn fact(&self, event: Event<'static>) -> Fact {
        Fact { id: EventId::random(), event, at: self.now }
    }
}

/// An event as it is decided.
#[derive(Debug, Clone)]
pub struct Fact {
    /// Derived from the fact's own key where telling it twice must change nothing.
    pub id: EventId,
    /// What happened.
    pub event: Event<'static>,
    /// When.
    pub at: Timestamp,
}

/// Why a command is refused. Its code says what that means for those who asked.
pub trait Rejection: Coded + 'static {}

/// Of what is only observed, nothing is refused.
impl Rejection for Infallible {}

/// Why a command was not carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommandError<R: Rejection> {
    /// The domain refuses it.
    #[error(transparent)]
    Refused(R),
    /// The log refused it.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What is there cannot be read.
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
    /// Whether another came between, and nothing was recorded.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Log(LogError::Conflict { .. }))
    }
}

/// What one tenant's log has of an aggregate.
pub struct Repository<A: Aggregate> {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    state: A::State,
    /// How far the stream is in the state.
    version: Version,
}

impl<A: Aggregate> Repository<A> {
    /// One that has read nothing yet.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, tenant: TenantId) -> Self {
        Self { log, tenant, state: A::State::default(), version: Version::NONE }
    }

    /// One that has read the stream. Blocks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn load(log: Arc<dyn EventLog>, tenant: TenantId) -> Result<Self, ViewError> {
        let mut repository = Self::new(log, tenant);
        repository.catch_up()?;
        Ok(repository)
    }

    /// The one that was kept, or one that has read the stream, on a thread for that.
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

    /// What is known.
    #[must_use]
    pub fn state(&self) -> &A::State {
        &self.state
    }

    /// What is known, for one who is done.
    #[must_use]
    pub fn into_state(self) -> A::State {
        self.state
    }

    /// How far the stream is known.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Reads what the stream has gained. Blocks.
    ///
    /// # Errors
    /// [`ViewError`]; what stands before the failure is known.
    pub fn catch_up(&mut self) -> Result<(), ViewError> {
        let (state, version) = (&mut self.state, &mut self.version);
        follow(&*self.log, &self.tenant, A::STREAM, version.next(), |record, event| {
            state.apply(record.occurred_at, event)?;
            *version = record.version;
            Ok(())
        })
    }

    /// Carries out a command; blocks. The position of the last event, or none where nothing changed.
    ///
    /// # Errors
    /// [`CommandError`]; [`LogError::Conflict`] where others came between again and again.
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

    /// Carries out a decision that says more than what changes; blocks. The position of the last event, and what it says.
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

    /// Appends changes that were decided on this state; blocks. The position of the last event.
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

    /// As [`Repository::commit`], and waits without blocking.
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

    /// Takes in what was appended. Events that the log had already stand elsewhere in the stream: they are read with the
    /// next catching up.
    fn appended(&mut self, facts: &[Fact], appended: &Appended) -> Option<Position> {
        if appended.outcomes.iter().all(|outcome| outcome.is_new()) {
            for fact in facts {
                // It could be encoded, so that it can be applied; if not, catching up says why.
                if self.state.apply(fact.at, &fact.event).is_err() {
                    break;
                }
                self.version = self.version.next();
            }
        }
        appended.outcomes.last().map(|outcome| outcome.position())
    }
}

/// Tries a decision again where another append came between: `once` says none then. Blocks.
///
/// # Errors
/// What `once` fails with; [`LogError::Conflict`] where others came between again and again.
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
    /// Records what has changed since the last look, in the actor's own name. How many changes there were.
    ///
    /// # Errors
    /// [`LogError`]. What was recorded is known; after a [`LogError::Conflict`] catch up first.
    pub async fn observe(&mut self, seen: A::Command) -> Result<usize, LogError> {
        let now = Timestamp::now();
        let Ok(changes) = A::decide(&self.state, seen, now);
        self.commit_async(&changes, now, &metadata_for(A::ACTOR)).await?;
        Ok(changes.len())
    }
}

/// Reads a stream from a version on; blocks.
///
/// # Errors
/// The log, an event that cannot be read, and what `apply` fails with; what stands before it has been applied.
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

/// An append to a tenant's stream.
#[must_use]
pub fn prepared(tenant: &TenantId, stream: &str, expected: Expected, events: Vec<NewEvent>) -> Append {
    Append { tenant: tenant.clone(), stream: StreamId::new(stream), expected, events }
}

/// An event ready to be appended.
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

/// In which trace an event was decided; blocks. None where there is no such event, or it was not traced.
#[must_use]
pub fn trace_at(log: &dyn EventLog, position: Position) -> Option<TraceContext> {
    let mut trace = None;
    let scanned = log.scan(position, position, &mut |record| {
        trace = record.trace;
        ControlFlow::Break(())
    });
    // Only a link between two traces is missing where it cannot be read.
    scanned.ok().and(trace)
}

/// Who decides, and in which trace: whoever asked, by their reference; the actor's own name where nobody did.
#[must_use]
pub fn metadata_for(actor: &str) -> Metadata {
    let actor = caller::current().map_or_else(|| actor.to_owned(), |caller| caller.reference.to_string());
    Metadata { actor, trace: crate::telemetry::current_trace(), ..Metadata::default() }
}

/// The log keeps microseconds: the same moment told twice shall be the same.
#[must_use]
pub fn to_micros(instant: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(instant.as_microsecond()).unwrap_or(instant)
}
