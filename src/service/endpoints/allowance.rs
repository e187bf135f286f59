//! What may be spent with all providers together, and what was.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::domain::allowance::AllowanceCommand;
use crate::domain::calendar::Days;
use crate::service::budgets::allowance::{AllowanceAggregate, AskBody, OverrideBody, VirtualBudgetBody};
use crate::service::runtime::client::ServiceError;
use crate::service::runtime::forms;
use crate::view::affording::{AffordabilityShown, AllowanceShown};
use crate::view::cost::CostShown;

use super::{Endpoint, Host, Method};

/// Whether something can be afforded, and which limit says so.
#[derive(Serialize)]
pub struct CanAfford(pub AskBody);

impl Endpoint for CanAfford {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/can-afford";
    type Out = AffordabilityShown;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        self.0.clone().into_ask()?;
        Ok(())
    }

    async fn answer(self, host: &Host) -> Result<AffordabilityShown, ServiceError> {
        Ok(host.ask(|reads| reads.affordability(self.0, Timestamp::now())).await??)
    }
}

/// What every provider cost on the days of a range, and how that is known.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct GetCost {
    /// From the first of these days on; the first of the last day's month where absent.
    #[param(value_type = Option<forms::DaysText>)]
    pub since: Option<Days>,
    /// Up to the last of these days, included; today where absent.
    #[param(value_type = Option<forms::DaysText>)]
    pub until: Option<Days>,
}

impl Endpoint for GetCost {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/cost";
    type Out = CostShown;

    async fn answer(self, host: &Host) -> Result<CostShown, ServiceError> {
        let range = host.range(self.since, self.until, None)?;
        host.ask(|reads| reads.unified_cost(&range, Timestamp::now())).await
    }
}

/// The virtual budget, and what was allowed beyond it.
#[derive(Serialize)]
pub struct GetAllowance;

impl Endpoint for GetAllowance {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/virtual-budget";
    type Out = AllowanceShown;

    async fn answer(self, host: &Host) -> Result<AllowanceShown, ServiceError> {
        host.ask(|reads| reads.allowance(Timestamp::now())).await
    }
}

/// Sets the virtual budget, or replaces it.
#[derive(Serialize)]
pub struct SetVirtualBudget(pub VirtualBudgetBody);

impl Endpoint for SetVirtualBudget {
    const METHOD: Method = Method::Put;
    const PATH: &'static str = "/api/v1/virtual-budget";
    type Out = AllowanceShown;

    fn check(&self, now: Timestamp) -> Result<(), ServiceError> {
        Ok(self.0.check(now)?)
    }

    async fn answer(self, host: &Host) -> Result<AllowanceShown, ServiceError> {
        host.execute::<AllowanceAggregate>(self.0.into_command()?).await?;
        GetAllowance.answer(host).await
    }
}

/// Removes the virtual budget.
#[derive(Serialize)]
pub struct RemoveVirtualBudget;

impl Endpoint for RemoveVirtualBudget {
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/v1/virtual-budget";
    type Out = AllowanceShown;

    async fn answer(self, host: &Host) -> Result<AllowanceShown, ServiceError> {
        host.execute::<AllowanceAggregate>(AllowanceCommand::Remove).await?;
        GetAllowance.answer(host).await
    }
}

/// Allows more than the limits say, for a while.
#[derive(Serialize)]
pub struct GrantOverride(pub OverrideBody);

impl Endpoint for GrantOverride {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/overrides";
    type Out = AllowanceShown;

    fn check(&self, now: Timestamp) -> Result<(), ServiceError> {
        Ok(self.0.check(now)?)
    }

    async fn answer(self, host: &Host) -> Result<AllowanceShown, ServiceError> {
        let command = host.ask(|reads| reads.override_command(&self.0, Timestamp::now())).await??;
        host.execute::<AllowanceAggregate>(command).await?;
        GetAllowance.answer(host).await
    }
}
