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
pub mod forecast;
pub mod freshness;
pub mod goals;
pub mod lacking;
pub mod names;
pub mod odometer;
pub mod projects;
pub mod quotas;
pub mod reconcile;
pub mod replay;
pub mod report;
pub mod snapshot;
pub mod spans;
pub mod spend;
pub mod standing;
pub mod status;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::access::refusals::Refused;
use crate::domain::access::register::Register;
use crate::domain::alert::book::AlertBook;
use crate::domain::alert::rules::{SourceFact, SourceTrouble};
use crate::domain::allowance::{self, Allowance};
use crate::domain::budget::{Budget, BudgetChange, BudgetName, evolve};
use crate::domain::code::{Code, Coded};
use crate::domain::consent::{self, ConsentChange, Consents};
use crate::domain::datapoint::Ledger;
use crate::domain::desk::Desk;
use crate::domain::goal::{self, Goal, GoalChange};
use crate::domain::limit_request::{self, LimitRequests};
use crate::domain::odometer::{self as meters, Odometer};
use crate::domain::quota::Quotas;
use crate::domain::report::Reports;
use crate::event::codec::{CodecError, decode};
use crate::event::payload::{
    SourceChanged, UsageMetered, UsageRecorded, UsageTold, alert_change, allowance_change, balance_change,
    desk_change, limit_change, odometer_change, point_change, quota_reading, report_change, token_change,
};
use crate::event::{Event, Position, RecordRef, TenantId};
use crate::log::LogError;

use balances::BalanceView;
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

