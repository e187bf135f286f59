//! Reading a page: opened once, looked at until it shows what the recipe names, or its time is over.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::time::Instant;
use tracing::Instrument;

use crate::domain::console::{Found, ShownError, parse_shown};
use crate::domain::money::Picodollars;

use super::browser::{Browser, Limits, Window};
use super::cdp::commands::{GetCookies, SetCookies};
use super::cdp::{CdpError, Page};
use super::look::{Look, look};
use super::profile::Profile;
use super::recipe::{Recipe, Unit, Way};
use super::responses::{Heard, Listener, Response};
use super::{ConsoleError, browser, cookies, mask, responses};

/// How often the page is looked at.
const EVERY: Duration = Duration::from_millis(150);
/// Where one way has led to an amount, the others are given this long.
const QUIET: Duration = Duration::from_millis(1500);
/// What comes after a page's own time, its picture among it, is done within this.
const GRACE: Duration = Duration::from_secs(4);
/// A person is given this long to log in.
const LOGIN: Duration = Duration::from_mins(10);

/// What a page showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The amounts, by the way that led to each.
    pub found: Vec<Found>,
    /// When.
    pub taken_at: Timestamp,
}

/// What a way leads to at one look.
enum Step {
    Amount(Picodollars),
    /// Not yet, or not at all: which it is, time tells.
    Missing(String),
    Wrong(ConsoleError),
}

/// Reads the page with the balance. Where it gives none, a masked picture of it is kept in the profile.
///
/// # Errors
/// [`ConsoleError`]: the state of the page, by name.
pub async fn read(
    named: Option<&Path>,
    profile: &Profile,
    recipe: &Recipe,
    limits: Limits,
) -> Result<Seen, ConsoleError> {
    let program = browser::program(named, limits)?;
    profile.note_attempt()?;
    let started = Browser::start(&program, profile, &recipe.only_hosts, Window::Headless, limits);
    let browser = started.instrument(tracing::info_span!("console.start")).await?;
    // A page may keep the browser too busy to answer; a browser that was ended answers nothing at all.
    let seen = tokio::select! {
        biased;
        () = browser.over_memory() => Err(ConsoleError::Memory { mib: limits.memory_mib }),
        why = browser.driver.ended() => Err(browser.failed(why, profile)),
        seen = see(&browser, profile, recipe, limits) => seen,
        () = tokio::time::sleep(Duration::from_secs(limits.page_seconds) + GRACE) => {
            Err(ConsoleError::Slow { seconds: limits.page_seconds })
        }
    };
    browser.end().instrument(tracing::info_span!("console.end")).await;
    profile.tidy();
    seen
}

async fn see(
    browser: &Browser,
    profile: &Profile,
    recipe: &Recipe,
    limits: Limits,
) -> Result<Seen, ConsoleError> {
    let gone = |error| browser.failed(error, profile);
    let page = Page::open(&browser.driver, "about:blank").await.map_err(gone)?;
    let listener = Listener::start(&page, recipe).await.map_err(gone)?;
    let until = Instant::now() + Duration::from_secs(limits.page_seconds);
    let watched = watch(&page, &listener, recipe, until, limits.page_seconds);
    let seen = watched.instrument(tracing::info_span!("console.page", provider = recipe.provider)).await;
    if let Err(error) = &seen {
        keep_picture(&page, profile, error).await;
    }
    seen
}

async fn keep_picture(page: &Page, profile: &Profile, error: &ConsoleError) {
    let picture = tokio::time::timeout(Duration::from_secs(3), mask::picture(page)).await;
    let Some(png) = picture.ok().flatten() else { return };
    if let Err(error) = profile.keep_picture(error.word(), Timestamp::now(), &png) {
        tracing::warn!(%error, "the picture of the page could not be kept");
    }
}

