//! Several tenants in one program: each has its own log, settings, tokens and answers, and what happens to one is felt by no
//! other.

#[path = "tenants/apart.rs"]
mod apart;
#[path = "tenants/moved.rs"]
mod moved;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::program::{Answer, Home, Running};

/// Nothing here takes longer on any machine that is not hung.
const BOUND: Duration = Duration::from_secs(120);

pub fn dir(home: &Home, tenant: &str) -> PathBuf {
    home.root().join("tenants").join(tenant)
}

pub fn token(home: &Home, tenant: &str) -> String {
    std::fs::read_to_string(dir(home, tenant).join("token")).unwrap()
}

fn send(running: &Running, token: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let bearer = format!("Bearer {token}");
    let body = body.map(Value::to_string);
    running.send(method, path, &[("authorization", &bearer)], body.as_deref())
}

fn state(home: &Home, tenant: &str) -> Value {
    let shown = home.json(&["tenant", "list"]);
    let found = shown["tenants"].as_array().unwrap().iter().find(|shown| shown["name"] == tenant).cloned();
    found.unwrap_or(Value::Null)
}

fn until_state(home: &Home, tenant: &str, wanted: &str) {
    let begun = Instant::now();
    while state(home, tenant)["state"] != wanted {
        assert!(begun.elapsed() < BOUND, "{}", state(home, tenant));
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What is asked by commands of a tenant.
fn amount(home: &Home, tenant: &str) -> Value {
    let listed = home.json(&["--tenant", tenant, "budget", "list"]);
    listed["budgets"][0]["amount_usd"].clone()
}

#[test]
fn a_tenant_is_added_asked_and_taken_away_with_a_supervisor_and_without_one() {
    let home = Home::new();
    for beside in [false, true] {
        let running = beside.then(|| home.start(&[]));
        let name = if beside { "acme" } else { "zeta" };
        let refused = home.run(&["--tenant", name, "status"]);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.err.contains(&format!("there is no tenant '{name}'")), "{refused:?}");
        let added = home.json(&["tenant", "add", name]);
        assert_eq!(added["tenants"].as_array().unwrap().len(), 2, "{added}");
        let again = home.run(&["tenant", "add", name]);
        assert_eq!(
            (again.code, again.err.as_str()),
            (2, format!("mecris: there is a tenant '{name}' already\n").as_str())
        );
        home.json(&["--tenant", name, "budget", "set", "--amount", "7", "--ending-days", "0"]);
        assert_eq!(amount(&home, name), "7");
        assert_eq!(amount(&home, "local"), Value::Null, "the person has none");
        let wanted = if beside { "working" } else { "stopped" };
        assert_eq!(state(&home, name)["state"], wanted);
        let asked = home.run(&["tenant", "remove", name]);
        assert!(asked.code == 2 && asked.err.contains("--yes"), "{asked:?}");
        let removed = home.json(&["tenant", "remove", name, "--yes"]);
        let moved_to = PathBuf::from(removed["moved_to"].as_str().unwrap());
        assert!(moved_to.join("journal").is_dir() && !dir(&home, name).exists());
        for (words, says) in [
            (&["tenant", "remove", name, "--yes"][..], "there is no tenant"),
            (&["tenant", "remove", "local", "--yes"], "is always there"),
            (&["tenant", "add", "A B"], "lower-case letters"),
        ] {
            let said = home.run(words);
            assert!(said.code == 2 && said.err.contains(says), "{words:?}: {said:?}");
        }
        if let Some(running) = running {
            assert_eq!(running.stop(), 0);
        }
    }
}

#[test]
fn a_token_is_one_tenant_s_and_its_holder_is_answered_for_that_tenant_alone() {
    let home = Home::new();
    home.json(&["tenant", "add", "acme"]);
    home.json(&["tenant", "add", "beta"]);
    let running = home.start(&[]);
    let (acme, beta) = (token(&home, "acme"), token(&home, "beta"));
    for (token, amount) in [(&acme, "11"), (&beta, "22"), (&running.token, "33")] {
        let body = json!({ "amount_usd": amount, "ending_days": 0 });
        assert_eq!(send(&running, token, "PUT", "/api/v1/budgets/main", Some(&body)).status, 200);
    }
    for (token, amount) in [(&acme, "11"), (&beta, "22"), (&running.token, "33")] {
        let budgets = send(&running, token, "GET", "/api/v1/budgets", None).json();
        assert_eq!(budgets["budgets"][0]["amount_usd"], *amount);
    }
    // Whoever is not the owner's process cannot name another tenant, in a header or in an address.
    let bearer = format!("Bearer {acme}");
    let headers = [("authorization", bearer.as_str()), ("mecris-tenant", "beta")];
    assert_eq!(
        running.send("GET", "/api/v1/budgets", &headers, None).json()["budgets"][0]["amount_usd"],
        "11"
    );
    assert_eq!(running.send("GET", "/api/v1/budgets", &[("mecris-tenant", "acme")], None).status, 401);
    assert_eq!(send(&running, &acme, "GET", "/t/beta/api/v1/budgets", None).status, 404);
    // A tenant keeps no tenants.
    for (method, path) in
        [("GET", "/api/v1/tenants"), ("PUT", "/api/v1/tenants/x"), ("DELETE", "/api/v1/tenants/beta")]
    {
        let answer = send(&running, &acme, method, path, None);
        assert_eq!(answer.status, 403, "{answer:?}");
    }
    assert_eq!(
        send(&running, &running.token, "GET", "/api/v1/tenants", None).json()["tenants"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    // A token that was given out is its tenant's, and of another's no more than a stranger's.
    let given = home.json(&["--tenant", "acme", "token", "new", "--kind", "auditor"]);
    let given = given["token"].as_str().unwrap();
    let events = send(&running, given, "GET", "/api/v1/events?limit=1000", None).json();
    assert!(events["events"].as_array().unwrap().iter().all(|event| event["type"] != "task-gone"));
    assert_eq!(send(&running, given, "GET", "/api/v1/replay", None).json()["budgets"][0]["amount_usd"], "11");
    // Webhooks come by the tenant's own address; without its settings there is nothing at it.
    assert_eq!(
        running
            .send_form(
                "/t/acme/webhooks/twilio/status",
                &[("content-type", "application/x-www-form-urlencoded")],
                "a=b"
            )
            .status,
        404
    );
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_tenant_that_nobody_asks_sleeps_and_is_woken_by_its_token() {
    let home = Home::new();
    home.json(&["tenant", "add", "acme"]);
    home.json(&["tenant", "add", "seer"]);
    // This one follows something by itself.
    std::fs::create_dir_all(home.dir.path().join("vault/.obsidian")).unwrap();
    let settings = format!("[vault]\npath = {:?}\n", home.dir.path().join("vault"));
    std::fs::write(dir(&home, "seer").join("config.toml"), settings).unwrap();
    let running = home.start_with(&[], &[("MECRIS_TENANTS__IDLE_SECONDS", "1")]);
    home.json(&["--tenant", "acme", "budget", "set", "--amount", "5", "--ending-days", "0"]);
    let given = home.json(&["--tenant", "acme", "token", "new", "--kind", "auditor"]);
    let (id, given) = (given["id"].as_str().unwrap().to_owned(), given["token"].as_str().unwrap().to_owned());
    for _ in 0..3 {
        until_state(&home, "acme", "asleep");
        // Its log is closed: whoever wants may read it.
        let head = mecris::log::Location::new(dir(&home, "acme"), mecris::log::Options::default()).inspect();
        assert!(head.unwrap().damage.is_none());
        assert_eq!(
            send(&running, &given, "GET", "/api/v1/replay", None).json()["budgets"][0]["amount_usd"],
            "5"
        );
        assert_eq!(state(&home, "acme")["state"], "working");
    }
    assert_eq!(
        (state(&home, "seer")["state"].clone(), state(&home, "local")["state"].clone()),
        (json!("working"), json!("working"))
    );
    home.json(&["--tenant", "acme", "token", "revoke", &id]);
    until_state(&home, "acme", "asleep");
    assert_eq!(send(&running, &given, "GET", "/api/v1/replay", None).status, 401);
    assert_eq!(state(&home, "acme")["state"], "asleep", "a token that is no longer good wakes nobody");
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_tenant_has_settings_of_its_own_and_none_of_the_program_s() {
    let home = Home::new();
    let call = r#"{"type":"assistant","sessionId":"s","timestamp":"2026-11-20T10:00:00Z","requestId":"r","message":{"id":"m","model":"claude-opus-5","usage":{"input_tokens":9,"output_tokens":9}}}"#;
    home.transcript("a.jsonl", format!("{call}\n"));
    for name in ["acme", "wrong", "late"] {
        home.json(&["tenant", "add", name]);
    }
    std::fs::write(dir(&home, "acme").join("config.toml"), "time_zone = \"Asia/Tokyo\"\n").unwrap();
    std::fs::write(dir(&home, "wrong").join("config.toml"), "listen = \"127.0.0.1:1\"\n").unwrap();
    let running = home
        .start_with(&[], &[("MECRIS_TIME_ZONE", "Europe/Berlin"), ("BEEMINDER_AUTH_TOKEN", "the-person-s")]);
    until_state(&home, "wrong", "failed");
    let reason = state(&home, "wrong")["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("'listen' belongs to the whole program, not to a tenant; set it in"), "{reason}");
    until_state(&home, "acme", "working");
    let status = |tenant: &str| home.json(&["--tenant", tenant, "status"]);
    let (acme, local) = (status("acme"), status("local"));
    assert_eq!((&acme["time_zone"], &local["time_zone"]), (&json!("Asia/Tokyo"), &json!("Europe/Berlin")));
    let asked = |shown: &Value| {
        let sources = shown["sources"].as_array().unwrap();
        sources.iter().find(|source| source["name"] == "beeminder").unwrap()["state"].clone()
    };
    assert_eq!(asked(&acme), "not-configured", "the environment is the person's");
    // The person's transcripts are the person's.
    let messages =
        |tenant: &str| home.json(&["--tenant", tenant, "report", "daily"])["total"]["messages"].clone();
    assert_eq!((messages("acme"), messages("local")), (json!(0), json!(1)));
    // What is mended is tried again when somebody asks.
    std::fs::remove_file(dir(&home, "wrong").join("config.toml")).unwrap();
    let begun = Instant::now();
    while home.run(&["--tenant", "wrong", "status"]).code != 0 {
        assert!(begun.elapsed() < BOUND);
        std::thread::sleep(Duration::from_millis(500));
    }
    assert_eq!(running.stop(), 0);
}
