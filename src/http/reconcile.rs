//! The handler about reconciliation.

#![allow(clippy::missing_errors_doc)]

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::service::providers::reconcile::check;
use crate::service::providers::summary::ReportedShown;
use crate::service::runtime::forms;
use crate::view::reconcile::{Reconciliation, Wanted};

use super::App;
use super::api::Answer;
use super::problem::Params;

/// What to reconcile.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReconcileParams {
    /// The first UTC day, `YYYY-MM-DD`; the last thirty where absent.
    #[param(value_type = Option<String>, format = Date)]
    since: Option<Date>,
    /// The last UTC day, included; today where absent.
    #[param(value_type = Option<String>, format = Date)]
    until: Option<Date>,
    /// Only this provider.
    #[param(value_type = Option<forms::ProviderName>)]
    provider: Option<String>,
}

/// What is recorded here, held against what the providers reported and how their balances fell, by UTC day.
#[utoipa::path(get, path = "/api/v1/reconcile", tag = "money", params(ReconcileParams), security(("token" = [])), responses(
    (status = 200, body = Reconciliation),
))]
pub async fn reconcile(
    State(app): State<App>,
    Params(params): Params<ReconcileParams>,
) -> Answer<Reconciliation> {
    let ReconcileParams { since, until, provider } = params;
    let wanted = check(Wanted { since, until, provider })?;
    Ok(Json(app.system.queries.reconcile(&wanted, Timestamp::now())))
}

/// What a provider itself reports, held against what is recorded here, and whether it answers.
#[utoipa::path(get, path = "/api/v1/reported", tag = "money", params(ReconcileParams), security(("token" = [])), responses(
    (status = 200, body = ReportedShown),
))]
pub async fn reported(
    State(app): State<App>,
    Params(params): Params<ReconcileParams>,
) -> Answer<ReportedShown> {
    let ReconcileParams { since, until, provider } = params;
    Ok(Json(app.system.reported(Wanted { since, until, provider }, Timestamp::now())?))
}
