//! The handlers of `/api/v1`: they read a request, have its endpoint answer, and decide nothing.
//! Their errors are problem details; which ones stands in each `utoipa::path`.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use crate::service::audit::{BackedUp, BackupBody, EventPage, HeadShown, Replayed, Verified};
use crate::service::budgets::client::{BudgetBody, Budgets};
use crate::service::endpoints::audit::{Backup, Explain, Export, GetEvents, GetHead, Replay, Verify};
use crate::service::endpoints::budgets::{ListBudgets, RemoveBudget, SetBudget};
use crate::service::endpoints::system::GetStatus;
use crate::service::endpoints::usage::{GetSpend, Import, Look, RecordUsage};
use crate::service::endpoints::{Endpoint, Host};
use crate::service::runtime::forms;
use crate::service::system::backups::Reach;
use crate::service::system::status::StatusShown;
use crate::service::usage::importer::ImportSummary;
use crate::service::usage::manual::{ToldBody, ToldShown};
use crate::service::usage::report::ReportShown;
use crate::view::explain::Explanation;
use crate::view::freshness::Freshness;

use super::peer::Peer;
use super::problem::{Body, Params, Problem, Segment};
use super::{App, overload};

/// What a handler answers.
pub type Answer<T> = Result<Json<T>, Problem>;

/// Has an endpoint answer, when it is its turn.
pub(super) async fn answer<E: Endpoint>(app: &App, request: E) -> Answer<E::Out> {
    let _turn = if E::IS_LONG { overload::turn().await } else { None };
    Ok(Json(request.answer(&Host::Tree(app.system.clone())).await?))
}

/// How things stand.
#[utoipa::path(get, path = GetStatus::PATH, tag = "money", security(("token" = [])), responses(
    (status = 200, body = StatusShown),
))]
pub async fn status(State(app): State<App>) -> Answer<StatusShown> {
    answer(&app, GetStatus).await
}

/// What was spent, by day, week, month, project, session or model.
#[utoipa::path(get, path = GetSpend::PATH, tag = "money", params(GetSpend), security(("token" = [])), responses(
    (status = 200, body = ReportShown),
))]
pub async fn spend(State(app): State<App>, Params(asked): Params<GetSpend>) -> Answer<ReportShown> {
    answer(&app, asked).await
}

/// How the budgets stand.
#[utoipa::path(get, path = ListBudgets::PATH, tag = "money", security(("token" = [])), responses(
    (status = 200, body = Budgets),
))]
pub async fn budgets(State(app): State<App>) -> Answer<Budgets> {
    answer(&app, ListBudgets).await
}

/// Creates or replaces a budget.
#[utoipa::path(put, path = SetBudget::PATH, tag = "money", params(("name" = forms::BudgetName, Path)),
    request_body = BudgetBody, security(("token" = [])), responses(
    (status = 200, body = Budgets, description = "the budgets, this one among them"),
))]
pub async fn set_budget(
    State(app): State<App>,
    Segment(name): Segment<String>,
    Body(body): Body<BudgetBody>,
) -> Answer<Budgets> {
    answer(&app, SetBudget { name, body }).await
}

/// Removes a budget.
#[utoipa::path(delete, path = RemoveBudget::PATH, tag = "money", params(("name" = forms::BudgetName, Path)),
    security(("token" = [])), responses(
    (status = 200, body = Budgets, description = "the budgets that are left"), (status = 404, body = Problem),
))]
pub async fn remove_budget(State(app): State<App>, Segment(name): Segment<String>) -> Answer<Budgets> {
    answer(&app, RemoveBudget { name }).await
}

/// The events themselves, by position, page by page.
#[utoipa::path(get, path = GetEvents::PATH, tag = "audit", params(GetEvents), security(("token" = [])), responses(
    (status = 200, body = EventPage),
))]
pub async fn events(State(app): State<App>, Params(asked): Params<GetEvents>) -> Answer<EventPage> {
    answer(&app, asked).await
}

