//! Who may be written to, as the log has it, and the one way to change it.

use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::consent::{By, ConsentChange, ConsentCommand, Consents, decide, evolve};
use crate::event::codec::decode;
use crate::event::payload::ConsentChanged;
use crate::event::{Event, EventId, Metadata, Position, StreamId, TenantId, Version};
use crate::log::{Append, Appending, EventLog, Expected, LogError};
use crate::service::recorder::new_event;
use crate::view::ViewError;

use super::contacts::ContactsError;

/// The stream of all consent of a tenant.
const STREAM: &str = "consent";

/// Why consent was not recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConsentFailure {
    /// The number.
    #[error(transparent)]
    Contacts(#[from] ContactsError),
    /// The log could not be read.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The log takes nothing.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Reads who may be written to. Blocks.
///
/// # Errors
/// [`ViewError`].
pub fn load(log: &dyn EventLog, tenant: &TenantId) -> Result<(Consents, Version), ViewError> {
    let (mut consents, mut version, mut failure) = (Consents::new(), Version::NONE, None);
    log.scan_stream(tenant, &StreamId::new(STREAM), Version(1), &mut |record| {
        let change = decode(record).map(|event| match event {
            Event::ConsentChanged(stored) => ConsentChange::try_from(&stored).ok(),
            _ => None,
        });
        match change {
            Ok(Some(change)) => evolve(&mut consents, record.occurred_at, change),
            Ok(None) => {}
            Err(source) => {
                failure = Some(ViewError::Event { position: record.position, source });
                return ControlFlow::Break(());
            }
        }
        version = record.version;
        ControlFlow::Continue(())
    })?;
    failure.map_or(Ok((consents, version)), Err)
}

/// Carries out a command about a contact; blocks. The append under way, or none where nothing changes.
///
/// # Errors
/// [`ViewError`].
pub fn execute(
    log: &Arc<dyn EventLog>,
    tenant: &TenantId,
    contact: &str,
    command: ConsentCommand,
    by: By,
    now: Timestamp,
) -> Result<Option<Appending>, ViewError> {
    let (consents, version) = load(&**log, tenant)?;
    let Some(change) = decide(&consents, contact, command, by) else { return Ok(None) };
    let metadata =
        Metadata { actor: "consent".into(), trace: crate::telemetry::current_trace(), ..Metadata::default() };
    let event = Event::ConsentChanged(ConsentChanged::from(&change));
    let append = Append {
        tenant: tenant.clone(),
        stream: StreamId::new(STREAM),
        expected: Expected::at(version),
        events: vec![new_event(EventId::random(), &event, now, &metadata)],
    };
    Ok(Some(log.append(append)))
}

/// The same, to its end: where the event stands, or none where nothing changed. Blocks.
///
/// # Errors
/// [`ConsentFailure`].
pub fn execute_now(
    log: &Arc<dyn EventLog>,
    tenant: &TenantId,
    contact: &str,
    command: ConsentCommand,
    by: By,
    now: Timestamp,
) -> Result<Option<Position>, ConsentFailure> {
    let Some(appending) = execute(log, tenant, contact, command, by, now)? else { return Ok(None) };
    let appended = appending.wait()?;
    Ok(appended.outcomes.first().map(|outcome| outcome.position()))
}
