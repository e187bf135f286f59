//! Anthropic's API: models for ordinary keys; the organisation, its usage, its costs and its people for admin keys.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::books::{Books, Mischief, decimal, page};
use super::{Front, Shared, serve};

/// The keys that are known.
pub const KEY: &str = "sk-ant-api03-marked-secret-key";
pub const ADMIN_KEY: &str = "sk-ant-admin01-marked-secret-key";
/// Somebody of the organisation.
pub const PERSON: &str = "marked-ada@example.com";

pub struct Anthropic {
    pub front: Front,
    pub world: Shared<World>,
}

/// What the server has.
pub struct World {
    pub books: Books,
    pub today: Date,
    pub mischief: Mischief,
    /// The first and the last day of each report that was asked for from its beginning.
    pub asked: Vec<(Date, Date)>,
    /// How many reports were refused.
    pub refused: usize,
    /// Buckets in a page, at most; a server may give fewer than it is asked for.
    pub page_size: usize,
}

impl Anthropic {
    pub fn start() -> Self {
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        let world = Shared::new(World {
            books: Books::default(),
            today,
            mischief: Mischief::None,
            asked: Vec::new(),
            refused: 0,
            page_size: usize::MAX,
        });
        let router = Router::new()
            .route("/v1/models", get(models))
            .route("/v1/organizations/me", get(organization))
            .route("/v1/organizations/usage_report/messages", get(usage))
            .route("/v1/organizations/cost_report", get(cost))
            .route("/v1/organizations/usage_report/claude_code", get(people))
            .with_state(world.clone())
            .fallback(|| async { error(StatusCode::NOT_FOUND, "not_found_error") });
        Self { front: serve(router), world }
    }
}

fn error(status: StatusCode, kind: &str) -> Response {
    let body = json!({"type": "error", "error": {"type": kind, "message": "said the server"}, "request_id": "req_01"});
    (status, Json(body)).into_response()
}

fn invalid() -> Response {
    error(StatusCode::BAD_REQUEST, "invalid_request_error")
}

fn check(world: &Shared<World>, headers: &HeaderMap, key: &str) -> Result<(), Response> {
    if headers.get("anthropic-version").is_none_or(|version| version != "2023-06-01") {
        return Err(invalid());
    }
    if headers.get("user-agent").is_none() {
        return Err(error(StatusCode::FORBIDDEN, "permission_error"));
    }
    match headers.get("x-api-key").map(|value| value.to_str().unwrap()) {
        Some(sent) if sent == key => {}
        Some(sent) if sent == KEY || sent == ADMIN_KEY => {
            return Err(error(StatusCode::FORBIDDEN, "permission_error"));
        }
        _ => return Err(error(StatusCode::UNAUTHORIZED, "authentication_error")),
    }
    if world.lock().mischief == Mischief::NoCredit {
        let message = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.";
        let body = json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}});
        return Err((StatusCode::BAD_REQUEST, Json(body)).into_response());
    }
    Ok(())
}

/// The query's fields, of which only these may be.
fn fields(query: Option<String>, known: &[&str]) -> Result<Vec<(String, String)>, Response> {
    let url = reqwest::Url::parse(&format!("http://h/?{}", query.unwrap_or_default())).unwrap();
    let fields: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let mut seen: Vec<&str> =
        fields.iter().map(|(name, _)| name.as_str()).filter(|name| !name.ends_with("[]")).collect();
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    let is_known = |(name, _): &(String, String)| known.contains(&name.as_str());
    if seen.len() < count || !fields.iter().all(is_known) { Err(invalid()) } else { Ok(fields) }
}

fn one<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

