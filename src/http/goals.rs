//! The handlers about goals, their datapoints, and what feeds them.

#![allow(clippy::missing_errors_doc)]

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::service::endpoints::Endpoint;
use crate::service::endpoints::goals::{
    AddDatapoint, CloseBody, CloseGoal, ListFeeds, ListGoals, SetGoal, StartFeed, StopFeed,
};
use crate::service::goals::requests::{
    DatapointBody, DatapointShown, DatapointState, FeedBody, FeedsShown, GoalsShown, LocalGoalBody,
};
use crate::service::runtime::forms;

use super::App;
use super::api::{Answer, answer};
use super::problem::{Body, Problem, Segment};

/// The goals that are followed, the nearest to derailing first, with the source's age and state.
#[utoipa::path(get, path = ListGoals::PATH, tag = "goals", security(("token" = [])), responses(
    (status = 200, body = GoalsShown),
))]
pub async fn goals(State(app): State<App>) -> Answer<GoalsShown> {
    answer(&app, ListGoals).await
}

/// Makes a local goal, or changes it.
#[utoipa::path(put, path = SetGoal::PATH, tag = "goals", params(("slug" = forms::GoalSlug, Path)),
    request_body = LocalGoalBody, security(("token" = [])), responses(
    (status = 200, body = GoalsShown, description = "the goals, this one among them"),
))]
pub async fn set_goal(
    State(app): State<App>,
    Segment(slug): Segment<String>,
    Body(body): Body<LocalGoalBody>,
) -> Answer<GoalsShown> {
    answer(&app, SetGoal { slug, body }).await
}

/// Closes a local goal.
#[utoipa::path(post, path = CloseGoal::PATH, tag = "goals", params(("slug" = forms::GoalSlug, Path)),
    request_body = CloseBody, security(("token" = [])), responses(
    (status = 200, body = GoalsShown, description = "the goals that are left"), (status = 404, body = Problem),
))]
pub async fn close_goal(
    State(app): State<App>,
    Segment(slug): Segment<String>,
    Body(body): Body<CloseBody>,
) -> Answer<GoalsShown> {
    answer(&app, CloseGoal { slug, body }).await
}

/// Writes a datapoint to a goal, here or at Beeminder. The same `request_id` writes the same datapoint.
#[utoipa::path(post, path = AddDatapoint::PATH, tag = "goals", params(("slug" = forms::GoalSlug, Path)),
    request_body = DatapointBody, security(("token" = [])), responses(
    (status = 200, body = DatapointShown, description = "it is written"),
    (status = 202, body = DatapointShown, description = "it is kept, and sent when Beeminder answers"), (status = 404, body = Problem),
    (status = 409, body = Problem, description = "it names no day, and the goal's is not known; nothing was recorded"),
    (status = 422, body = Problem),
))]
pub async fn add_datapoint(
    State(app): State<App>,
    Segment(slug): Segment<String>,
    Body(body): Body<DatapointBody>,
) -> Result<(StatusCode, Json<DatapointShown>), Problem> {
    let shown = answer(&app, AddDatapoint { slug, body }).await?;
    let status = match shown.state {
        DatapointState::Written => StatusCode::OK,
        DatapointState::Waiting => StatusCode::ACCEPTED,
    };
    Ok((status, shown))
}

/// What feeds which goal.
#[utoipa::path(get, path = ListFeeds::PATH, tag = "goals", security(("token" = [])), responses(
    (status = 200, body = FeedsShown),
))]
pub async fn feeds(State(app): State<App>) -> Answer<FeedsShown> {
    answer(&app, ListFeeds).await
}

/// Feeds a goal with each day's spend, or changes how.
#[utoipa::path(put, path = StartFeed::PATH, tag = "goals", params(("slug" = forms::GoalSlug, Path)),
    request_body = FeedBody, security(("token" = [])), responses(
    (status = 200, body = FeedsShown),
    (status = 404, body = Problem),
    (status = 409, body = Problem, description = "it names no day, and the goal's is not known; nothing was recorded"),
))]
pub async fn start_feed(
    State(app): State<App>,
    Segment(slug): Segment<String>,
    Body(body): Body<FeedBody>,
) -> Answer<FeedsShown> {
    answer(&app, StartFeed { slug, body }).await
}

/// Feeds a goal no more.
#[utoipa::path(delete, path = StopFeed::PATH, tag = "goals", params(("slug" = forms::GoalSlug, Path)),
    security(("token" = [])), responses(
    (status = 200, body = FeedsShown),
    (status = 404, body = Problem),
))]
pub async fn stop_feed(State(app): State<App>, Segment(slug): Segment<String>) -> Answer<FeedsShown> {
    answer(&app, StopFeed { slug }).await
}
