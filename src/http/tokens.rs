//! The handlers about tokens: the owner gives, rotates and takes them.

#![allow(clippy::missing_errors_doc)]

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;

use crate::domain::access::register::TokenOrder;
use crate::service::access::token::{TokenBody, TokenGiven, TokensShown, mint};
use crate::service::runtime::forms;

use super::App;
use super::api::Answer;
use super::problem::{Asker, Body, Problem, Segment};

/// The tokens that were given out, without the tokens themselves.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "access", security(("token" = [])), responses(
    (status = 200, body = TokensShown),
))]
pub async fn list(State(app): State<App>) -> Json<TokensShown> {
    Json(app.system.queries.tokens(Timestamp::now()))
}

/// Gives a token out. The answer is the only place where it ever stands.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "access", request_body = TokenBody, security(("token" = [])), responses(
    (status = 200, body = TokenGiven),
))]
pub async fn issue(State(app): State<App>, by: Asker, Body(body): Body<TokenBody>) -> Answer<TokenGiven> {
    let minted = mint(body)?;
    app.system.order_token(minted.order, by.0).await?;
    Ok(Json(app.system.queries.given(minted.token, &minted.id)))
}

/// Gives another token out in the place of one, which stays good for a day.
#[utoipa::path(post, path = "/api/v1/tokens/{id}/rotate", tag = "access",
    params(("id" = forms::TokenId, Path)), security(("token" = [])), responses(
    (status = 200, body = TokenGiven), (status = 404, body = Problem),
))]
pub async fn rotate(State(app): State<App>, by: Asker, Segment(id): Segment<String>) -> Answer<TokenGiven> {
    let minted = app.system.queries.rotation(&id)?;
    app.system.order_token(minted.order, by.0).await?;
    Ok(Json(app.system.queries.given(minted.token, &minted.id)))
}

/// Takes a token back. Its next request is refused.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "access",
    params(("id" = forms::TokenId, Path)), security(("token" = [])), responses(
    (status = 200, body = TokensShown), (status = 404, body = Problem),
))]
pub async fn revoke(State(app): State<App>, by: Asker, Segment(id): Segment<String>) -> Answer<TokensShown> {
    app.system.order_token(TokenOrder::Revoke { id }, by.0).await?;
    Ok(list(State(app)).await)
}
