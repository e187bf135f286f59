//! A provider's site with a billing page, as such sites are: a login with a cookie, a page that draws the balance by
//! script after two fetches, and everything that can be wrong with it.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Form, Json, Router};
use serde_json::{Value, json};

use super::{Front, Shared, serve};

/// The cookie of a person who is logged in.
pub const SESSION: &str = "sk-ant-sid01-marked-session";
/// The organisation that is paid for.
const ORGANIZATION: &str = "6f1d2c3b-0000-4000-8000-000000000001";
/// Stands on the page, and must be on no picture of it.
pub const PERSON: &str = "ada.lovelace@example.org";

/// What the site is like today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It shows `$13.92`.
    Good,
    /// The session has expired: pages redirect to the login.
    LoggedOut,
    /// The page is there, its fetches answer 401.
    Expired,
    /// The same balance, elsewhere on the page and in the JSON.
    Changed,
    /// 403, with Cloudflare's header.
    Challenge,
    /// 200, and the challenge is drawn by script.
    SoftChallenge,
    /// Each answer takes its time.
    Slow,
    /// The page's answer never comes.
    Never,
    /// `1.234,56 $`
    German,
    /// 200 with an error envelope.
    Envelope,
    /// `$—`, and no amount in the JSON.
    Dash,
    /// `$1,234`, and an amount that is a text.
    Thousands,
    /// Below nothing.
    Negative,
    /// Euros.
    Euro,
    /// The JSON is of last month.
    LastMonth,
    /// The page rounds wrongly.
    Disagreement,
    /// Far more than anybody has.
    Absurd,
    /// HTML where JSON should be.
    NotJson,
    /// The element alone.
    ElementOnly,
    /// Beside the amount, the JSON holds megabytes.
    Long,
    /// Whatever the page is asked, it answers with megabytes.
    Shouting,
    /// A page that takes all memory there is.
    Hog,
}

pub struct Site {
    pub front: Front,
    state: Shared<SiteState>,
}

struct SiteState {
    mood: Mood,
    login_pages: usize,
    logins: usize,
    reads: usize,
}

type Served = State<Shared<SiteState>>;

impl Site {
    pub fn start() -> Self {
        let state = Shared::new(SiteState { mood: Mood::Good, login_pages: 0, logins: 0, reads: 0 });
        let router = Router::new()
            .route("/login", get(login_page).post(login))
            .route("/settings/billing", get(billing))
            .route("/api/organizations", get(organizations))
            .route(&format!("/api/organizations/{ORGANIZATION}/prepaid/credits"), get(credits))
            .route(&format!("/api/v2/{ORGANIZATION}/wallet"), get(credits))
            .with_state(state.clone());
        Self { front: serve(router), state }
    }

    pub fn be(&self, mood: Mood) {
        self.state.lock().mood = mood;
    }

    /// How often the billing page was asked for.
    pub fn reads(&self) -> usize {
        self.state.lock().reads
    }

    /// How often the page with the login was asked for.
    pub fn login_pages(&self) -> usize {
        self.state.lock().login_pages
    }

    /// How often somebody logged in.
    pub fn logins(&self) -> usize {
        self.state.lock().logins
    }

    /// A recipe for this site.
    pub fn recipe(&self) -> String {
        let home = self.front.url();
        let home = home.trim_end_matches('/');
        format!(
            r##"
provider = "anthropic"
home = "{home}"
page = "/settings/billing"
login = "/login"
cookie_domains = ["127.0.0.1"]
only_hosts = ["127.0.0.1"]
[[logged_out]]
url = "*/login*"
[[logged_out]]
refused_url = "*/api/*"
[[challenge]]
title = "Just a moment*"
selector = "#challenge-form"
[[amounts]]
way = "credits"
url = "*/api/organizations/*/prepaid/credits"
pointer = "/amount"
currency_pointer = "/currency"
error_pointer = "/error"
as_of_pointer = "/as_of"
max_age_hours = 48
unit = "cents"
[[amounts]]
way = "page"
selector = "[data-testid=credit-balance]"
unit = "dollars"
[bounds]
min_usd = "0"
max_usd = "10000"
"##
        )
    }

    /// A cookie file of a person who is logged in here.
    pub fn cookies() -> String {
        format!(
            "# Netscape HTTP Cookie File\n#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t0\tsessionKey\t{SESSION}\n"
        )
    }
}

fn is_logged_in(headers: &HeaderMap) -> bool {
    let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    cookies.split("; ").any(|cookie| cookie == format!("sessionKey={SESSION}"))
}

/// Nobody pretends to be another browser here.
fn is_honest(headers: &HeaderMap) {
    let agent = headers.get(header::USER_AGENT).unwrap().to_str().unwrap();
    assert!(agent.contains("Chrome/"), "{agent}");
}

async fn login_page(State(state): Served) -> Html<&'static str> {
    state.lock().login_pages += 1;
    Html(
        "<!doctype html><title>Sign in</title><form method=post action=/login>\
         <input name=email><input name=code><button>Continue</button></form>\
         <script>if (location.hash === '#by-itself') setTimeout(() => {\
           document.forms[0].code.value = '123456'; document.forms[0].submit() }, 500)</script>",
    )
}

