//! Whom the running program tells of what: once, whatever happens to it or to the network.

use std::time::Duration;

use serde_json::Value;

use crate::support::outside::Fault;
use crate::support::outside::beeminder::{self, Beeminder};
use crate::support::outside::twilio::{self, Twilio};
use crate::support::program::{Home, Running};

/// Far from now: the goals of these tests derail in years, as far as Beeminder says.
const LOSEDATE: i64 = 1_900_000_000;

pub struct World {
    pub beeminder: Beeminder,
    pub twilio: Twilio,
    pub home: Home,
}

impl World {
    pub fn new() -> Self {
        Self { beeminder: Beeminder::start(), twilio: Twilio::start(), home: Home::new() }
    }

    /// With consent to write to the configured number.
    pub fn consenting() -> Self {
        let world = Self::new();
        let shown = world.home.json(&["consent", "grant", "+15558675310"]);
        assert_eq!(shown["contacts"][0]["is_granted"], true, "{shown}");
        world
    }

    pub fn start(&self) -> Running {
        self.start_with(&[])
    }

    pub fn start_with(&self, more: &[(&str, &str)]) -> Running {
        let (beeminder, twilio) = (self.beeminder.base(), self.twilio.front.url());
        let variables = [
            ("BEEMINDER_API_BASE", beeminder.as_str()),
            ("BEEMINDER_AUTH_TOKEN", beeminder::TOKEN),
            ("TWILIO_API_BASE", twilio.as_str()),
            ("MECRIS_OUTSIDE__TIMEOUT_SECONDS", "10"),
        ];
        self.home.start_with(&[], &[&variables[..], &twilio::VARIABLES, more].concat())
    }

    pub fn messages(&self) -> Vec<Value> {
        self.twilio.world.lock().messages.clone()
    }
}

/// Waits until something is so.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..4_800 {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("it did not come about: {what}");
}

