//! The aggregate of budgets.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::budget::{Budget, BudgetChange, BudgetCommand, BudgetError, BudgetName, decide};
use crate::event::Event;
use crate::event::payload::{BudgetRemoved, BudgetSet};
use crate::service::aggregate::repository::{Aggregate, CommandError, Fact, Next, Rejection};

/// Why a command on a budget failed.
pub type BudgetFailure = CommandError<BudgetError>;

impl Rejection for BudgetError {}

/// The budgets of a tenant.
pub struct BudgetAggregate;

impl Aggregate for BudgetAggregate {
    const STREAM: &'static str = "budgets";
    const ACTOR: &'static str = "budgets";

    type State = BTreeMap<BudgetName, Budget>;
    type Command = BudgetCommand;
    type Change = BudgetChange;
    type Error = BudgetError;

    fn decide(
        budgets: &Self::State,
        command: BudgetCommand,
        _: Timestamp,
    ) -> Result<Vec<BudgetChange>, BudgetError> {
        Ok(decide(budgets, command)?.into_iter().collect())
    }

    fn event(_: &Self::State, change: &BudgetChange, next: &Next<'_>) -> Fact {
        next.fact(match change {
            BudgetChange::Set(budget) => Event::BudgetSet(BudgetSet::from(budget)),
            BudgetChange::Removed(name) => Event::BudgetRemoved(BudgetRemoved { name: name.to_string() }),
        })
    }

    fn label(command: &BudgetCommand) -> &'static str {
        match command {
            BudgetCommand::Set(_) => "set-budget",
            BudgetCommand::Remove(_) => "remove-budget",
        }
    }
}
