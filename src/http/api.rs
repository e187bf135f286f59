//! The handlers of `/api/v1`: they ask the views and send commands, and decide nothing.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::budget::{Budget, BudgetCommand, BudgetName, Scope, Thresholds};
use crate::domain::calendar::Period;
use crate::domain::money::Picodollars;
use crate::event::Position;
use crate::log::verify::VerifyReport;
use crate::service::ImportSummary;
use crate::service::queries::{EventPage, Replayed};
use crate::view::budgets::BudgetLine;
use crate::view::explain::{Explanation, Subject};
use crate::view::replay::Until;
use crate::view::report::{Grouping, Range, Report};
use crate::view::status::Status;

use super::App;
use super::problem::{Body, Params, Problem, Segment};

type Answer<T> = Result<Json<T>, Problem>;

/// Runs a question that reads the disk away from the runtime's own threads.
async fn blocking<T: Send + 'static, E: Into<Problem> + Send + 'static>(
    ask: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Answer<T> {
    match tokio::task::spawn_blocking(ask).await {
        Ok(answer) => answer.map(Json).map_err(Into::into),
        Err(_) => Err(crate::log::LogError::Closed.into()),
    }
}

fn zone(name: Option<&str>) -> Result<Option<TimeZone>, Problem> {
    let parse = |name: &str| {
        let fix = format!("'{name}' is not a time zone; use an IANA name such as Europe/Berlin");
        TimeZone::get(name).map_err(|_| Problem::bad_request(fix))
    };
    name.map(parse).transpose()
}

/// How things stand.
#[utoipa::path(get, path = "/api/v1/status", tag = "money", security(("token" = [])), responses(
    (status = 200, body = Status), (status = 401, body = Problem),
))]
pub async fn status(State(app): State<App>) -> Json<Status> {
    Json(app.system.queries.status(Timestamp::now()))
}

/// What a report shall cover.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SpendParams {
    /// `daily` (the default), `weekly`, `monthly`, `project`, `session` or `model`.
    by: Option<Grouping>,
    /// The first day, `YYYY-MM-DD`.
    #[param(value_type = Option<String>, format = Date)]
    since: Option<Date>,
    /// The last day, included.
    #[param(value_type = Option<String>, format = Date)]
    until: Option<Date>,
    /// The time zone of the days; the configured one where absent.
    #[param(example = "Europe/Berlin")]
    tz: Option<String>,
}

/// What was spent, by day, week, month, project, session or model.
#[utoipa::path(get, path = "/api/v1/spend", tag = "money", params(SpendParams), security(("token" = [])), responses(
    (status = 200, body = Report), (status = 400, body = Problem), (status = 401, body = Problem),
))]
pub async fn spend(State(app): State<App>, Params(params): Params<SpendParams>) -> Answer<Report> {
    let zone = zone(params.tz.as_deref())?;
    let range = Range { since: params.since, until: params.until };
    Ok(Json(app.system.queries.report(params.by.unwrap_or(Grouping::Daily), &range, zone.as_ref())))
}

/// The budgets and how they stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Budgets {
    /// By name.
    pub budgets: Vec<BudgetLine>,
}

/// How the budgets stand.
#[utoipa::path(get, path = "/api/v1/budgets", tag = "money", security(("token" = [])), responses(
    (status = 200, body = Budgets), (status = 401, body = Problem),
))]
pub async fn budgets(State(app): State<App>) -> Json<Budgets> {
    Json(Budgets { budgets: app.system.queries.budgets(Timestamp::now()) })
}

