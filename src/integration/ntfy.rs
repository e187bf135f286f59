//! Notifications by ntfy, on ntfy.sh or a server of one's own.
//!
//! Source: <https://docs.ntfy.sh/publish/#publish-as-json>: JSON is posted to the server's root and names the
//! topic. There is no idempotency key, but since 2.16 a `sequence_id`
//! (<https://docs.ntfy.sh/publish/#updating-deleting-notifications>): on a phone that knows it, a notification
//! with the same one takes the first one's place. Older servers pass over the field.

use serde::{Deserialize, Serialize};

use crate::config::forms::topic_of;
use crate::domain::alert::{Channel, Severity};

use super::channel::{AlertChannel, ChannelKind, Outbound, boxed};
use super::official::Asking;
use super::resilience::{Answer, Ask, Auth, OnBreaker, Outside, OutsideError, Policy, Repeat};

/// The name of this system in spans, events and errors.
pub const SYSTEM: &str = "ntfy";
/// Push messages as an alert channel.
pub const CHANNEL: ChannelKind = ChannelKind {
    system: SYSTEM,
    channels: &[Channel::Ntfy],
    configure: "ntfy.url",
    is_polled: false,
    client: |config, policy, on_breaker| boxed(Ntfy::of(&config.ntfy, policy, on_breaker)),
};
const FIX: &str = "make an access token that may write to the topic, and set ntfy.token";
/// What a sequence's id may have, in characters.
const ID_MAX: usize = 64;

/// A client for one topic; cheap to clone.
#[derive(Clone)]
pub struct Ntfy {
    outside: Outside,
    topic: String,
}

impl std::fmt::Debug for Ntfy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ntfy").field("outside", &self.outside).finish_non_exhaustive()
    }
}

/// How much noise a notification makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// No sound, below all others.
    Min = 1,
    /// No sound.
    Low = 2,
    /// As the phone does.
    Default = 3,
    /// Long vibration, on top.
    High = 4,
    /// Until somebody looks.
    Max = 5,
}

/// A notification.
#[derive(Clone)]
pub struct Notification {
    /// Its sequence: letters, digits, `-` and `_`, at most 64. The same again replaces the one before.
    pub id: String,
    /// The first line.
    pub title: String,
    /// The text, at most 4,096 bytes; of a longer one the server makes a file, or refuses it.
    pub message: String,
    /// See [`Priority`].
    pub priority: Priority,
    /// Words or emoji's short codes, such as `warning`.
    pub tags: Vec<String>,
}

impl std::fmt::Debug for Notification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notification").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Published {
    /// The server's own id.
    pub id: String,
    /// The sequence, from servers that know them.
    #[serde(default)]
    pub sequence_id: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    topic: &'a str,
    title: &'a str,
    message: &'a str,
    priority: u8,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [String],
    sequence_id: &'a str,
}

impl Ntfy {
    /// A client; none where no topic is set.
    ///
    /// # Errors
    /// [`OutsideError::Invalid`].
    pub fn of(
        settings: &crate::config::Ntfy,
        policy: Policy,
        on_breaker: OnBreaker,
    ) -> Result<Option<Self>, OutsideError> {
        let Some(url) = &settings.url else { return Ok(None) };
        let mut base = url.expose().clone();
        let path = base.path().to_owned();
        let topic = topic_of(&path)
            .ok_or(OutsideError::Invalid { system: SYSTEM, what: "its address has no topic" })?;
        base.set_path(path.strip_suffix(topic).unwrap_or("/"));
        base.set_query(None);
        let auth = settings.token.as_ref().map(|token| Auth::Bearer(token.to_secret()));
        let outside = Outside::with_codes(SYSTEM, FIX, &base, auth, policy, on_breaker, of_refusal)?;
        Ok(Some(Self { outside, topic: topic.to_owned() }))
    }

    /// The connection, for its breaker.
    #[must_use]
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Publishes a notification, once: by itself it is never sent again where its outcome is not known, because
    /// the phone would sound twice.
    ///
    /// # Errors
    /// [`OutsideError`]; after one that [may have been sent](OutsideError::may_have_been_sent) the same id may
    /// be published again: phones that know sequences show one notification.
    pub async fn publish(&self, notification: &Notification) -> Result<Published, OutsideError> {
        let Notification { id, title, message, priority, tags } = notification;
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if id.is_empty() || id.len() > ID_MAX || !id.bytes().all(is_fit) {
            return Err(OutsideError::Invalid { system: SYSTEM, what: "its id is no sequence's" });
        }
        let priority = *priority as u8;
        let body = Body { topic: &self.topic, title, message, priority, tags, sequence_id: id };
        let body = serde_json::to_vec(&body)
            .map_err(|_| OutsideError::Invalid { system: SYSTEM, what: "it is no JSON" })?;
        // The topic is in the body alone: neither spans nor a proxy's log have it.
        let ask = Ask::post("", &[], Repeat::Never).at_path("").json(body);
        self.outside.ask_for(&ask, Answer::json).await
    }
}

impl AlertChannel for Ntfy {
    fn send<'a>(&'a self, letter: &'a Outbound<'a>) -> Asking<'a, Option<Result<String, OutsideError>>> {
        Box::pin(async move {
            let notification = Notification {
                id: letter.key.clone(),
                title: letter.title(),
                message: letter.sending.text.clone(),
                priority: match letter.sending.severity {
                    Severity::Info => Priority::Low,
                    Severity::Warning => Priority::Default,
                    Severity::Critical => Priority::High,
                    Severity::Immediate => Priority::Max,
                },
                tags: Vec::new(),
            };
            Some(self.publish(&notification).await.map(|published| published.id))
        })
    }
}

/// `{"code":40009,"http":400,"error":…,"link":…}`. Where the status says what to do, it is left to that.
pub(crate) fn of_refusal(status: u16, body: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    struct Refusal {
        code: u32,
    }
    let code = serde_json::from_slice::<Refusal>(body).ok()?.code;
    (!matches!(status, 401 | 403 | 404 | 429)).then_some(code)
}
