//! Views: folds over events, for asking. A view may be deleted at any time; a replay of the log
//! gives the same one, byte for byte.
//!
//! [`spend`] is the cube of usage, [`report`] and [`status`] are the questions put to it, and
//! [`replay`] rebuilds everything from the first event, as an auditor would.

pub mod affording;
pub mod alerts;
pub mod balances;
pub mod budgets;
pub mod cost;
pub mod explain;
pub mod feeds;
pub mod fold;
pub mod forecast;
pub mod freshness;
pub mod goals;
pub mod lacking;
pub mod names;
pub mod odometer;
mod pieces;
pub mod projects;
pub mod quotas;
pub mod reconcile;
pub mod replay;
pub mod report;
pub mod shared;
pub mod snapshot;
pub mod spans;
pub mod spend;
pub mod standing;
pub mod status;
pub mod uses;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::access::refusals::Refused;
use crate::domain::access::register::Register;
use crate::domain::alert::book::AlertState;
use crate::domain::alert::rules::{SourceFact, SourceTrouble};
use crate::domain::allowance::Allowance;
use crate::domain::budget::{Budget, BudgetName};
use crate::domain::code::{Code, Coded};
use crate::domain::consent::Consents;
use crate::domain::datapoint::Ledger;
use crate::domain::desk::Desk;
use crate::domain::goal::Goal;
use crate::domain::limit_request::LimitRequests;
use crate::domain::odometer::Odometer;
use crate::domain::quota::Quotas;
use crate::domain::report::Reports;
use crate::event::payload::{SourceChanged, UsageMetered, UsageRecorded, UsageTold, balance_change};
use crate::event::{CodecError, decode};
use crate::event::{Event, Position, RecordRef, TenantId};
use crate::log::LogError;

use balances::BalanceView;
use fold::{Fold, malformed};
use shared::Shared;
use spend::SpendView;

/// Work on another thread came to no end: it panicked, or the program ends. It says nothing of the log, which may be well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this failed inside and was cut short; whether it was done is not known: look before asking again, and tell of the panic \
     that the program's log lines name"
)]
pub struct CutShort;

impl From<tokio::task::JoinError> for CutShort {
    fn from(_: tokio::task::JoinError) -> Self {
        Self
    }
}

impl Coded for CutShort {
    fn code(&self) -> Code {
        Code::CutShort
    }
}

/// Why a view cannot be built.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ViewError {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The work was cut short.
    #[error(transparent)]
    CutShort(#[from] CutShort),
    /// An event's payload could not be read.
    #[error("event {position}: {source}")]
    Event {
        /// Where it stands.
        position: Position,
        /// What is wrong with it.
        source: CodecError,
    },
}

impl Coded for ViewError {
    fn code(&self) -> Code {
        match self {
            Self::Log(error) => error.code(),
            Self::CutShort(error) => error.code(),
            Self::Event { .. } => Code::Internal,
        }
    }
}

/// Everything that is known of one tenant. A copy shares all of it until one of the two changes, so that those who read one
/// position and the projection, which goes on to the next, do not wait for each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantView {
    /// What was used and what it cost.
    pub spend: SpendView,
    /// What was left at the providers, when it was read, and what was added there.
    pub balances: Shared<BalanceView>,
    /// The months' sums that were read by hand.
    pub odometer: Shared<Odometer>,
    /// What the providers reported of their days.
    pub reports: Shared<Reports>,
    /// How much of a subscription's limits is used.
    pub quotas: Shared<Quotas>,
    /// What may be spent with all providers together.
    pub allowance: Shared<Allowance>,
    /// Who asked for more, and what became of it.
    pub requests: Shared<LimitRequests>,
    /// The tokens that were given out.
    pub tokens: Shared<Register>,
    /// The budgets, by name.
    pub budgets: Shared<BTreeMap<BudgetName, Budget>>,
    /// The goals at Beeminder, by id.
    pub goals: Shared<BTreeMap<String, Goal>>,
    /// When something about them was last told.
    pub goals_told_at: Option<Timestamp>,
    /// The local goals, and what feeds a goal.
    pub desk: Shared<Desk>,
    /// The datapoints that were meant to be written.
    pub ledger: Shared<Ledger>,
    /// The alerts.
    pub alerts: Shared<AlertState>,
    /// Whose numbers may be written to.
    pub consents: Shared<Consents>,
    /// How the sources stand, by name.
    pub sources: Shared<BTreeMap<String, SourceFact>>,
    /// When each actor last gave up, by its path.
    pub gave_up: Shared<BTreeMap<String, Timestamp>>,
    /// The requests that were refused lately.
    pub refused: Shared<Refused>,
    /// How many repairs of the log, interventions of the supervisor and changes of sources the log tells of.
    pub incidents: u64,
}

