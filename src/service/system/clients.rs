//! What the actors are asked, capability by capability; and the one way to have an aggregate's actor carry out a command.

mod alerts;
mod balances;
mod briefing;
mod goals;
mod usage;

use crate::service::access::token::TokenAggregate;
use crate::service::aggregate::repository::Aggregate;
use crate::service::balances::balance::BalanceAggregate;
use crate::service::balances::odometer::OdometerAggregate;
use crate::service::balances::quota::QuotaAggregate;
use crate::service::budgets::allowance::AllowanceAggregate;
use crate::service::budgets::budget::BudgetAggregate;
use crate::service::budgets::limit::LimitAggregate;
use crate::service::goals::local::LocalGoalAggregate;
use crate::service::runtime::client::{Client, ServiceError};
use crate::service::usage::projects::AliasAggregate;

use super::tree::Supervised;

/// An aggregate that has an actor of its own in the tree.
pub trait Hosted: Aggregate<Error: Sync> {
    /// Sends commands to that actor.
    fn client(system: &Supervised) -> &Client<Self>;
}

macro_rules! hosted {
    ($($aggregate:ty => $($field:ident).+;)*) => {$(
        impl Hosted for $aggregate {
            fn client(system: &Supervised) -> &Client<Self> {
                &system.$($field).+
            }
        }
    )*};
}

hosted! {
    AliasAggregate => aliases;
    AllowanceAggregate => allowance;
    BalanceAggregate => balances;
    BudgetAggregate => budgets;
    LimitAggregate => limits;
    LocalGoalAggregate => goals.local;
    OdometerAggregate => odometer;
    QuotaAggregate => quotas;
    TokenAggregate => tokens;
}

impl Supervised {
    /// Has an aggregate's actor carry out a command, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn execute<A: Hosted>(&self, command: A::Command) -> Result<(), ServiceError> {
        A::client(self).execute(command).await
    }
}
