//! The handlers about alerts and consent.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;

use crate::service::alerts::requests::{AlertsShown, ConsentBody, ConsentsShown};
use crate::service::endpoints::Endpoint;
use crate::service::endpoints::alerts::{
    AcknowledgeAlert, CheckAlerts, DecideConsent, ListAlerts, ListConsents,
};

use super::App;
use super::api::{Answer, answer};
use super::problem::{Body, Params, Problem, Segment};

/// The alerts, the worst first: what each says, whether the person was told, and what it waits for.
#[utoipa::path(get, path = ListAlerts::PATH, tag = "alerts", params(ListAlerts), security(("token" = [])), responses(
    (status = 200, body = AlertsShown),
))]
pub async fn alerts(State(app): State<App>, Params(asked): Params<ListAlerts>) -> Answer<AlertsShown> {
    answer(&app, asked).await
}

/// Takes note of an alert: nothing more is sent unless it gets worse.
#[utoipa::path(post, path = AcknowledgeAlert::PATH, tag = "alerts", params(("id" = u64, Path, example = 17)),
    security(("token" = [])), responses(
    (status = 200, body = AlertsShown, description = "the alerts"), (status = 404, body = Problem),
))]
pub async fn acknowledge(State(app): State<App>, Segment(id): Segment<u64>) -> Answer<AlertsShown> {
    answer(&app, AcknowledgeAlert { id }).await
}

/// Whose numbers may be written to. Numbers are shown by their last two digits.
#[utoipa::path(get, path = ListConsents::PATH, tag = "alerts", security(("token" = [])), responses(
    (status = 200, body = ConsentsShown),
))]
pub async fn consents(State(app): State<App>) -> Answer<ConsentsShown> {
    answer(&app, ListConsents).await
}

/// Grants or revokes the consent to write to a number.
#[utoipa::path(put, path = DecideConsent::PATH, tag = "alerts", request_body = ConsentBody, security(("token" = [])), responses(
    (status = 200, body = ConsentsShown),
))]
pub async fn consent(State(app): State<App>, Body(body): Body<ConsentBody>) -> Answer<ConsentsShown> {
    answer(&app, DecideConsent(body)).await
}

/// Looks now whether there is something to be told, and sends what is due: by the rules of every alert, so that consent,
/// quiet hours and limits hold.
#[utoipa::path(post, path = CheckAlerts::PATH, tag = "alerts", security(("token" = [])), responses(
    (status = 200, body = AlertsShown),
))]
pub async fn check_alerts(State(app): State<App>) -> Answer<AlertsShown> {
    answer(&app, CheckAlerts).await
}
