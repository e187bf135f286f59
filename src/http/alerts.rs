//! The handlers about alerts and consent.

#![allow(clippy::missing_errors_doc)]

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::alert::AlertId;
use crate::service::alerts::requests::{AlertsShown, ConsentBody, ConsentsShown};

use super::App;
use super::api::Answer;
use super::problem::{Body, Params, Problem, Segment};

/// Which alerts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AlertParams {
    /// Also those whose cause has gone.
    #[serde(default)]
    all: bool,
}

/// The alerts, the worst first: what each says, whether the person was told, and what it waits for.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", params(AlertParams), security(("token" = [])), responses(
    (status = 200, body = AlertsShown),
))]
pub async fn alerts(State(app): State<App>, Params(params): Params<AlertParams>) -> Json<AlertsShown> {
    Json(app.system.alerts(Timestamp::now(), params.all))
}

/// Takes note of an alert: nothing more is sent unless it gets worse.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/ack", tag = "alerts", params(("id" = u64, Path, example = 17)),
    security(("token" = [])), responses(
    (status = 200, body = AlertsShown, description = "the alerts"), (status = 404, body = Problem),
))]
pub async fn acknowledge(State(app): State<App>, Segment(id): Segment<u64>) -> Answer<AlertsShown> {
    app.system.acknowledge(AlertId(id)).await?;
    Ok(Json(app.system.alerts(Timestamp::now(), false)))
}

/// Whose numbers may be written to. Numbers are shown by their last two digits.
#[utoipa::path(get, path = "/api/v1/consent", tag = "alerts", security(("token" = [])), responses(
    (status = 200, body = ConsentsShown),
))]
pub async fn consents(State(app): State<App>) -> Answer<ConsentsShown> {
    Ok(Json(app.system.consents().await?))
}

/// Grants or revokes the consent to write to a number.
#[utoipa::path(put, path = "/api/v1/consent", tag = "alerts", request_body = ConsentBody, security(("token" = [])), responses(
    (status = 200, body = ConsentsShown),
))]
pub async fn consent(State(app): State<App>, Body(body): Body<ConsentBody>) -> Answer<ConsentsShown> {
    app.system.consent(&body).await?;
    consents(State(app)).await
}

/// Looks now whether there is something to be told, and sends what is due: by the rules of every alert, so that consent,
/// quiet hours and limits hold.
#[utoipa::path(post, path = "/api/v1/alerts/check", tag = "alerts", security(("token" = [])), responses(
    (status = 200, body = AlertsShown),
))]
pub async fn check_alerts(State(app): State<App>) -> Answer<AlertsShown> {
    app.system.check_alerts().await?;
    Ok(Json(app.system.alerts(Timestamp::now(), false)))
}