/// A budget to set. Amounts are decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetBody {
    /// What may be spent in one period.
    #[schema(value_type = String, example = "50")]
    pub amount_usd: Picodollars,
    /// `daily`, `weekly` or `monthly`; left out where `from` and `until` are given.
    #[serde(default)]
    pub period: Option<String>,
    /// The first day of a fixed period.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub from: Option<Date>,
    /// The last day of a fixed period, included.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<Date>,
    /// Covers only this provider.
    #[serde(default)]
    pub provider: Option<String>,
    /// Covers only models of this pattern, in which `*` is any text.
    #[serde(default)]
    pub model: Option<String>,
    /// Covers only this directory and those below it.
    #[serde(default)]
    pub project: Option<String>,
    /// `LOW_BUDGET` below this remainder; 5 where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub low_usd: Option<Picodollars>,
    /// `DAILY_LIMIT_EXCEEDED` above this; 2 where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub daily_limit_usd: Option<Picodollars>,
    /// `PERIOD_ENDING` at this many days left; 1 where absent.
    #[serde(default)]
    pub ending_days: Option<u32>,
}

impl BudgetBody {
    /// The budget of this name.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the period.
    pub fn into_budget(self, name: BudgetName) -> Result<Budget, String> {
        let period = match (self.period.as_deref(), self.from, self.until) {
            (None | Some("fixed"), Some(from), Some(until)) => Period::Fixed { from, until },
            (Some("daily"), None, None) => Period::Daily,
            (Some("weekly"), None, None) => Period::Weekly,
            (None | Some("monthly"), None, None) => Period::Monthly,
            _ => {
                return Err(
                    "give either a period (daily, weekly, monthly) or both a first and a last day".into()
                );
            }
        };
        let standard = Thresholds::default();
        Ok(Budget {
            name,
            amount: self.amount_usd,
            period,
            scope: Scope { provider: self.provider, model: self.model, project: self.project },
            thresholds: Thresholds {
                low: self.low_usd.unwrap_or(standard.low),
                daily_limit: self.daily_limit_usd.unwrap_or(standard.daily_limit),
                ending_days: self.ending_days.unwrap_or(standard.ending_days),
            },
        })
    }
}

fn budget_name(name: &str) -> Result<BudgetName, Problem> {
    name.parse().map_err(|error: crate::domain::budget::BudgetError| Problem::bad_request(error.to_string()))
}

/// Creates or replaces a budget.
#[utoipa::path(put, path = "/api/v1/budgets/{name}", tag = "money", params(("name" = String, Path, example = "main")),
    request_body = BudgetBody, security(("token" = [])), responses(
    (status = 200, body = Budgets, description = "the budgets, this one among them"),
    (status = 400, body = Problem), (status = 401, body = Problem), (status = 503, body = Problem),
))]
pub async fn set_budget(
    State(app): State<App>,
    Segment(name): Segment<String>,
    Body(body): Body<BudgetBody>,
) -> Answer<Budgets> {
    let budget = body.into_budget(budget_name(&name)?).map_err(Problem::bad_request)?;
    app.system.command_budget(BudgetCommand::Set(budget)).await?;
    Ok(budgets(State(app)).await)
}

/// Removes a budget.
#[utoipa::path(delete, path = "/api/v1/budgets/{name}", tag = "money", params(("name" = String, Path, example = "main")),
    security(("token" = [])), responses(
    (status = 200, body = Budgets, description = "the budgets that are left"),
    (status = 400, body = Problem), (status = 401, body = Problem), (status = 404, body = Problem),
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
    #[param(minimum = 0)]
    from: Option<u64>,
    /// How many at most; 100 where absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// The events themselves, by position, page by page.
#[utoipa::path(get, path = "/api/v1/events", tag = "audit", params(EventParams), security(("token" = [])), responses(
    (status = 200, body = EventPage), (status = 400, body = Problem), (status = 401, body = Problem),
))]
pub async fn events(State(app): State<App>, Params(params): Params<EventParams>) -> Answer<EventPage> {
    let limit = params.limit.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(Problem::bad_request("limit must be from 1 to 1000"));
    }
    let from = Position(params.from.unwrap_or(1));
    blocking(move || app.system.queries.events(from, limit)).await
}