/// Everything that is known, up to a position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Views {
    /// The last event that was applied.
    pub position: Position,
    /// When that event was recorded.
    pub recorded_at: Option<Timestamp>,
    tenants: BTreeMap<TenantId, Arc<TenantView>>,
}

/// Which events count: all, or those that had happened by an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Horizon {
    /// All of them.
    #[default]
    Unbounded,
    /// Those that occurred at this instant or before it, as it is known now.
    OccurredBy(Timestamp),
}

impl Horizon {
    fn includes(self, occurred_at: Timestamp) -> bool {
        match self {
            Self::Unbounded => true,
            Self::OccurredBy(limit) => occurred_at <= limit,
        }
    }
}

impl Views {
    /// Those of one tenant, of no position: for measuring and for tests.
    #[must_use]
    pub fn of(tenant: TenantId, view: TenantView) -> Self {
        Self { tenants: [(tenant, Arc::new(view))].into(), ..Self::default() }
    }

    /// What is known of a tenant, if anything.
    #[must_use]
    pub fn tenant(&self, tenant: &TenantId) -> Option<&TenantView> {
        self.tenants.get(tenant).map(AsRef::as_ref)
    }

    /// The same, to keep.
    #[must_use]
    pub fn shared(&self, tenant: &TenantId) -> Option<Arc<TenantView>> {
        self.tenants.get(tenant).cloned()
    }

    /// The next event is another tenant's, of whom nothing is asked.
    pub(crate) fn pass(&mut self, record: &RecordRef<'_>) {
        self.position = record.position;
        self.recorded_at = Some(record.recorded_at);
    }

    /// Applies the next event.
    ///
    /// # Errors
    /// [`ViewError::Event`]: the payload cannot be read. Nothing has changed then.
    pub fn apply(&mut self, record: &RecordRef<'_>, horizon: Horizon) -> Result<(), ViewError> {
        let event =
            decode(record).map_err(|source| ViewError::Event { position: record.position, source })?;
        if !self.tenants.contains_key(record.tenant) {
            self.tenants.insert(TenantId::new(record.tenant), Arc::default());
        }
        if let Some(view) = self.tenants.get_mut(record.tenant) {
            Arc::make_mut(view)
                .apply(record.occurred_at, &event, horizon)
                .map_err(|source| ViewError::Event { position: record.position, source })?;
        }
        self.position = record.position;
        self.recorded_at = Some(record.recorded_at);
        Ok(())
    }
}

impl TenantView {
    fn apply(
        &mut self,
        occurred_at: Timestamp,
        event: &Event<'_>,
        horizon: Horizon,
    ) -> Result<(), CodecError> {
        // What a revision supersedes may lie within a horizon that it lies behind itself.
        if let Event::UsageRevised(revised) = event {
            let before = revised.superseded_at();
            if horizon.includes(before) {
                self.take_back(before, &revised.superseded);
            }
        }
        if horizon.includes(occurred_at) { self.take(occurred_at, event) } else { Ok(()) }
    }

