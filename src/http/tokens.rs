//! The handlers about tokens: the owner gives, rotates and takes them.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;

use crate::service::access::token::{TokenBody, TokenGiven, TokensShown};
use crate::service::endpoints::Endpoint;
use crate::service::endpoints::access::{IssueToken, ListTokens, RevokeToken, RotateToken};
use crate::service::runtime::forms;

use super::App;
use super::api::{Answer, answer};
use super::problem::{Body, Problem, Segment};

/// The tokens that were given out, without the tokens themselves.
#[utoipa::path(get, path = ListTokens::PATH, tag = "access", security(("token" = [])), responses(
    (status = 200, body = TokensShown),
))]
pub async fn list(State(app): State<App>) -> Answer<TokensShown> {
    answer(&app, ListTokens).await
}

/// Gives a token out. The answer is the only place where it ever stands.
#[utoipa::path(post, path = IssueToken::PATH, tag = "access", request_body = TokenBody, security(("token" = [])), responses(
    (status = 200, body = TokenGiven),
))]
pub async fn issue(State(app): State<App>, Body(body): Body<TokenBody>) -> Answer<TokenGiven> {
    answer(&app, IssueToken(body)).await
}

/// Gives another token out in the place of one, which stays good for a day.
#[utoipa::path(post, path = RotateToken::PATH, tag = "access",
    params(("id" = forms::TokenId, Path)), security(("token" = [])), responses(
    (status = 200, body = TokenGiven), (status = 404, body = Problem),
))]
pub async fn rotate(State(app): State<App>, Segment(id): Segment<String>) -> Answer<TokenGiven> {
    answer(&app, RotateToken { id }).await
}

/// Takes a token back. Its next request is refused.
#[utoipa::path(delete, path = RevokeToken::PATH, tag = "access",
    params(("id" = forms::TokenId, Path)), security(("token" = [])), responses(
    (status = 200, body = TokensShown), (status = 404, body = Problem),
))]
pub async fn revoke(State(app): State<App>, Segment(id): Segment<String>) -> Answer<TokensShown> {
    answer(&app, RevokeToken { id }).await
}
