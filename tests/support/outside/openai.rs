//! OpenAI's organisation: costs and usage for admin keys. Amounts are bare numbers in dollars, some with the error of
//! a float behind them.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::books::{Books, CostRow, Mischief, UsageRow, decimal, page};
use super::{Front, Shared, serve};

pub const ADMIN_KEY: &str = "sk-admin-marked-secret-key";
/// A project's key, which reads nothing of the organisation.
pub const KEY: &str = "sk-proj-marked-secret-key";

pub struct OpenAi {
    pub front: Front,
    pub world: Shared<World>,
}

pub struct World {
    pub books: Books,
    pub today: Date,
    pub mischief: Mischief,
    pub page_size: usize,
}

impl OpenAi {
    pub fn start() -> Self {
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        let (books, mischief) = (Books::default(), Mischief::None);
        let world = Shared::new(World { books, today, mischief, page_size: usize::MAX });
        let router = Router::new()
            .route("/v1/organization/costs", get(costs))
            .route("/v1/organization/usage/completions", get(usage))
            .with_state(world.clone())
            .fallback(|| async { error(StatusCode::NOT_FOUND, "invalid_request_error", "unknown_url") });
        Self { front: serve(router), world }
    }
}

fn json_text(status: StatusCode, body: String) -> Response {
    (status, [("content-type", "application/json")], body).into_response()
}

fn error(status: StatusCode, kind: &str, code: &str) -> Response {
    let body = json!({"error": {"message": "said the server", "type": kind, "param": null, "code": code}});
    json_text(status, body.to_string())
}

fn invalid() -> Response {
    error(StatusCode::BAD_REQUEST, "invalid_request_error", "invalid_value")
}

fn check(world: &Shared<World>, headers: &HeaderMap) -> Result<(), Response> {
    let sent = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match sent {
        Some(ADMIN_KEY) if world.lock().mischief == Mischief::NoCredit => {
            Err(error(StatusCode::TOO_MANY_REQUESTS, "insufficient_quota", "insufficient_quota"))
        }
        Some(ADMIN_KEY) => Ok(()),
        Some(KEY) => Err(error(StatusCode::FORBIDDEN, "invalid_request_error", "missing_scope")),
        _ => Err(error(StatusCode::UNAUTHORIZED, "invalid_request_error", "invalid_api_key")),
    }
}

fn answer(
    world: &World,
    query: Option<String>,
    limit_max: usize,
    groups: &[&str],
    results: impl Fn(&World, Date) -> Vec<String>,
) -> Result<Response, Response> {
    let url = reqwest::Url::parse(&format!("http://h/?{}", query.unwrap_or_default())).unwrap();
    let fields: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let known = ["start_time", "end_time", "bucket_width", "limit", "page", "group_by"];
    if !fields.iter().all(|(name, _)| known.contains(&name.as_str())) {
        return Err(invalid());
    }
    let one = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let second = |name: &str| one(name).and_then(|text| text.parse::<i64>().ok());
    let begin =
        second("start_time").and_then(|second| Timestamp::from_second(second).ok()).ok_or_else(invalid)?;
    let end =
        second("end_time").and_then(|second| Timestamp::from_second(second).ok()).ok_or_else(invalid)?;
    let limit =
        one("limit").unwrap_or("7").parse::<usize>().ok().filter(|limit| (1..=limit_max).contains(limit));
    let limit = limit.ok_or_else(invalid)?;
    let is_group = |(name, group): &(String, String)| name != "group_by" || groups.contains(&group.as_str());
    if one("bucket_width") != Some("1d") || !fields.iter().all(is_group) || end <= begin {
        return Err(invalid());
    }
    let mut days = Vec::new();
    let mut at = begin;
    while at < end {
        days.push(at.to_zoned(TimeZone::UTC).date());
        at += SignedDuration::from_hours(24);
    }
    let paged = page(&days, limit.min(world.page_size), one("page"), world.mischief).ok_or_else(invalid)?;
    let bucket = |day: &Date, results: Vec<String>| {
        let begin = day.to_zoned(TimeZone::UTC).unwrap().timestamp().as_second();
        let length = if world.mischief == Mischief::HalfDays { 43_200 } else { 86_400 };
        let (end, results) = (begin + length, results.join(","));
        format!(r#"{{"object":"bucket","start_time":{begin},"end_time":{end},"results":[{results}]}}"#)
    };
    let mut data: Vec<String> = paged.buckets.iter().map(|day| bucket(day, results(world, *day))).collect();
    if world.mischief == Mischief::Contradiction
        && let Some(day) = paged.buckets.iter().find(|day| !results(world, **day).is_empty())
    {
        data.push(bucket(day, Vec::new()));
    }
    let next = paged.next.as_ref().map_or("null".to_owned(), |next| format!("\"{next}\""));
    let (data, has_more) = (data.join(","), paged.next.is_some());
    let body = format!(r#"{{"object":"page","data":[{data}],"has_more":{has_more},"next_page":{next}}}"#);
    Ok(json_text(StatusCode::OK, body))
}

async fn costs(
    State(world): State<Shared<World>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    check(&world, &headers)?;
    let world = world.lock();
    answer(&world, query, 180, &["project_id", "line_item", "api_key_id"], |world, day| {
        let Some(said) = world.books.said(day, world.today) else { return Vec::new() };
        let row = |(number, row): (usize, &CostRow)| {
            let currency = match world.mischief {
                Mischief::Currency(code) => code,
                Mischief::TwoCurrencies if number % 2 == 1 => "eur",
                _ => "usd",
            };
            let value = match world.mischief {
                Mischief::Amount(text) => text.to_owned(),
                _ => number_of(row.units, number),
            };
            let line = format!("{}, {}", row.model, row.kind);
            format!(
                r#"{{"object":"organization.costs.result","amount":{{"value":{value},"currency":"{currency}"}},"line_item":"{line}","project_id":null,"api_key_id":null}}"#
            )
        };
        said.costs.iter().enumerate().map(row).collect()
    })
}

/// The number as it is, with digits that a float left behind, or with an exponent.
fn number_of(units: u64, number: usize) -> String {
    match number % 3 {
        0 => decimal(units, 0),
        1 => format!("{}.{:010}0000000004", units / 10_000_000_000, units % 10_000_000_000),
        _ => format!("{units}e-10"),
    }
}

async fn usage(
    State(world): State<Shared<World>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    check(&world, &headers)?;
    let world = world.lock();
    answer(
        &world,
        query,
        31,
        &["project_id", "user_id", "api_key_id", "model", "batch", "service_tier"],
        |world, day| {
            let Some(said) = world.books.said(day, world.today) else { return Vec::new() };
            let row = |row: &UsageRow| {
                json!({"object": "organization.usage.completions.result",
                "input_tokens": row.input + row.cache_read + row.cache_write, "input_cached_tokens": row.cache_read,
                "input_cache_write_tokens": row.cache_write, "output_tokens": row.output, "input_audio_tokens": 0,
                "output_audio_tokens": 0, "num_model_requests": 3, "project_id": null, "user_id": null,
                "api_key_id": null, "model": row.model, "batch": null, "service_tier": null})
            .to_string()
            };
            said.usages.iter().map(row).collect()
        },
    )
}
