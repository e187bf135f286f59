//! Entry points for the fuzzer (`fuzz/`): parsers of foreign bytes that have no public interface. Nothing
//! else uses this module.

use std::path::Path;
use std::sync::LazyLock;

use axum::extract::FromRequest;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use futures_util::FutureExt;
use jiff::Timestamp;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::ConfigError;
use crate::domain::console::Found;
use crate::domain::currency::Currency;
use crate::domain::goal::Goal;
use crate::domain::lookback::Days;
use crate::domain::pricing::PriceTable;
use crate::domain::report::DayReport;
use crate::files::beneath::Root;
use crate::http::described::check::Operations;
use crate::integration::anthropic::{self, Person};
use crate::integration::console::{self, Recipe};
use crate::integration::obsidian::{self, VaultSettings};
use crate::integration::official::Told;
use crate::integration::resilience::{Answer, OutsideError};
use crate::integration::rows::Listed;
use crate::integration::{beeminder, credit, deepseek, moonshot, ntfy, openai, openrouter, twilio};
use crate::{cli, config, service};

/// The time at which every input is received: inputs mean the same on every day.
pub const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);

fn answer(system: &'static str, body: &[u8]) -> Answer {
    Answer::of_body(system, body, NOW)
}

/// The browser's message on its pipe: whether it is a message, and whether it is a subscribed event.
pub fn browser(message: &[u8]) -> Option<bool> {
    console::cdp::read_alone(message).ok()
}

/// A JSON body checked against the API's description of each operation with a body: whether it is accepted,
/// and the handler's result of parsing it.
pub fn api_bodies(body: &[u8]) -> Vec<(bool, Option<Value>)> {
    static OPERATIONS: LazyLock<Operations> = LazyLock::new(|| Operations::of(crate::http::openapi));
    OPERATIONS.with_bodies().map(|one| (one.check_body(body).is_ok(), one.plain(body))).collect()
}

/// A page of reports, parsed as each of the provider's reports.
pub fn reports(provider: &str, body: &[u8], days: Days) -> [Result<Listed<DayReport>, OutsideError>; 2] {
    match provider {
        anthropic::SYSTEM => anthropic::reports::of_page(&answer(anthropic::SYSTEM, body), days),
        _ => openai::of_page(&answer(openai::SYSTEM, body), days),
    }
}

/// The people in a page of Anthropic's analytics report.
///
/// # Errors
/// [`OutsideError`].
pub fn people(body: &[u8]) -> Result<Listed<Person>, OutsideError> {
    anthropic::people::of_page(&answer(anthropic::SYSTEM, body))
}

/// DeepSeek's balance response.
///
/// # Errors
/// [`OutsideError`].
pub fn deepseek(body: &[u8]) -> Result<Told, OutsideError> {
    deepseek::read(&answer(deepseek::SYSTEM, body), NOW).map(|(told, _)| told)
}

/// Moonshot's balance response.
///
/// # Errors
/// [`OutsideError`].
pub fn moonshot(body: &[u8]) -> Result<Told, OutsideError> {
    moonshot::read(&answer(moonshot::SYSTEM, body), Currency::USD, NOW).map(|(told, _)| told)
}

/// OpenRouter's responses for credits and for the key.
pub fn openrouter(
    body: &[u8],
) -> (Result<openrouter::Credits, OutsideError>, Result<openrouter::KeyLimits, OutsideError>) {
    let answer = answer(openrouter::SYSTEM, body);
    (openrouter::credits_of(&answer).map(|(told, _)| told), openrouter::key_of(&answer).map(|(told, _)| told))
}

/// A response of Beeminder's as a reader of its records reads it.
///
/// # Errors
/// [`OutsideError::Malformed`].
pub fn beeminder<T>(body: &[u8], read: fn(&Answer) -> Result<T, OutsideError>) -> Result<T, OutsideError> {
    read(&answer(beeminder::SYSTEM, body))
}

/// The same of Twilio's.
///
/// # Errors
/// [`OutsideError::Malformed`].
pub fn twilio<T>(body: &[u8], read: fn(&Answer) -> Result<T, OutsideError>) -> Result<T, OutsideError> {
    read(&answer(twilio::SYSTEM, body))
}

/// Anthropic's answers to the questions that verify a key.
///
/// # Errors
/// [`OutsideError::Malformed`].
pub fn keys(
    body: &[u8],
) -> (Result<anthropic::Models, OutsideError>, Result<anthropic::Organization, OutsideError>) {
    let answer = answer(anthropic::SYSTEM, body);
    (anthropic::models(&answer), anthropic::organization(&answer))
}

/// A response of any other system, as its client parses it.
///
/// # Errors
/// [`OutsideError::Malformed`].
pub fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, OutsideError> {
    answer("any", body).json()
}

/// The error codes in a refusal's body: a provider's, Twilio's, ntfy's.
#[must_use]
pub fn refusals(status: u16, body: &[u8]) -> [Option<u32>; 3] {
    [
        credit::of_refusal(status, body),
        twilio::codes::of_refusal(status, body),
        ntfy::of_refusal(status, body),
    ]
}

/// The stored form of a Beeminder goal.
#[must_use]
pub fn goal(told: beeminder::Goal) -> Goal {
    service::goals::beeminder_actor::to_goal(told, None)
}

/// The amounts that a recipe finds.
#[must_use]
pub fn amounts(recipe: &Recipe, body: &[u8], text: &str) -> Vec<Found> {
    console::read::amounts(recipe, body, text, NOW)
}

/// A price table with an override file.
///
/// # Errors
/// [`ConfigError::Prices`].
pub fn prices(table: PriceTable, text: &str) -> Result<PriceTable, ConfigError> {
    config::prices::overridden(table, "prices.json", text)
}

/// Status and body of the supervisor's response to a hook, and whether more input cannot change it.
#[must_use]
pub fn hook_answer(bytes: &[u8]) -> (Option<(u16, &[u8])>, bool) {
    (cli::lean::parse(bytes), cli::lean::is_whole(bytes))
}

/// The vault's own settings, and the number of problems in them.
///
/// # Errors
/// The directory cannot be opened.
pub fn vault_settings(vault: &Path) -> std::io::Result<(VaultSettings, usize)> {
    let (settings, problems) = obsidian::settings::read(&Root::open(vault)?);
    Ok((settings, problems.len()))
}

/// The arguments of an MCP tool call; else the whole message, as JSON.
#[must_use]
pub fn mcp_arguments(body: &[u8]) -> Option<Value> {
    let message = serde_json::from_slice(body).ok();
    if let Some(ClientJsonRpcMessage::Request(request)) = message
        && let ClientRequest::CallToolRequest(call) = request.request
    {
        return Some(Value::Object(call.params.arguments.unwrap_or_default()));
    }
    serde_json::from_slice(body).ok()
}

/// The fields of a posted form, as the webhooks read them.
#[must_use]
pub fn form(body: &[u8]) -> Option<Vec<(String, String)>> {
    let request = Request::post("/").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = request.body(axum::body::Body::from(body.to_vec())).ok()?;
    let form = axum::Form::<Vec<(String, String)>>::from_request(request, &());
    // The whole body is there: nothing blocks.
    form.now_or_never()?.ok().map(|form| form.0)
}
