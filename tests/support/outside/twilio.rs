//! Twilio's Programmable Messaging: messages are taken, listed page by page, and followed; callbacks and the
//! person's own messages are posted and signed.

#[path = "twilio/callbacks.rs"]
mod callbacks;
#[path = "twilio/rules.rs"]
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{Front, Shared, serve};
pub use callbacks::{form_of, signature};
pub use rules::segments;

/// The account, and the tokens that are known.
pub const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub const AUTH_TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// A number of the account's that may send.
pub const FROM: &str = "+15005550006";
/// A messaging service of the account's.
pub const SERVICE: &str = "MG00000000000000000000000000000005";
/// What a trial account puts before every text.
pub const TRIAL_PREFIX: &str = "Sent from your Twilio trial account - ";

/// The variables that name the account and its numbers.
pub const VARIABLES: [(&str, &str); 4] = [
    ("TWILIO_ACCOUNT_SID", ACCOUNT),
    ("TWILIO_AUTH_TOKEN", AUTH_TOKEN),
    ("TWILIO_FROM_NUMBER", FROM),
    ("TWILIO_TO_NUMBER", "+15558675310"),
];

type Fields = BTreeMap<String, String>;

/// What the server knows, and how it is to behave.
#[derive(Debug, Default)]
pub struct World {
    /// As they are answered, the oldest first.
    pub messages: Vec<Value>,
    /// The messages of a page, at most.
    pub page: usize,
    /// Whether the account is a trial's.
    pub is_trial: bool,
    /// The numbers that a trial account has not verified.
    pub unverified: BTreeSet<String>,
    /// The numbers that have said STOP.
    pub opted_out: BTreeSet<String>,
    /// So many requests to send are refused with 429 next: too many at once.
    pub busy: usize,
    /// So many messages a day are taken; then it is 429 with 63038.
    pub per_day: Option<usize>,
    /// So many of the next messages are taken, and the answer never comes.
    pub silent: usize,
    /// Every message runs through this life by itself, its callbacks included.
    pub life: Vec<&'static str>,
    /// How far its clock is behind ours, in seconds.
    pub behind_s: i64,
    /// The next requests to send are refused with this code.
    pub refuses_with: Option<u32>,
    /// What becomes of each message that is taken, at once: a status, and its code.
    pub ends_as: Option<(&'static str, u32)>,
    /// A text that names `code-N` meets that code: at once where it is of the request, later where it is of a message.
    pub obeys_texts: bool,
    /// Messages stay in the queue: one with a validity ends as 30036 when that is over.
    pub is_stuck: bool,
    /// WhatsApp's approved templates: their texts, with `{{1}}` for a variable, by SID.
    pub templates: BTreeMap<String, String>,
    /// Whether the person has not written on WhatsApp for a day: only templates arrive.
    pub is_outside_window: bool,
    /// What was asked in a way that Twilio does not know: a test looks at the end that there is none.
    pub complaints: Vec<String>,
    /// How long each message may wait that was given a validity, by its SID.
    valid_until: BTreeMap<String, jiff::Timestamp>,
    /// Where each message's callbacks go, by its SID.
    callbacks: BTreeMap<String, String>,
}

/// A message that was taken: what a person would get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub sid: String,
    pub to: String,
    pub from: Option<String>,
    /// As it was sent, without a trial account's prefix.
    pub body: String,
    /// To the second.
    pub at: jiff::Timestamp,
}

#[derive(Clone)]
pub struct Twilio {
    pub front: Front,
    pub world: Shared<World>,
}

impl Twilio {
    pub fn start() -> Self {
        let world = Shared::new(World { page: 2, ..World::default() });
        let router = Router::new()
            .route("/2010-04-01/Accounts/{file}", get(account))
            .route("/2010-04-01/Accounts/{account}/Balance.json", get(balance))
            .route("/2010-04-01/Accounts/{account}/Messages.json", get(list).post(send))
            .route("/2010-04-01/Accounts/{account}/Messages/{file}", get(fetch))
            .fallback(|| async { error(StatusCode::NOT_FOUND, 20404) })
            .with_state(world.clone());
        Self { front: serve(router), world }
    }

