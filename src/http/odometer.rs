//! The handlers about odometers.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;

use crate::service::balances::odometer::{OdometerBody, Odometers};
use crate::service::endpoints::Endpoint;
use crate::service::endpoints::odometer::{GetMetered, ListOdometers, ReadOdometer, StopOdometer};
use crate::service::providers::summary::MeteredShown;
use crate::service::runtime::forms;

use super::App;
use super::api::{Answer, answer};
use super::problem::{Body, Problem, Segment};

/// The odometers: the months' sums that were read by hand, and what the days cost by inference.
#[utoipa::path(get, path = ListOdometers::PATH, tag = "money", security(("token" = [])), responses(
    (status = 200, body = Odometers),
))]
pub async fn odometers(State(app): State<App>) -> Answer<Odometers> {
    answer(&app, ListOdometers).await
}

/// Records a month's sum so far, as a provider's page shows it, or mends a typing error.
#[utoipa::path(post, path = ReadOdometer::PATH, tag = "money", request_body = OdometerBody, security(("token" = [])), responses(
    (status = 200, body = Odometers, description = "the odometers, this one among them"),
))]
pub async fn record(State(app): State<App>, Body(body): Body<OdometerBody>) -> Answer<Odometers> {
    answer(&app, ReadOdometer(body)).await
}

/// Stops asking for readings of an odometer; what was read stays, and the next reading begins it again.
#[utoipa::path(delete, path = StopOdometer::PATH, tag = "money", params(("provider" = forms::ProviderName, Path)),
    security(("token" = [])), responses(
    (status = 200, body = Odometers), (status = 404, body = Problem),
))]
pub async fn stop(State(app): State<App>, Segment(provider): Segment<String>) -> Answer<Odometers> {
    answer(&app, StopOdometer { provider }).await
}

/// A provider that is read by hand: its odometer, its part of the month, and what to do next.
#[utoipa::path(get, path = GetMetered::PATH, tag = "money", params(("provider" = forms::ProviderName, Path)),
    security(("token" = [])), responses(
    (status = 200, body = MeteredShown),
))]
pub async fn metered(State(app): State<App>, Segment(provider): Segment<String>) -> Answer<MeteredShown> {
    answer(&app, GetMetered { provider }).await
}
