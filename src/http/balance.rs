//! The handlers about balances.

#![allow(clippy::missing_errors_doc)]

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;

use crate::service::balances::balance::{BalanceBody, Balances, TopUpBody};

use super::App;
use super::api::Answer;
use super::problem::Body;

/// What is left at the providers whose balance was read: the last reading, less what was spent since, plus what was
/// added.
#[utoipa::path(get, path = "/api/v1/balance", tag = "money", security(("token" = [])), responses(
    (status = 200, body = Balances),
))]
pub async fn balances(State(app): State<App>) -> Json<Balances> {
    Json(app.system.queries.all_balances(Timestamp::now()))
}

/// Records what a provider says is left.
#[utoipa::path(put, path = "/api/v1/balance", tag = "money", request_body = BalanceBody, security(("token" = [])), responses(
    (status = 200, body = Balances, description = "the balances, this one among them"),
))]
pub async fn read(State(app): State<App>, Body(body): Body<BalanceBody>) -> Answer<Balances> {
    app.system.read_balance(body).await?;
    Ok(balances(State(app)).await)
}

/// Records money that was added at a provider. The same again, at the same moment, changes nothing.
#[utoipa::path(post, path = "/api/v1/balance/top-ups", tag = "money", request_body = TopUpBody, security(("token" = [])), responses(
    (status = 200, body = Balances, description = "the balances, this one among them"),
))]
pub async fn top_up(State(app): State<App>, Body(body): Body<TopUpBody>) -> Answer<Balances> {
    app.system.top_up_balance(body).await?;
    Ok(balances(State(app)).await)
}