    /// Hands an event to the parts that follow from it: the same folds as the command sides', see [`fold`]. No event is
    /// left out by a wildcard, and no part is touched that does not follow from it: see [`Shared`].
    fn take(&mut self, at: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        match event {
            Event::UsageRecorded(usage) => self.add(at, usage),
            Event::UsageTold(UsageTold { usage, counted, .. })
            | Event::UsageMetered(UsageMetered { usage, counted, .. }) => {
                if *counted {
                    self.add(at, usage);
                }
            }
            Event::UsageRevised(revised) => self.add(at, &revised.usage),
            // It bears the time of what it takes back, so that both are on one side of any horizon.
            Event::UsageWithdrawn(withdrawn) => self.take_back(at, &withdrawn.usage),
            Event::ProjectAliased(stored) => self.spend.alias(stored.into()),
            Event::BudgetSet(_) | Event::BudgetRemoved(_) => self.budgets.apply(at, event)?,
            Event::VirtualBudgetSet(_)
            | Event::SpendOverridden(_)
            | Event::OverrideEnded(_)
            | Event::LimitRequested(_)
            | Event::LimitGranted(_)
            | Event::LimitRefused(_)
            | Event::LimitWithdrawn(_) => {
                self.allowance.apply(at, event)?;
                self.requests.apply(at, event)?;
            }
            Event::BalanceRead(_) | Event::BalanceToppedUp(_) => {
                let change = balance_change(at, event).map_err(|error| malformed(event, &error))?;
                if let Some(change) = change {
                    self.balances.change(change, &self.spend);
                }
            }
            Event::OdometerRead(_) | Event::OdometerCorrected(_) | Event::OdometerStopped(_) => {
                self.odometer.apply(at, event)?;
            }
            Event::QuotaRead(_) => self.quotas.apply(at, event)?,
            Event::CostReported(_) | Event::UsageReported(_) => self.reports.apply(at, event)?,
            Event::TokenIssued(_) | Event::TokenRevoked(_) => self.tokens.apply(at, event)?,
            Event::GoalObserved(_) | Event::GoalGone(_) => {
                if matches!(event, Event::GoalObserved(_)) {
                    self.goals_told_at = Some(at);
                }
                self.goals.apply(at, event)?;
            }
            Event::LocalGoalSet(_)
            | Event::LocalGoalClosed(_)
            | Event::FeedStarted(_)
            | Event::FeedStopped(_) => self.desk.apply(at, event)?,
            Event::DatapointIntended(_) | Event::DatapointWritten(_) | Event::DatapointRefused(_) => {
                self.ledger.apply(at, event)?;
            }
            Event::AlertRaised(_)
            | Event::AlertGraded(_)
            | Event::AlertAcknowledged(_)
            | Event::AlertResolved(_)
            | Event::AlertQueued(_)
            | Event::AttemptStarted(_)
            | Event::AttemptEnded(_)
            | Event::DeliveryNoted(_) => self.alerts.apply(at, event)?,
            Event::ConsentChanged(_) => self.consents.apply(at, event)?,
            Event::LogRepaired(_) => self.incidents += 1,
            Event::SupervisionNoted(noted) => {
                self.incidents += 1;
                if noted.change == "escalated" {
                    self.gave_up.insert(noted.actor.clone(), at);
                }
            }
            Event::AccessRefused(refused) => {
                self.incidents += 1;
                self.refused.evolve(at, refused.into());
            }
            Event::SourceChanged(change) => {
                self.incidents += 1;
                self.change_source(at, change);
            }
            // What stands in the vault is asked of the vault itself.
            Event::TaskObserved(_) | Event::TaskGone(_) | Event::SessionLogged(_) => {}
        }
        Ok(())
    }

    fn add(&mut self, at: Timestamp, usage: &UsageRecorded<'_>) {
        let provider = self.spend.add(at, usage);
        if self.balances.is_touched(at, &provider) {
            self.balances.add(at, &provider, usage.cost);
        }
    }

    fn take_back(&mut self, at: Timestamp, usage: &UsageRecorded<'_>) {
        let provider = self.spend.take_back(at, usage);
        if self.balances.is_touched(at, &provider) {
            self.balances.take_back(at, &provider, usage.cost);
        }
    }

    fn change_source(&mut self, at: Timestamp, change: &SourceChanged) {
        let trouble = match change.state.as_str() {
            "unauthorized" => Some(SourceTrouble::Unauthorized),
            "failing" => Some(SourceTrouble::Failing),
            // A breaker is part of a failure that is told of by itself.
            state if state.starts_with("breaker") => return,
            _ => None,
        };
        let before = self.sources.get(&change.source);
        let since = before.filter(|before| before.trouble.is_some() && trouble.is_some());
        let since = since.map_or(at, |before| before.since);
        self.sources.insert(change.source.clone(), SourceFact { trouble, since });
    }
}
