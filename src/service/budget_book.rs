//! The budgets as the log has them, and the one way to change them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::Timestamp;

use crate::domain::budget::{Budget, BudgetChange, BudgetCommand, BudgetError, BudgetName, decide, evolve};
use crate::event::codec::decode;
use crate::event::payload::{BudgetPayloadError, BudgetRemoved, BudgetSet};
use crate::event::{Event, EventId, Metadata, Position, StreamId, TenantId, Version};
use crate::log::{Append, EventLog, Expected, LogError};
use crate::view::ViewError;

use super::recorder::new_event;

/// The stream of all budget changes of a tenant.
const STREAM: &str = "budgets";

/// Why a command on a budget was not carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BudgetFailure {
    /// The domain refuses it.
    #[error(transparent)]
    Refused(#[from] BudgetError),
    /// The log refused it.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The budgets there are cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ViewError),
    /// A stored budget makes no sense.
    #[error(transparent)]
    Stored(#[from] BudgetPayloadError),
}

/// The budgets of one tenant and the version of their stream.
#[derive(Debug, Clone)]
pub struct BudgetBook {
    tenant: TenantId,
    budgets: BTreeMap<BudgetName, Budget>,
    version: Version,
}

impl BudgetBook {
    /// Reads the budgets from the log. Blocks.
    ///
    /// # Errors
    /// [`BudgetFailure::Unreadable`], [`BudgetFailure::Stored`].
    pub fn load(log: &dyn EventLog, tenant: &TenantId) -> Result<Self, BudgetFailure> {
        let mut book = Self { tenant: tenant.clone(), budgets: BTreeMap::new(), version: Version::NONE };
        let mut failure = None;
        log.scan_stream(tenant, &StreamId::new(STREAM), Version(1), &mut |record| {
            let change = decode(record)
                .map_err(|source| ViewError::Event { position: record.position, source }.into())
                .and_then(|event| change_of(&event));
            match change {
                Ok(change) => book.apply(change, record.version),
                Err(error) => failure = Some(error),
            }
            if failure.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .map_err(ViewError::from)?;
        failure.map_or(Ok(book), Err)
    }

    fn apply(&mut self, change: Option<BudgetChange>, version: Version) {
        if let Some(change) = change {
            evolve(&mut self.budgets, change);
        }
        self.version = version;
    }

    /// Decides a command: the append that carries it out, or none where nothing changes.
    ///
    /// # Errors
    /// [`BudgetError`]: the command is refused.
    pub fn decide(
        &self,
        command: BudgetCommand,
        now: Timestamp,
        metadata: &Metadata,
    ) -> Result<Option<(Append, BudgetChange)>, BudgetError> {
        let Some(change) = decide(&self.budgets, command)? else { return Ok(None) };
        let event = match &change {
            BudgetChange::Set(budget) => Event::BudgetSet(BudgetSet::from(budget)),
            BudgetChange::Removed(name) => Event::BudgetRemoved(BudgetRemoved { name: name.to_string() }),
        };
        let append = Append {
            tenant: self.tenant.clone(),
            stream: StreamId::new(STREAM),
            expected: Expected::at(self.version),
            events: vec![new_event(EventId::random(), &event, now, metadata)],
        };
        Ok(Some((append, change)))
    }

    /// Takes note that a decided change was appended.
    pub fn committed(&mut self, change: BudgetChange) {
        self.apply(Some(change), self.version.next());
    }

    /// Carries out a command in one go; blocks. The position of the event, or none where nothing changed.
    ///
    /// # Errors
    /// [`BudgetFailure`].
    pub fn execute(
        &mut self,
        log: &dyn EventLog,
        command: BudgetCommand,
        now: Timestamp,
        metadata: &Metadata,
    ) -> Result<Option<Position>, BudgetFailure> {
        let Some((append, change)) = self.decide(command, now, metadata)? else { return Ok(None) };
        let appended = log.append(append).wait()?;
        self.committed(change);
        Ok(appended.outcomes.first().map(|outcome| outcome.position()))
    }
}

fn change_of(event: &Event<'_>) -> Result<Option<BudgetChange>, BudgetFailure> {
    Ok(match event {
        Event::BudgetSet(stored) => Some(BudgetChange::Set(Budget::try_from(stored)?)),
        Event::BudgetRemoved(stored) => Some(BudgetChange::Removed(stored.name.parse()?)),
        _ => None,
    })
}
