//! The handlers about what is to come.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;

use crate::service::endpoints::Endpoint;
use crate::service::endpoints::budgets::{GetBacktest, GetForecast};
use crate::view::forecast::{BacktestShown, ForecastShown};

use super::App;
use super::api::{Answer, answer};

/// When the money ends, with a range: for each balance and budget.
#[utoipa::path(get, path = GetForecast::PATH, tag = "money", security(("token" = [])), responses(
    (status = 200, body = ForecastShown),
))]
pub async fn forecast(State(app): State<App>) -> Answer<ForecastShown> {
    answer(&app, GetForecast).await
}

/// How good the forecasts of past days were.
#[utoipa::path(get, path = GetBacktest::PATH, tag = "money", security(("token" = [])), responses(
    (status = 200, body = BacktestShown),
))]
pub async fn backtest(State(app): State<App>) -> Answer<BacktestShown> {
    answer(&app, GetBacktest).await
}
