//! The handlers about a subscription's limits.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;

use crate::service::balances::quota::{QuotaBody, QuotasShown};
use crate::service::endpoints::Endpoint;
use crate::service::endpoints::balances::{ListQuotas, RecordQuota};

use super::App;
use super::api::{Answer, answer};
use super::problem::Body;

/// How much of a Claude subscription's five-hour and seven-day windows is used.
#[utoipa::path(get, path = ListQuotas::PATH, tag = "money", security(("token" = [])), responses(
    (status = 200, body = QuotasShown),
))]
pub async fn quotas(State(app): State<App>) -> Answer<QuotasShown> {
    answer(&app, ListQuotas).await
}

/// Records what Claude Code gave to its status line: its JSON as it is, of which only `rate_limits` is read.
#[utoipa::path(post, path = RecordQuota::PATH, tag = "money", request_body = QuotaBody, security(("token" = [])), responses(
    (status = 200, body = QuotasShown),
))]
pub async fn record(State(app): State<App>, Body(body): Body<QuotaBody>) -> Answer<QuotasShown> {
    answer(&app, RecordQuota(body)).await
}
