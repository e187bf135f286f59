//! Twilio's Programmable Messaging: messages are taken, listed page by page, and followed.

use std::collections::BTreeMap;

use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{Front, Shared, serve};

/// The account, and the tokens that are known.
pub const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub const AUTH_TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// A number of the account's that may send.
pub const FROM: &str = "+15005550006";

/// The variables that name the account and its numbers.
pub const VARIABLES: [(&str, &str); 4] = [
    ("TWILIO_ACCOUNT_SID", ACCOUNT),
    ("TWILIO_AUTH_TOKEN", AUTH_TOKEN),
    ("TWILIO_FROM_NUMBER", FROM),
    ("TWILIO_TO_NUMBER", "+15558675310"),
];

type Fields = BTreeMap<String, String>;

/// What the server knows.
#[derive(Debug, Default)]
pub struct World {
    /// As they are answered, the oldest first.
    pub messages: Vec<Value>,
    /// The messages of a page.
    pub page: usize,
}

pub struct Twilio {
    pub front: Front,
    pub world: Shared<World>,
}

impl Twilio {
    pub fn start() -> Self {
        let world = Shared::new(World { page: 2, ..World::default() });
        let router = Router::new()
            .route("/2010-04-01/Accounts/{file}", get(account))
            .route("/2010-04-01/Accounts/{account}/Messages.json", get(list).post(send))
            .route("/2010-04-01/Accounts/{account}/Messages/{file}", get(fetch))
            .fallback(|| async { error(StatusCode::NOT_FOUND, 20404) })
            .with_state(world.clone());
        Self { front: serve(router), world }
    }
}

fn error(status: StatusCode, code: u32) -> Response {
    let body = json!({"code": code, "message": "said the server",
        "more_info": format!("https://www.twilio.com/docs/errors/{code}"), "status": status.as_u16()});
    (status, Json(body)).into_response()
}

fn check(headers: &HeaderMap, account: &str) -> Result<(), Response> {
    // The value of `Basic` for the account and its token.
    let expected =
        reqwest::Client::new().get("http://x/").basic_auth(ACCOUNT, Some(AUTH_TOKEN)).build().unwrap();
    let expected = expected.headers()["authorization"].clone();
    match headers.get("authorization") {
        Some(sent) if *sent == expected && account == ACCOUNT => Ok(()),
        _ => Err(error(StatusCode::UNAUTHORIZED, 20003)),
    }
}

async fn account(headers: HeaderMap, Path(file): Path<String>) -> Result<Json<Value>, Response> {
    let account = file.trim_end_matches(".json");
    check(&headers, account)?;
    Ok(Json(json!({"sid": account, "status": "active", "type": "Full", "friendly_name": "Ada"})))
}

fn is_e164(number: &str) -> bool {
    let number = number.strip_prefix("whatsapp:").unwrap_or(number);
    number
        .strip_prefix('+')
        .is_some_and(|digits| digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit()))
}

async fn send(
    State(world): State<Shared<World>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Fields>,
) -> Result<Response, Response> {
    check(&headers, &account)?;
    let known = ["To", "From", "MessagingServiceSid", "Body", "StatusCallback", "ValidityPeriod"];
    assert!(form.keys().all(|field| known.contains(&field.as_str())), "{:?}", form.keys());
    let bad = |code| Err(error(StatusCode::BAD_REQUEST, code));
    let Some(to) = form.get("To") else { return bad(21604) };
    let Some(body) = form.get("Body").filter(|body| !body.is_empty()) else { return bad(21602) };
    // Twilio's own magic numbers.
    match to.as_str() {
        "+15005550001" => return bad(21211),
        "+15005550002" => return bad(21612),
        "+15005550003" => return bad(21408),
        "+15005550004" => return bad(21610),
        "+15005550009" => return bad(21614),
        to if !is_e164(to) => return bad(21211),
        _ => {}
    }
    match (form.get("From").map(String::as_str), form.contains_key("MessagingServiceSid")) {
        (None, false) => return bad(21603),
        (Some("+15005550001"), _) => return bad(21212),
        (Some("+15005550008"), _) => return bad(21611),
        (Some(FROM | "whatsapp:+15005550006"), _) | (None, true) => {}
        (Some(_), _) => return bad(21606),
    }
    if body.chars().count() > 1600 {
        return bad(21617);
    }
    let mut world = world.lock();
    let sid = format!("SM{:032x}", world.messages.len() + 1);
    let now =
        jiff::fmt::rfc2822::to_string(&jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC)).unwrap();
    let message = json!({
        "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": body, "date_created": now, "date_sent": null,
        "date_updated": now, "direction": "outbound-api", "error_code": null, "error_message": null,
        "from": form.get("From"), "messaging_service_sid": form.get("MessagingServiceSid"), "num_media": "0",
        "num_segments": "1", "price": null, "price_unit": "USD", "sid": sid, "status": "queued", "to": to,
        "uri": format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}.json"),
    });
    world.messages.push(message.clone());
    Ok((StatusCode::CREATED, Json(message)).into_response())
}

async fn list(
    State(world): State<Shared<World>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Query(query): Query<Fields>,
) -> Result<Json<Value>, Response> {
    check(&headers, &account)?;
    let known = ["To", "From", "DateSent", "DateSent<", "DateSent>", "PageSize", "Page", "PageToken"];
    assert!(query.keys().all(|field| known.contains(&field.as_str())), "{query:?}");
    let world = world.lock();
    let to = query.get("To").cloned().unwrap_or_default();
    let matching: Vec<&Value> =
        world.messages.iter().rev().filter(|message| message["to"] == to.as_str()).collect();
    let page: usize = query.get("Page").map_or(0, |page| page.parse().unwrap());
    let first = page * world.page;
    let shown = &matching[first.min(matching.len())..(first + world.page).min(matching.len())];
    let next = (first + world.page < matching.len()).then(|| {
        let to = to.replace('+', "%2B");
        format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json?To={to}&Page={}&PageToken=PA{page}", page + 1)
    });
    Ok(Json(json!({"messages": shown, "next_page_uri": next, "page": page, "page_size": world.page})))
}

async fn fetch(
    State(world): State<Shared<World>>,
    Path((account, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, Response> {
    check(&headers, &account)?;
    let sid = file.trim_end_matches(".json");
    let world = world.lock();
    let found = world.messages.iter().find(|message| message["sid"] == sid).cloned();
    found.map(Json).ok_or_else(|| error(StatusCode::NOT_FOUND, 20404))
}
