//! Tells a client that a resource it watches has changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rmcp::model::ResourceUpdatedNotificationParam;
use rmcp::service::{Peer, RoleServer, SubscriptionSink};
use serde_json::Value;

use super::answers::Answers;
use super::resources::substance;

/// Changes that come within this time of each other are told once.
const SETTLE: Duration = Duration::from_millis(250);
/// A client watches no more resources.
pub(super) const WATCHED_MAX: usize = 64;

/// Where a client is told.
pub enum Subscriber {
    /// The session of an older protocol version.
    Session(Peer<RoleServer>),
    /// The stream of `subscriptions/listen`.
    Stream(SubscriptionSink),
}

impl Subscriber {
    /// Whether it was told.
    async fn tell(&self, uri: &str) -> bool {
        match self {
            Self::Session(peer) => {
                peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri)).await.is_ok()
            }
            Self::Stream(sink) => sink.notify_resource_updated(uri).await.is_ok(),
        }
    }

    fn is_gone(&self) -> bool {
        match self {
            Self::Session(peer) => peer.is_transport_closed(),
            Self::Stream(_) => false,
        }
    }
}

/// What is watched, and what each said when its client was last told.
#[derive(Clone, Default)]
pub struct Watched(Arc<Mutex<BTreeMap<String, Option<Value>>>>);

impl Watched {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Option<Value>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches one more. Whether it is the first; none where there are too many.
    pub fn add(&self, uri: String, said: Option<Value>) -> Option<bool> {
        let mut watched = self.lock();
        if watched.len() >= WATCHED_MAX && !watched.contains_key(&uri) {
            return None;
        }
        let is_first = watched.is_empty();
        watched.insert(uri, said);
        Some(is_first)
    }

    /// Watches it no more.
    pub fn remove(&self, uri: &str) {
        self.lock().remove(uri);
    }
}

/// Tells of changes until nothing is watched any more, or nobody listens.
pub async fn follow(mut answers: impl Answers, watched: Watched, ear: Subscriber) {
    loop {
        answers.changed().await;
        tokio::time::sleep(SETTLE).await;
        let uris: Vec<String> = watched.lock().keys().cloned().collect();
        if uris.is_empty() || ear.is_gone() {
            watched.lock().clear();
            return;
        }
        for uri in uris {
            let said = substance(&answers, &uri).await;
            let is_news = match watched.lock().get_mut(&uri) {
                Some(before) if *before != said => {
                    *before = said;
                    true
                }
                _ => false,
            };
            if is_news && !ear.tell(&uri).await {
                watched.lock().clear();
                return;
            }
        }
    }
}
