//! `GET /metrics`: everything that is measured, for Prometheus.
//!
//! Inside the guard like the rest, for budgets, goals and balances are in it; Prometheus sends the token from the
//! data directory's file (`authorization.credentials_file`). Outside of the bound on requests: what is measured is
//! wanted most when too much is asked. A bound of its own keeps those who scrape from taking all threads.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use crate::telemetry::metrics;

use super::App;
use super::problem::Problem;

/// Scrapes at once; each holds a thread while it looks.
static SCRAPES: Semaphore = Semaphore::const_new(4);

/// Everything that is measured, in Prometheus' text format 0.0.4.
#[utoipa::path(get, path = "/metrics", tag = "health", security(("token" = [])), responses(
    (status = 200, body = String, content_type = "text/plain"),
))]
pub async fn exposition(State(app): State<App>) -> Response {
    let Ok(_permit) = SCRAPES.try_acquire() else {
        return Problem::busy("too many scrape at once; one every few seconds is enough").into_response();
    };
    let measured = tokio::task::spawn_blocking(move || app.metrics.exposition()).await;
    let reason = match measured {
        Ok(Ok(text)) => return ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Ok(Err(reason)) => reason,
        Err(_) => "it panicked".to_owned(),
    };
    tracing::error!(reason, "what is measured cannot be told");
    Problem::internal("what is measured cannot be told; the supervisor's log has the cause").into_response()
}
