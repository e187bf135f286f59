//! What every book does with its stream in the log: read it from its beginning, decide on what it says, append where
//! nothing came between, and else decide again.

use std::fmt::Display;
use std::ops::ControlFlow;

use jiff::Timestamp;

use crate::domain::code::{Code, Coded};
use crate::event::codec::{CodecError, decode};
use crate::event::{
    Event, Metadata, NewEvent, Position, RecordRef, StreamId, TenantId, TraceContext, Version,
};
use crate::log::{Append, EventLog, Expected, LogError};
use crate::view::{CutShort, ViewError};

use super::caller;

/// How often a change is decided at most, where another came between.
pub const DECISIONS_MAX: usize = 4;

/// Why the domain refuses what a book was told. Its code says what that means for those who asked.
pub trait Refusal: Coded + 'static {}

/// Why a book did not record what it was told.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BookFailure<R: Refusal> {
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

/// A failure that may mean no more than that another change came between.
pub trait Conflicting {
    /// Whether that is what it means: nothing was recorded, and it can be decided again.
    fn is_conflict(&self) -> bool;
}

impl<R: Refusal> From<R> for BookFailure<R> {
    fn from(refusal: R) -> Self {
        Self::Refused(refusal)
    }
}

impl<R: Refusal> Coded for BookFailure<R> {
    fn code(&self) -> Code {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Log(error) => error.code(),
            Self::Unreadable(error) => error.code(),
        }
    }
}

impl<R: Refusal> From<CutShort> for BookFailure<R> {
    fn from(cut: CutShort) -> Self {
        Self::Unreadable(cut.into())
    }
}

impl<R: Refusal> Conflicting for BookFailure<R> {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Log(LogError::Conflict { .. }))
    }
}

/// Decides and appends; anew after a conflict.
///
/// # Errors
/// What the last try fails with.
pub fn anew<T, E: Conflicting>(mut once: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    for _ in 1..DECISIONS_MAX {
        match once() {
            Err(error) if error.is_conflict() => {}
            other => return other,
        }
    }
    once()
}

/// Reads a stream from its first event on; blocks. Its last version.
///
/// # Errors
/// The log, an event that cannot be read, and what `apply` fails with.
pub fn fold<E: From<ViewError>>(
    log: &dyn EventLog,
    tenant: &TenantId,
    stream: &str,
    apply: impl FnMut(&RecordRef<'_>, Event<'_>) -> Result<(), E>,
) -> Result<Version, E> {
    fold_from(log, tenant, stream, Version(1), apply)
}

/// Reads a stream from a version on; blocks. Its last version, or [`Version::NONE`] where nothing stands there.
///
/// # Errors
/// As [`fold`]; what stands before the failure has been applied.
pub fn fold_from<E: From<ViewError>>(
    log: &dyn EventLog,
    tenant: &TenantId,
    stream: &str,
    from: Version,
    mut apply: impl FnMut(&RecordRef<'_>, Event<'_>) -> Result<(), E>,
) -> Result<Version, E> {
    let (mut version, mut failure) = (Version::NONE, None);
    let scanned = log.scan_stream(tenant, &StreamId::new(stream), from, &mut |record| {
        let event = decode(record).map_err(|source| ViewError::Event { position: record.position, source });
        if let Err(error) = event.map_err(E::from).and_then(|event| apply(record, event)) {
            failure = Some(error);
            return ControlFlow::Break(());
        }
        version = record.version;
        ControlFlow::Continue(())
    });
    scanned.map_err(ViewError::from)?;
    failure.map_or(Ok(version), Err)
}

/// A stored payload that makes no sense.
pub fn malformed(record: &RecordRef<'_>, error: &impl Display) -> ViewError {
    let source = CodecError::Malformed {
        type_name: record.type_name.to_owned(),
        version: record.schema_version,
        detail: error.to_string(),
    };
    ViewError::Event { position: record.position, source }
}

/// Appends events that were decided on a stream's `version`; blocks. The last one's position.
///
/// # Errors
/// [`LogError`]; [`LogError::Conflict`] where another came between.
pub fn append(
    log: &dyn EventLog,
    tenant: &TenantId,
    stream: &str,
    version: Version,
    events: Vec<NewEvent>,
) -> Result<Option<Position>, LogError> {
    let (tenant, stream) = (tenant.clone(), StreamId::new(stream));
    let append = Append { tenant, stream, expected: Expected::at(version), events };
    let appended = log.append(append).wait()?;
    Ok(appended.outcomes.last().map(|outcome| outcome.position()))
}

/// In which trace an event was decided; blocks. None where there is no such event, or it was not traced.
#[must_use]
pub fn trace_at(log: &dyn EventLog, position: Position) -> Option<TraceContext> {
    let mut trace = None;
    let scanned = log.scan(position, position, &mut |record| {
        trace = record.trace;
        ControlFlow::Break(())
    });
    // What cannot be read is missed by nobody but who follows a trace.
    scanned.ok().and(trace)
}

/// Who decides, and in which trace: whoever asked, by their reference; the actor's own name where nobody did.
#[must_use]
pub fn by(actor: &str) -> Metadata {
    let actor = caller::current().map_or_else(|| actor.to_owned(), |caller| caller.reference.to_string());
    Metadata { actor, trace: crate::telemetry::current_trace(), ..Metadata::default() }
}

/// The log keeps microseconds: the same moment told twice shall be the same.
#[must_use]
pub fn kept(instant: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(instant.as_microsecond()).unwrap_or(instant)
}
