//! The fold of each state: one implementation for the command side of an aggregate and for the view.

use std::collections::BTreeMap;
use std::fmt::Display;

use jiff::Timestamp;

use crate::domain::access::register::Register;
use crate::domain::alert::book::AlertState;
use crate::domain::allowance::{self, Allowance};
use crate::domain::balance::Accounts;
use crate::domain::budget::{self, Budget, BudgetChange, BudgetName};
use crate::domain::consent::{self, ConsentChange, Consents};
use crate::domain::datapoint::Ledger;
use crate::domain::goal::{self, Goal, GoalChange};
use crate::domain::goal_day::GoalDays;
use crate::domain::limit_request::{self, LimitRequests};
use crate::domain::local_goals::LocalGoals;
use crate::domain::odometer::{self, Odometer};
use crate::domain::project::Aliases;
use crate::domain::quota::Quotas;
use crate::domain::report::Reports;
use crate::domain::vault::track::Known;
use crate::domain::vault::written::Writes;
use crate::event::CodecError;
use crate::event::Event;
use crate::event::payload::{
    alert_change, allowance_change, balance_change, limit_change, local_goal_change, odometer_change,
    point_change, quota_reading, report_change, token_change,
};

/// A state that is folded from events.
pub trait Fold: Default {
    /// Applies an event that occurred at `at`; an event of another state changes nothing.
    ///
    /// # Errors
    /// [`CodecError::Malformed`]: the event is invalid. Nothing has changed then.
    fn apply(&mut self, at: Timestamp, event: &Event<'_>) -> Result<(), CodecError>;
}

/// The error for an invalid stored event.
pub fn malformed(event: &Event<'_>, error: &impl Display) -> CodecError {
    let (type_name, version) = event.type_and_version();
    CodecError::Malformed { type_name: type_name.to_owned(), version, detail: error.to_string() }
}

impl Fold for BTreeMap<BudgetName, Budget> {
    fn apply(&mut self, _: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        let change = match event {
            Event::BudgetSet(stored) => {
                BudgetChange::Set(Budget::try_from(stored).map_err(|error| malformed(event, &error))?)
            }
            Event::BudgetRemoved(stored) => {
                BudgetChange::Removed(stored.name.parse().map_err(|error| malformed(event, &error))?)
            }
            _ => return Ok(()),
        };
        budget::evolve(self, change);
        Ok(())
    }
}

impl Fold for Allowance {
    fn apply(&mut self, at: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        let change = allowance_change(at, event).map_err(|error| malformed(event, &error))?;
        if let Some(change) = change {
            allowance::evolve(self, change);
        }
        Ok(())
    }
}

impl Fold for LimitRequests {
    fn apply(&mut self, at: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        let change = limit_change(at, event).map_err(|error| malformed(event, &error))?;
        if let Some(change) = change {
            limit_request::evolve(self, change);
        }
        Ok(())
    }
}

/// Two states of one stream.
impl<A: Fold, B: Fold> Fold for (A, B) {
    fn apply(&mut self, at: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        self.0.apply(at, event)?;
        self.1.apply(at, event)
    }
}

impl Fold for Accounts {
    fn apply(&mut self, at: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        let change = balance_change(at, event).map_err(|error| malformed(event, &error))?;
        if let Some(change) = change {
            self.evolve(change);
        }
        Ok(())
    }
}

impl Fold for Odometer {
    fn apply(&mut self, at: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        let change = odometer_change(at, event).map_err(|error| malformed(event, &error))?;
        if let Some(change) = change {
            odometer::evolve(self, change);
        }
        Ok(())
    }
}

impl Fold for Quotas {
    fn apply(&mut self, at: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        let reading = quota_reading(event).map_err(|error| malformed(event, &error))?;
        if let Some(reading) = reading {
            self.evolve(at, reading);
        }
        Ok(())
    }
}

impl Fold for Reports {
    fn apply(&mut self, at: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        let change = report_change(event).map_err(|error| malformed(event, &error))?;
        if let Some(change) = change {
            self.evolve(at, change);
        }
        Ok(())
    }
}

impl Fold for Register {
    fn apply(&mut self, at: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        let change = token_change(at, event).map_err(|error| malformed(event, &error))?;
        if let Some(change) = change {
            self.evolve(change);
        }
        Ok(())
    }
}

impl Fold for BTreeMap<String, Goal> {
    fn apply(&mut self, _: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        match event {
            Event::GoalObserved(stored) => goal::evolve(self, GoalChange::Observed(Goal::from(stored))),
            Event::GoalGone(gone) => goal::evolve(self, GoalChange::Gone { id: gone.id.clone() }),
            _ => {}
        }
        Ok(())
    }
}

impl Fold for GoalDays {
    fn apply(&mut self, _: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        match event {
            Event::GoalObserved(stored) => self.tell_goal(&stored.slug, stored.deadline_s),
            Event::GoalAccountObserved(stored) => self.tell_account(&stored.timezone),
            _ => {}
        }
        Ok(())
    }
}

impl Fold for LocalGoals {
    fn apply(&mut self, at: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        let change = local_goal_change(at, event).map_err(|error| malformed(event, &error))?;
        if let Some(change) = change {
            self.evolve(change);
        }
        Ok(())
    }
}

impl Fold for Ledger {
    fn apply(&mut self, at: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        let change = point_change(at, event).map_err(|error| malformed(event, &error))?;
        if let Some((key, revision, change)) = change {
            self.evolve(key, revision, change);
        }
        Ok(())
    }
}

impl Fold for AlertState {
    fn apply(&mut self, at: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        let change = alert_change(event).map_err(|error| malformed(event, &error))?;
        if let Some(change) = change {
            self.evolve(at, change);
        }
        Ok(())
    }
}

impl Fold for Consents {
    fn apply(&mut self, at: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        if let Event::ConsentChanged(stored) = event {
            let change = ConsentChange::try_from(stored).map_err(|error| malformed(event, &error))?;
            consent::evolve(self, at, change);
        }
        Ok(())
    }
}

impl Fold for Aliases {
    fn apply(&mut self, _: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        if let Event::ProjectAliased(stored) = event {
            self.evolve(stored.into());
        }
        Ok(())
    }
}

impl Fold for Writes {
    fn apply(&mut self, _: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        match event {
            Event::NoteWritten(stored) => self.add(stored.into()),
            Event::NoteRestored(stored) => self.take_back(stored.write),
            _ => {}
        }
        Ok(())
    }
}

impl Fold for Known {
    fn apply(&mut self, _: Timestamp, event: &Event<'_>) -> Result<(), CodecError> {
        match event {
            Event::TaskObserved(stored) => {
                let (id, kind, fact) = stored.to_change().map_err(|error| malformed(event, &error))?;
                self.evolve(id, kind, fact);
            }
            Event::TaskGone(gone) => {
                self.remove(&gone.to_id().map_err(|error| malformed(event, &error))?);
            }
            _ => {}
        }
        Ok(())
    }
}
