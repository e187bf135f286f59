//! What an agent's token is told over HTTP: no command that lifts a limit, whatever it asks and however it is refused, in a state
//! in which the person is told such commands everywhere.

use std::collections::BTreeSet;

use mecris::domain::access::plain::LIFTING;
use mecris::domain::access::{Kind, table};
use serde_json::{Value, json};

use crate::limits::{request, start, troubled, until};
use crate::support::program::{Answer, Home, Running};

/// Money is gone or not known, readings are old, a request waits: everywhere something is the person's to mend.
fn in_trouble() -> (Home, Running) {
    let home = troubled();
    home.json(&["limit", "request", "2", "--reason", "x", "--limit", "session", "--session", "dear"]);
    let running = start(&home);
    until("the alerts", || {
        let alerts = home.json(&["alerts"])["alerts"].to_string();
        ["limit-request", "reading-due", "odometer"]
            .iter()
            .all(|kind| alerts.contains(&format!("\"{kind}\"")))
    });
    (home, running)
}

/// What an endpoint is asked with, so that it answers what it has to say; all are also asked with what is nonsense.
fn asked_well(method: &str, path: &str) -> Vec<(&'static str, Option<Value>)> {
    let hook =
        |event: &str| Some(json!({"hook_event_name": event, "session_id": "dear", "cwd": "/home/ada"}));
    match (method, path) {
        ("GET", "/api/v1/can-afford") => {
            vec![("?usd=500", None), ("?usd=0.01", None), ("?usd=5&provider=anthropic", None)]
        }
        ("GET", "/api/v1/explain") => vec![("?subject=dear", None)],
        ("GET", "/api/v1/spend") => vec![("?by=daily", None), ("?by=model", None)],
        ("GET", "/api/v1/gate" | "/api/v1/statusline") => vec![("?session=dear&project=/home/ada", None)],
        ("GET", "/api/v1/alerts") => vec![("", None), ("?all=true", None)],
        ("GET", "/api/v1/narrator") => vec![("", None), ("?detail=true", None)],
        ("GET", "/api/v1/reprice") => vec![("?as_of=2026-11-01", None)],
        ("POST", "/api/v1/gate") => {
            vec![
                ("", hook("PreToolUse")),
                ("", hook("UserPromptSubmit")),
                ("", hook("SessionStart")),
                ("", hook("Stop")),
            ]
        }
        ("POST", "/api/v1/statusline") => vec![("", Some(json!({"session": "dear"})))],
        ("POST", "/api/v1/limit-requests") => {
            vec![
                ("", Some(request("2", "x"))),
                ("", Some(request("0", "x"))),
                ("", Some(request("100000", "x"))),
            ]
        }
        ("POST", "/api/v1/usage") => {
            vec![
                ("", Some(json!({"model": "claude-opus-5", "session": "new", "output_tokens": 5}))),
                ("", Some(json!({}))),
            ]
        }
        ("POST", _) => vec![("", None), ("", Some(json!({})))],
        _ => vec![("", None)],
    }
}

fn send(running: &Running, token: &str, method: &str, path: &str, body: Option<&str>) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("accept", "application/json, text/event-stream")];
    running.send(method, path, &headers, body)
}

fn named_in(text: &str) -> BTreeSet<&'static str> {
    LIFTING.into_iter().filter(|command| text.contains(command)).collect()
}

#[test]
fn no_answer_to_an_agent_s_token_names_a_command_that_lifts_a_limit() {
    let (home, running) = in_trouble();
    let agent = std::fs::read_to_string(home.data().join("agent-token")).unwrap();
    let tokens = [Kind::Member, Kind::Auditor].map(|kind| {
        let given = home.json(&["token", "new", "--kind", kind.word(), "--name", "test"]);
        (kind, given["token"].as_str().unwrap().to_owned())
    });
    let tokens = [&[(Kind::Agent, agent.trim().to_owned())], &tokens[..]].concat();
    // Paths with a parameter are asked for what is there.
    let there = |path: &str| {
        path.replace("{provider}", "groq")
            .replace("{slug}", "none")
            .replace("{number}", "1")
            .replace("{id}", "1")
            .replace("{name}", "main")
    };
    let mut told_the_owner = BTreeSet::new();
    for (method, path, scope) in table::ENDPOINTS {
        let mut ways: Vec<(&str, Option<String>)> = asked_well(method, path)
            .into_iter()
            .map(|(query, body)| (query, body.map(|body| body.to_string())))
            .collect();
        ways.push(("?none=1", (*method != "GET").then(|| "7".to_owned())));
        for (query, body) in ways {
            let at = there(path) + query;
            let mut answered = Vec::new();
            for (kind, token) in &tokens {
                let answer = send(&running, token, method, &at, body.as_deref());
                let named = named_in(&answer.body);
                assert!(named.is_empty(), "{kind:?} {method} {at} names {named:?}: {answer:?}");
                if answer.content_type == "application/json" && *method == "GET" {
                    answer.json();
                }
                answered.push(answer.status);
            }
            // The owner is told: nothing is hidden here by being away. What changes something is not asked in their name.
            if Kind::Agent.scopes().contains(scope) && (*method == "GET" || path.ends_with("/gate")) {
                let answer = send(&running, &running.token, method, &at, body.as_deref());
                assert_eq!(answer.status, answered[0], "{method} {at}");
                told_the_owner.extend(named_in(&answer.body).into_iter().map(|command| (*path, command)));
            }
        }
    }
    for expected in [
        ("/api/v1/alerts", "mecris limit"),
        ("/api/v1/alerts", "mecris balance"),
        ("/api/v1/alerts", "mecris odometer"),
        ("/api/v1/can-afford", "mecris balance"),
        ("/api/v1/gate", "mecris override"),
        ("/api/v1/gate", "mecris budget set"),
    ] {
        assert!(told_the_owner.contains(&expected), "{expected:?}: {told_the_owner:?}");
    }
    // Whoever has no token is told none either.
    for path in ["/health/ready", "/health/live", "/api/v1/alerts", "/nowhere"] {
        let answer = running.send("GET", path, &[], None);
        assert!(named_in(&answer.body).is_empty(), "{path}: {answer:?}");
    }
}

#[test]
fn what_an_agent_is_told_is_otherwise_what_the_owner_is() {
    let (home, running) = in_trouble();
    let agent = std::fs::read_to_string(home.data().join("agent-token")).unwrap();
    let hook = json!({"hook_event_name": "PreToolUse", "session_id": "dear", "cwd": "/home/ada"}).to_string();
    let ask = |token: &str| send(&running, token, "POST", "/api/v1/gate", Some(&hook)).json();
    let (own, told) = (ask(&running.token), ask(agent.trim()));
    assert_eq!(own["hookSpecificOutput"], told["hookSpecificOutput"]);
    let (own, told) = (own["systemMessage"].as_str().unwrap(), told["systemMessage"].as_str().unwrap());
    assert!(
        own.starts_with(told) && told.contains("5.00 of 5.00 USD spent") && told.ends_with('.'),
        "{told} | {own}"
    );
    let alerts = |token: &str| send(&running, token, "GET", "/api/v1/alerts", None).json()["alerts"].clone();
    let (mut own, told) = (alerts(&running.token), alerts(agent.trim()));
    let own_alerts = own.as_array_mut().unwrap();
    assert_eq!(own_alerts.len(), told.as_array().unwrap().len());
    let mended = own_alerts.iter_mut().filter_map(|alert| alert.as_object_mut().unwrap().remove("mend"));
    assert!(mended.filter(|mend| !mend.is_null()).count() >= 3);
    assert_eq!(own, told, "only the mend is the person's");
}
