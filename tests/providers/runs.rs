//! Three people: one without any key, one with an ordinary key, one with an organisation's admin key. Each runs `doctor`,
//! `status` and `reconcile`; docs/providers.md shows what they read. `MECRIS_SHOW=1 cargo test --test main --
//! providers::runs --nocapture` prints it.

use jiff::ToSpan;
use serde_json::Value;

use super::*;
use crate::support::corpus::{self, Plan};
use crate::support::program::{Home, Running, Said};

/// What a person read.
struct Read {
    doctor: Value,
    status: Value,
    balance: Value,
    reconcile: Value,
    source: Value,
    days_told: usize,
}

fn source(running: &Running) -> Value {
    let shown = running.get("/api/v1/sources").json();
    let sources = shown["sources"].as_array().unwrap().clone();
    sources.into_iter().find(|source| source["name"] == "anthropic").unwrap()
}

fn reports(running: &Running) -> usize {
    let page = running.get("/api/v1/events?limit=1000").json();
    let events = page["events"].as_array().unwrap();
    events.iter().filter(|event| event["type"] == "cost-reported").count()
}

/// A person with these keys, whose money is 50 USD by hand an hour ago.
fn run(name: &str, server: &anthropic::Anthropic, keys: &[(&str, &str)], state: &str) -> Read {
    let home = Home::new();
    corpus::write(&home.claude(), Plan { bytes: 200_000, files: 2, days: 2, seed: 81 });
    let url = server.front.url();
    let variables = [&[("ANTHROPIC_API_BASE", url.as_str())], keys].concat();
    let running = home.start_with(&[], &variables);
    for _ in 0..1_200 {
        if source(&running)["state"] == state {
            break;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    let said = |arguments: &[&str]| -> Said {
        home.command(arguments).envs(variables.iter().copied()).output().unwrap().into()
    };
    let set = said(&["balance", "set", "50"]);
    assert_eq!(set.code, 0, "{set:?}");
    let read = |arguments: &[&str]| -> Value {
        let text = said(arguments);
        assert_eq!(text.code, 0, "{name}: {text:?}");
        assert!(!text.out.contains("marked-"), "{name}: {text:?}");
        if std::env::var_os("MECRIS_SHOW").is_some() {
            println!("== {name}: mecris {}\n{}", arguments.join(" "), text.out);
        }
        let json = said(&[arguments, &["--json"]].concat());
        serde_json::from_str(&json.out).unwrap_or_else(|error| panic!("{error}: {json:?}"))
    };
    let outcome = Read {
        doctor: read(&["doctor"]),
        status: read(&["status"]),
        balance: read(&["balance"]),
        reconcile: read(&["reconcile"]),
        source: source(&running),
        days_told: reports(&running),
    };
    assert_eq!(outcome.source["state"], state, "{name}");
    assert_eq!(running.stop(), 0);
    outcome
}

fn checks(read: &Read) -> Vec<(String, String, String)> {
    let checks = read.doctor["checks"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let own = checks.iter().filter(|check| text(&check["name"]).starts_with("anthropic"));
    own.map(|check| (text(&check["name"]), text(&check["verdict"]), text(&check["detail"]))).collect()
}

#[test]
fn without_a_key_with_an_ordinary_one_and_with_an_admin_key() {
    let server = anthropic::Anthropic::start();
    {
        let mut world = server.world.lock();
        let first = world.today.saturating_sub(9.days());
        world.books = Books::seeded(42, first, 10);
    }
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/providers.md")).unwrap();
    let ordinary = [("ANTHROPIC_API_KEY", anthropic::KEY)];
    let admin = [("ANTHROPIC_ADMIN_KEY", anthropic::ADMIN_KEY)];
    let people = [
        ("no key", &[][..], "not-configured", ["skipped", "skipped"], 0),
        ("an ordinary key", &ordinary, "ok", ["ok", "skipped"], 0),
        ("an admin key", &admin, "ok", ["skipped", "ok"], 32),
    ];
    for (name, keys, state, verdicts, days_told) in people {
        let read = run(name, &server, keys, state);
        let found = checks(&read);
        assert_eq!(
            found.iter().map(|(_, verdict, _)| verdict.as_str()).collect::<Vec<_>>(),
            verdicts,
            "{name}"
        );
        // The documentation shows what is said.
        for (row, verdict, detail) in &found {
            let line = format!("{verdict:<8} {row}: {detail}");
            assert!(docs.contains(&line), "docs/providers.md does not show: {line}");
        }
        let reason = read.source["reason"].as_str().unwrap();
        assert!(docs.contains(reason), "docs/providers.md does not show: {reason}");
        // Everybody knows the spend and the balance; days are reported to the admin key alone.
        assert_eq!(read.days_told, days_told, "{name}");
        let spent = read.status["all_time"]["cost_usd"].as_str().unwrap();
        assert!(spent != "0", "{name}");
        let left = &read.balance["balances"][0];
        assert_eq!((&left["provider"], &left["source"]), (&"anthropic".into(), &"hand".into()), "{name}");
        let told = read.reconcile.to_string();
        assert_eq!(told.contains("provider-api"), days_told > 0, "{name}: {told}");
    }
}