/// The events behind a number, read from the log alone.
#[utoipa::path(get, path = Explain::PATH, tag = "audit", params(Explain), security(("token" = [])), responses(
    (status = 200, body = Explanation),
    (status = 404, body = Problem, description = "no usage has the id"),
))]
pub async fn explain(State(app): State<App>, Params(asked): Params<Explain>) -> Answer<Explanation> {
    answer(&app, asked).await
}

/// Everything rebuilt from the first event, read from the log alone.
#[utoipa::path(get, path = Replay::PATH, tag = "audit", params(Replay), security(("token" = [])), responses(
    (status = 200, body = Replayed),
))]
pub async fn replay(State(app): State<App>, Params(asked): Params<Replay>) -> Answer<Replayed> {
    answer(&app, asked).await
}

/// Verifies the whole log, both copies.
#[utoipa::path(post, path = Verify::PATH, tag = "audit", params(Verify), security(("token" = [])), responses(
    (status = 200, body = Verified, description = "what was found; `problems` is empty where all is well"),
))]
pub async fn verify(State(app): State<App>, Params(asked): Params<Verify>) -> Answer<Verified> {
    answer(&app, asked).await
}

/// The head of the log.
#[utoipa::path(get, path = GetHead::PATH, tag = "audit", security(("token" = [])), responses(
    (status = 200, body = HeadShown),
))]
pub async fn head(State(app): State<App>) -> Answer<HeadShown> {
    answer(&app, GetHead).await
}

/// Backs the log up to a directory of this machine, while it is written to: below `backup.root`, and anywhere for who comes
/// by the socket.
#[utoipa::path(post, path = Backup::PATH, tag = "audit", request_body = BackupBody, security(("token" = [])), responses(
    (status = 200, body = BackedUp),
))]
pub async fn backup(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    Body(body): Body<BackupBody>,
) -> Answer<BackedUp> {
    // The table lets in the owner alone; by the socket, that is the person at this machine.
    let is_here = peer.is_some_and(|Extension(peer)| peer.is_own());
    let reach = if is_here { Reach::Anywhere } else { Reach::BelowRoot };
    answer(&app, Backup { body, reach }).await
}

/// Events as JSON lines, page by page: the next one begins after the position of the last line; an empty page is the end.
#[utoipa::path(get, path = Export::PATH, tag = "audit", params(GetEvents), security(("token" = [])), responses(
    (status = 200, body = String, content_type = "application/jsonl"),
))]
pub async fn export(State(app): State<App>, Params(asked): Params<GetEvents>) -> Result<Response, Problem> {
    let Json(lines) = answer(&app, Export(asked)).await?;
    Ok(([(axum::http::header::CONTENT_TYPE, "application/jsonl")], lines).into_response())
}

/// Looks at all transcripts now.
#[utoipa::path(post, path = Import::PATH, tag = "money", security(("token" = [])), responses(
    (status = 200, body = ImportSummary),
))]
pub async fn import(State(app): State<App>) -> Answer<ImportSummary> {
    answer(&app, Import).await
}

/// Reads what is new in transcripts, and says how old the figures are then. It waits two seconds at most.
#[utoipa::path(post, path = Look::PATH, tag = "money", security(("token" = [])), responses(
    (status = 200, body = Freshness),
))]
pub async fn look(State(app): State<App>) -> Answer<Freshness> {
    answer(&app, Look).await
}

/// Records usage that no transcript shows: what a session has consumed with one model so far.
#[utoipa::path(post, path = RecordUsage::PATH, tag = "money", request_body = ToldBody, security(("token" = [])), responses(
    (status = 200, body = ToldShown),
))]
pub async fn tell_usage(State(app): State<App>, Body(body): Body<ToldBody>) -> Answer<ToldShown> {
    answer(&app, RecordUsage(body)).await
}
