//! The HTTP API as a stranger, a web page and a script meet it.

use serde_json::{Value, json};

use crate::support::corpus::{self, Plan};
use crate::support::program::{Home, Running};

fn serving() -> (Home, Running) {
    let home = Home::new();
    corpus::write(&home.claude(), Plan { bytes: 400_000, files: 4, days: 4, seed: 33 });
    let running = home.start(&[]);
    (home, running)
}

fn is_problem(answer: &crate::support::program::Answer, status: u16) -> Value {
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (status, "application/problem+json"),
        "{answer:?}"
    );
    let problem = answer.json();
    assert_eq!(problem["status"].as_u64(), Some(u64::from(status)));
    assert!(problem["type"].as_str().unwrap().starts_with("urn:mecris:problem:"), "{problem}");
    assert!(!problem["detail"].as_str().unwrap().is_empty());
    problem
}

#[test]
fn health_is_open_and_everything_else_needs_the_token() {
    let (_home, running) = serving();
    let live = running.send("GET", "/health/live", &[], None);
    assert_eq!((live.status, live.json()["status"].clone()), (200, json!("alive")));
    let ready = running.send("GET", "/health/ready", &[], None);
    assert_eq!(
        (ready.status, ready.json()),
        (200, json!({ "ready": true, "parts": {} })),
        "strangers hear no more"
    );
    let wrong = running.send("GET", "/health/ready", &[("authorization", "Bearer wrong")], None);
    assert_eq!((wrong.status, wrong.json()), (200, ready.json()), "nor do those whose token is not good");
    let ready = running.get("/health/ready");
    assert_eq!(ready.status, 200, "{ready:?}");
    for part in ["log", "projection", "transcripts", "actor root/projection"] {
        assert_eq!(ready.json()["parts"][part]["ok"], json!(true), "{part}: {ready:?}");
    }
    let document: Value = running.get("/api/v1/openapi.json").json();
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert!(paths.len() >= 10, "{paths:?}");
    for path in paths.iter().filter(|path| !path.starts_with("/health/")) {
        for token in [None, Some("Bearer wrong"), Some("Basic wrong"), Some("Bearer")] {
            let headers: Vec<(&str, &str)> =
                token.map(|token| ("authorization", token)).into_iter().collect();
            is_problem(&running.send("GET", path, &headers, None), 401);
        }
    }
    is_problem(&running.send("GET", "/nowhere", &[], None), 401);
}

#[test]
fn a_web_page_elsewhere_cannot_reach_it() {
    let (_home, running) = serving();
    let bearer = format!("Bearer {}", running.token);
    let authorised = ("authorization", bearer.as_str());
    for host in ["evil.example", "evil.example:7787", "127.0.0.1.evil.example"] {
        is_problem(&running.send("GET", "/api/v1/status", &[authorised, ("host", host)], None), 403);
        is_problem(&running.send("GET", "/health/live", &[("host", host)], None), 403);
    }
    for origin in ["https://evil.example", "null", "http://evil.example:7787", "https://127.0.0.1"] {
        is_problem(&running.send("GET", "/api/v1/status", &[authorised, ("origin", origin)], None), 403);
    }
    for origin in [running.url.as_str(), "http://localhost:3000"] {
        let answer = running.send("GET", "/api/v1/status", &[authorised, ("origin", origin)], None);
        assert_eq!(answer.status, 200, "{origin}: {answer:?}");
    }
}

#[test]
fn requests_that_make_no_sense_are_refused_in_words() {
    let (_home, running) = serving();
    let bearer = format!("Bearer {}", running.token);
    let send = |method: &str, path: &str, body: Option<&str>| {
        running.send(method, path, &[("authorization", &bearer)], body)
    };
    let paths = [
        "/api/v1/spend?by=hour",
        "/api/v1/spend?since=tomorrow",
        "/api/v1/spend?sicne=2026-01-01",
        "/api/v1/events?limit=0",
        "/api/v1/events?limit=1001",
        "/api/v1/events?from=-1",
        "/api/v1/explain",
        "/api/v1/explain?subject=",
        "/api/v1/replay?until=soon",
    ];
    for path in paths {
        is_problem(&send("GET", path, None), 400);
    }
    is_problem(&send("GET", "/api/v1/spend?tz=Mars", None), 422);
    let bodies = [
        "",
        "{}",
        "[]",
        r#"{"amount_usd": 5}"#,
        r#"{"amount_usd": "-5"}"#,
        r#"{"amount_usd": "5", "period": "hourly"}"#,
        r#"{"amount_usd": "5", "from": "2026-01-01"}"#,
        r#"{"amount": "5"}"#,
    ];
    for body in bodies {
        let answer = send("PUT", "/api/v1/budgets/main", Some(body));
        assert!((400..500).contains(&answer.status), "{body}: {answer:?}");
        is_problem(&answer, answer.status);
    }
    is_problem(&send("PUT", "/api/v1/budgets/My%20Budget", Some(r#"{"amount_usd": "5"}"#)), 400);
    is_problem(&send("DELETE", "/api/v1/budgets/none", None), 404);
    is_problem(&send("GET", "/api/v1/nothing", None), 404);
    is_problem(&send("PATCH", "/api/v1/status", None), 405);
    let large = format!(r#"{{"amount_usd": "{}"}}"#, "5".repeat(100_000));
    assert_eq!(send("PUT", "/api/v1/budgets/main", Some(&large)).status, 413);
}

#[test]
fn events_are_paged_by_position_without_gap() {
    let (home, running) = serving();
    let head = running.get("/api/v1/events?limit=1").json()["head"].as_u64().unwrap();
    let mut positions = Vec::new();
    let mut next = Some(1);
    while let Some(from) = next {
        let page = running.get(&format!("/api/v1/events?from={from}&limit=37")).json();
        for event in page["events"].as_array().unwrap() {
            positions.push(event["position"].as_u64().unwrap());
            assert_eq!(event["type"], json!("usage-recorded"));
            assert!(event["data"]["tokens"]["output"].is_u64(), "{event}");
        }
        next = page["next"].as_u64();
    }
    assert_eq!(positions, (1..=head).collect::<Vec<_>>());
    assert_eq!(head, home.json(&["verify"])["events"].as_u64().unwrap());
}

#[test]
fn the_description_is_the_one_in_the_repository() {
    let described = serde_json::to_string_pretty(&mecris::http::openapi()).unwrap() + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/openapi.json");
    if std::env::var_os("MECRIS_BLESS").is_some() {
        std::fs::write(path, &described).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    assert!(
        kept == described,
        "schemas/openapi.json is not what the code says; write it with MECRIS_BLESS=1"
    );
}

#[test]
fn the_events_schemas_are_the_ones_in_the_repository() {
    for (file, schema) in mecris::event::Event::schemas() {
        let path = format!("{}/schemas/events/{file}", env!("CARGO_MANIFEST_DIR"));
        let described = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("MECRIS_BLESS").is_some() {
            std::fs::write(&path, &described).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == described, "{path} is not what the code says; write it with MECRIS_BLESS=1");
    }
}
