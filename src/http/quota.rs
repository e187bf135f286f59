//! The handlers about a subscription's limits.

#![allow(clippy::missing_errors_doc)]

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;

use crate::service::balances::quota::{QuotaBody, QuotasShown};

use super::App;
use super::api::Answer;
use super::problem::Body;

/// How much of a Claude subscription's five-hour and seven-day windows is used.
#[utoipa::path(get, path = "/api/v1/quota", tag = "money", security(("token" = [])), responses(
    (status = 200, body = QuotasShown),
))]
pub async fn quotas(State(app): State<App>) -> Json<QuotasShown> {
    Json(app.system.queries.quotas(Timestamp::now()))
}

/// Records what Claude Code gave to its status line: its JSON as it is, of which only `rate_limits` is read.
#[utoipa::path(post, path = "/api/v1/quota", tag = "money", request_body = QuotaBody, security(("token" = [])), responses(
    (status = 200, body = QuotasShown),
))]
pub async fn record(State(app): State<App>, Body(body): Body<QuotaBody>) -> Answer<QuotasShown> {
    app.system.read_quota(body).await?;
    Ok(quotas(State(app)).await)
}
