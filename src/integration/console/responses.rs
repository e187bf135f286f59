//! The JSON that a page asks for, as the browser gets it: looked at, never asked for by us.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::cdp::{CdpError, Event, Page};
use super::recipe::{Recipe, is_like};

/// Longer bodies are not read, in bytes.
const BODY_MAX: usize = 1 << 20;
/// How many of a page's responses are kept in mind while they come.
const PENDING_MAX: usize = 64;
/// A longer address is no provider's, in bytes; a page can ask for one of megabytes.
const URL_MAX: usize = 8 << 10;

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

impl Heard {
    /// Only the newest response of a way is ever looked at; a page may ask again as often as it likes.
    fn keep(&mut self, response: Response) {
        self.named.retain(|known| known.ways != response.ways);
        self.named.push(response);
    }
}

/// A response of the recipe's that is on its way.
struct Pending {
    id: String,
    status: i64,
    ways: Vec<usize>,
}

/// What hears the events.
struct Subscriber {
    patterns: Vec<Option<String>>,
    heard: Arc<Mutex<Heard>>,
    /// Their bodies are still to come.
    pending: VecDeque<Pending>,
    /// Their bodies have come, and are to be fetched.
    fetch: mpsc::Sender<Pending>,
}

impl Subscriber {
    fn take(&mut self, event: Event) {
        match event {
            Event::Received { id, url, status, is_challenge } => {
                let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.is_challenge |= is_challenge;
                if url.len() > URL_MAX {
                    return;
                }
                let ways: Vec<usize> = (0..self.patterns.len())
                    .filter(|n| self.patterns[*n].as_ref().is_some_and(|pattern| is_like(pattern, &url)))
                    .collect();
                if matches!(status, 401 | 403) && heard.refused.len() < PENDING_MAX {
                    heard.refused.push(url);
                }
                if !ways.is_empty() {
                    // The oldest is the one whose body will not come any more.
                    if self.pending.len() >= PENDING_MAX {
                        self.pending.pop_front();
                    }
                    self.pending.push_back(Pending { id, status, ways });
                }
            }
            Event::Finished { id } => {
                let at = self.pending.iter().position(|pending| pending.id == id);
                if let Some(pending) = at.and_then(|at| self.pending.remove(at)) {
                    // A page that asks faster than bodies are fetched has so many to show as are waiting.
                    let _ = self.fetch.try_send(pending);
                }
            }
        }
    }
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
    /// [`CdpError`].
    pub async fn start(page: &Page, recipe: &Recipe) -> Result<Self, CdpError> {
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (fetch, mut fetched) = mpsc::channel::<Pending>(PENDING_MAX);
        let patterns = recipe.amounts.iter().map(|way| way.url.clone()).collect();
        let mut ear = Subscriber { patterns, heard: heard.clone(), pending: VecDeque::new(), fetch };
        page.hear(move |event| ear.take(event)).await?;
        let (into, page) = (heard.clone(), page.clone());
        let task = tokio::spawn(async move {
            while let Some(Pending { id, status, ways }) = fetched.recv().await {
                let body = body_of(&page, &id).await;
                into.lock().unwrap_or_else(PoisonError::into_inner).keep(Response { ways, status, body });
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

async fn body_of(page: &Page, id: &str) -> Value {
    page.body(id).await.map_or(Value::Null, |bytes| json(&bytes))
}

/// A body's JSON; null where it is none, or too long.
pub(super) fn json(body: &[u8]) -> Value {
    if body.len() > BODY_MAX { Value::Null } else { serde_json::from_slice(body).unwrap_or_default() }
}
