//! Calls as the log has them: found, read, and taken back.

use std::ops::ControlFlow;

use jiff::Timestamp;

use crate::event::codec::{CodecError, decode};
use crate::event::payload::{
    UsageMetered, UsageRecorded, UsageTold, UsageWithdrawn, repriced_event_id, withdrawn_event_id,
};
use crate::event::{Event, EventId, Metadata, NewEvent, Position, RecordRef};
use crate::log::{EventLog, LogError};
use crate::view::ViewError;

use crate::service::aggregate::repository::new_event;

/// Where the last of a chain of revisions stands, of which the first event stands at `position`.
pub(in crate::service) fn latest(
    log: &dyn EventLog,
    mut position: Position,
    event: impl Fn(u32) -> EventId,
) -> Result<Position, LogError> {
    for revision in 1.. {
        let Some(later) = log.find(event(revision))? else { break };
        position = later;
    }
    Ok(position)
}

/// A call as an event has it, and which revision that is; none where the event is of something else.
pub(in crate::service) fn read_stored(
    record: &RecordRef<'_>,
) -> Result<Option<(UsageRecorded<'static>, u32)>, CodecError> {
    Ok(call_of(decode(record)?))
}

/// The same of an event.
pub(super) fn call_of(event: Event<'_>) -> Option<(UsageRecorded<'static>, u32)> {
    match event {
        Event::UsageRecorded(usage) => Some((usage.into_owned(), 0)),
        Event::UsageRevised(revised) => Some((revised.usage.into_owned(), revised.revision)),
        _ => None,
    }
}

/// The event that takes back what was told under an id: none where nothing was, where it does not count, or where it has
/// been taken back.
pub(in crate::service) fn take_back(
    log: &dyn EventLog,
    id: EventId,
    by: &str,
    metadata: &Metadata,
) -> Result<Option<NewEvent>, ViewError> {
    let Some(position) = log.find(id)? else { return Ok(None) };
    let withdrawn = withdrawn_event_id(id);
    if log.find(withdrawn)?.is_some() {
        return Ok(None);
    }
    let mut told = None;
    read_one(log, position, |event, at| {
        told = match event {
            Event::UsageTold(UsageTold { usage, ordinal, counted: true, .. }) => {
                Some((usage.into_owned(), ordinal, at))
            }
            Event::UsageMetered(UsageMetered { usage, ordinal, counted: true, .. }) => {
                Some((usage.into_owned(), Some(ordinal), at))
            }
            _ => None,
        };
    })?;
    let Some((mut usage, ordinal, at)) = told else { return Ok(None) };
    // Where it was priced later, that is what is taken back.
    let last = latest(log, position, |revision| repriced_event_id(id, revision))?;
    if last != position {
        read_one(log, last, |event, _| {
            if let Event::UsageRevised(revised) = event {
                usage = revised.usage.into_owned();
            }
        })?;
    }
    let event = Event::UsageWithdrawn(UsageWithdrawn { usage, ordinal, by: by.to_owned() });
    Ok(Some(new_event(withdrawn, &event, at, metadata)))
}

/// Reads one event.
pub(in crate::service) fn read_one(
    log: &dyn EventLog,
    position: Position,
    mut read: impl FnMut(Event<'_>, Timestamp),
) -> Result<(), ViewError> {
    let mut failure = None;
    log.scan(position, position, &mut |record| {
        match decode(record) {
            Ok(event) => read(event, record.occurred_at),
            Err(source) => failure = Some(ViewError::Event { position, source }),
        }
        ControlFlow::Break(())
    })?;
    failure.map_or(Ok(()), Err)
}
