//! The handlers about what may be spent, and what was.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;

use crate::service::budgets::allowance::{AskBody, OverrideBody, VirtualBudgetBody};
use crate::service::endpoints::Endpoint;
use crate::service::endpoints::allowance::{
    CanAfford, GetAllowance, GetCost, GrantOverride, RemoveVirtualBudget, SetVirtualBudget,
};
use crate::view::affording::{AffordabilityShown, AllowanceShown};
use crate::view::cost::CostShown;

use super::App;
use super::api::{Answer, answer};
use super::problem::{Body, Params, Problem};

/// Whether something can be afforded, and which limit says so.
#[utoipa::path(get, path = CanAfford::PATH, tag = "money", params(AskBody), security(("token" = [])), responses(
    (status = 200, body = AffordabilityShown, description = "the answer, yes or no"),
))]
pub async fn can_afford(
    State(app): State<App>,
    Params(asked): Params<AskBody>,
) -> Answer<AffordabilityShown> {
    answer(&app, CanAfford(asked)).await
}

/// What every provider cost, and how that is known: actual, inferred or estimated.
#[utoipa::path(get, path = GetCost::PATH, tag = "money", params(GetCost), security(("token" = [])), responses(
    (status = 200, body = CostShown),
))]
pub async fn cost(State(app): State<App>, Params(asked): Params<GetCost>) -> Answer<CostShown> {
    answer(&app, asked).await
}

/// The virtual budget, and what was allowed beyond it.
#[utoipa::path(get, path = GetAllowance::PATH, tag = "money", security(("token" = [])), responses(
    (status = 200, body = AllowanceShown),
))]
pub async fn virtual_budget(State(app): State<App>) -> Answer<AllowanceShown> {
    answer(&app, GetAllowance).await
}

/// Sets the virtual budget, or replaces it.
#[utoipa::path(put, path = SetVirtualBudget::PATH, tag = "money", request_body = VirtualBudgetBody, security(("token" = [])), responses(
    (status = 200, body = AllowanceShown),
))]
pub async fn set_virtual_budget(
    State(app): State<App>,
    Body(body): Body<VirtualBudgetBody>,
) -> Answer<AllowanceShown> {
    answer(&app, SetVirtualBudget(body)).await
}

/// Removes the virtual budget.
#[utoipa::path(delete, path = RemoveVirtualBudget::PATH, tag = "money", security(("token" = [])), responses(
    (status = 200, body = AllowanceShown), (status = 404, body = Problem),
))]
pub async fn remove_virtual_budget(State(app): State<App>) -> Answer<AllowanceShown> {
    answer(&app, RemoveVirtualBudget).await
}

/// Allows more than the limits say, knowingly: recorded with its reason, and over by itself.
#[utoipa::path(post, path = GrantOverride::PATH, tag = "money", request_body = OverrideBody, security(("token" = [])), responses(
    (status = 200, body = AllowanceShown),
))]
pub async fn grant_override(
    State(app): State<App>,
    Body(body): Body<OverrideBody>,
) -> Answer<AllowanceShown> {
    answer(&app, GrantOverride(body)).await
}
