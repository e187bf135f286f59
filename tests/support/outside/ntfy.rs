//! An ntfy server: JSON comes to its root and names the topic.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{Front, Shared, serve};

/// A token that may write.
pub const TOKEN: &str = "tk_markedsecrettoken000000000000";
pub const TOPIC: &str = "marked-topic";

/// What the server knows, and how it is to behave.
#[derive(Debug, Default)]
pub struct World {
    /// As they were published, the oldest first.
    pub messages: Vec<Value>,
    /// Whether a token is wanted.
    pub is_private: bool,
    /// Whether it is from before sequences.
    pub is_old: bool,
    /// So many messages are taken; then the day's quota is reached.
    pub quota: Option<usize>,
}

#[derive(Clone)]
pub struct Ntfy {
    pub front: Front,
    pub world: Shared<World>,
}

impl Ntfy {
    pub fn start() -> Self {
        let world = Shared::new(World::default());
        let router = Router::new()
            .route("/", post(publish))
            .fallback(|| async { error(StatusCode::NOT_FOUND, 40401) })
            .with_state(world.clone());
        Self { front: serve(router), world }
    }

    /// The topic's address.
    pub fn url(&self) -> String {
        format!("{}{TOPIC}", self.front.url())
    }

    /// What a phone shows, the newest last: of each sequence the newest one.
    pub fn shown(&self) -> Vec<Value> {
        let world = self.world.lock();
        let mut shown: Vec<Value> = Vec::new();
        for message in &world.messages {
            let sequence = &message["sequence_id"];
            shown.retain(|earlier| sequence.is_null() || earlier["sequence_id"] != *sequence);
            shown.push(message.clone());
        }
        shown
    }
}

fn error(status: StatusCode, code: u32) -> Response {
    let body = json!({"code": code, "http": status.as_u16(), "error": "said the server",
        "link": "https://ntfy.sh/docs/publish/"});
    (status, Json(body)).into_response()
}

fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

async fn publish(
    State(world): State<Shared<World>>,
    headers: HeaderMap,
    body: String,
) -> Result<Json<Value>, Response> {
    let bad = |code| Err(error(StatusCode::BAD_REQUEST, code));
    let mut world = world.lock();
    match headers.get("authorization").map(|value| value.to_str().unwrap()) {
        Some(sent) if sent == format!("Bearer {TOKEN}") => {}
        Some(_) => return Err(error(StatusCode::UNAUTHORIZED, 40101)),
        None if world.is_private => return Err(error(StatusCode::FORBIDDEN, 40301)),
        None => {}
    }
    let Ok(Value::Object(message)) = serde_json::from_str(&body) else { return bad(40024) };
    let known = ["topic", "message", "title", "tags", "priority", "sequence_id", "click", "markdown"];
    if let Some(strange) = message.keys().find(|key| !known.contains(&key.as_str())) {
        panic!("ntfy knows no {strange}");
    }
    let text = |name: &str| message.get(name).and_then(Value::as_str);
    if !text("topic").is_some_and(is_word) {
        return bad(40009);
    }
    if !message.get("priority").is_none_or(|priority| (1..=5).contains(&priority.as_i64().unwrap_or(0))) {
        return bad(40007);
    }
    if text("sequence_id").is_some_and(|id| !is_word(id)) {
        return bad(40049);
    }
    if text("message").is_some_and(|text| text.len() > 4096) {
        return Err(error(StatusCode::PAYLOAD_TOO_LARGE, 41303));
    }
    if world.quota.is_some_and(|quota| world.messages.len() >= quota) {
        return Err(error(StatusCode::TOO_MANY_REQUESTS, 42908));
    }
    let mut stored = Value::Object(message.clone());
    stored["id"] = json!(format!("m{:011}", world.messages.len() + 1));
    stored["event"] = json!("message");
    if world.is_old {
        stored.as_object_mut().unwrap().remove("sequence_id");
    }
    world.messages.push(stored.clone());
    Ok(Json(stored))
}
