//! The handlers about the vault.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;

use crate::service::endpoints::Endpoint;
use crate::service::endpoints::vault::{GetDaily, GetVault, ListTasks, LogSession, UndoWrite};
use crate::service::vault::queries::{DailyParams, DailyShown, LogBody, Logged, VaultShown};
use crate::service::vault::tasks::{TasksFilter, TasksShown};
use crate::service::vault::undo::TakenBack;

use super::App;
use super::api::{Answer, answer};
use super::problem::{Body, Params, Problem};

/// The vault, the goals in it, and what stands in the way of reading it.
#[utoipa::path(get, path = GetVault::PATH, tag = "vault", security(("token" = [])), responses(
    (status = 200, body = VaultShown), (status = 409, body = Problem),
))]
pub async fn vault(State(app): State<App>) -> Answer<VaultShown> {
    answer(&app, GetVault).await
}

/// The vault's tasks, the one that is due first before all others.
#[utoipa::path(get, path = ListTasks::PATH, tag = "vault", params(TasksFilter), security(("token" = [])), responses(
    (status = 200, body = TasksShown),
    (status = 409, body = Problem),
))]
pub async fn tasks(State(app): State<App>, Params(asked): Params<TasksFilter>) -> Answer<TasksShown> {
    answer(&app, ListTasks(asked)).await
}

/// A daily note, or a note of another period.
#[utoipa::path(get, path = GetDaily::PATH, tag = "vault", params(DailyParams), security(("token" = [])), responses(
    (status = 200, body = DailyShown),
    (status = 409, body = Problem),
))]
pub async fn daily(State(app): State<App>, Params(asked): Params<DailyParams>) -> Answer<DailyShown> {
    answer(&app, GetDaily(asked)).await
}

/// Writes one line to today's daily note; the same again changes nothing.
#[utoipa::path(post, path = LogSession::PATH, tag = "vault", request_body = LogBody, security(("token" = [])), responses(
    (status = 200, body = Logged),
    (status = 409, body = Problem),
))]
pub async fn log_session(State(app): State<App>, Body(body): Body<LogBody>) -> Answer<Logged> {
    answer(&app, LogSession(body)).await
}

/// Takes back what was written to the vault last, unless the note was changed since.
#[utoipa::path(post, path = UndoWrite::PATH, tag = "vault", security(("token" = [])), responses(
    (status = 200, body = TakenBack),
    (status = 409, body = Problem),
))]
pub async fn undo(State(app): State<App>) -> Answer<TakenBack> {
    answer(&app, UndoWrite).await
}
