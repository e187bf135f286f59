//! The handler about an organisation's people.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::service::providers::people::{PeopleShown, Wanted};

use super::App;
use super::problem::{Asker, Params};

/// Which day, and how people are called.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PeopleQuery {
    /// A UTC day; yesterday where absent.
    #[param(value_type = Option<String>, format = Date)]
    pub day: Option<Date>,
    /// By name, and not by pseudonym; that somebody asked so is in the log lines.
    #[serde(default)]
    pub names: bool,
}

/// Who of the organisation used Claude Code on a UTC day, as Anthropic tells it now, by pseudonyms; names are kept nowhere.
#[utoipa::path(get, path = "/api/v1/people", tag = "money", params(PeopleQuery), security(("token" = [])), responses(
    (status = 200, body = PeopleShown, description = "the people, or in `state` and `reason` why they are not known"),
))]
pub async fn shown(
    State(app): State<App>,
    by: Asker,
    Params(query): Params<PeopleQuery>,
) -> Json<PeopleShown> {
    let yesterday = Timestamp::now().to_zoned(TimeZone::UTC).date().yesterday().unwrap_or(Date::MIN);
    let wanted = Wanted { day: query.day.unwrap_or(yesterday), names: query.names };
    Json(app.system.people(wanted, &by.0).await)
}