/// Opens the page and looks at it until it shows what is wanted.
async fn watch(
    page: &Page,
    listener: &Listener,
    recipe: &Recipe,
    until: Instant,
    seconds: u64,
) -> Result<Seen, ConsoleError> {
    // A page that never finishes loading may show the balance all the same.
    let url = recipe.page_url();
    let open = page.navigate(&url, Duration::from_secs(seconds) + GRACE);
    let mut opened = std::pin::pin!(open);
    let (mut has_begun, mut is_open, mut first_found) = (false, false, None::<Instant>);
    loop {
        tokio::select! {
            began = &mut opened, if !has_begun => {
                has_begun = true;
                if began != Ok(true) && look(page, recipe).await.is_none_or(|look| look.is_browser_error()) {
                    return Err(ConsoleError::Unreachable);
                }
            }
            () = tokio::time::sleep(EVERY) => {}
        }
        let Some(look) = look(page, recipe).await else {
            if Instant::now() >= until {
                return Err(ConsoleError::Slow { seconds });
            }
            continue;
        };
        if look.is_browser_error() {
            return Err(ConsoleError::Unreachable);
        }
        is_open |= has_begun && look.is_loaded;
        let provider = || recipe.provider.clone();
        if listener.with(|heard| look.is_challenge(recipe, heard)) {
            return Err(ConsoleError::Challenge { provider: provider() });
        }
        if listener.with(|heard| look.is_logged_out(recipe, heard)) {
            return Err(ConsoleError::LoggedOut { provider: provider() });
        }
        let now = Timestamp::now();
        let steps: Vec<Step> = listener.with(|heard| {
            recipe
                .amounts
                .iter()
                .enumerate()
                .map(|(n, way)| step(n, way, recipe, &look, heard, now))
                .collect()
        });
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for (way, step) in recipe.amounts.iter().zip(steps) {
            match step {
                Step::Amount(amount) => found.push(Found { way: way.way.clone(), amount }),
                Step::Missing(why) => missing.push(format!("{}: {why}", way.way)),
                Step::Wrong(error) => return Err(error),
            }
        }
        if !found.is_empty() {
            first_found.get_or_insert_with(Instant::now);
        }
        let is_quiet = first_found.is_some_and(|at| at.elapsed() >= QUIET);
        if missing.is_empty() || (is_quiet && !found.is_empty()) {
            return Ok(Seen { found, taken_at: now });
        }
        if Instant::now() >= until {
            return match (found.is_empty(), is_open) {
                (false, _) => Ok(Seen { found, taken_at: now }),
                (true, true) => Err(ConsoleError::Changed { missing: missing.join("; ") }),
                (true, false) => Err(ConsoleError::Slow { seconds }),
            };
        }
    }
}

fn step(n: usize, way: &Way, recipe: &Recipe, look: &Look, heard: &Heard, now: Timestamp) -> Step {
    if way.selector.is_some() {
        return match look.texts.get(n).and_then(Option::as_ref) {
            None => Step::Missing("no such element".to_owned()),
            Some(text) => shown(text, way),
        };
    }
    match heard.named.iter().rev().find(|response| response.ways.contains(&n)) {
        None => Step::Missing("no such response".to_owned()),
        Some(response) => json(response, way, recipe, now),
    }
}

/// The amounts that a recipe's ways lead to where this is the JSON of each response and the text of each element.
pub(crate) fn amounts(recipe: &Recipe, body: &[u8], text: &str, now: Timestamp) -> Vec<Found> {
    let body = responses::json(body);
    let response = Response { ways: Vec::new(), status: 200, body };
    let step = |way: &Way| match way.selector {
        Some(_) => shown(text, way),
        None => json(&response, way, recipe, now),
    };
    let amount = |way: &Way| match step(way) {
        Step::Amount(amount) => Some(Found { way: way.way.clone(), amount }),
        Step::Missing(_) | Step::Wrong(_) => None,
    };
    recipe.amounts.iter().filter_map(amount).collect()
}

fn shown(text: &str, way: &Way) -> Step {
    match parse_shown(text, way.locale) {
        Ok(amount) => Step::Amount(amount),
        Err(ShownError::Currency) => Step::Wrong(ConsoleError::Currency),
        Err(error) => Step::Missing(error.to_string()),
    }
}

