//! Whom the running program tells of what: once, whatever happens to it or to the network.

use std::time::Duration;

use serde_json::Value;

use crate::support::outside::beeminder::{self, Beeminder};
use crate::support::outside::twilio::{self, Twilio};
use crate::support::program::{Home, Running};

/// Far from now: the goals of these tests derail in years, as far as Beeminder says.
const LOSEDATE: i64 = 1_900_000_000;

struct World {
    beeminder: Beeminder,
    twilio: Twilio,
    home: Home,
}

impl World {
    fn new() -> Self {
        Self { beeminder: Beeminder::start(), twilio: Twilio::start(), home: Home::new() }
    }

    /// With consent to write to the configured number.
    fn consenting() -> Self {
        let world = Self::new();
        let shown = world.home.json(&["consent", "grant", "+15558675310"]);
        assert_eq!(shown["contacts"][0]["is_granted"], true, "{shown}");
        world
    }

    fn start(&self) -> Running {
        self.start_with(&[])
    }

    fn start_with(&self, more: &[(&str, &str)]) -> Running {
        let (beeminder, twilio) = (self.beeminder.base(), self.twilio.front.url());
        let variables = [
            ("BEEMINDER_API_BASE", beeminder.as_str()),
            ("BEEMINDER_AUTH_TOKEN", beeminder::TOKEN),
            ("TWILIO_API_BASE", twilio.as_str()),
            ("MECRIS_OUTSIDE__TIMEOUT_SECONDS", "2"),
        ];
        self.home.start_with(&[], &[&variables[..], &twilio::VARIABLES, more].concat())
    }

    fn messages(&self) -> Vec<Value> {
        self.twilio.world.lock().messages.clone()
    }
}

/// Waits until something is so.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1_200 {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("it did not come about: {what}");
}

/// The alerts of a running supervisor, those that are over too.
fn alerts(running: &Running) -> Vec<Value> {
    running.get("/api/v1/alerts?all=true").json()["alerts"].as_array().unwrap().clone()
}

#[test]
fn a_goal_that_derails_today_is_told_once_however_often_the_program_is_killed() {
    let world = World::consenting();
    world.beeminder.world.lock().goal("walk", 0, LOSEDATE);
    for start in 0..4 {
        let mut running = world.start();
        // Told, or known to have been told.
        until("it was told", || {
            let alerts = alerts(&running);
            alerts.iter().any(|alert| alert["told_at"].is_string()).then_some(())
        });
        // The goals have been looked at again, and what that leads to is done.
        let position = until("Beeminder was asked", || {
            let status = running.get("/api/v1/status").json();
            let asked = status["sources"]
                .as_array()
                .unwrap()
                .iter()
                .any(|source| source["name"] == "beeminder" && source["last_success"].is_string());
            asked.then(|| status["position"].as_u64().unwrap())
        });
        assert!(position > 0);
        let messages = world.messages();
        assert_eq!(messages.len(), 1, "start {start}: {messages:?}");
        running.child.kill().unwrap();
        running.child.wait().unwrap();
    }
    let message = &world.messages()[0];
    assert_eq!(message["to"], "+15558675310");
    let body = message["body"].as_str().unwrap();
    assert!(body.starts_with("Mecris: walk derails") && body.ends_with("#1"), "{body}");
    let everything = crate::support::program::everything_below(&world.home.data());
    let log: Vec<u8> = everything;
    assert!(!contains(&log, b"walk derails"), "no text is kept");
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

#[test]
fn nothing_is_sent_without_consent_and_it_is_sent_once_consent_is_there() {
    let world = World::new();
    world.beeminder.world.lock().goal("walk", 0, LOSEDATE);
    let running = world.start();
    let alert = until("the alert waits", || {
        alerts(&running).into_iter().find(|alert| alert["waits_for"].is_string())
    });
    assert!(alert["waits_for"].as_str().unwrap().starts_with("a channel"), "{alert}");
    assert_eq!(world.messages().len(), 0);
    world.home.json(&["consent", "grant"]);
    until("it was told", || (world.messages().len() == 1).then_some(()));
    world.home.json(&["alerts", "ack", "1"]);
    let shown = world.home.json(&["alerts"]);
    assert!(shown["alerts"][0]["acknowledged_at"].is_string(), "{shown}");
    let shown = world.home.json(&["consent", "revoke"]);
    assert_eq!(shown["contacts"][0]["is_granted"], false);
    assert_eq!(shown["contacts"][0]["number"], "…10");
}
