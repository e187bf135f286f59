//! Finds, reads and withdraws calls in the log.

use std::collections::HashMap;
use std::ops::ControlFlow;

use jiff::Timestamp;

use crate::event::payload::{
    UsageMetered, UsageRecorded, UsageTold, UsageWithdrawn, repriced_event_id, withdrawn_event_id,
};
use crate::event::{CodecError, decode};
use crate::event::{Event, EventId, Metadata, NewEvent, Position, RecordRef};
use crate::log::{EventLog, LogError};
use crate::view::ViewError;

use crate::service::aggregate::repository::new_event;

/// Positions closer than this are read in one scan.
const NEAR: u64 = 1_024;

/// Follows chains of revisions: replaces the position of each chain's first event by that of its last. Asks
/// the log once per revision number, not once per chain.
pub(in crate::service) fn to_latest<C>(
    log: &dyn EventLog,
    chains: &mut [(Position, C)],
    event: impl Fn(&C, u32) -> EventId,
) -> Result<(), LogError> {
    let mut open: Vec<usize> = (0..chains.len()).collect();
    for revision in 1.. {
        let ids: Vec<EventId> = open.iter().map(|number| event(&chains[*number].1, revision)).collect();
        if ids.is_empty() {
            break;
        }
        let mut found = log.find_many(&ids)?.into_iter();
        open.retain(|number| {
            let later = found.next().flatten();
            later.inspect(|later| chains[*number].0 = *later).is_some()
        });
    }
    Ok(())
}

/// Reads the events at these sorted positions, and skips those between them.
///
/// # Errors
/// [`ViewError`]: the log, or an event that cannot be decoded.
pub(super) fn read_at<C>(
    log: &dyn EventLog,
    wanted: &[(Position, C)],
    mut read: impl FnMut(&C, &RecordRef<'_>) -> Result<(), CodecError>,
) -> Result<(), ViewError> {
    for run in wanted.chunk_by(|one, next| next.0.0 - one.0.0 < NEAR) {
        let (Some((from, _)), Some((until, _))) = (run.first(), run.last()) else { continue };
        let (mut rest, mut failure) = (run.iter().peekable(), None);
        log.scan(*from, *until, &mut |record| {
            while let Some((position, of)) = rest.next_if(|(position, _)| *position == record.position) {
                if let Err(source) = read(of, record) {
                    failure = Some(ViewError::Event { position: *position, source });
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        })?;
        failure.map_or(Ok(()), Err)?;
    }
    Ok(())
}

/// The call in an event, and its revision number; none for other events.
pub(super) fn call_of(event: Event<'_>) -> Option<(UsageRecorded<'static>, u32)> {
    match event {
        Event::UsageRecorded(usage) => Some((usage.into_owned(), 0)),
        Event::UsageRevised(revised) => Some((revised.usage.into_owned(), revised.revision)),
        _ => None,
    }
}

/// Of telemetry with these ids, the entries that the log has and that are not withdrawn, sorted by position.
pub(super) fn standing(log: &dyn EventLog, ids: &[EventId]) -> Result<Vec<(Position, EventId)>, LogError> {
    let found = log.find_many(ids)?.into_iter().zip(ids);
    let found: Vec<_> = found.filter_map(|(position, id)| Some((position?, *id))).collect();
    let withdrawn: Vec<EventId> = found.iter().map(|(_, id)| withdrawn_event_id(*id)).collect();
    let withdrawn = if withdrawn.is_empty() { Vec::new() } else { log.find_many(&withdrawn)? };
    let standing = found.into_iter().zip(withdrawn).filter(|(_, withdrawn)| withdrawn.is_none());
    let mut standing: Vec<_> = standing.map(|(found, _)| found).collect();
    standing.sort_unstable_by_key(|(position, _)| *position);
    Ok(standing)
}

/// The withdrawals of telemetry with these ids, by id: none for what was never reported, does not count, or
/// is already withdrawn. Asks the log a few times for all of them together.
pub(in crate::service) fn take_back(
    log: &dyn EventLog,
    ids: &[EventId],
    by: &str,
    metadata: &Metadata,
) -> Result<HashMap<EventId, NewEvent>, ViewError> {
    let mut told = HashMap::new();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut chains = standing(log, ids)?;
    read_at(log, &chains, |id, record| {
        let of = match decode(record)? {
            Event::UsageTold(UsageTold { usage, ordinal, counted: true, .. }) => {
                (usage.into_owned(), ordinal)
            }
            Event::UsageMetered(UsageMetered { usage, ordinal, counted: true, .. }) => {
                (usage.into_owned(), Some(ordinal))
            }
            _ => return Ok(()),
        };
        told.insert(*id, (of.0, of.1, record.occurred_at));
        Ok(())
    })?;
    // If it was priced later, the revision is what is withdrawn.
    chains.retain(|(_, id)| told.contains_key(id));
    let first: HashMap<EventId, Position> = chains.iter().map(|(position, id)| (*id, *position)).collect();
    to_latest(log, &mut chains, |id, revision| repriced_event_id(*id, revision))?;
    chains.retain(|(position, id)| first.get(id) != Some(position));
    chains.sort_unstable_by_key(|(position, _)| *position);
    read_at(log, &chains, |id, record| {
        if let (Event::UsageRevised(revised), Some((usage, ..))) = (decode(record)?, told.get_mut(id)) {
            *usage = revised.usage.into_owned();
        }
        Ok(())
    })?;
    let event = |(id, (usage, ordinal, at)): (EventId, (UsageRecorded<'static>, Option<u32>, Timestamp))| {
        let event = Event::UsageWithdrawn(UsageWithdrawn { usage, ordinal, by: by.to_owned() });
        (id, new_event(withdrawn_event_id(id), &event, at, metadata))
    };
    Ok(told.into_iter().map(event).collect())
}
