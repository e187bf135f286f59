//! The handlers for Claude Code's hooks and status line.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;

use crate::integration::claude_code::hook::{HookAnswer, HookCall};
use crate::service::budgets::gate::{GateParams, GateShown, StatuslineBody, StatuslineShown};
use crate::service::endpoints::Endpoint;
use crate::service::endpoints::gate::{AnswerHook, AskGate, GetStatusline, TellStatusline};

use super::App;
use super::api::{Answer, answer};
use super::problem::{Body, Params};

/// Whether work may go on, by what is spent.
#[utoipa::path(get, path = AskGate::PATH, tag = "money", params(GateParams), security(("token" = [])), responses(
    (status = 200, body = GateShown),
))]
pub async fn gate(State(app): State<App>, Params(asked): Params<GateParams>) -> Answer<GateShown> {
    answer(&app, AskGate(asked)).await
}

/// Answers a hook of Claude Code in the hook's own form; an empty object lets work go on.
#[utoipa::path(post, path = AnswerHook::PATH, tag = "money", request_body = HookCall, security(("token" = [])), responses(
    (status = 200, body = HookAnswer),
))]
pub async fn answer_hook(State(app): State<App>, Body(call): Body<HookCall>) -> Answer<HookAnswer> {
    answer(&app, AnswerHook(call)).await
}

/// How things stand, in one line.
#[utoipa::path(get, path = GetStatusline::PATH, tag = "money", params(GateParams), security(("token" = [])), responses(
    (status = 200, body = StatuslineShown),
))]
pub async fn statusline(
    State(app): State<App>,
    Params(asked): Params<GateParams>,
) -> Answer<StatuslineShown> {
    answer(&app, GetStatusline(asked)).await
}

/// The same for what Claude Code's status line tells.
#[utoipa::path(post, path = TellStatusline::PATH, tag = "money", request_body = StatuslineBody,
    security(("token" = [])), responses(
    (status = 200, body = StatuslineShown),
))]
pub async fn tell_statusline(
    State(app): State<App>,
    Body(body): Body<StatuslineBody>,
) -> Answer<StatuslineShown> {
    answer(&app, TellStatusline(body)).await
}
