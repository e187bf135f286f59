//! The handlers about what may be spent, and what was.

#![allow(clippy::missing_errors_doc)]

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::allowance::AllowanceCommand;
use crate::service::budgets::allowance::{AskBody, OverrideBody, VirtualBudgetBody};
use crate::service::runtime::forms;
use crate::view::affording::{AffordabilityShown, AllowanceShown};
use crate::view::cost::CostShown;
use crate::view::report::Range;

use super::App;
use super::api::Answer;
use super::problem::{Body, Params, Problem};

/// What somebody would like to spend.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AskParams {
    /// How much, in USD.
    #[param(value_type = forms::UsdText)]
    usd: String,
    /// With whom, as usage names it.
    provider: Option<String>,
    /// On which model.
    model: Option<String>,
    /// In which project's directory.
    project: Option<String>,
    /// In which session.
    session: Option<String>,
}

/// Whether something can be afforded, and which limit says so.
#[utoipa::path(get, path = "/api/v1/can-afford", tag = "money", params(AskParams), security(("token" = [])), responses(
    (status = 200, body = AffordabilityShown, description = "the answer, yes or no"),
))]
pub async fn can_afford(
    State(app): State<App>,
    Params(params): Params<AskParams>,
) -> Answer<AffordabilityShown> {
    let AskParams { usd, provider, model, project, session } = params;
    let body = AskBody { usd, provider, model, project, session };
    Ok(Json(app.system.queries.affordability(body, Timestamp::now())?))
}

/// The days that a cost is of.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CostParams {
    /// The first day, `YYYY-MM-DD`; the first of the last day's month where absent.
    #[param(value_type = Option<String>, format = Date)]
    since: Option<Date>,
    /// The last day, included; today where absent.
    #[param(value_type = Option<String>, format = Date)]
    until: Option<Date>,
}

/// What every provider cost, and how that is known: actual, inferred or estimated.
#[utoipa::path(get, path = "/api/v1/cost", tag = "money", params(CostParams), security(("token" = [])), responses(
    (status = 200, body = CostShown),
))]
pub async fn cost(State(app): State<App>, Params(params): Params<CostParams>) -> Answer<CostShown> {
    let range = Range { since: params.since, until: params.until };
    Ok(Json(app.system.queries.unified_cost(&range, Timestamp::now())))
}

/// The virtual budget, and what was allowed beyond it.
#[utoipa::path(get, path = "/api/v1/virtual-budget", tag = "money", security(("token" = [])), responses(
    (status = 200, body = AllowanceShown),
))]
pub async fn virtual_budget(State(app): State<App>) -> Json<AllowanceShown> {
    Json(app.system.queries.allowance(Timestamp::now()))
}

/// Sets the virtual budget, or replaces it.
#[utoipa::path(put, path = "/api/v1/virtual-budget", tag = "money", request_body = VirtualBudgetBody, security(("token" = [])), responses(
    (status = 200, body = AllowanceShown),
))]
pub async fn set_virtual_budget(
    State(app): State<App>,
    Body(body): Body<VirtualBudgetBody>,
) -> Answer<AllowanceShown> {
    app.system.command_allowance(body.into_command()?).await?;
    Ok(virtual_budget(State(app)).await)
}

/// Removes the virtual budget.
#[utoipa::path(delete, path = "/api/v1/virtual-budget", tag = "money", security(("token" = [])), responses(
    (status = 200, body = AllowanceShown), (status = 404, body = Problem),
))]
pub async fn remove_virtual_budget(State(app): State<App>) -> Answer<AllowanceShown> {
    app.system.command_allowance(AllowanceCommand::Remove).await?;
    Ok(virtual_budget(State(app)).await)
}

/// Allows more than the limits say, knowingly: recorded with its reason, and over by itself.
#[utoipa::path(post, path = "/api/v1/overrides", tag = "money", request_body = OverrideBody, security(("token" = [])), responses(
    (status = 200, body = AllowanceShown),
))]
pub async fn grant_override(
    State(app): State<App>,
    Body(body): Body<OverrideBody>,
) -> Answer<AllowanceShown> {
    let command = app.system.queries.override_command(&body, Timestamp::now())?;
    app.system.command_allowance(command).await?;
    Ok(virtual_budget(State(app)).await)
}
