//! The handlers about the narrator's context and about a day.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;

use crate::service::briefing::activity::Activity;
use crate::service::briefing::shape::Narration;
use crate::service::endpoints::Endpoint;
use crate::service::endpoints::briefing::{GetActivity, GetNarration};

use super::App;
use super::api::{Answer, answer};
use super::problem::Params;

/// How things stand and what to do next: what an agent reads at the start of a session.
#[utoipa::path(get, path = GetNarration::PATH, tag = "narrator", params(GetNarration), security(("token" = [])), responses(
    (status = 200, body = Narration),
))]
pub async fn narrator(State(app): State<App>, Params(asked): Params<GetNarration>) -> Answer<Narration> {
    answer(&app, asked).await
}

/// What happened on a day: spend, sessions, datapoints of goals, tasks done, alerts.
#[utoipa::path(get, path = GetActivity::PATH, tag = "narrator", params(GetActivity), security(("token" = [])), responses(
    (status = 200, body = Activity),
))]
pub async fn activity(State(app): State<App>, Params(asked): Params<GetActivity>) -> Answer<Activity> {
    answer(&app, asked).await
}
