//! The handlers about what is to come.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;
use jiff::Timestamp;

use crate::view::forecast::{BacktestShown, ForecastShown};

use super::App;
use super::api::{Answer, blocking};
use super::problem::Problem;

/// When the money ends, with a range: for each balance and budget.
#[utoipa::path(get, path = "/api/v1/forecast", tag = "money", security(("token" = [])), responses(
    (status = 200, body = ForecastShown),
))]
pub async fn forecast(State(app): State<App>) -> Answer<ForecastShown> {
    blocking(move || Ok::<_, Problem>(app.system.queries.forecast(Timestamp::now()))).await
}

/// How good the forecasts of past days were.
#[utoipa::path(get, path = "/api/v1/forecast/backtest", tag = "money", security(("token" = [])), responses(
    (status = 200, body = BacktestShown),
))]
pub async fn backtest(State(app): State<App>) -> Answer<BacktestShown> {
    blocking(move || Ok::<_, Problem>(app.system.queries.backtest(Timestamp::now()))).await
}
