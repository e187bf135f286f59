//! The handlers about goals.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;

use crate::service::requests::GoalsShown;

use super::App;
use super::problem::Problem;

/// The goals that are followed, the nearest to derailing first, with the source's age and state.
#[utoipa::path(get, path = "/api/v1/goals", tag = "goals", security(("token" = [])), responses(
    (status = 200, body = GoalsShown), (status = 401, body = Problem),
))]
pub async fn goals(State(app): State<App>) -> Json<GoalsShown> {
    Json(app.system.goals(Timestamp::now()))
}