/// Which number.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExplainParams {
    /// A day (`YYYY-MM-DD`), or the id of a session or message, or its beginning.
    #[param(example = "2026-11-23")]
    subject: String,
    /// The time zone of the day; the configured one where absent.
    tz: Option<String>,
}

/// The events behind a number, read from the log alone.
#[utoipa::path(get, path = "/api/v1/explain", tag = "audit", params(ExplainParams), security(("token" = [])), responses(
    (status = 200, body = Explanation), (status = 400, body = Problem), (status = 401, body = Problem),
))]
pub async fn explain(State(app): State<App>, Params(params): Params<ExplainParams>) -> Answer<Explanation> {
    if params.subject.is_empty() {
        return Err(Problem::bad_request("name a day, a session or a message"));
    }
    let zone = zone(params.tz.as_deref())?;
    blocking(move || app.system.queries.explain(&Subject::parse(&params.subject), zone.as_ref())).await
}

/// How far to replay.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReplayParams {
    /// A position or an instant (RFC 3339); the head where absent.
    until: Option<String>,
    /// `recorded` (what was known then, the default) or `occurred` (what is known now of then).
    by: Option<Reckoning>,
}

/// What an instant is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reckoning {
    /// When the log took an event: what was known then.
    #[default]
    Recorded,
    /// When an event happened: what is known now of then.
    Occurred,
}

/// Reads an end of replay: a position, or an instant.
///
/// # Errors
/// A sentence that says how to write it.
pub fn parse_until(text: Option<&str>, reckoning: Reckoning) -> Result<Until, String> {
    let Some(text) = text else { return Ok(Until::Head) };
    if let Ok(position) = text.parse() {
        return Ok(Until::Position(Position(position)));
    }
    let instant: Timestamp = text
        .parse()
        .map_err(|_| format!("'{text}' is neither a position nor an instant such as 2026-11-23T12:00:00Z"))?;
    Ok(match reckoning {
        Reckoning::Recorded => Until::Recorded(instant),
        Reckoning::Occurred => Until::Occurred(instant),
    })
}

/// Everything rebuilt from the first event, read from the log alone.
#[utoipa::path(get, path = "/api/v1/replay", tag = "audit", params(ReplayParams), security(("token" = [])), responses(
    (status = 200, body = Replayed), (status = 400, body = Problem), (status = 401, body = Problem),
))]
pub async fn replay(State(app): State<App>, Params(params): Params<ReplayParams>) -> Answer<Replayed> {
    let until =
        parse_until(params.until.as_deref(), params.by.unwrap_or_default()).map_err(Problem::bad_request)?;
    blocking(move || app.system.queries.replay(until, Timestamp::now(), &mut |_, _| {})).await
}

/// Verifies the whole log, both copies.
#[utoipa::path(post, path = "/api/v1/verify", tag = "audit", security(("token" = [])), responses(
    (status = 200, body = serde_json::Value, description = "what was found; `problems` is empty where all is well"),
    (status = 401, body = Problem),
))]
pub async fn verify(State(app): State<App>) -> Answer<VerifyReport> {
    blocking(move || app.system.verify()).await
}

/// Looks at all transcripts now.
#[utoipa::path(post, path = "/api/v1/import", tag = "money", security(("token" = [])), responses(
    (status = 200, body = ImportSummary), (status = 401, body = Problem), (status = 503, body = Problem),
))]
pub async fn import(State(app): State<App>) -> Answer<ImportSummary> {
    Ok(Json(app.system.import().await?))
}

/// The tree of actors: state, restarts, queue, last error.
#[utoipa::path(get, path = "/api/v1/actors", tag = "health", security(("token" = [])), responses(
    (status = 200, body = serde_json::Value), (status = 401, body = Problem),
))]
pub async fn actors(State(app): State<App>) -> Json<Vec<crate::actor::Snapshot>> {
    Json(app.system.actors())
}
