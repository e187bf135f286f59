//! The handlers about usage that lacks a price, about projects, and about lines that were refused.

#![allow(clippy::missing_errors_doc)]

use axum::Json;
use axum::extract::State;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::service::runtime::forms;
use crate::service::usage::projects::AliasBody;
use crate::service::usage::recorder::reprice::{Repriced, WhatIf};
use crate::service::usage::refused::RefusedShown;
use crate::service::usage::repricing;
use crate::service::usage::repricing::Lacks;
use crate::view::projects::ProjectsShown;

use super::api::{Answer, blocking};
use super::problem::{Body, Params, Problem};
use super::{App, overload};

/// Prices what lacks a price, by the price file as it is now. What was priced stays as it was.
#[utoipa::path(post, path = "/api/v1/reprice", tag = "money", security(("token" = [])), responses(
    (status = 200, body = Repriced), (status = 409, body = Problem, description = "the price file is none; nothing was done"),
))]
pub async fn reprice(State(app): State<App>) -> Answer<Repriced> {
    Ok(Json(app.system.reprice().await?))
}

/// By the prices of which day.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WhatIfParams {
    /// The day (UTC), `YYYY-MM-DD`; today where absent.
    #[param(value_type = Option<String>, format = Date)]
    as_of: Option<Date>,
}

/// What everything would cost by the prices of a day. Nothing is written.
#[utoipa::path(get, path = "/api/v1/reprice", tag = "money", params(WhatIfParams), security(("token" = [])), responses(
    (status = 200, body = WhatIf), (status = 409, body = Problem, description = "the price file is none"),
))]
pub async fn what_if(State(app): State<App>, Params(params): Params<WhatIfParams>) -> Answer<WhatIf> {
    let _turn = overload::turn().await;
    Ok(Json(app.system.what_if(params.as_of.unwrap_or_else(repricing::today)).await?))
}

/// Which models lack prices, why, and how many of their calls the price file has a price for now.
#[utoipa::path(get, path = "/api/v1/prices/lacking", tag = "money", security(("token" = [])), responses(
    (status = 200, body = Lacks), (status = 409, body = Problem, description = "the price file is none"),
))]
pub async fn lacking(State(app): State<App>) -> Answer<Lacks> {
    let _turn = overload::turn().await;
    Ok(Json(app.system.lacks().await?))
}

/// What was folded into which project, what each cost, and what a person calls them.
#[utoipa::path(get, path = "/api/v1/projects", tag = "money", security(("token" = [])), responses(
    (status = 200, body = ProjectsShown),
))]
pub async fn projects(State(app): State<App>) -> Json<ProjectsShown> {
    Json(app.system.queries.projects())
}

/// Calls a directory, and all below it, by a name.
#[utoipa::path(put, path = "/api/v1/projects/aliases", tag = "money", request_body = AliasBody, security(("token" = [])), responses(
    (status = 200, body = ProjectsShown),
    (status = 409, body = Problem, description = "the names would go round, or there are too many"),
))]
pub async fn alias(State(app): State<App>, Body(body): Body<AliasBody>) -> Answer<ProjectsShown> {
    app.system.alias_project(body.directory, Some(body.name)).await?;
    Ok(projects(State(app)).await)
}

/// Whose alias ends.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UnaliasParams {
    /// The directory.
    #[param(value_type = forms::Directory)]
    directory: String,
}

/// Calls a directory as it is again.
#[utoipa::path(delete, path = "/api/v1/projects/aliases", tag = "money", params(UnaliasParams), security(("token" = [])), responses(
    (status = 200, body = ProjectsShown),
    (status = 404, body = Problem),
))]
pub async fn unalias(State(app): State<App>, Params(params): Params<UnaliasParams>) -> Answer<ProjectsShown> {
    app.system.alias_project(params.directory, None).await?;
    Ok(projects(State(app)).await)
}

/// Lines of transcripts that were refused, and files that cannot be read; never their text.
#[utoipa::path(get, path = "/api/v1/import/refused", tag = "money", security(("token" = [])), responses(
    (status = 200, body = RefusedShown),
))]
pub async fn refused(State(app): State<App>) -> Answer<RefusedShown> {
    blocking(move || Ok::<_, Problem>(app.system.refused())).await
}
