//! The handler about an organisation's people.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;

use crate::service::endpoints::Endpoint;
use crate::service::endpoints::providers::ListPeople;
use crate::service::providers::people::PeopleShown;

use super::App;
use super::api::{Answer, answer};
use super::problem::Params;

/// Who of the organisation used Claude Code on a UTC day, as Anthropic tells it now, by pseudonyms; names are kept nowhere.
#[utoipa::path(get, path = ListPeople::PATH, tag = "money", params(ListPeople), security(("token" = [])), responses(
    (status = 200, body = PeopleShown, description = "the people, or in `state` and `reason` why they are not known"),
))]
pub async fn shown(State(app): State<App>, Params(asked): Params<ListPeople>) -> Answer<PeopleShown> {
    answer(&app, asked).await
}
