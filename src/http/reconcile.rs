//! The handler about reconciliation.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;

use crate::service::endpoints::Endpoint;
use crate::service::endpoints::providers::{GetReported, Reconcile};
use crate::service::providers::summary::ReportedShown;
use crate::view::reconcile::Reconciliation;

use super::App;
use super::api::{Answer, answer};
use super::problem::Params;

/// What is recorded here, held against what the providers reported and how their balances fell, by UTC day.
#[utoipa::path(get, path = Reconcile::PATH, tag = "money", params(Reconcile), security(("token" = [])), responses(
    (status = 200, body = Reconciliation),
))]
pub async fn reconcile(State(app): State<App>, Params(asked): Params<Reconcile>) -> Answer<Reconciliation> {
    answer(&app, asked).await
}

/// What a provider itself reports, held against what is recorded here, and whether it answers.
#[utoipa::path(get, path = GetReported::PATH, tag = "money", params(Reconcile), security(("token" = [])), responses(
    (status = 200, body = ReportedShown),
))]
pub async fn reported(State(app): State<App>, Params(asked): Params<Reconcile>) -> Answer<ReportedShown> {
    answer(&app, GetReported(asked)).await
}
