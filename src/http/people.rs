//! The handler about an organisation's people.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::service::people::{PeopleShown, people};

use super::App;
use super::problem::Params;

/// Which day.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PeopleQuery {
    /// A UTC day; yesterday where absent.
    #[param(value_type = Option<String>, format = Date)]
    pub day: Option<Date>,
}

/// Who of the organisation used Claude Code on a UTC day, as Anthropic tells it now; names are kept nowhere.
#[utoipa::path(get, path = "/api/v1/people", tag = "money", params(PeopleQuery), security(("token" = [])), responses(
    (status = 200, body = PeopleShown, description = "the people, or in `state` and `reason` why they are not known"),
))]
pub async fn shown(State(app): State<App>, Params(query): Params<PeopleQuery>) -> Json<PeopleShown> {
    let yesterday = Timestamp::now().to_zoned(TimeZone::UTC).date().yesterday().unwrap_or(Date::MIN);
    let loaded = app.system.queries.settings.current();
    Json(people(&loaded, query.day.unwrap_or(yesterday)).await)
}
