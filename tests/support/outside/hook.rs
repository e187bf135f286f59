//! A receiver of webhooks, as a careful person would write one: it checks the signature over the raw body,
//! refuses old times, and knows a key that it has seen.

use std::collections::BTreeSet;

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;

use super::{Front, Shared, serve};

pub const SECRET: &str = "marked-shared-secret";
/// The path is as good as a password.
pub const PATH: &str = "hooks/marked-path?key=marked-key";
/// An older signature is refused, in seconds.
const AGE_MAX: i64 = 300;

/// What the receiver knows.
#[derive(Debug, Default)]
pub struct World {
    /// The bodies, each key's once, the oldest first.
    pub received: Vec<Value>,
    /// How often a key came again.
    pub again: usize,
    /// How many were refused.
    pub refused: usize,
    keys: BTreeSet<String>,
}

#[derive(Clone)]
pub struct Hook {
    pub front: Front,
    pub world: Shared<World>,
}

impl Hook {
    pub fn start() -> Self {
        let world = Shared::new(World::default());
        let router = Router::new().route("/hooks/marked-path", post(receive)).with_state(world.clone());
        Self { front: serve(router), world }
    }

    pub fn url(&self) -> String {
        format!("{}{PATH}", self.front.url())
    }
}

fn is_genuine(headers: &HeaderMap, body: &[u8]) -> Option<()> {
    let said = headers.get("x-mecris-signature")?.to_str().ok()?;
    let (time, hex) = said.strip_prefix("t=")?.split_once(",v1=")?;
    let age = jiff::Timestamp::now().as_second() - time.parse::<i64>().ok()?;
    let bytes: Option<Vec<u8>> =
        (0..hex.len() / 2).map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()).collect();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signed = [time.as_bytes(), b".", body].concat();
    hmac::verify(&key, &signed, &bytes?).ok()?;
    (age.abs() <= AGE_MAX).then_some(())
}

async fn receive(State(world): State<Shared<World>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut world = world.lock();
    let (Some(()), Some(key)) = (is_genuine(&headers, &body), headers.get("idempotency-key")) else {
        world.refused += 1;
        return StatusCode::UNAUTHORIZED;
    };
    assert_eq!(headers["content-type"], "application/json");
    if world.keys.insert(key.to_str().unwrap().to_owned()) {
        world.received.push(serde_json::from_slice(&body).unwrap());
    } else {
        world.again += 1;
    }
    StatusCode::NO_CONTENT
}