async fn login(State(state): Served, Form(form): Form<Value>) -> Response {
    if form["code"] != "123456" {
        return StatusCode::FORBIDDEN.into_response();
    }
    state.lock().logins += 1;
    // A cookie without an end: it dies with the browser that nobody asks to keep it.
    let cookie = format!("sessionKey={SESSION}; Path=/; HttpOnly");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/settings/billing")).into_response()
}

async fn billing(State(state): Served, headers: HeaderMap) -> Response {
    is_honest(&headers);
    let mood = {
        let mut state = state.lock();
        state.reads += 1;
        state.mood
    };
    if !is_logged_in(&headers) || mood == Mood::LoggedOut {
        return Redirect::to("/login?next=/settings/billing").into_response();
    }
    match mood {
        Mood::Never => {
            tokio::time::sleep(Duration::from_mins(10)).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        Mood::Challenge => {
            let page = Html("<!doctype html><title>Just a moment...</title><p>Checking your browser");
            let mut answer = (StatusCode::FORBIDDEN, page).into_response();
            answer.headers_mut().insert("cf-mitigated", HeaderValue::from_static("challenge"));
            answer
        }
        Mood::SoftChallenge => Html(
            "<!doctype html><title>Console</title><script>setTimeout(() => { document.title = 'Just a moment...';\
             document.body.innerHTML = '<form id=challenge-form></form>' }, 300)</script>",
        )
        .into_response(),
        Mood::Shouting => Html(
            "<!doctype html><title>Console</title><script>const long = 'x'.repeat(32 << 20);\
             String.prototype.slice = () => long</script>",
        )
        .into_response(),
        Mood::Hog => Html(
            "<!doctype html><title>Console</title><script>const all = [];\
             setInterval(() => all.push(new Uint8Array(64 << 20).fill(7)), 20)</script>",
        )
        .into_response(),
        _ => {
            pause(mood).await;
            Html(application(mood)).into_response()
        }
    }
}

async fn pause(mood: Mood) {
    if mood == Mood::Slow {
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
}

/// The single-page application: it asks for the organisations, then for the credits, and draws them.
fn application(mood: Mood) -> String {
    let (path, id) = match mood {
        Mood::Changed => (format!("/api/v2/{ORGANIZATION}/wallet"), "wallet-amount"),
        _ => (format!("/api/organizations/{ORGANIZATION}/prepaid/credits"), "credit-balance"),
    };
    let path = if mood == Mood::ElementOnly { "/api/organizations".to_owned() } else { path };
    let shown = match mood {
        Mood::German => "1.234,56\u{a0}$",
        Mood::Dash => "$—",
        Mood::Thousands => "$1,234",
        Mood::Negative => "-$2.00",
        Mood::Euro => "€13.92",
        Mood::Disagreement => "$13.29",
        Mood::Absurd => "$13,920,000.00",
        _ => "$13.92",
    };
    format!(
        "<!doctype html><title>Console</title><p>Signed in as {PERSON}</p><input value='4111 1111 1111 1111'>\
         <p>Credit balance <span data-testid=x>…</span></p><script>(async () => {{\
           const all = await fetch('/api/organizations'); if (!all.ok) return;\
           await all.json(); const answer = await fetch('{path}'); if (!answer.ok) return;\
           await answer.text().catch(() => 0); await new Promise((next) => setTimeout(next, 100));\
           const span = document.querySelector('span'); span.dataset.testid = '{id}'; span.textContent = '{shown}';\
         }})()</script>"
    )
}

async fn organizations(State(state): Served, headers: HeaderMap) -> Response {
    let mood = state.lock().mood;
    if !is_logged_in(&headers) || mood == Mood::Expired {
        return unauthorized();
    }
    pause(mood).await;
    Json(json!([{"id": 1, "uuid": ORGANIZATION, "name": "Analytical Engines", "capabilities": ["api"]}]))
        .into_response()
}

fn unauthorized() -> Response {
    let body =
        json!({"type": "error", "error": {"type": "authentication_error", "message": "said the server"}});
    (StatusCode::UNAUTHORIZED, Json(body)).into_response()
}

async fn credits(State(state): Served, headers: HeaderMap) -> Response {
    let mood = state.lock().mood;
    if !is_logged_in(&headers) || mood == Mood::Expired {
        return unauthorized();
    }
    pause(mood).await;
    let as_of = match mood {
        Mood::LastMonth => "2026-01-31T23:59:59Z".to_owned(),
        _ => jiff::Timestamp::now().to_string(),
    };
    let credits =
        |amount: Value, currency: &str| json!({"amount": amount, "currency": currency, "as_of": as_of});
    let body = match mood {
        Mood::Envelope => {
            json!({"type": "error", "error": {"type": "permission_error", "message": "Invalid authorization for organization"}})
        }
        Mood::NotJson => return Html("<!doctype html><p>Something went wrong").into_response(),
        Mood::German => credits(json!(123_456), "USD"),
        Mood::Dash => credits(Value::Null, "USD"),
        Mood::Thousands => credits(json!("1,234"), "USD"),
        Mood::Negative => credits(json!(-200), "USD"),
        Mood::Euro => credits(json!(1392), "EUR"),
        Mood::Long => {
            let mut body = credits(json!(1392), "USD");
            body["more"] = json!("[".repeat(8 << 20));
            body
        }
        Mood::Absurd => credits(json!(1_392_000_000), "USD"),
        _ => credits(json!(1392), "USD"),
    };
    Json(body).into_response()
}
