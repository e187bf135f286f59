//! The handler that reads a provider's page.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;

use crate::service::balances::console::{ConsoleBody, ConsoleRead};
use crate::service::endpoints::Endpoint;
use crate::service::endpoints::balances::ReadConsole;

use super::App;
use super::api::{Answer, answer};
use super::problem::{Body, Problem};

/// Reads a provider's own billing page now, in a browser, and records what is left. Takes some seconds.
#[utoipa::path(post, path = ReadConsole::PATH, tag = "money", request_body = ConsoleBody, security(("token" = [])), responses(
    (status = 200, body = ConsoleRead),
    (status = 409, body = Problem, description = "the page gave no balance that may be believed; `detail` names its state and the mend"),
))]
pub async fn read(State(app): State<App>, Body(body): Body<ConsoleBody>) -> Answer<ConsoleRead> {
    answer(&app, ReadConsole(body)).await
}
