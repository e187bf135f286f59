//! The handlers of `/api/v1`: they ask the views and send commands, and decide nothing.
//! Their errors are problem details; which ones stands in each `utoipa::path`.

#![allow(clippy::missing_errors_doc)]

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::config::zone;
use crate::domain::budget::{BudgetCommand, BudgetName};
use crate::event::Position;
use crate::log::verify::parse_hash;
use crate::service::aggregate::caller;
use crate::service::audit::{BackedUp, BackupBody, HeadShown, Reckoning, Verified, parse_until};
use crate::service::audit::{EventPage, Replayed};
use crate::service::budgets::client::{BudgetBody, Budgets};
use crate::service::runtime::forms;
use crate::service::system::backups::Reach;
use crate::service::system::status::StatusShown;
use crate::service::usage::importer::ImportSummary;
use crate::service::usage::manual::{ToldBody, ToldShown};
use crate::service::usage::report::ReportShown;
use crate::view::explain::{Explanation, Subject};
use crate::view::freshness::Freshness;
use crate::view::report::{Grouping, Range};

use super::peer::Peer;
use super::problem::{Asker, Body, Params, Problem, Segment};
use super::{App, overload};

/// What a handler answers.
pub type Answer<T> = Result<Json<T>, Problem>;

/// Runs a question that reads the disk away from the runtime's own threads.
pub(super) async fn blocking<T: Send + 'static, E: Into<Problem> + Send + 'static>(
    ask: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Answer<T> {
    let _turn = overload::turn().await;
    caller::blocking(ask).await?.map(Json).map_err(Into::into)
}

fn zone_of(name: Option<&str>) -> Result<Option<TimeZone>, Problem> {
    Ok(name.map(zone::named).transpose()?)
}

/// How things stand.
#[utoipa::path(get, path = "/api/v1/status", tag = "money", security(("token" = [])), responses(
    (status = 200, body = StatusShown),
))]
pub async fn status(State(app): State<App>) -> Json<StatusShown> {
    Json(app.system.status(Timestamp::now()))
}

/// What a report shall cover.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SpendParams {
    /// `daily` (the default), `weekly`, `monthly`, `project`, `session` or `model`.
    #[param(inline)]
    by: Option<Grouping>,
    /// The first day, `YYYY-MM-DD`.
    #[param(value_type = Option<String>, format = Date)]
    since: Option<Date>,
    /// The last day, included.
    #[param(value_type = Option<String>, format = Date)]
    until: Option<Date>,
    /// The time zone of the days; the configured one where absent.
    #[param(value_type = Option<forms::ZoneName>)]
    tz: Option<String>,
}

/// What was spent, by day, week, month, project, session or model.
#[utoipa::path(get, path = "/api/v1/spend", tag = "money", params(SpendParams), security(("token" = [])), responses(
    (status = 200, body = ReportShown),
))]
pub async fn spend(State(app): State<App>, Params(params): Params<SpendParams>) -> Answer<ReportShown> {
    let zone = zone_of(params.tz.as_deref())?;
    let range = Range { since: params.since, until: params.until };
    Ok(Json(app.system.queries.report(params.by.unwrap_or(Grouping::Daily), &range, zone.as_ref())))
}

/// How the budgets stand.
#[utoipa::path(get, path = "/api/v1/budgets", tag = "money", security(("token" = [])), responses(
    (status = 200, body = Budgets),
))]
pub async fn budgets(State(app): State<App>) -> Json<Budgets> {
    Json(app.system.queries.budgets_shown(Timestamp::now()))
}

fn budget_name(name: &str) -> Result<BudgetName, Problem> {
    name.parse().map_err(|error: crate::domain::budget::BudgetError| Problem::bad_request(error.to_string()))
}

/// Creates or replaces a budget.
#[utoipa::path(put, path = "/api/v1/budgets/{name}", tag = "money", params(("name" = forms::BudgetName, Path)),
    request_body = BudgetBody, security(("token" = [])), responses(
    (status = 200, body = Budgets, description = "the budgets, this one among them"),
))]
pub async fn set_budget(
    State(app): State<App>,
    Segment(name): Segment<String>,
    Body(body): Body<BudgetBody>,
) -> Answer<Budgets> {
    let budget = body.into_budget(budget_name(&name)?, app.system.queries.week_starts())?;
    app.system.command_budget(BudgetCommand::Set(budget)).await?;
    Ok(budgets(State(app)).await)
}

/// Removes a budget.
#[utoipa::path(delete, path = "/api/v1/budgets/{name}", tag = "money", params(("name" = forms::BudgetName, Path)),
    security(("token" = [])), responses(
    (status = 200, body = Budgets, description = "the budgets that are left"), (status = 404, body = Problem),
))]
pub async fn remove_budget(State(app): State<App>, Segment(name): Segment<String>) -> Answer<Budgets> {
    app.system.command_budget(BudgetCommand::Remove(budget_name(&name)?)).await?;
    Ok(budgets(State(app)).await)
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EventParams {
    /// The first position; 1 where absent.
    #[param(minimum = 0, maximum = 9_223_372_036_854_775_807_u64)]
    from: Option<u64>,
    /// How many at most; 100 where absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

impl EventParams {
    fn page(&self) -> Result<(Position, usize), Problem> {
        let limit = self.limit.unwrap_or(100);
        if !(1..=1000).contains(&limit) {
            return Err(Problem::bad_request("limit must be from 1 to 1000"));
        }
        Ok((Position(self.from.unwrap_or(1)), limit))
    }
}

/// The events themselves, by position, page by page.
#[utoipa::path(get, path = "/api/v1/events", tag = "audit", params(EventParams), security(("token" = [])), responses(
    (status = 200, body = EventPage),
))]
pub async fn events(State(app): State<App>, Params(params): Params<EventParams>) -> Answer<EventPage> {
    let (from, limit) = params.page()?;
    blocking(move || app.system.queries.events(from, limit)).await
}

