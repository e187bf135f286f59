//! The handlers about usage that lacks a price, about projects, and about lines that were refused.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;

use crate::service::endpoints::Endpoint;
use crate::service::endpoints::usage::{
    AliasProject, GetWhatIf, ListLacking, ListProjects, ListRefused, Reprice, UnaliasProject,
};
use crate::service::usage::projects::AliasBody;
use crate::service::usage::recorder::reprice::{Repriced, WhatIf};
use crate::service::usage::refused::RefusedShown;
use crate::service::usage::repricing::Lacks;
use crate::view::projects::ProjectsShown;

use super::App;
use super::api::{Answer, answer};
use super::problem::{Body, Params, Problem};

/// Prices what lacks a price, by the price file as it is now. What was priced stays as it was.
#[utoipa::path(post, path = Reprice::PATH, tag = "money", security(("token" = [])), responses(
    (status = 200, body = Repriced), (status = 409, body = Problem, description = "the price file is none; nothing was done"),
))]
pub async fn reprice(State(app): State<App>) -> Answer<Repriced> {
    answer(&app, Reprice).await
}

/// What everything would cost by the prices of a day. Nothing is written.
#[utoipa::path(get, path = GetWhatIf::PATH, tag = "money", params(GetWhatIf), security(("token" = [])), responses(
    (status = 200, body = WhatIf), (status = 409, body = Problem, description = "the price file is none"),
))]
pub async fn what_if(State(app): State<App>, Params(asked): Params<GetWhatIf>) -> Answer<WhatIf> {
    answer(&app, asked).await
}

/// Which models lack prices, why, and how many of their calls the price file has a price for now.
#[utoipa::path(get, path = ListLacking::PATH, tag = "money", security(("token" = [])), responses(
    (status = 200, body = Lacks), (status = 409, body = Problem, description = "the price file is none"),
))]
pub async fn lacking(State(app): State<App>) -> Answer<Lacks> {
    answer(&app, ListLacking).await
}

/// What was folded into which project, what each cost, and what a person calls them.
#[utoipa::path(get, path = ListProjects::PATH, tag = "money", security(("token" = [])), responses(
    (status = 200, body = ProjectsShown),
))]
pub async fn projects(State(app): State<App>) -> Answer<ProjectsShown> {
    answer(&app, ListProjects).await
}

/// Calls a directory, and all below it, by a name.
#[utoipa::path(put, path = AliasProject::PATH, tag = "money", request_body = AliasBody, security(("token" = [])), responses(
    (status = 200, body = ProjectsShown),
    (status = 409, body = Problem, description = "the names would go round, or there are too many"),
))]
pub async fn alias(State(app): State<App>, Body(body): Body<AliasBody>) -> Answer<ProjectsShown> {
    answer(&app, AliasProject(body)).await
}

/// Calls a directory as it is again.
#[utoipa::path(delete, path = UnaliasProject::PATH, tag = "money", params(UnaliasProject), security(("token" = [])), responses(
    (status = 200, body = ProjectsShown),
    (status = 404, body = Problem),
))]
pub async fn unalias(State(app): State<App>, Params(asked): Params<UnaliasProject>) -> Answer<ProjectsShown> {
    answer(&app, asked).await
}

/// Lines of transcripts that were refused, and files that cannot be read; never their text.
#[utoipa::path(get, path = ListRefused::PATH, tag = "money", security(("token" = [])), responses(
    (status = 200, body = RefusedShown),
))]
pub async fn refused(State(app): State<App>) -> Answer<RefusedShown> {
    answer(&app, ListRefused).await
}