/// Everything that is known of one tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantView {
    /// What was used and what it cost.
    pub spend: SpendView,
    /// What was left at the providers, when it was read, and what was added there.
    pub balances: BalanceView,
    /// The months' sums that were read by hand.
    pub odometer: Odometer,
    /// What the providers reported of their days.
    pub reports: Reports,
    /// How much of a subscription's limits is used.
    pub quotas: Quotas,
    /// What may be spent with all providers together.
    pub allowance: Allowance,
    /// Who asked for more, and what became of it.
    pub requests: LimitRequests,
    /// The tokens that were given out.
    pub tokens: Register,
    /// The budgets, by name.
    pub budgets: BTreeMap<BudgetName, Budget>,
    /// The goals at Beeminder, by id.
    pub goals: BTreeMap<String, Goal>,
    /// When something about them was last told.
    pub goals_told_at: Option<Timestamp>,
    /// The local goals, and what feeds a goal.
    pub desk: Desk,
    /// The datapoints that were meant to be written.
    pub ledger: Ledger,
    /// The alerts.
    pub alerts: AlertBook,
    /// Whose numbers may be written to.
    pub consents: Consents,
    /// How the sources stand, by name.
    pub sources: BTreeMap<String, SourceFact>,
    /// When each actor last gave up, by its path.
    pub gave_up: BTreeMap<String, Timestamp>,
    /// The requests that were refused lately.
    pub refused: Refused,
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
    tenants: BTreeMap<TenantId, TenantView>,
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
    /// What is known of a tenant, if anything.
    #[must_use]
    pub fn tenant(&self, tenant: &TenantId) -> Option<&TenantView> {
        self.tenants.get(tenant)
    }

    /// Applies the next event.
    ///
    /// # Errors
    /// [`ViewError::Event`]: the payload cannot be read. Nothing has changed then.
    pub fn apply(&mut self, record: &RecordRef<'_>, horizon: Horizon) -> Result<(), ViewError> {
        let event =
            decode(record).map_err(|source| ViewError::Event { position: record.position, source })?;
        if !self.tenants.contains_key(record.tenant) {
            self.tenants.insert(TenantId::new(record.tenant), TenantView::default());
        }
        if let Some(view) = self.tenants.get_mut(record.tenant) {
            view.apply(record.occurred_at, &event, horizon)
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
        let counts = horizon.includes(occurred_at);
        match event {
            Event::UsageRecorded(usage)
            | Event::UsageTold(UsageTold { usage, counted: true, .. })
            | Event::UsageMetered(UsageMetered { usage, counted: true, .. })
                if counts =>
            {
                self.add(occurred_at, usage);
            }
            // It bears the time of what it takes back, so that both are on one side of any horizon.
            Event::UsageWithdrawn(withdrawn) if counts => self.take_back(occurred_at, &withdrawn.usage),
            Event::UsageRevised(revised) => {
                let before = revised.superseded_at();
                if horizon.includes(before) {
                    self.take_back(before, &revised.superseded);
                }
                if counts {
                    self.add(occurred_at, &revised.usage);
                }
            }
            Event::ProjectAliased(stored) if counts => self.spend.alias(stored.into()),
            Event::OdometerRead(_) | Event::OdometerCorrected(_) | Event::OdometerStopped(_) if counts => {
                let change = odometer_change(occurred_at, event);
                let change = change.map_err(|error| malformed("odometer-read", &error))?;
                if let Some(change) = change {
                    meters::evolve(&mut self.odometer, change);
                }
            }
            Event::BudgetSet(stored) if counts => {
                let budget = Budget::try_from(stored).map_err(|error| malformed("budget-set", &error))?;
                evolve(&mut self.budgets, BudgetChange::Set(budget));
            }
            Event::BudgetRemoved(stored) if counts => {
                let name = stored.name.parse().map_err(|error| malformed("budget-removed", &error))?;
                evolve(&mut self.budgets, BudgetChange::Removed(name));
            }
            Event::GoalObserved(stored) if counts => {
                self.goals_told_at = Some(occurred_at);
                goal::evolve(&mut self.goals, GoalChange::Observed(Goal::from(stored)));
            }
            Event::GoalGone(gone) if counts => {
                goal::evolve(&mut self.goals, GoalChange::Gone { id: gone.id.clone() });
            }
            Event::LogRepaired(_) if counts => self.incidents += 1,
            Event::SupervisionNoted(noted) if counts => {
                self.incidents += 1;
                if noted.change == "escalated" {
                    self.gave_up.insert(noted.actor.clone(), occurred_at);
                }
            }
            Event::AccessRefused(refused) if counts => {
                self.incidents += 1;
                self.refused.evolve(occurred_at, refused.into());
            }
            Event::SourceChanged(change) if counts => {
                self.incidents += 1;
                self.change_source(occurred_at, change);
            }
            Event::ConsentChanged(stored) if counts => {
                let change =
                    ConsentChange::try_from(stored).map_err(|error| malformed("consent-changed", &error))?;
                consent::evolve(&mut self.consents, occurred_at, change);
            }
            event if counts => {
                let change = alert_change(event).map_err(|error| malformed("alert", &error))?;
                if let Some(change) = change {
                    self.alerts.evolve(occurred_at, change);
                }
                let change =
                    token_change(occurred_at, event).map_err(|error| malformed("token-issued", &error))?;
                if let Some(change) = change {
                    self.tokens.evolve(change);
                }
                self.change_goal_work(occurred_at, event)?;
                self.change_money(occurred_at, event)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, at: Timestamp, usage: &UsageRecorded<'_>) {
        let provider = self.spend.add(at, usage);
        self.balances.add(at, &provider, usage.cost);
    }

    fn take_back(&mut self, at: Timestamp, usage: &UsageRecorded<'_>) {
        let provider = self.spend.take_back(at, usage);
        self.balances.take_back(at, &provider, usage.cost);
    }

    fn change_money(&mut self, at: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        let change = allowance_change(at, event).map_err(|error| malformed("spend-overridden", &error))?;
        if let Some(change) = change {
            allowance::evolve(&mut self.allowance, change);
        }
        let change = limit_change(at, event).map_err(|error| malformed("limit-requested", &error))?;
        if let Some(change) = change {
            limit_request::evolve(&mut self.requests, change);
        }
        if let Some(change) = balance_change(at, event).map_err(|error| malformed("balance", &error))? {
            self.balances.change(change, &self.spend);
        }
        if let Some(change) = report_change(event).map_err(|error| malformed("report", &error))? {
            self.reports.evolve(at, change);
        }
        if let Some(reading) = quota_reading(event).map_err(|error| malformed("quota-read", &error))? {
            self.quotas.evolve(at, reading);
        }
        Ok(())
    }

    fn change_goal_work(&mut self, at: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        if let Some(change) = desk_change(at, event).map_err(|error| malformed("goal", &error))? {
            self.desk.evolve(change);
        }
        let change = point_change(at, event).map_err(|error| malformed("datapoint", &error))?;
        if let Some((key, revision, change)) = change {
            self.ledger.evolve(key, revision, change);
        }
        Ok(())
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

fn malformed(type_name: &str, error: &dyn std::fmt::Display) -> CodecError {
    CodecError::Malformed { type_name: type_name.to_owned(), version: 0, detail: error.to_string() }
}
