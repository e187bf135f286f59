//! The handlers about goals, their datapoints, and what feeds them.

#![allow(clippy::missing_errors_doc)]

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::desk::DeskCommand;
use crate::domain::local_goal::End;
use crate::domain::slug::GoalSlug;
use crate::service::goals::requests::GoalsShown;
use crate::service::goals::requests::{
    DatapointBody, DatapointShown, DatapointState, FeedBody, FeedsShown, LocalGoalBody,
};
use crate::service::runtime::forms;

use super::App;
use super::api::Answer;
use super::problem::{Body, Problem, Segment};

fn slug(text: &str) -> Result<GoalSlug, Problem> {
    text.parse().map_err(|error: crate::domain::slug::SlugError| Problem::bad_request(error.to_string()))
}

/// The goals that are followed, the nearest to derailing first, with the source's age and state.
#[utoipa::path(get, path = "/api/v1/goals", tag = "goals", security(("token" = [])), responses(
    (status = 200, body = GoalsShown),
))]
pub async fn goals(State(app): State<App>) -> Json<GoalsShown> {
    Json(app.system.goals(Timestamp::now()))
}

/// Makes a local goal, or changes it.
#[utoipa::path(put, path = "/api/v1/goals/{slug}", tag = "goals", params(("slug" = forms::GoalSlug, Path)),
    request_body = LocalGoalBody, security(("token" = [])), responses(
    (status = 200, body = GoalsShown, description = "the goals, this one among them"),
))]
pub async fn set_goal(
    State(app): State<App>,
    Segment(name): Segment<String>,
    Body(body): Body<LocalGoalBody>,
) -> Answer<GoalsShown> {
    app.system.command_goal(body.into_command(slug(&name)?)).await?;
    Ok(goals(State(app)).await)
}

/// How a local goal ends.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseBody {
    /// `done` or `dropped`.
    #[schema(value_type = forms::GoalEnd)]
    pub end: End,
}

/// Closes a local goal.
#[utoipa::path(post, path = "/api/v1/goals/{slug}/close", tag = "goals", params(("slug" = forms::GoalSlug, Path)),
    request_body = CloseBody, security(("token" = [])), responses(
    (status = 200, body = GoalsShown, description = "the goals that are left"), (status = 404, body = Problem),
))]
pub async fn close_goal(
    State(app): State<App>,
    Segment(name): Segment<String>,
    Body(body): Body<CloseBody>,
) -> Answer<GoalsShown> {
    app.system.command_goal(DeskCommand::CloseGoal { slug: slug(&name)?, end: body.end }).await?;
    Ok(goals(State(app)).await)
}

/// Writes a datapoint to a goal, here or at Beeminder. The same `request_id` writes the same datapoint.
#[utoipa::path(post, path = "/api/v1/goals/{slug}/datapoints", tag = "goals", params(("slug" = forms::GoalSlug, Path)),
    request_body = DatapointBody, security(("token" = [])), responses(
    (status = 200, body = DatapointShown, description = "it is written"),
    (status = 202, body = DatapointShown, description = "it is kept, and sent when Beeminder answers"), (status = 404, body = Problem),
    (status = 422, body = Problem),
))]
pub async fn add_datapoint(
    State(app): State<App>,
    Segment(name): Segment<String>,
    Body(body): Body<DatapointBody>,
) -> Result<(StatusCode, Json<DatapointShown>), Problem> {
    let shown = app.system.add_datapoint(slug(&name)?, body).await?;
    let status = match shown.state {
        DatapointState::Written => StatusCode::OK,
        DatapointState::Waiting => StatusCode::ACCEPTED,
    };
    Ok((status, Json(shown)))
}

/// What feeds which goal.
#[utoipa::path(get, path = "/api/v1/feeds", tag = "goals", security(("token" = [])), responses(
    (status = 200, body = FeedsShown),
))]
pub async fn feeds(State(app): State<App>) -> Json<FeedsShown> {
    Json(app.system.queries.feeds())
}

/// Feeds a goal with each day's spend, or changes how.
#[utoipa::path(put, path = "/api/v1/feeds/{slug}", tag = "goals", params(("slug" = forms::GoalSlug, Path)),
    request_body = FeedBody, security(("token" = [])), responses(
    (status = 200, body = FeedsShown),
    (status = 404, body = Problem),
))]
pub async fn start_feed(
    State(app): State<App>,
    Segment(name): Segment<String>,
    Body(body): Body<FeedBody>,
) -> Answer<FeedsShown> {
    let command = body.into_command(slug(&name)?)?;
    app.system.command_goal(command).await?;
    Ok(feeds(State(app)).await)
}

/// Feeds a goal no more.
#[utoipa::path(delete, path = "/api/v1/feeds/{slug}", tag = "goals", params(("slug" = forms::GoalSlug, Path)),
    security(("token" = [])), responses(
    (status = 200, body = FeedsShown),
    (status = 404, body = Problem),
))]
pub async fn stop_feed(State(app): State<App>, Segment(name): Segment<String>) -> Answer<FeedsShown> {
    app.system.command_goal(DeskCommand::StopFeed { slug: slug(&name)? }).await?;
    Ok(feeds(State(app)).await)
}
