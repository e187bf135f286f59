//! The JSON that a page asks for, as the browser gets it: looked at, never asked for by us.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chromiumoxide::Page;
use chromiumoxide::cdp::browser_protocol::network::{
    EventLoadingFinished, EventResponseReceived, GetResponseBodyParams, RequestId,
};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::recipe::{Recipe, is_like};

/// Longer bodies are not read, in bytes.
const BODY_MAX: usize = 1 << 20;
/// How many of a page's responses are kept in mind while they come.
const PENDING_MAX: usize = 64;

/// A response that the recipe names.
#[derive(Debug, Clone)]
pub struct Response {
    /// Which ways it serves, by their place in the recipe.
    pub ways: Vec<usize>,
    /// Its status.
    pub status: i64,
    /// Its JSON; null where it is none.
    pub body: Value,
}

/// What has come so far.
#[derive(Debug, Default)]
pub struct Heard {
    /// The responses that the recipe names, the newest last.
    pub named: Vec<Response>,
    /// The addresses that were refused with 401 or 403.
    pub refused: Vec<String>,
    /// Whether the page itself is a challenge by its headers.
    pub is_challenge: bool,
}

/// Listens while it lives.
pub struct Listener {
    heard: Arc<Mutex<Heard>>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Begins to listen; before the page is opened.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn start(page: &Page, recipe: &Recipe) -> Result<Self, chromiumoxide::error::CdpError> {
        let mut received = page.event_listener::<EventResponseReceived>().await?;
        let mut finished = page.event_listener::<EventLoadingFinished>().await?;
        let patterns: Vec<Option<String>> = recipe.amounts.iter().map(|way| way.url.clone()).collect();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (into, page) = (heard.clone(), page.clone());
        let task = tokio::spawn(async move {
            let mut pending: Vec<(RequestId, i64, Vec<usize>)> = Vec::new();
            loop {
                tokio::select! {
                    // What was received is taken in before what was finished.
                    biased;
                    event = received.next() => {
                        let Some(event) = event else { return };
                        let answer = &event.response;
                        {
                            let mut heard = into.lock().unwrap_or_else(PoisonError::into_inner);
                            heard.is_challenge |= is_mitigated(answer.headers.inner());
                            if matches!(answer.status, 401 | 403) && heard.refused.len() < PENDING_MAX {
                                heard.refused.push(answer.url.clone());
                            }
                        }
                        let is_named = |pattern: &Option<String>| {
                            pattern.as_ref().is_some_and(|pattern| is_like(pattern, &answer.url))
                        };
                        let ways: Vec<usize> =
                            patterns.iter().enumerate().filter(|(_, pattern)| is_named(pattern)).map(|(n, _)| n).collect();
                        if !ways.is_empty() && pending.len() < PENDING_MAX {
                            pending.push((event.request_id.clone(), answer.status, ways));
                        }
                    }
                    event = finished.next() => {
                        let Some(event) = event else { return };
                        let Some(at) = pending.iter().position(|(id, ..)| *id == event.request_id) else { continue };
                        let (id, status, ways) = pending.swap_remove(at);
                        let body = body_of(&page, id).await;
                        let mut heard = into.lock().unwrap_or_else(PoisonError::into_inner);
                        heard.named.push(Response { ways, status, body });
                    }
                }
            }
        });
        Ok(Self { heard, task })
    }

    /// Looks at what has come so far.
    pub fn with<T>(&self, look: impl FnOnce(&Heard) -> T) -> T {
        look(&self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Cloudflare's own sign of a challenge:
/// <https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/>.
fn is_mitigated(headers: &Value) -> bool {
    let headers = headers.as_object();
    headers.is_some_and(|headers| {
        headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("cf-mitigated") && value == "challenge")
    })
}

async fn body_of(page: &Page, id: RequestId) -> Value {
    let Ok(answer) = page.execute(GetResponseBodyParams::new(id)).await else { return Value::Null };
    let bytes = if answer.base64_encoded {
        BASE64_STANDARD.decode(&answer.body).unwrap_or_default()
    } else {
        answer.body.clone().into_bytes()
    };
    json(&bytes)
}

/// A body's JSON; null where it is none, or too long.
pub(super) fn json(body: &[u8]) -> Value {
    if body.len() > BODY_MAX { Value::Null } else { serde_json::from_slice(body).unwrap_or_default() }
}