async fn models(
    State(world): State<Shared<World>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Response> {
    check(&world, &headers, KEY)?;
    let fields = fields(query, &["limit", "after_id", "before_id"])?;
    if one(&fields, "limit")
        .is_some_and(|limit| !limit.parse().is_ok_and(|limit: u32| (1..=1_000).contains(&limit)))
    {
        return Err(invalid());
    }
    Ok(Json(json!({
        "data": [{"type": "model", "id": "claude-opus-5", "display_name": "Claude Opus 5",
            "created_at": "2026-02-01T00:00:00Z"}],
        "has_more": true, "first_id": "claude-opus-5", "last_id": "claude-opus-5",
    })))
}

async fn organization(
    State(world): State<Shared<World>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Response> {
    check(&world, &headers, ADMIN_KEY)?;
    Ok(Json(
        json!({"id": "11111111-2222-3333-4444-555555555555", "type": "organization", "name": "Analytical Engines"}),
    ))
}

/// The days that a report is asked for, floored to whole ones as the API does, and how many come in a page.
fn asked(fields: &[(String, String)], groups: &[&str]) -> Result<(Vec<Date>, usize), Response> {
    let instant =
        |name| one(fields, name).map(|text| text.parse::<Timestamp>().map_err(|_| invalid())).transpose();
    let begin = instant("starting_at")?.ok_or_else(invalid)?;
    let end = instant("ending_at")?;
    // Narrower buckets exist; nothing here asks for them.
    if one(fields, "bucket_width").unwrap_or("1d") != "1d" {
        return Err(invalid());
    }
    let limit =
        one(fields, "limit").unwrap_or("7").parse::<usize>().ok().filter(|limit| (1..=31).contains(limit));
    let limit = limit.ok_or_else(invalid)?;
    let mut chosen = fields.iter().filter(|(name, _)| name == "group_by[]");
    if !chosen.all(|(_, group)| groups.contains(&group.as_str())) {
        return Err(invalid());
    }
    let first = begin.to_zoned(TimeZone::UTC).date();
    let end = end.ok_or_else(invalid)?;
    let last = end.to_zoned(TimeZone::UTC).date();
    let mut days = Vec::new();
    let mut day = first;
    while day < last {
        days.push(day);
        day = day.saturating_add(1.days());
    }
    Ok((days, limit))
}

fn answer(
    world: &mut World,
    fields: &[(String, String)],
    groups: &[&str],
    results: impl Fn(&World, Date) -> Vec<Value>,
) -> Result<Response, Response> {
    let (days, limit) = asked(fields, groups)?;
    if let (None, Some(first), Some(last)) = (one(fields, "page"), days.first(), days.last()) {
        world.asked.push((*first, *last));
    }
    let world = &*world;
    let size = limit.min(world.page_size);
    let paged = page(&days, size, one(fields, "page"), world.mischief).ok_or_else(invalid)?;
    let bucket = |day: &Date, results: Vec<Value>| {
        let hours = if world.mischief == Mischief::HalfDays { 12 } else { 24 };
        let begin = day.to_zoned(TimeZone::UTC).unwrap().timestamp();
        let end = begin + jiff::SignedDuration::from_hours(hours);
        json!({"starting_at": begin.to_string(), "ending_at": end.to_string(), "results": results})
    };
    let mut data: Vec<Value> = paged.buckets.iter().map(|day| bucket(day, results(world, *day))).collect();
    if world.mischief == Mischief::Contradiction
        && let Some(day) = paged.buckets.iter().find(|day| !results(world, **day).is_empty())
    {
        data.push(bucket(day, Vec::new()));
    }
    Ok(Json(json!({"data": data, "has_more": paged.next.is_some(), "next_page": paged.next})).into_response())
}

/// A report is asked for with the admin key.
fn asked_for_a_report(world: &Shared<World>, headers: &HeaderMap) -> Result<(), Response> {
    check(world, headers, ADMIN_KEY).inspect_err(|_| world.lock().refused += 1)
}

async fn usage(
    State(world): State<Shared<World>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    asked_for_a_report(&world, &headers)?;
    let known = ["starting_at", "ending_at", "bucket_width", "limit", "page", "group_by[]", "models[]"];
    let fields = fields(query, &known)?;
    let groups = [
        "account_id",
        "api_key_id",
        "context_window",
        "inference_geo",
        "model",
        "service_account_id",
        "service_tier",
        "workspace_id",
    ];
    let is_by_model = fields.iter().any(|(name, group)| name == "group_by[]" && group == "model");
    let mut world = world.lock();
    answer(&mut world, &fields, &groups, |world, day| {
        let Some(said) = world.books.said(day, world.today) else { return Vec::new() };
        let row = |row: &super::books::UsageRow| {
            json!({"uncached_input_tokens": row.input,
                "cache_creation": {"ephemeral_1h_input_tokens": row.cache_write / 3,
                    "ephemeral_5m_input_tokens": row.cache_write - row.cache_write / 3},
                "cache_read_input_tokens": row.cache_read, "output_tokens": row.output,
                "server_tool_use": {"web_search_requests": row.output % 7},
                "model": is_by_model.then_some(row.model), "api_key_id": null, "workspace_id": null,
                "service_tier": null, "context_window": null, "inference_geo": null, "account_id": null,
                "service_account_id": null})
        };
        said.usages.iter().map(row).collect()
    })
}

async fn cost(
    State(world): State<Shared<World>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    asked_for_a_report(&world, &headers)?;
    let fields = fields(query, &["starting_at", "ending_at", "bucket_width", "limit", "page", "group_by[]"])?;
    let is_detailed = fields.iter().any(|(name, group)| name == "group_by[]" && group == "description");
    let mut world = world.lock();
    answer(&mut world, &fields, &["workspace_id", "description"], |world, day| {
        let Some(said) = world.books.said(day, world.today) else { return Vec::new() };
        let row = |(number, row): (usize, &super::books::CostRow)| {
            let currency = match world.mischief {
                Mischief::Currency(code) => code,
                Mischief::TwoCurrencies if number % 2 == 1 => "EUR",
                _ => "USD",
            };
            let amount = match world.mischief {
                Mischief::Amount(text) => text.to_owned(),
                _ => decimal(row.units, 2),
            };
            let workspace = (row.part > 0).then_some("wrkspc_01");
            if is_detailed {
                json!({"amount": amount, "currency": currency, "cost_type": "tokens",
                    "description": format!("{} Usage", row.model), "model": row.model, "token_type": row.kind,
                    "service_tier": "standard", "context_window": "0-200k", "inference_geo": null,
                    "workspace_id": workspace})
            } else {
                json!({"amount": amount, "currency": currency, "cost_type": null, "description": null, "model": null,
                    "token_type": null, "service_tier": null, "context_window": null, "inference_geo": null,
                    "workspace_id": workspace})
            }
        };
        said.costs.iter().enumerate().map(row).collect()
    })
}

/// Two rows of people, the second on a page of its own; the number of cents is a bare one here.
async fn people(
    State(world): State<Shared<World>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    check(&world, &headers, ADMIN_KEY)?;
    let fields = fields(query, &["starting_at", "limit", "page"])?;
    let day: Date = one(&fields, "starting_at").and_then(|day| day.parse().ok()).ok_or_else(invalid)?;
    if one(&fields, "starting_at") != Some(&day.to_string())
        || !one(&fields, "limit").unwrap_or("20").parse().is_ok_and(|limit: u32| (1..=1_000).contains(&limit))
    {
        return Err(invalid());
    }
    let mischief = world.lock().mischief;
    let row = |actor: &str, cents: &str| {
        format!(
            r#"{{"date":"{day}T00:00:00Z","actor":{actor},"organization_id":"11111111-2222-3333-4444-555555555555",
            "customer_type":"api","terminal_type":"vscode","is_remote":false,
            "core_metrics":{{"num_sessions":5,"lines_of_code":{{"added":1543,"removed":892}},"commits_by_claude_code":12,
            "pull_requests_by_claude_code":2}},"tool_actions":{{"edit_tool":{{"accepted":45,"rejected":5}}}},
            "model_breakdown":[{{"model":"claude-opus-5","tokens":{{"input":100000,"output":35000,"cache_read":10000,
            "cache_creation":5000}},"estimated_cost":{{"amount":{cents},"currency":"USD"}}}}]}}"#
        )
    };
    let person = row(&format!(r#"{{"type":"user_actor","email_address":"{PERSON}"}}"#), "1025.1234567");
    let key = row(r#"{"type":"api_actor","api_key_name":"marked-robot"}"#, "26");
    let (data, next) = match (one(&fields, "page"), mischief) {
        (_, Mischief::Endless) => (
            person,
            Some(
                format!("page_{}", one(&fields, "page").map_or(0, str::len))
                    + &"x".repeat(one(&fields, "page").map_or(0, str::len)),
            ),
        ),
        (None, _) => (person, Some("page_2".to_owned())),
        (Some("page_2"), Mischief::TwiceEach) => (format!("{person},{key}"), None),
        (Some("page_2"), _) => (key, None),
        _ => return Err(invalid()),
    };
    let next_page = next.as_ref().map_or("null".to_owned(), |next| format!("\"{next}\""));
    let body = format!(r#"{{"data":[{data}],"has_more":{},"next_page":{next_page}}}"#, next.is_some());
    Ok(([("content-type", "application/json")], body).into_response())
}
