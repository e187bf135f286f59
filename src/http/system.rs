//! The handlers about the system itself: its actors, its sources, what happened to it, its settings.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;

use crate::actor::Snapshot;
use crate::service::endpoints::Endpoint;
use crate::service::endpoints::audit::ListIncidents;
use crate::service::endpoints::system::{Drill, ListActors, ListSources, Reload};
use crate::service::runtime::incidents::Incidents;
use crate::service::runtime::settings::Reloaded;
use crate::service::runtime::sources::SourcesShown;
use crate::service::system::status::DrillBody;

use super::App;
use super::api::{Answer, answer};
use super::problem::{Body, Params, Problem};

/// The tree of actors: state, restarts, queue, last error.
#[utoipa::path(get, path = ListActors::PATH, tag = "health", security(("token" = [])), responses(
    (status = 200, body = serde_json::Value),
))]
pub async fn actors(State(app): State<App>) -> Answer<Vec<Snapshot>> {
    answer(&app, ListActors).await
}

/// Has an actor panic on purpose, to see that it comes back: a drill. What came of it is an incident.
#[utoipa::path(post, path = Drill::PATH, tag = "health", request_body = DrillBody, security(("token" = [])), responses(
    (status = 200, body = serde_json::Value, description = "the actors, at this moment"), (status = 404, body = Problem),
))]
pub async fn drill(State(app): State<App>, Body(body): Body<DrillBody>) -> Answer<Vec<Snapshot>> {
    answer(&app, Drill(body)).await
}

/// The outside systems: whether each answers, how old what it said is, and what mends it.
#[utoipa::path(get, path = ListSources::PATH, tag = "health", security(("token" = [])), responses(
    (status = 200, body = SourcesShown),
))]
pub async fn sources(State(app): State<App>) -> Answer<SourcesShown> {
    answer(&app, ListSources).await
}

/// What happened to the system itself: restarts, escalations, sources that came and went, repairs.
#[utoipa::path(get, path = ListIncidents::PATH, tag = "audit", params(ListIncidents), security(("token" = [])), responses(
    (status = 200, body = Incidents),
))]
pub async fn incidents(State(app): State<App>, Params(asked): Params<ListIncidents>) -> Answer<Incidents> {
    answer(&app, asked).await
}

/// Reads the settings and the price file again: what can change while the system runs does, the answer tells what cannot.
#[utoipa::path(post, path = Reload::PATH, tag = "health", security(("token" = [])), responses(
    (status = 200, body = Reloaded), (status = 409, body = Problem, description = "something is wrong with them; nothing changed"),
))]
pub async fn reload(State(app): State<App>) -> Answer<Reloaded> {
    answer(&app, Reload).await
}
