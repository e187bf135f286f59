//! The handlers about the system itself: its actors, its sources, what happened to it, its settings.

#![allow(clippy::missing_errors_doc)]

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::code::Code;
use crate::service::runtime::incidents;
use crate::service::runtime::incidents::Incidents;
use crate::service::runtime::settings::Reloaded;
use crate::service::runtime::sources::SourcesShown;
use crate::service::system::status::DrillBody;

use super::App;
use super::api::{Answer, blocking};
use super::problem::{Body, Params, Problem};

/// The tree of actors: state, restarts, queue, last error.
#[utoipa::path(get, path = "/api/v1/actors", tag = "health", security(("token" = [])), responses(
    (status = 200, body = serde_json::Value),
))]
pub async fn actors(State(app): State<App>) -> Json<Vec<crate::actor::Snapshot>> {
    Json(app.system.actors())
}

/// Has an actor panic on purpose, to see that it comes back: a drill. What came of it is an incident.
#[utoipa::path(post, path = "/api/v1/drill", tag = "health", request_body = DrillBody, security(("token" = [])), responses(
    (status = 200, body = serde_json::Value, description = "the actors, at this moment"), (status = 404, body = Problem),
))]
pub async fn drill(
    State(app): State<App>,
    Body(body): Body<DrillBody>,
) -> Answer<Vec<crate::actor::Snapshot>> {
    let path = format!("root/{}", body.actor.trim_start_matches("root/"));
    if !app.system.drill(&path) {
        let fix = "there is no such actor; `mecris actors` names those there are";
        return Err(Problem::of(Code::ActorUnknown, fix));
    }
    Ok(Json(app.system.actors()))
}

/// The outside systems: whether each answers, how old what it said is, and what mends it.
#[utoipa::path(get, path = "/api/v1/sources", tag = "health", security(("token" = [])), responses(
    (status = 200, body = SourcesShown),
))]
pub async fn sources(State(app): State<App>) -> Json<SourcesShown> {
    Json(app.system.sources.shown(Timestamp::now()))
}

/// From when on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct IncidentParams {
    /// The first instant (RFC 3339); the log's beginning where absent.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
}

/// What happened to the system itself: restarts, escalations, sources that came and went, repairs.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "audit", params(IncidentParams), security(("token" = [])), responses(
    (status = 200, body = Incidents),
))]
pub async fn incidents(State(app): State<App>, Params(params): Params<IncidentParams>) -> Answer<Incidents> {
    let queries = app.system.queries.clone();
    blocking(move || incidents::incidents(&*queries.log, &queries.tenant, params.since)).await
}

/// Reads the settings and the price file again: what can change while the system runs does, the answer tells what cannot.
#[utoipa::path(post, path = "/api/v1/reload", tag = "health", security(("token" = [])), responses(
    (status = 200, body = Reloaded), (status = 409, body = Problem, description = "something is wrong with them; nothing changed"),
))]
pub async fn reload(State(app): State<App>) -> Answer<Reloaded> {
    Ok(Json(app.system.reload().await?))
}
