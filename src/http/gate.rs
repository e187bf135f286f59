//! The handlers for Claude Code's hooks and status line.

#![allow(clippy::missing_errors_doc)]

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;

use crate::integration::claude_code::hook::{HookAnswer, HookCall};
use crate::service::budgets::gate::{GateParams, GateShown, StatuslineBody, StatuslineShown};

use super::App;
use super::api::Answer;
use super::problem::{Body, Params};

/// Whether work may go on, by what is spent.
#[utoipa::path(get, path = "/api/v1/gate", tag = "money", params(GateParams), security(("token" = [])), responses(
    (status = 200, body = GateShown),
))]
pub async fn gate(State(app): State<App>, Params(asked): Params<GateParams>) -> Answer<GateShown> {
    Ok(Json(app.system.gate(&asked, Timestamp::now())))
}

/// Answers a hook of Claude Code in the hook's own form; an empty object lets work go on.
#[utoipa::path(post, path = "/api/v1/gate", tag = "money", request_body = HookCall, security(("token" = [])), responses(
    (status = 200, body = HookAnswer),
))]
pub async fn answer_hook(State(app): State<App>, Body(call): Body<HookCall>) -> Answer<HookAnswer> {
    Ok(Json(app.system.answer_hook(call, Timestamp::now())))
}

/// How things stand, in one line.
#[utoipa::path(get, path = "/api/v1/statusline", tag = "money", params(GateParams), security(("token" = [])), responses(
    (status = 200, body = StatuslineShown),
))]
pub async fn statusline(
    State(app): State<App>,
    Params(asked): Params<GateParams>,
) -> Answer<StatuslineShown> {
    let GateParams { session, project, model, .. } = asked;
    let body = StatuslineBody { session, project, model, ..StatuslineBody::default() };
    Ok(Json(app.system.statusline(&body, Timestamp::now())))
}

/// The same for what Claude Code's status line tells.
#[utoipa::path(post, path = "/api/v1/statusline", tag = "money", request_body = StatuslineBody,
    security(("token" = [])), responses(
    (status = 200, body = StatuslineShown),
))]
pub async fn tell_statusline(
    State(app): State<App>,
    Body(mut body): Body<StatuslineBody>,
) -> Answer<StatuslineShown> {
    if let Some(rate_limits) = body.rate_limits.take() {
        let system = app.system.clone();
        tokio::spawn(async move { system.note_quota(rate_limits).await });
    }
    Ok(Json(app.system.statusline(&body, Timestamp::now())))
}
