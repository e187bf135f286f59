//! With any one outside system missing, refused, slow, lying or flapping, every endpoint still answers with
//! what is known, its age and why it is stale, and the supervisor stays ready. docs/faults.md says the same.

use std::time::Duration;

use serde_json::Value;

use crate::support::corpus::{self, Plan};
use crate::support::outside::Fault;
use crate::support::outside::anthropic::{self, Anthropic};
use crate::support::outside::beeminder::{self, Beeminder};
use crate::support::outside::front::Front;
use crate::support::outside::purses::{self, BalanceApi};
use crate::support::outside::twilio::{self, Twilio};
use crate::support::program::{Home, Running};

/// What is wrong with one system, and what is then said of it.
const TABLE: &[(Fault, &str)] = &[
    (Fault::Refused, "failing"),
    (Fault::Silent, "failing"),
    (Fault::Drip, "failing"),
    (Fault::Reset, "failing"),
    (Fault::Status(401), "unauthorized"),
    (Fault::Status(403), "unauthorized"),
    (Fault::Status(404), "failing"),
    (Fault::Later(3_600), "failing"),
    (Fault::Later(u64::MAX), "failing"),
    (Fault::Status(500), "failing"),
    (Fault::Html, "failing"),
    (Fault::Truncated, "failing"),
    (Fault::WrongTypes, "failing"),
    (Fault::Empty, "failing"),
    (Fault::Nested, "failing"),
    (Fault::Huge, "failing"),
    (Fault::Redirect, "failing"),
    // Reading is tried again, so that who flaps is not seen to.
    (Fault::Flapping, "ok"),
];

const SYSTEMS: [&str; 4] = ["beeminder", "twilio", "anthropic", "openrouter"];

struct World {
    beeminder: Beeminder,
    twilio: Twilio,
    anthropic: Anthropic,
    openrouter: BalanceApi,
    home: Home,
    running: Running,
    /// Changes with each reload, so that there is something to reload.
    poll: u64,
}

impl World {
    fn start() -> Self {
        let (beeminder, twilio, anthropic) = (Beeminder::start(), Twilio::start(), Anthropic::start());
        beeminder.world.lock().goal("spend", 2, 1_900_000_000);
        beeminder.world.lock().goal("walk", 0, 1_890_000_000);
        let home = Home::new();
        corpus::write(&home.claude(), Plan { bytes: 200_000, files: 2, days: 2, seed: 81 });
        let openrouter = purses::openrouter();
        let vault = home.dir.path().join("Notes");
        std::fs::create_dir_all(vault.join(".obsidian")).unwrap();
        let bases = [beeminder.base(), twilio.front.url(), anthropic.front.url(), openrouter.front.url()];
        let variables = [
            ("BEEMINDER_API_BASE", bases[0].as_str()),
            ("BEEMINDER_AUTH_TOKEN", beeminder::TOKEN),
            ("TWILIO_API_BASE", bases[1].as_str()),
            ("ANTHROPIC_API_BASE", bases[2].as_str()),
            ("ANTHROPIC_API_KEY", anthropic::KEY),
            ("ANTHROPIC_ADMIN_KEY", anthropic::ADMIN_KEY),
            ("OPENROUTER_API_BASE", bases[3].as_str()),
            ("OPENROUTER_API_KEY", purses::OPENROUTER_KEY),
            ("MECRIS_VAULT__PATH", vault.to_str().unwrap()),
            ("MECRIS_OUTSIDE__TIMEOUT_SECONDS", "1"),
        ];
        let variables = [&variables[..], &twilio::VARIABLES].concat();
        let config = home.dir.path().join("config.toml");
        std::fs::write(&config, "[beeminder]\npoll_seconds = 600\n").unwrap();
        let running = home.start_with(&["--config", config.to_str().unwrap()], &variables);
        Self { beeminder, twilio, anthropic, openrouter, home, running, poll: 600 }
    }

    fn front(&self, system: &str) -> &Front {
        match system {
            "beeminder" => &self.beeminder.front,
            "twilio" => &self.twilio.front,
            "anthropic" => &self.anthropic.front,
            "openrouter" => &self.openrouter.front,
            other => panic!("{other}"),
        }
    }

    /// Has every actor make its client anew and look at once; waits until all of them have.
    fn reload(&mut self) {
        self.poll += 1;
        let config = self.home.dir.path().join("config.toml");
        std::fs::write(config, format!("[beeminder]\npoll_seconds = {}\n", self.poll)).unwrap();
        let before = SYSTEMS.map(|system| self.source(system)["next_attempt"].clone());
        let bearer = format!("Bearer {}", self.running.token);
        let answer = self.running.send("POST", "/api/v1/reload", &[("authorization", &bearer)], None);
        assert_eq!(answer.json()["changed"][0]["applied"], true, "{answer:?}");
        for (system, before) in SYSTEMS.iter().zip(before) {
            self.until(system, |source| source["next_attempt"] != before);
        }
    }