/// The alerts of a running supervisor, those that are over too.
pub fn alerts(running: &Running) -> Vec<Value> {
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

/// Asks often, and lets nothing wait for the morning.
pub const EAGER: [(&str, &str); 4] = [
    ("MECRIS_BEEMINDER__POLL_SECONDS", "1"),
    ("MECRIS_ALERTS__QUIET_HOURS", "never"),
    ("MECRIS_ALERTS__SETTLE_SECONDS", "1"),
    ("MECRIS_ALERTS__RETRY_SECONDS", "1"),
];

pub fn goal_alert(running: &Running) -> Option<Value> {
    alerts(running).into_iter().find(|alert| alert["kind"] == "goal")
}

fn bodies(world: &World) -> Vec<String> {
    world.messages().iter().map(|message| message["body"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_goal_that_gets_worse_is_told_again_and_one_that_is_saved_is_over() {
    let world = World::consenting();
    world.beeminder.world.lock().goal("walk", 1, LOSEDATE);
    let running = world.start_with(&EAGER);
    until("the warning", || (world.messages().len() == 1).then_some(()));
    world.beeminder.world.lock().goal("walk", 0, LOSEDATE);
    until("the emergency", || (world.messages().len() == 2).then_some(()));
    let told = bodies(&world);
    assert!(told[0].ends_with(" #1") && told[1].ends_with(" #1/2"), "{told:?}");
    world.beeminder.world.lock().goal("walk", 9, LOSEDATE + 864_000);
    until("its end", || goal_alert(&running).filter(|alert| alert["resolved_at"].is_string()));
    // One safe day again, of another deadline, on the day on which worse was told: nothing more today.
    world.beeminder.world.lock().goal("walk", 1, LOSEDATE + 86_400);
    let held = until("the next one waits", || {
        alerts(&running).into_iter().find(|alert| alert["id"] == 2 && alert["waits_for"].is_string())
    });
    assert!(held["waits_for"].as_str().unwrap().starts_with("told today already"), "{held}");
    assert_eq!(world.messages().len(), 2);
}

#[test]
fn what_could_not_be_sent_and_is_over_meanwhile_is_withdrawn() {
    let world = World::consenting();
    world.beeminder.world.lock().goal("walk", 0, LOSEDATE);
    world.beeminder.world.lock().goal("read", 0, LOSEDATE);
    world.twilio.front.fault(Fault::Refused);
    let running = world.start_with(&EAGER);
    until("two tries in vain", || {
        let tried = |alert: &Value| alert["attempts"].as_array().unwrap().len() >= 2;
        alerts(&running).iter().filter(|alert| alert["kind"] == "goal").all(tried).then_some(())?;
        goal_alert(&running)
    });
    // One is saved, one is deleted.
    world.beeminder.world.lock().goal("walk", 5, LOSEDATE + 432_000);
    world.beeminder.world.lock().delete_goal("read");
    until("both are over", || {
        let goals: Vec<Value> =
            alerts(&running).into_iter().filter(|alert| alert["kind"] == "goal").collect();
        (goals.len() == 2 && goals.iter().all(|alert| alert["resolved_at"].is_string())).then_some(())
    });
    world.twilio.front.fault(Fault::None);
    // Twilio answers again, and another alert gets through: those two do not.
    world.beeminder.world.lock().goal("write", 0, LOSEDATE);
    until("the third", || (!world.messages().is_empty()).then_some(()));
    let told = bodies(&world);
    assert!(told.len() == 1 && told[0].contains("write derails"), "{told:?}");
}

#[test]
fn a_goal_of_which_beeminder_says_nothing_is_neither_over_nor_sent() {
    let world = World::new();
    world.beeminder.world.lock().goal("walk", 0, LOSEDATE);
    let running = world.start_with(&EAGER);
    until("it is raised", || goal_alert(&running));
    world.beeminder.world.lock().goal("walk", 0, LOSEDATE)["safebuf"] = Value::Null;
    until("it is not known", || {
        let shown = running.get("/api/v1/goals").json();
        (shown["goals"][0]["risk"] == "UNKNOWN").then_some(())
    });
    world.home.json(&["consent", "grant", "+15558675310"]);
    let alert = until("it waits for news", || {
        goal_alert(&running)
            .filter(|alert| alert["waits_for"].as_str().is_some_and(|why| why.starts_with("news")))
    });
    assert!(alert["resolved_at"].is_null(), "{alert}");
    assert_eq!(world.messages().len(), 0);
}

#[test]
fn a_refused_token_is_one_clear_state_and_no_storm() {
    let world = World::consenting();
    world.beeminder.world.lock().goal("walk", 0, LOSEDATE);
    let wrong = [("TWILIO_AUTH_TOKEN", "ffffffffffffffffffffffffffffffff")];
    let running = world.start_with(&[&EAGER[..], &wrong].concat());
    let alert = until("no channel is left", || {
        goal_alert(&running)
            .filter(|alert| alert["waits_for"].as_str().is_some_and(|why| why.starts_with("a channel")))
    });
    let attempts = alert["attempts"].as_array().unwrap().len();
    // Goals go on being asked about, several times.
    let goals_are_asked = || {
        let before = world.beeminder.front.requests();
        until("Beeminder is asked", || (world.beeminder.front.requests() > before + 2).then_some(()));
    };
    goals_are_asked();
    let asked = world.twilio.front.requests();
    goals_are_asked();
    assert_eq!(world.twilio.front.requests(), asked);
    assert!(attempts <= 1, "{alert}");
    let shown = running.get("/api/v1/sources").json().to_string();
    assert!(shown.contains("unauthorized") && shown.contains("console.twilio.com"), "{shown}");
}

#[test]
fn who_has_opted_out_at_the_carrier_is_not_written_to_again() {
    let world = World::new();
    // Twilio's number for one that has opted out.
    world.home.json(&["consent", "grant", "+15005550004"]);
    world.beeminder.world.lock().goal("walk", 0, LOSEDATE);
    let running = world.start_with(&[&EAGER[..], &[("TWILIO_TO_NUMBER", "+15005550004")]].concat());
    until("the opt-out is heard", || {
        let shown = running.get("/api/v1/consent").json();
        let contact = &shown["contacts"][0];
        (contact["is_granted"] == false && contact["by"] == "carrier").then_some(())
    });
    let alert = until("the refusal is known", || {
        goal_alert(&running).filter(|alert| alert["attempts"][0]["state"] == "refused")
    });
    assert_eq!(alert["attempts"].as_array().unwrap().len(), 1, "{alert}");
    assert_eq!(world.messages().len(), 0);
}

#[test]
fn numbers_that_are_none_are_refused_and_not_shown() {
    let home = Home::new();
    for number in ["0491701234567", "+49 170 1234567", "+0491701234567", "call me", ""] {
        let said = home.run(&["consent", "grant", number]);
        assert_eq!(said.code, 2, "{number}: {said:?}");
        assert!(said.err.contains("+15558675310") && !said.err.contains("1701234"), "{said:?}");
    }
    let said = home.run(&["consent", "grant"]);
    assert!(said.code == 2 && said.err.contains("twilio.to_number"), "{said:?}");
    let said = home.run(&["alerts", "ack", "7"]);
    assert!(said.code == 2 && said.err.contains("there is no alert 7"), "{said:?}");
    assert_eq!(home.run(&["alerts"]).out, "Nothing to be told.\n");
}

#[test]
fn a_budget_and_a_reminder_are_told_of_once() {
    let world = World::consenting();
    let now = jiff::Timestamp::now();
    let usage = r#"{"input_tokens":1000,"output_tokens":900000,"service_tier":"standard"}"#;
    let message = format!(
        r#"{{"id":"msg_1","role":"assistant","model":"claude-opus-5","content":[],"usage":{usage}}}"#
    );
    let line = format!(
        r#"{{"type":"assistant","sessionId":"s","cwd":"/p","timestamp":"{now}","requestId":"r1","message":{message}}}"#
    );
    world.home.transcript("s.jsonl", line + "\n");
    // Nothing is projected for a day that is spent already, and no daily limit is passed.
    world.home.json(&["budget", "set", "--amount", "1", "--period", "monthly", "--daily-limit", "1000"]);
    let config = world.home.dir.path().join("config.toml");
    // About now, on whichever day.
    let clock = |hours| (now + jiff::SignedDuration::from_hours(hours)).strftime("%H:%M").to_string();
    let reminder = format!(
        "[[reminders]]\nname = 'stretch'\nfrom = '{}'\nuntil = '{}'\nmessage = 'Up; {{remaining}} USD left.'\n",
        clock(-2),
        clock(2)
    );
    std::fs::write(&config, reminder).unwrap();
    let config = ("MECRIS_CONFIG", config.to_str().unwrap());
    for start in 0..2 {
        let mut running = world.start_with(&[&EAGER[..], &[config]].concat());
        until("both were told", || {
            let told = |alert: &&Value| alert["told_at"].is_string();
            (alerts(&running).iter().filter(told).count() == 2).then_some(())
        });
        let mut told = bodies(&world);
        told.sort();
        assert_eq!(told.len(), 2, "start {start}: {told:?}");
        assert!(
            told[0].starts_with("Mecris: Reminder: stretch. #"),
            "little is said where little is left: {told:?}"
        );
        assert!(told[1].starts_with("Mecris: budget main: ") && told[1].contains("% used"), "{told:?}");
        running.child.kill().unwrap();
        running.child.wait().unwrap();
    }
}
