//! Views: read models folded from events. A view may be deleted at any time; replaying the log rebuilds it
//! byte for byte.
//!
//! [`spend`] is the cube of usage, [`report`] and [`status`] are queries on it, and [`replay`] rebuilds
//! everything from the first event, for an audit.
//!
//! `missing_docs` is off here: a field has a comment where its name leaves something open (a unit, a format, an edge
//! case).

#![allow(missing_docs)]

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
use crate::domain::goal::Goal;
use crate::domain::goal_day::GoalDays;
use crate::domain::limit_request::LimitRequests;
use crate::domain::local_goals::LocalGoals;
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

/// Work on another thread did not finish: it panicked, or the program is shutting down. The log may be fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this failed inside and was cut short; whether it was done is not known: check before you retry, and report the panic \
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
    /// An event could not be decoded.
    #[error("event {position}: {source}")]
    Event { position: Position, source: CodecError },
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

/// The views of one tenant. Copies share everything until one of them is changed, so that readers of one
/// position and the projection, which moves on to the next, do not wait for each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantView {
    /// Usage and its cost.
    pub spend: SpendView,
    /// Balance readings and top-ups.
    pub balances: Shared<BalanceView>,
    /// Month-to-date sums that were read by hand.
    pub odometer: Shared<Odometer>,
    /// The providers' reports of their days.
    pub reports: Shared<Reports>,
    /// Usage of a subscription's limits.
    pub quotas: Shared<Quotas>,
    /// Spend limits over all providers.
    pub allowance: Shared<Allowance>,
    /// Limit requests.
    pub requests: Shared<LimitRequests>,
    /// Issued tokens.
    pub tokens: Shared<Register>,
    pub budgets: Shared<BTreeMap<BudgetName, Budget>>,
    /// Beeminder's goals, by id.
    pub goals: Shared<BTreeMap<String, Goal>>,
    /// When one of them was last updated.
    pub goals_told_at: Option<Timestamp>,
    /// What Beeminder's days are reckoned by.
    pub goal_days: Shared<GoalDays>,
    /// Local goals, and feeds.
    pub local_goals: Shared<LocalGoals>,
    /// Intended datapoints and their outcomes.
    pub ledger: Shared<Ledger>,
    pub alerts: Shared<AlertState>,
    /// Consent by contact.
    pub consents: Shared<Consents>,
    /// The state of each source, by name.
    pub sources: Shared<BTreeMap<String, SourceFact>>,
    /// When each actor last gave up, by its path.
    pub gave_up: Shared<BTreeMap<String, Timestamp>>,
    /// Recently refused requests.
    pub refused: Shared<Refused>,
    /// Number of log repairs, supervisor interventions and source changes.
    pub incidents: u64,
}

/// All tenants' views at one position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Views {
    /// The last event applied.
    pub position: Position,
    /// When that event was recorded.
    pub recorded_at: Option<Timestamp>,
    tenants: BTreeMap<TenantId, Arc<TenantView>>,
}

/// Which events count: all, or those that had occurred by an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Horizon {
    #[default]
    Unbounded,
    /// Events that occurred at this instant or earlier, as known now.
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
    /// One tenant's view at no position, for benchmarks and tests.
    #[must_use]
    pub fn of(tenant: TenantId, view: TenantView) -> Self {
        Self { tenants: [(tenant, Arc::new(view))].into(), ..Self::default() }
    }

    /// A tenant's view, if it has any event.
    #[must_use]
    pub fn tenant(&self, tenant: &TenantId) -> Option<&TenantView> {
        self.tenants.get(tenant).map(AsRef::as_ref)
    }

    /// The same, shared.
    #[must_use]
    pub fn shared(&self, tenant: &TenantId) -> Option<Arc<TenantView>> {
        self.tenants.get(tenant).cloned()
    }

    /// Skips an event of a tenant whose view is not wanted.
    pub(crate) fn pass(&mut self, record: &RecordRef<'_>) {
        self.position = record.position;
        self.recorded_at = Some(record.recorded_at);
    }

    /// Applies the next event.
    ///
    /// # Errors
    /// [`ViewError::Event`]: it cannot be decoded. Nothing has changed then.
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
        // What a revision replaces may lie inside a horizon even if the revision itself does not.
        if let Event::UsageRevised(revised) = event {
            let before = revised.superseded_at();
            if horizon.includes(before) {
                self.take_back(before, &revised.superseded);
            }
        }
        if horizon.includes(occurred_at) { self.take(occurred_at, event) } else { Ok(()) }
    }

    /// Dispatches an event to the states that depend on it, with the same folds as the command side: see
    /// [`fold`]. There is no wildcard arm, and no unaffected state is touched: see [`Shared`].
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
            // A withdrawal carries the time of what it withdraws, so that no horizon separates them.
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
            Event::BalanceRead(_) | Event::BalanceDoubted(_) | Event::BalanceToppedUp(_) => {
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
            Event::GoalObserved(_) => {
                self.goals_told_at = Some(at);
                self.goals.apply(at, event)?;
                self.goal_days.apply(at, event)?;
            }
            Event::GoalGone(_) => self.goals.apply(at, event)?,
            Event::GoalAccountObserved(_) => self.goal_days.apply(at, event)?,
            Event::LocalGoalSet(_)
            | Event::LocalGoalClosed(_)
            | Event::FeedStarted(_)
            | Event::FeedStopped(_) => self.local_goals.apply(at, event)?,
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
            // Queries about the vault read the vault itself.
            Event::TaskObserved(_)
            | Event::TaskGone(_)
            | Event::SessionLogged(_)
            | Event::NoteWritten(_)
            | Event::NoteRestored(_) => {}
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
            // The failure behind a breaker is reported by its own event.
            state if state.starts_with("breaker") => return,
            _ => None,
        };
        let before = self.sources.get(&change.source);
        let since = before.filter(|before| before.trouble.is_some() && trouble.is_some());
        let since = since.map_or(at, |before| before.since);
        self.sources.insert(change.source.clone(), SourceFact { trouble, since });
    }
}