    /// All messages that were taken, the oldest first.
    pub fn accepted(&self) -> Vec<Accepted> {
        let text = |message: &Value, name: &str| message[name].as_str().map(str::to_owned);
        let world = self.world.lock();
        let taken = world.messages.iter().map(|message| {
            let body = text(message, "body").unwrap();
            let at = text(message, "date_created").unwrap();
            Accepted {
                sid: text(message, "sid").unwrap(),
                to: text(message, "to").unwrap(),
                from: text(message, "from"),
                body: body.strip_prefix(TRIAL_PREFIX).unwrap_or(&body).to_owned(),
                at: jiff::fmt::rfc2822::parse(&at).unwrap().timestamp(),
            }
        });
        taken.collect()
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

/// Fields that Twilio does not know are not passed over here.
fn known(world: &Shared<World>, fields: &Fields, known: &[&str]) -> Result<(), Response> {
    let strange: Vec<_> = fields.keys().filter(|field| !known.contains(&field.as_str())).cloned().collect();
    if strange.is_empty() {
        return Ok(());
    }
    world.lock().complaints.push(format!("unknown fields: {strange:?}"));
    Err(error(StatusCode::BAD_REQUEST, 20001))
}

async fn account(
    State(world): State<Shared<World>>,
    headers: HeaderMap,
    Path(file): Path<String>,
) -> Result<Json<Value>, Response> {
    let account = file.trim_end_matches(".json");
    check(&headers, account)?;
    let kind = if world.lock().is_trial { "Trial" } else { "Full" };
    Ok(Json(json!({"sid": account, "status": "active", "type": kind, "friendly_name": "Ada"})))
}

async fn balance(headers: HeaderMap, Path(account): Path<String>) -> Result<Json<Value>, Response> {
    check(&headers, &account)?;
    Ok(Json(json!({"account_sid": ACCOUNT, "balance": "12.34", "currency": "USD"})))
}

async fn send(
    State(world): State<Shared<World>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Fields>,
) -> Result<Response, Response> {
    check(&headers, &account)?;
    let fields = [
        "To",
        "From",
        "MessagingServiceSid",
        "Body",
        "ContentSid",
        "ContentVariables",
        "StatusCallback",
        "ValidityPeriod",
    ];
    known(&world, &form, &fields)?;
    let (message, is_silent) = {
        let mut world = world.lock();
        rules::check(&mut world, &form).map_err(|(status, code)| error(status, code))?;
        let message = take(&mut world, &form);
        let is_silent = world.silent > 0;
        world.silent = world.silent.saturating_sub(1);
        (message, is_silent)
    };
    let (sid, life) = (message["sid"].as_str().unwrap().to_owned(), world.lock().life.clone());
    if !life.is_empty() {
        // What becomes of it, in the background, as with Twilio.
        tokio::spawn(async move {
            for status in life {
                callbacks::progress(&world, &sid, status, None);
                callbacks::tell(&world, &sid, status).await;
            }
        });
    }
    if is_silent {
        return std::future::pending().await;
    }
    Ok((StatusCode::CREATED, Json(message)).into_response())
}

/// Takes a message that is in order.
fn take(world: &mut World, form: &Fields) -> Value {
    let sid = format!("SM{:032x}", world.messages.len() + 1);
    let now = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(world.behind_s);
    let now = jiff::fmt::rfc2822::to_string(&now.to_zoned(jiff::tz::TimeZone::UTC)).unwrap();
    let body = rules::rendered(world, form).unwrap_or_else(|| form["Body"].clone());
    let text = if world.is_trial { format!("{TRIAL_PREFIX}{body}") } else { body.clone() };
    let service = form.get("MessagingServiceSid");
    let (status, parts) = if service.is_some() {
        ("accepted", "0".to_owned())
    } else {
        ("queued", segments(&text).to_string())
    };
    let is_lost = world.is_outside_window && is_whatsapp(&form["To"]) && !form.contains_key("ContentSid");
    let taken = status;
    let (status, code) = match world.ends_as {
        _ if is_lost => ("failed", Some(63016)),
        Some((status, code)) => (status, Some(code)),
        None if world.obeys_texts && rules::named(&body).is_some() => ("undelivered", rules::named(&body)),
        None => (status, None),
    };
    let message = json!({
        "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": text, "date_created": now, "date_sent": null,
        "date_updated": now, "direction": "outbound-api", "error_code": code, "error_message": null,
        "from": form.get("From"), "messaging_service_sid": service, "num_media": "0",
        "num_segments": parts, "price": null, "price_unit": "USD", "sid": sid, "status": status,
        "subresource_uris": {"media": format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}/Media.json")},
        "to": form["To"], "uri": format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}.json"),
    });
    if let Some(url) = form.get("StatusCallback") {
        world.callbacks.insert(sid, url.clone());
    }
    if let Some(seconds) = form.get("ValidityPeriod") {
        let seconds: i64 = seconds.parse().unwrap();
        world
            .valid_until
            .insert(sid_of(&message), jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds));
    }
    world.messages.push(message.clone());
    // Twilio takes it first, whatever becomes of it.
    let mut answer = message;
    (answer["status"], answer["error_code"]) = (taken.into(), Value::Null);
    answer
}

