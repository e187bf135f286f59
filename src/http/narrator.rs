//! The handlers about the narrator's context and about a day.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::service::briefing::activity::Activity;
use crate::service::briefing::shape::Narration;

use super::App;
use super::api::{Answer, blocking};
use super::problem::{Params, Problem};

/// How much of it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct NarratorParams {
    /// All of it, however long.
    #[serde(default)]
    detail: bool,
}

/// Which day.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ActivityParams {
    /// `YYYY-MM-DD`; today where absent.
    #[param(value_type = Option<String>, format = Date)]
    date: Option<Date>,
}

/// How things stand and what to do next: what an agent reads at the start of a session.
#[utoipa::path(get, path = "/api/v1/narrator", tag = "narrator", params(NarratorParams), security(("token" = [])), responses(
    (status = 200, body = Narration),
))]
pub async fn narrator(State(app): State<App>, Params(asked): Params<NarratorParams>) -> Answer<Narration> {
    blocking(move || Ok::<_, Problem>(app.system.narrator(asked.detail, Timestamp::now()))).await
}

/// What happened on a day: spend, sessions, datapoints of goals, tasks done, alerts.
#[utoipa::path(get, path = "/api/v1/activity", tag = "narrator", params(ActivityParams), security(("token" = [])), responses(
    (status = 200, body = Activity),
))]
pub async fn activity(State(app): State<App>, Params(asked): Params<ActivityParams>) -> Answer<Activity> {
    blocking(move || Ok::<_, Problem>(app.system.queries.activity(asked.date, Timestamp::now()))).await
}