/// Which number.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExplainParams {
    /// A day (`YYYY-MM-DD`), or the id of a session or message, or its beginning.
    #[param(min_length = 1, max_length = 1000, example = "2026-11-23")]
    subject: String,
    /// The time zone of the day; the configured one where absent.
    #[param(value_type = Option<forms::ZoneName>)]
    tz: Option<String>,
}

/// The events behind a number, read from the log alone.
#[utoipa::path(get, path = "/api/v1/explain", tag = "audit", params(ExplainParams), security(("token" = [])), responses(
    (status = 200, body = Explanation),
))]
pub async fn explain(State(app): State<App>, Params(params): Params<ExplainParams>) -> Answer<Explanation> {
    if params.subject.is_empty() {
        return Err(Problem::bad_request("name a day, a session or a message"));
    }
    let zone = zone_of(params.tz.as_deref())?;
    blocking(move || app.system.queries.explain(&Subject::parse(&params.subject), zone.as_ref())).await
}

/// How far to replay.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReplayParams {
    /// A position or an instant (RFC 3339); the head where absent.
    #[param(value_type = Option<forms::ReplayEnd>)]
    until: Option<String>,
    /// `recorded` (what was known then, the default) or `occurred` (what is known now of then).
    #[param(inline)]
    by: Option<Reckoning>,
}

/// Everything rebuilt from the first event, read from the log alone.
#[utoipa::path(get, path = "/api/v1/replay", tag = "audit", params(ReplayParams), security(("token" = [])), responses(
    (status = 200, body = Replayed),
))]
pub async fn replay(State(app): State<App>, Params(params): Params<ReplayParams>) -> Answer<Replayed> {
    let until =
        parse_until(params.until.as_deref(), params.by.unwrap_or_default()).map_err(Problem::refused)?;
    blocking(move || app.system.queries.replay(until, Timestamp::now(), &mut |_, _| {})).await
}

/// What the log is held against.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct VerifyParams {
    /// A head's hash that was written down: it must still be part of the log.
    #[param(value_type = Option<forms::BlockHash>)]
    head: Option<String>,
}

/// Verifies the whole log, both copies.
#[utoipa::path(post, path = "/api/v1/verify", tag = "audit", params(VerifyParams), security(("token" = [])), responses(
    (status = 200, body = Verified, description = "what was found; `problems` is empty where all is well"),
))]
pub async fn verify(State(app): State<App>, Params(params): Params<VerifyParams>) -> Answer<Verified> {
    let parse = |text: &String| {
        parse_hash(text).ok_or_else(|| {
            Problem::bad_request("head must be 64 hexadecimal digits, as `mecris head` prints them")
        })
    };
    let expected = params.head.as_ref().map(parse).transpose()?;
    blocking(move || app.system.log().verify(expected, &mut |_, _| {}).map(Verified::from)).await
}

/// The head of the log.
#[utoipa::path(get, path = "/api/v1/head", tag = "audit", security(("token" = [])), responses(
    (status = 200, body = HeadShown),
))]
pub async fn head(State(app): State<App>) -> Answer<HeadShown> {
    blocking(move || app.system.log().head().map(HeadShown::from)).await
}

/// Backs the log up to a directory of this machine, while it is written to: below `backup.root`, and anywhere for who comes
/// by the socket.
#[utoipa::path(post, path = "/api/v1/backup", tag = "audit", request_body = BackupBody, security(("token" = [])), responses(
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
    blocking(move || app.system.back_up(&body.dir, reach)).await
}

/// Events as JSON lines, page by page: the next one begins after the position of the last line; an empty page is the end.
#[utoipa::path(get, path = "/api/v1/export", tag = "audit", params(EventParams), security(("token" = [])), responses(
    (status = 200, body = String, content_type = "application/jsonl"),
))]
pub async fn export(
    State(app): State<App>,
    Params(params): Params<EventParams>,
) -> Result<Response, Problem> {
    let (from, limit) = params.page()?;
    let _turn = overload::turn().await;
    let lines = caller::blocking(move || app.system.queries.export(from, limit as u64)).await??;
    Ok(([(axum::http::header::CONTENT_TYPE, "application/jsonl")], lines).into_response())
}

/// Looks at all transcripts now.
#[utoipa::path(post, path = "/api/v1/import", tag = "money", security(("token" = [])), responses(
    (status = 200, body = ImportSummary),
))]
pub async fn import(State(app): State<App>) -> Answer<ImportSummary> {
    Ok(Json(app.system.import().await?))
}

/// Reads what is new in transcripts, and says how old the figures are then. It waits two seconds at most.
#[utoipa::path(post, path = "/api/v1/look", tag = "money", security(("token" = [])), responses(
    (status = 200, body = Freshness),
))]
pub async fn look(State(app): State<App>) -> Json<Freshness> {
    Json(app.system.refresh().await)
}

/// Records usage that no transcript shows: what a session has consumed with one model so far.
#[utoipa::path(post, path = "/api/v1/usage", tag = "money", request_body = ToldBody, security(("token" = [])), responses(
    (status = 200, body = ToldShown),
))]
pub async fn tell_usage(
    State(app): State<App>,
    Asker(by): Asker,
    Body(body): Body<ToldBody>,
) -> Answer<ToldShown> {
    Ok(Json(app.system.tell_usage(body, &by).await?))
}