fn json(response: &Response, way: &Way, recipe: &Recipe, now: Timestamp) -> Step {
    let provider = || recipe.provider.clone();
    let at = |pointer: &Option<String>| {
        pointer.as_ref().and_then(|pointer| response.body.pointer(pointer)).filter(|value| !value.is_null())
    };
    if matches!(response.status, 401 | 403) {
        return Step::Wrong(ConsoleError::LoggedOut { provider: provider() });
    }
    if response.status >= 400 || at(&way.error_pointer).is_some() {
        return Step::Wrong(ConsoleError::Refused { provider: provider() });
    }
    if let Some(currency) = at(&way.currency_pointer)
        && !currency.as_str().is_some_and(|currency| currency.eq_ignore_ascii_case("USD"))
    {
        return Step::Wrong(ConsoleError::Currency);
    }
    if let Some((as_of, hours)) = at(&way.as_of_pointer).zip(way.max_age_hours) {
        let read = as_of.as_str().and_then(|text| text.parse::<Timestamp>().ok());
        let Some(read) = read else { return Step::Missing("the response says no time".to_owned()) };
        if now.duration_since(read) > SignedDuration::from_hours(hours.into()) {
            return Step::Wrong(ConsoleError::Outdated { as_of: read.to_string() });
        }
    }
    match at(&way.pointer) {
        None => Step::Missing("the response has no such value".to_owned()),
        Some(value) => number(value, way),
    }
}

/// A number of cents or dollars, exactly as it is written.
fn number(value: &Value, way: &Way) -> Step {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => return shown(text, way),
        _ => return Step::Missing("the value is no number".to_owned()),
    };
    match (Picodollars::parse(&text), way.unit) {
        (Ok(amount), Unit::Dollars) => Step::Amount(amount),
        (Ok(amount), Unit::Cents) if amount.0 % 100 == 0 => Step::Amount(Picodollars(amount.0 / 100)),
        _ => Step::Missing("the value is no amount".to_owned()),
    }
}

/// Opens a window in which the person logs in, and waits until the page with the balance shows it.
///
/// # Errors
/// [`ConsoleError`]; [`ConsoleError::LoggedOut`] where the window was closed before.
pub async fn log_in(
    named: Option<&Path>,
    profile: &Profile,
    recipe: &Recipe,
    limits: Limits,
) -> Result<(), ConsoleError> {
    let program = browser::program(named, limits)?;
    let mut browser = Browser::start(&program, profile, &recipe.only_hosts, Window::Visible, limits).await?;
    let logged_out = || ConsoleError::LoggedOut { provider: recipe.provider.clone() };
    let page = Page::open(&browser.driver, &recipe.login_url()).await.map_err(|_| logged_out())?;
    let waiting = async {
        loop {
            tokio::time::sleep(EVERY * 4).await;
            // The person may pass a challenge; the login is done when no sign of its absence is left.
            let looked = look(&page, recipe).await;
            if looked.is_some_and(|look| {
                let heard = Heard::default();
                let is_out = look.is_logged_out(recipe, &heard) || look.is_challenge(recipe, &heard);
                !is_out && !look.is_browser_error()
            }) {
                return;
            }
        }
    };
    let driver = browser.driver.clone();
    let is_in = tokio::select! {
        () = waiting => true,
        () = tokio::time::sleep(LOGIN) => false,
        () = browser.gone() => false,
        _ = driver.ended() => false,
    };
    if is_in {
        keep_session(&browser, recipe).await.map_err(|_| logged_out())?;
    }
    browser.end().await;
    profile.tidy();
    if is_in { Ok(()) } else { Err(logged_out()) }
}

/// A cookie without an end would die with the browser.
async fn keep_session(browser: &Browser, recipe: &Recipe) -> Result<(), CdpError> {
    let lasting =
        cookies::lasting(browser.driver.call(None, &GetCookies {}).await?.cookies, recipe, Timestamp::now());
    if !lasting.is_empty() {
        browser.driver.call(None, &SetCookies { cookies: lasting }).await?;
    }
    Ok(())
}

/// Puts cookies into the profile.
///
/// # Errors
/// [`ConsoleError::Browser`] and others of starting it.
pub async fn import_cookies(
    named: Option<&Path>,
    profile: &Profile,
    recipe: &Recipe,
    cookies: Vec<cookies::CookieParam>,
    limits: Limits,
) -> Result<(), ConsoleError> {
    let program = browser::program(named, limits)?;
    let browser = Browser::start(&program, profile, &recipe.only_hosts, Window::Headless, limits).await?;
    let set = browser.driver.call(None, &SetCookies { cookies }).await;
    let set = set.map(drop).map_err(|error| browser.failed(error, profile));
    browser.end().await;
    profile.tidy();
    set
}
