//! The handler that reads a provider's page.

#![allow(clippy::missing_errors_doc)]

use axum::Json;
use axum::extract::State;

use crate::service::balances::console::{ConsoleBody, ConsoleRead};

use super::App;
use super::api::Answer;
use super::problem::{Body, Problem};

/// Reads a provider's own billing page now, in a browser, and records what is left. Takes some seconds.
#[utoipa::path(post, path = "/api/v1/console/read", tag = "money", request_body = ConsoleBody, security(("token" = [])), responses(
    (status = 200, body = ConsoleRead),
    (status = 409, body = Problem, description = "the page gave no balance that may be believed; `detail` names its state and the mend"),
))]
pub async fn read(State(app): State<App>, Body(body): Body<ConsoleBody>) -> Answer<ConsoleRead> {
    Ok(Json(app.system.read_console(body).await?))
}
