//! Who may be written to, as the log has it, and the one way to change it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::code::{Code, Coded};
use crate::domain::consent::{By, ConsentChange, ConsentCommand, Consents, decide, evolve};
use crate::event::payload::ConsentChanged;
use crate::event::{Event, EventId, Position, StreamId, TenantId, Version};
use crate::log::{Append, Appending, EventLog, Expected, LogError};
use crate::service::aggregate::repository;
use crate::service::usage::recorder::new_event;
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

impl Coded for ConsentFailure {
    fn code(&self) -> Code {
        match self {
            Self::Contacts(error) => error.code(),
            Self::View(error) => error.code(),
            Self::Log(error) => error.code(),
        }
    }
}

/// Reads who may be written to. Blocks.
///
/// # Errors
/// [`ViewError`].
pub fn load(log: &dyn EventLog, tenant: &TenantId) -> Result<(Consents, Version), ViewError> {
    let mut consents = Consents::new();
    let version = repository::fold(log, tenant, STREAM, |record, event| {
        if let Event::ConsentChanged(stored) = event
            && let Ok(change) = ConsentChange::try_from(&stored)
        {
            evolve(&mut consents, record.occurred_at, change);
        }
        Ok::<_, ViewError>(())
    })?;
    Ok((consents, version))
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
    let metadata = repository::by("consent");
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
