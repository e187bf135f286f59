//! The handlers about odometers.

#![allow(clippy::missing_errors_doc)]

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;

use crate::domain::odometer::OdometerOrder;
use crate::service::balances::odometer::{OdometerBody, Odometers};
use crate::service::providers::summary::MeteredShown;
use crate::service::runtime::forms;

use super::App;
use super::api::Answer;
use super::problem::{Body, Problem, Segment};

/// The odometers: the months' sums that were read by hand, and what the days cost by inference.
#[utoipa::path(get, path = "/api/v1/odometer", tag = "money", security(("token" = [])), responses(
    (status = 200, body = Odometers),
))]
pub async fn odometers(State(app): State<App>) -> Json<Odometers> {
    Json(app.system.queries.odometers(Timestamp::now()))
}

/// Records a month's sum so far, as a provider's page shows it, or mends a typing error.
#[utoipa::path(post, path = "/api/v1/odometer", tag = "money", request_body = OdometerBody, security(("token" = [])), responses(
    (status = 200, body = Odometers, description = "the odometers, this one among them"),
))]
pub async fn record(State(app): State<App>, Body(body): Body<OdometerBody>) -> Answer<Odometers> {
    app.system.read_odometer(body).await?;
    Ok(odometers(State(app)).await)
}

/// Stops asking for readings of an odometer; what was read stays, and the next reading begins it again.
#[utoipa::path(delete, path = "/api/v1/odometer/{provider}", tag = "money", params(("provider" = forms::ProviderName, Path)),
    security(("token" = [])), responses(
    (status = 200, body = Odometers), (status = 404, body = Problem),
))]
pub async fn stop(State(app): State<App>, Segment(provider): Segment<String>) -> Answer<Odometers> {
    app.system.order_odometer(OdometerOrder::Stop { provider }).await?;
    Ok(odometers(State(app)).await)
}

/// A provider that is read by hand: its odometer, its part of the month, and what to do next.
#[utoipa::path(get, path = "/api/v1/odometer/{provider}", tag = "money", params(("provider" = forms::ProviderName, Path)),
    security(("token" = [])), responses(
    (status = 200, body = MeteredShown),
))]
pub async fn metered(State(app): State<App>, Segment(provider): Segment<String>) -> Json<MeteredShown> {
    Json(app.system.queries.metered(&provider, Timestamp::now()))
}
