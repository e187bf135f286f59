//! The handlers about requests for more than the limits say: an agent asks, a person answers.

#![allow(clippy::missing_errors_doc)]

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::limit_request::LimitOrder;
use crate::service::budgets::limit_requests::{
    GrantBody, LimitAsked, LimitBody, LimitRequestsShown, RefuseBody,
};

use super::App;
use super::api::Answer;
use super::problem::{Asker, Body, Params, Problem, Segment};

/// Which requests.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RequestsParams {
    /// Also what is over for longer than a day.
    #[serde(default)]
    all: bool,
}

/// The requests for more than the limits say, those that wait for a person first. An agent sees its own.
#[utoipa::path(get, path = "/api/v1/limit-requests", tag = "money", params(RequestsParams), security(("token" = [])), responses(
    (status = 200, body = LimitRequestsShown),
))]
pub async fn list(
    State(app): State<App>,
    by: Asker,
    Params(params): Params<RequestsParams>,
) -> Answer<LimitRequestsShown> {
    Ok(Json(app.system.queries.limit_requests(&by.0, params.all, Timestamp::now())))
}

/// Asks for more than the limits say. It allows nothing: a person is told, and decides. The same again is the same
/// request, and shows how it stands.
#[utoipa::path(post, path = "/api/v1/limit-requests", tag = "money", request_body = LimitBody, security(("token" = [])), responses(
    (status = 200, body = LimitAsked),
))]
pub async fn ask(State(app): State<App>, by: Asker, Body(body): Body<LimitBody>) -> Answer<LimitAsked> {
    Ok(Json(app.system.ask_for_more(body, by.0).await?))
}

/// Grants a request, as a person: for as much and as long as they say. It ends by itself.
#[utoipa::path(post, path = "/api/v1/limit-requests/{number}/grant", tag = "money", request_body = GrantBody,
    params(("number" = u32, Path, example = 3)), security(("token" = [])), responses(
    (status = 200, body = LimitRequestsShown), (status = 404, body = Problem), (status = 409, body = Problem),
))]
pub async fn grant(
    State(app): State<App>,
    by: Asker,
    Segment(number): Segment<u32>,
    Body(body): Body<GrantBody>,
) -> Answer<LimitRequestsShown> {
    let order = body.into_order(number, &app.system.queries, Timestamp::now())?;
    carry_out(&app, order, by).await
}

/// Refuses a request, as a person.
#[utoipa::path(post, path = "/api/v1/limit-requests/{number}/refuse", tag = "money", request_body = RefuseBody,
    params(("number" = u32, Path, example = 3)), security(("token" = [])), responses(
    (status = 200, body = LimitRequestsShown), (status = 404, body = Problem), (status = 409, body = Problem),
))]
pub async fn refuse(
    State(app): State<App>,
    by: Asker,
    Segment(number): Segment<u32>,
    Body(body): Body<RefuseBody>,
) -> Answer<LimitRequestsShown> {
    let reason = body.reason.unwrap_or_default().trim().to_owned();
    carry_out(&app, LimitOrder::Refuse { number, reason }, by).await
}

/// Takes one's own request back.
#[utoipa::path(post, path = "/api/v1/limit-requests/{number}/withdraw", tag = "money",
    params(("number" = u32, Path, example = 3)), security(("token" = [])), responses(
    (status = 200, body = LimitRequestsShown), (status = 404, body = Problem), (status = 409, body = Problem),
))]
pub async fn withdraw(
    State(app): State<App>,
    by: Asker,
    Segment(number): Segment<u32>,
) -> Answer<LimitRequestsShown> {
    carry_out(&app, LimitOrder::Withdraw { number }, by).await
}

/// Ends what was granted on a request before its time, as a person.
#[utoipa::path(post, path = "/api/v1/limit-requests/{number}/end", tag = "money",
    params(("number" = u32, Path, example = 3)), security(("token" = [])), responses(
    (status = 200, body = LimitRequestsShown), (status = 404, body = Problem), (status = 409, body = Problem),
))]
pub async fn end(
    State(app): State<App>,
    by: Asker,
    Segment(number): Segment<u32>,
) -> Answer<LimitRequestsShown> {
    carry_out(&app, LimitOrder::End { number }, by).await
}

async fn carry_out(app: &App, order: LimitOrder, by: Asker) -> Answer<LimitRequestsShown> {
    let Asker(by) = by;
    app.system.order_limit(order, by.clone()).await?;
    Ok(Json(app.system.queries.limit_requests(&by, false, Timestamp::now())))
}
