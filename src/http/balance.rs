//! The handlers about balances.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;

use crate::service::balances::balance::{BalanceBody, Balances, TopUpBody};
use crate::service::endpoints::Endpoint;
use crate::service::endpoints::balances::{ListBalances, ReadBalance, TopUpBalance};

use super::App;
use super::api::{Answer, answer};
use super::problem::Body;

/// What is left at the providers whose balance was read: the last reading, less what was spent since, plus what was
/// added.
#[utoipa::path(get, path = ListBalances::PATH, tag = "money", security(("token" = [])), responses(
    (status = 200, body = Balances),
))]
pub async fn balances(State(app): State<App>) -> Answer<Balances> {
    answer(&app, ListBalances).await
}

/// Records what a provider says is left.
#[utoipa::path(put, path = ReadBalance::PATH, tag = "money", request_body = BalanceBody, security(("token" = [])), responses(
    (status = 200, body = Balances, description = "the balances, this one among them"),
))]
pub async fn read(State(app): State<App>, Body(body): Body<BalanceBody>) -> Answer<Balances> {
    answer(&app, ReadBalance(body)).await
}

/// Records money that was added at a provider. The same again, at the same moment, changes nothing.
#[utoipa::path(post, path = TopUpBalance::PATH, tag = "money", request_body = TopUpBody, security(("token" = [])), responses(
    (status = 200, body = Balances, description = "the balances, this one among them"),
))]
pub async fn top_up(State(app): State<App>, Body(body): Body<TopUpBody>) -> Answer<Balances> {
    answer(&app, TopUpBalance(body)).await
}
