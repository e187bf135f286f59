//! The handlers for Claude Code's hooks and status line.

#![allow(clippy::missing_errors_doc)]

use axum::body::{self, Bytes};
use axum::extract::{FromRequest, Request, State};
use serde::de::IgnoredAny;

use crate::integration::claude_code::hook::{HookAnswer, HookCall};
use crate::service::budgets::gate::{GateParams, GateShown, StatuslineBody, StatuslineShown};
use crate::service::endpoints::Endpoint;
use crate::service::endpoints::gate::{AnswerHook, AskGate, GetStatusline, TellStatusline};

use super::App;
use super::api::{Answer, answer};
use super::problem::{Body, Params, Problem};

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
pub async fn answer_hook(State(app): State<App>, Hook(call): Hook) -> Answer<HookAnswer> {
    answer(&app, AnswerHook(call)).await
}

/// A hook's call. JSON is held against the description; what is no JSON is read all the same, as far as it goes: a refusal
/// would let work go on.
pub struct Hook(HookCall);

impl<S: Send + Sync> FromRequest<S> for Hook {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, stream) = request.into_parts();
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), stream), state).await?;
        let again = Request::from_parts(parts, body::Body::from(bytes.clone()));
        let strict = Body::<HookCall>::from_request(again, state).await;
        let is_json = serde_json::from_slice::<IgnoredAny>(&bytes).is_ok();
        match (strict, HookCall::read(&bytes)) {
            (Ok(Body(call)), Some(read)) if call.unread.is_empty() => Ok(Self(read)),
            // Who passes a call on has read it, and says what was not readable.
            (Ok(Body(call)), Some(read)) => Ok(Self(HookCall { unread: call.unread, ..read })),
            (Ok(Body(call)), None) => Ok(Self(call)),
            (Err(_), Some(read)) if !is_json => Ok(Self(read)),
            (Err(problem), _) => Err(problem),
        }
    }
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
