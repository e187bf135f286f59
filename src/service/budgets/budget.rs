//! The budgets as the log has them, and the one way to change them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::budget::{Budget, BudgetChange, BudgetCommand, BudgetError, BudgetName, decide, evolve};
use crate::domain::code::{Code, Coded};
use crate::event::payload::{BudgetPayloadError, BudgetRemoved, BudgetSet};
use crate::event::{Event, EventId, Metadata, StreamId, TenantId, Version};
use crate::log::{Append, EventLog, Expected, LogError};
use crate::service::aggregate::actor::{Book, Decided, DecidingActor};
use crate::service::aggregate::repository;
use crate::service::aggregate::repository::Conflicting;
use crate::service::usage::recorder::new_event;
use crate::view::ViewError;

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

impl Coded for BudgetFailure {
    fn code(&self) -> Code {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Log(error) => error.code(),
            Self::Unreadable(error) => error.code(),
            Self::Stored(_) => Code::Internal,
        }
    }
}

/// The budgets of one tenant and the version of their stream.
#[derive(Debug, Clone)]
pub struct BudgetBook {
    tenant: TenantId,
    budgets: BTreeMap<BudgetName, Budget>,
    version: Version,
}

impl Conflicting for BudgetFailure {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Log(LogError::Conflict { .. }))
    }
}

/// Decides commands on budgets.
pub type BudgetActor = DecidingActor<BudgetBook>;

impl BudgetBook {
    fn apply(&mut self, change: Option<BudgetChange>, version: Version) {
        if let Some(change) = change {
            evolve(&mut self.budgets, change);
        }
        self.version = version;
    }
}

impl Book for BudgetBook {
    type Order = BudgetCommand;
    type Change = BudgetChange;
    type Refusal = BudgetError;
    type Failure = BudgetFailure;

    const ACTOR: &'static str = "budgets";

    fn load(log: &dyn EventLog, tenant: &TenantId) -> Result<Self, BudgetFailure> {
        let mut book = Self { tenant: tenant.clone(), budgets: BTreeMap::new(), version: Version::NONE };
        repository::fold(log, tenant, STREAM, |record, event| {
            book.apply(change_of(&event)?, record.version);
            Ok::<_, BudgetFailure>(())
        })?;
        Ok(book)
    }

    fn decide(&self, command: BudgetCommand, now: Timestamp, metadata: &Metadata) -> Decided<Self> {
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

    fn committed(&mut self, change: BudgetChange) {
        self.apply(Some(change), self.version.next());
    }

    fn label(command: &BudgetCommand) -> &'static str {
        match command {
            BudgetCommand::Set(_) => "set-budget",
            BudgetCommand::Remove(_) => "remove-budget",
        }
    }
}

fn change_of(event: &Event<'_>) -> Result<Option<BudgetChange>, BudgetFailure> {
    Ok(match event {
        Event::BudgetSet(stored) => Some(BudgetChange::Set(Budget::try_from(stored)?)),
        Event::BudgetRemoved(stored) => Some(BudgetChange::Removed(stored.name.parse()?)),
        _ => None,
    })
}
