//! The handlers about requests for more than the limits say: an agent asks, a person answers.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;

use crate::service::budgets::limit_requests::{
    GrantBody, LimitAsked, LimitBody, LimitRequestsShown, RefuseBody,
};
use crate::service::endpoints::Endpoint;
use crate::service::endpoints::limits::{AskForMore, EndGrant, Grant, ListRequests, Refuse, Withdraw};

use super::App;
use super::api::{Answer, answer};
use super::problem::{Body, Params, Problem, Segment};

/// The requests for more than the limits say, those that wait for a person first. An agent sees its own.
#[utoipa::path(get, path = ListRequests::PATH, tag = "money", params(ListRequests), security(("token" = [])), responses(
    (status = 200, body = LimitRequestsShown),
))]
pub async fn list(State(app): State<App>, Params(asked): Params<ListRequests>) -> Answer<LimitRequestsShown> {
    answer(&app, asked).await
}

/// Asks for more than the limits say. It allows nothing: a person is told, and decides. The same again is the same
/// request, and shows how it stands.
#[utoipa::path(post, path = AskForMore::PATH, tag = "money", request_body = LimitBody, security(("token" = [])), responses(
    (status = 200, body = LimitAsked),
))]
pub async fn ask(State(app): State<App>, Body(body): Body<LimitBody>) -> Answer<LimitAsked> {
    answer(&app, AskForMore(body)).await
}

/// Grants a request, as a person: for as much and as long as they say. It ends by itself.
#[utoipa::path(post, path = Grant::PATH, tag = "money", request_body = GrantBody,
    params(("number" = u32, Path, example = 3)), security(("token" = [])), responses(
    (status = 200, body = LimitRequestsShown), (status = 404, body = Problem), (status = 409, body = Problem),
))]
pub async fn grant(
    State(app): State<App>,
    Segment(number): Segment<u32>,
    Body(body): Body<GrantBody>,
) -> Answer<LimitRequestsShown> {
    answer(&app, Grant { number, body }).await
}

/// Refuses a request, as a person.
#[utoipa::path(post, path = Refuse::PATH, tag = "money", request_body = RefuseBody,
    params(("number" = u32, Path, example = 3)), security(("token" = [])), responses(
    (status = 200, body = LimitRequestsShown), (status = 404, body = Problem), (status = 409, body = Problem),
))]
pub async fn refuse(
    State(app): State<App>,
    Segment(number): Segment<u32>,
    Body(body): Body<RefuseBody>,
) -> Answer<LimitRequestsShown> {
    answer(&app, Refuse { number, body }).await
}

/// Takes one's own request back.
#[utoipa::path(post, path = Withdraw::PATH, tag = "money",
    params(("number" = u32, Path, example = 3)), security(("token" = [])), responses(
    (status = 200, body = LimitRequestsShown), (status = 404, body = Problem), (status = 409, body = Problem),
))]
pub async fn withdraw(State(app): State<App>, Segment(number): Segment<u32>) -> Answer<LimitRequestsShown> {
    answer(&app, Withdraw { number }).await
}

/// Ends what was granted on a request before its time, as a person.
#[utoipa::path(post, path = EndGrant::PATH, tag = "money",
    params(("number" = u32, Path, example = 3)), security(("token" = [])), responses(
    (status = 200, body = LimitRequestsShown), (status = 404, body = Problem), (status = 409, body = Problem),
))]
pub async fn end(State(app): State<App>, Segment(number): Segment<u32>) -> Answer<LimitRequestsShown> {
    answer(&app, EndGrant { number }).await
}