    fn source(&self, system: &str) -> Value {
        let shown = self.running.get("/api/v1/sources").json();
        let sources = shown["sources"].as_array().unwrap();
        sources.iter().find(|source| source["name"] == system).unwrap_or_else(|| panic!("{shown}")).clone()
    }

    /// Waits until this is true of a source.
    fn until(&self, system: &str, is_so: impl Fn(&Value) -> bool) {
        for _ in 0..1_200 {
            if is_so(&self.source(system)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("it did not come about: {}", self.source(system));
    }

    /// Every endpoint that reads answers 200.
    fn all_answer(&self, situation: &str) {
        let document = self.running.get("/api/v1/openapi.json").json();
        let mut asked = 0;
        for (path, methods) in document["paths"].as_object().unwrap() {
            if methods.get("get").is_none() {
                continue;
            }
            // What a question must have.
            let path = match path.as_str() {
                "/api/v1/explain" => format!("{path}?subject=2026-11-23"),
                "/api/v1/can-afford" => format!("{path}?usd=1"),
                _ => path.replace("{provider}", "groq"),
            };
            let answer = self.running.get(&path);
            assert_eq!(answer.status, 200, "{situation}: {path}: {answer:?}");
            asked += 1;
        }
        assert!(asked >= 12, "the endpoints were not found");
        assert_eq!(self.running.get("/health/ready").json()["ready"], true, "{situation}");
    }
}

fn degrades(system: &str) {
    let mut world = World::start();
    for name in SYSTEMS {
        world.until(name, |source| source["state"] == "ok");
    }
    world.all_answer("all is well");
    for (fault, state) in TABLE {
        let situation = format!("{system}: {fault:?}");
        world.front(system).fault(*fault);
        world.reload();
        let source = world.source(system);
        assert_eq!(source["state"], *state, "{situation}: {source}");
        assert!(!source["reason"].as_str().unwrap().is_empty(), "{situation}: {source}");
        assert!(
            source["last_success"].is_string(),
            "{situation}: it is known when it last answered: {source}"
        );
        assert!(source["age_seconds"].as_i64().unwrap() >= 0, "{situation}");
        for other in SYSTEMS.into_iter().filter(|other| *other != system) {
            assert_eq!(world.source(other)["state"], "ok", "{situation}: {other}");
        }
        world.all_answer(&situation);
        // What is known stays known, and says how old it is.
        let goals = world.running.get("/api/v1/goals").json();
        let slugs: Vec<&str> =
            goals["goals"].as_array().unwrap().iter().map(|goal| goal["slug"].as_str().unwrap()).collect();
        assert_eq!(slugs, ["walk", "spend"], "{situation}: {goals}");
        assert_eq!(
            goals["source"]["state"],
            if system == "beeminder" { *state } else { "ok" },
            "{situation}"
        );
        let readiness = world.running.get("/health/ready").json();
        assert_eq!(readiness["parts"][format!("source {system}")]["ok"], *state == "ok", "{situation}");
        world.front(system).fault(Fault::None);
        world.reload();
        assert_eq!(world.source(system)["state"], "ok", "after {situation}");
    }
    // Why there was no warning on Tuesday: the log tells.
    let incidents = world.running.get("/api/v1/incidents").json();
    let told: Vec<(&str, &str)> = incidents["incidents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|incident| (incident["subject"].as_str().unwrap(), incident["change"].as_str().unwrap()))
        .collect();
    let failures = TABLE.iter().filter(|(_, state)| *state != "ok").count();
    let of = |change: &str| told.iter().filter(|told| **told == (system, change)).count();
    assert_eq!(of("failing") + of("unauthorized"), failures, "{told:?}");
    assert_eq!(of("ok"), failures + 1, "{told:?}");
    assert!(!told.iter().any(|(_, change)| *change == "restarted"), "no actor failed: {told:?}");
    let text = world.home.run(&["sources"]);
    assert!(text.code == 0 && text.out.contains(system), "{text:?}");
    assert_eq!(world.running.stop(), 0);
    let after = world.home.run(&["incidents"]);
    assert!(after.out.contains("unauthorized"), "without a supervisor too: {after:?}");
    let everything = crate::support::program::everything_below(&world.home.data());
    for secret in [beeminder::TOKEN, twilio::AUTH_TOKEN, "8675310", "elsewhere", "as you wished"] {
        let is_there = everything.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!is_there, "{secret} is in the data directory");
    }
}

#[test]
fn without_beeminder_everything_else_answers() {
    degrades("beeminder");
}

#[test]
fn without_twilio_everything_else_answers() {
    degrades("twilio");
}

#[test]
fn without_anthropic_everything_else_answers() {
    degrades("anthropic");
}

#[test]
fn without_a_provider_s_balance_everything_else_answers() {
    degrades("openrouter");
}

#[test]
fn what_was_never_configured_is_missed_nowhere() {
    let home = Home::new();
    let running = home.start(&[]);
    let shown = running.get("/api/v1/sources").json();
    for source in shown["sources"].as_array().unwrap() {
        // Who tells by OTLP is asked for nothing: the receiver waits.
        let is_receiver = source["name"] == "otlp";
        let expected = if is_receiver { "waiting" } else { "not-configured" };
        assert_eq!((source["state"].as_str(), source["stale"].as_bool()), (Some(expected), Some(false)));
        if is_receiver {
            continue;
        }
        assert!(source["reason"].as_str().unwrap().starts_with("set "), "{source}");
    }
    assert_eq!(running.get("/api/v1/incidents").json()["incidents"].as_array().unwrap().len(), 0);
    assert_eq!(running.get("/api/v1/goals").json()["goals"].as_array().unwrap().len(), 0);
    assert_eq!(running.stop(), 0);
}

#[test]
fn goals_are_shown_by_their_runway_and_stay_known_without_a_supervisor() {
    let world = World::start();
    world.until("beeminder", |source| source["state"] == "ok");
    let goals = world.home.json(&["goals"]);
    let shown: Vec<(&str, &str, &str)> = goals["goals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|goal| (&goal["slug"], &goal["risk"], &goal["urgency"]))
        .map(|(slug, risk, urgency)| {
            (slug.as_str().unwrap(), risk.as_str().unwrap(), urgency.as_str().unwrap())
        })
        .collect();
    assert_eq!(shown, [("walk", "CRITICAL", "IMMEDIATE"), ("spend", "CAUTION", "SOON")]);
    assert_eq!(goals["goals"][0]["pledge_usd"], "5");
    // One is won, one is being computed anew, one is gone, one is new.
    {
        let mut server = world.beeminder.world.lock();
        server.goal("read", 1, 1_895_000_000);
        server.goal("walk", 5, 1_899_000_000)["queued"] = true.into();
        server.goals.get_mut("spend").unwrap()["won"] = true.into();
    }
    let mut world = world;
    world.reload();
    let slugs = |goals: &Value| -> Vec<String> {
        let goals = goals["goals"].as_array().unwrap();
        goals.iter().map(|goal| goal["slug"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        slugs(&world.home.json(&["goals"])),
        ["walk", "read"],
        "a goal's old numbers stay until it has new ones"
    );
    let status = world.home.json(&["status"]);
    assert_eq!(status["urgent_goals"].as_array().unwrap().len(), 2, "{status}");
    world.beeminder.world.lock().goals.remove("read");
    world.reload();
    assert_eq!(slugs(&world.home.json(&["goals"])), ["walk"]);
    // What changed is in the log, once each; what did not, is not.
    let events = world.running.get("/api/v1/events?limit=1000").json();
    let told: Vec<String> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["stream"] == "goals")
        .map(|event| {
            format!("{} {}", event["type"].as_str().unwrap(), event["data"]["slug"].as_str().unwrap_or("-"))
        })
        .collect();
    let expected = [
        "goal-account-observed -",
        "goal-observed spend",
        "goal-observed walk",
        "goal-observed read",
        "goal-observed spend",
        "goal-gone -",
    ];
    let mut sorted = told.clone();
    sorted.sort();
    let mut expected: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
    expected.sort();
    assert_eq!(sorted, expected);
    assert_eq!(world.running.stop(), 0);
    assert_eq!(slugs(&world.home.json(&["goals"])), ["walk"]);
    let said = world.home.run(&["status"]);
    assert!(said.out.contains("walk") && said.out.contains("CRITICAL"), "{said:?}");
    assert!(said.out.lines().all(|line| line.chars().count() <= 80), "{said:?}");
}

/// A breaker that opens is an event, and is shown with what is known meanwhile.
#[test]
fn a_breaker_that_opens_is_told() {
    let server = Beeminder::start();
    let home = Home::new();
    let base = server.base();
    let variables = [
        ("BEEMINDER_API_BASE", base.as_str()),
        ("BEEMINDER_AUTH_TOKEN", beeminder::TOKEN),
        ("MECRIS_BEEMINDER__POLL_SECONDS", "1"),
    ];
    server.front.fault(Fault::Status(500));
    let running = home.start_with(&[], &variables);
    let opened = || {
        let incidents = running.get("/api/v1/incidents").json();
        let incidents = incidents["incidents"].as_array().unwrap().clone();
        incidents.iter().any(|told| told["subject"] == "beeminder" && told["change"] == "breaker-open")
    };
    for _ in 0..1_200 {
        if opened() {
            break;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    let shown = running.get("/api/v1/sources").json();
    let source =
        shown["sources"].as_array().unwrap().iter().find(|source| source["name"] == "beeminder").unwrap();
    assert_eq!(source["breaker"], "open", "{source}");
    // It is left alone meanwhile: no look comes through.
    let requests = server.front.requests();
    assert_eq!(running.get("/health/ready").status, 200);
    assert_eq!(server.front.requests(), requests);
    assert_eq!(running.stop(), 0);
}
