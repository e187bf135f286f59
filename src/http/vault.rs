//! The handlers about the vault.

#![allow(clippy::missing_errors_doc)]

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;

use crate::service::vault::queries::{DailyParams, DailyShown, LogBody, Logged, VaultShown};
use crate::service::vault::tasks::{TasksFilter, TasksShown};

use super::App;
use super::api::{Answer, blocking};
use super::problem::{Body, Params, Problem};

/// The vault, the goals in it, and what stands in the way of reading it.
#[utoipa::path(get, path = "/api/v1/vault", tag = "vault", security(("token" = [])), responses(
    (status = 200, body = VaultShown), (status = 409, body = Problem),
))]
pub async fn vault(State(app): State<App>) -> Answer<VaultShown> {
    Ok(Json(app.system.queries.vault(Timestamp::now())?))
}

/// The vault's tasks, the one that is due first before all others.
#[utoipa::path(get, path = "/api/v1/tasks", tag = "vault", params(TasksFilter), security(("token" = [])), responses(
    (status = 200, body = TasksShown),
    (status = 409, body = Problem),
))]
pub async fn tasks(State(app): State<App>, Params(filter): Params<TasksFilter>) -> Answer<TasksShown> {
    Ok(Json(app.system.queries.tasks(&filter, Timestamp::now())?))
}

/// A daily note, or a note of another period.
#[utoipa::path(get, path = "/api/v1/daily", tag = "vault", params(DailyParams), security(("token" = [])), responses(
    (status = 200, body = DailyShown),
    (status = 409, body = Problem),
))]
pub async fn daily(State(app): State<App>, Params(asked): Params<DailyParams>) -> Answer<DailyShown> {
    blocking(move || app.system.queries.daily(&asked, Timestamp::now())).await
}

/// Writes one line to today's daily note; the same again changes nothing.
#[utoipa::path(post, path = "/api/v1/daily", tag = "vault", request_body = LogBody, security(("token" = [])), responses(
    (status = 200, body = Logged),
    (status = 409, body = Problem),
))]
pub async fn log_session(State(app): State<App>, Body(body): Body<LogBody>) -> Answer<Logged> {
    Ok(Json(app.system.log_session(body).await?))
}