fn sid_of(message: &Value) -> String {
    message["sid"].as_str().unwrap().to_owned()
}

fn is_whatsapp(number: &str) -> bool {
    number.starts_with("whatsapp:")
}

async fn list(
    State(world): State<Shared<World>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Query(query): Query<Fields>,
) -> Result<Json<Value>, Response> {
    check(&headers, &account)?;
    let fields = ["To", "From", "DateSent", "DateSent<", "DateSent>", "PageSize", "Page", "PageToken"];
    known(&world, &query, &fields)?;
    let world = world.lock();
    let to = query.get("To").cloned().unwrap_or_default();
    let matching: Vec<&Value> =
        world.messages.iter().rev().filter(|message| message["to"] == to.as_str()).collect();
    let page: usize = query.get("Page").map_or(0, |page| page.parse().unwrap());
    if page > 0 && query.get("PageToken") != Some(&format!("PA{}", page - 1)) {
        // A page that was computed and not followed.
        return Err(error(StatusCode::BAD_REQUEST, 20006));
    }
    let asked: usize = query.get("PageSize").map_or(50, |size| size.parse().unwrap());
    let size = asked.min(world.page);
    let first = page * size;
    let shown = &matching[first.min(matching.len())..(first + size).min(matching.len())];
    let next = (first + size < matching.len()).then(|| {
        let to = to.replace('+', "%2B").replace(':', "%3A");
        format!(
            "/2010-04-01/Accounts/{ACCOUNT}/Messages.json?To={to}&PageSize={asked}&Page={}&PageToken=PA{page}",
            page + 1
        )
    });
    Ok(Json(json!({"messages": shown, "next_page_uri": next, "page": page, "page_size": size})))
}

async fn fetch(
    State(world): State<Shared<World>>,
    Path((account, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, Response> {
    check(&headers, &account)?;
    let sid = file.trim_end_matches(".json");
    let is_over = {
        let world = world.lock();
        world.is_stuck && world.valid_until.get(sid).is_some_and(|until| *until <= jiff::Timestamp::now())
    };
    if is_over {
        callbacks::progress(&world, sid, "failed", Some(30036));
    }
    let world = world.lock();
    let found = world.messages.iter().find(|message| message["sid"] == sid).cloned();
    found.map(Json).ok_or_else(|| error(StatusCode::NOT_FOUND, 20404))
}
