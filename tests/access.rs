//! Who may what: each principal against each endpoint and each tool, from the one table; and the tokens themselves.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use mecris::domain::access::{Kind, Scope, table};
use serde_json::{Value, json};

use crate::support::program::{Answer, Home, Running};

/// Every principal, with a token of its kind.
fn tokens(home: &Home, running: &Running) -> Vec<(Kind, String)> {
    let mut all = vec![(Kind::Owner, running.token.clone())];
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Owner) {
        let given = home.json(&["token", "new", "--kind", kind.word(), "--name", "test"]);
        all.push((kind, given["token"].as_str().unwrap().to_owned()));
    }
    let agent = std::fs::read_to_string(home.data().join("agent-token")).unwrap();
    all.push((Kind::Agent, agent.trim().to_owned()));
    all
}

fn send(running: &Running, token: &str, method: &str, path: &str, body: Option<&str>) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("accept", "application/json, text/event-stream")];
    running.send(method, path, &headers, body)
}

/// A path with its parameters filled in, by names that are none.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "none" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn each_principal_is_answered_what_its_scopes_hold_and_refused_the_rest() {
    let home = Home::new();
    let running = home.start(&[]);
    for (kind, token) in tokens(&home, &running) {
        for (method, path, scope) in table::ENDPOINTS {
            // The allowed are only asked what changes nothing: a body that is none is refused by the handler.
            let body = (*method != "GET").then_some("7");
            if kind.scopes().contains(scope)
                && [
                    "/api/v1/drill",
                    "/api/v1/import",
                    "/api/v1/reload",
                    "/api/v1/verify",
                    "/api/v1/console/read",
                    "/api/v1/alerts/check",
                ]
                .contains(path)
            {
                continue;
            }
            let before = running.recorded();
            let answer = send(&running, &token, method, &filled(path), body);
            if kind.scopes().contains(scope) {
                assert!(![401, 403].contains(&answer.status), "{kind:?} {method} {path}: {answer:?}");
            } else {
                assert_eq!(answer.status, 403, "{kind:?} {method} {path}: {answer:?}");
                assert_eq!(running.recorded(), before, "{kind:?} {method} {path}");
            }
        }
    }
    for (method, path, _) in table::ENDPOINTS {
        let body = (*method != "GET").then_some("7");
        let none = running.send(method, &filled(path), &[], body);
        let wrong =
            send(&running, "mcr_own_000000000000000000000000000000000000", method, &filled(path), body);
        assert_eq!((none.status, wrong.status), (401, 401), "{method} {path}");
    }
}

#[test]
fn each_principal_sees_and_may_call_the_tools_of_its_scopes() {
    let home = Home::new();
    let running = home.start(&[]);
    for (kind, token) in tokens(&home, &running) {
        let ask = |method: &str, name: Option<&str>, params: Value| {
            let mut params = params;
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
            let bearer = format!("Bearer {token}");
            let mut headers = vec![
                ("authorization", bearer.as_str()),
                ("accept", "application/json, text/event-stream"),
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", method),
            ];
            headers.extend(name.map(|name| ("mcp-name", name)));
            running.send("POST", "/mcp", &headers, Some(&body))
        };
        let listed = ask("tools/list", None, json!({}));
        if kind == Kind::Ingest {
            assert_eq!(listed.status, 403);
            continue;
        }
        let message = |answer: &Answer| crate::mcp::message(answer);
        let listed = message(&listed);
        let names: BTreeSet<&str> = listed["result"]["tools"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| tool["name"].as_str().unwrap())
            .collect();
        let may = |scope: &Scope| kind.scopes().contains(scope);
        let expected = table::TOOLS.iter().filter(|(_, scope)| may(scope)).map(|(name, _)| *name).collect();
        assert_eq!(names, expected, "{kind:?}");
        for (name, _) in table::TOOLS.iter().filter(|(_, scope)| !may(scope)) {
            let before = running.recorded();
            let arguments = json!({ "name": "main", "amount_usd": "1000", "id": 1, "value_usd": "0" });
            let refused =
                message(&ask("tools/call", Some(name), json!({ "name": name, "arguments": arguments })));
            assert_eq!(refused["result"]["isError"], true, "{kind:?} {name}: {refused}");
            assert!(
                refused["result"]["content"][0]["text"].as_str().unwrap().contains("not for"),
                "{refused}"
            );
            assert_eq!(running.recorded(), before, "{kind:?} {name}");
        }
    }
}

#[test]
fn every_route_and_tool_has_its_row() {
    let document = serde_json::to_value(mecris::http::openapi()).unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let row = table::endpoint(&method.to_uppercase(), path);
            assert!(
                path.starts_with("/health/") || row.is_some(),
                "{method} {path} has no row in the table of access"
            );
        }
    }
    let tools: BTreeSet<String> =
        mecris::mcp::tools::list().iter().map(|tool| tool.name.to_string()).collect();
    let rows: BTreeSet<String> = table::TOOLS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(tools, rows);
}

#[test]
fn at_the_first_start_there_are_two_tokens_for_their_owner_alone_and_an_old_one_stays() {
    let home = Home::new();
    std::fs::create_dir_all(home.data()).unwrap();
    let old = "0123456789abcdef".repeat(4);
    std::fs::write(home.data().join("token"), &old).unwrap();
    let running = home.start(&[]);
    assert_eq!(running.token, old);
    assert_eq!(running.get("/api/v1/status").status, 200);
    for path in [home.data().join("token"), home.data().join("agent-token"), home.root().join("mecris.sock")]
    {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{} has {mode:o}", path.display());
    }
    let agent = std::fs::read_to_string(home.data().join("agent-token")).unwrap();
    assert!(agent.starts_with("mcr_agt_"), "{}", &agent[..8]);
    assert_eq!(
        send(&running, &agent, "PUT", "/api/v1/budgets/main", Some(r#"{"amount_usd":"9"}"#)).status,
        403
    );
    running.stop();
    // The agent's token in the place of the owner's would make its holder the owner.
    for spoiled in ["token", "agent-token"] {
        let other = if spoiled == "token" { "agent-token" } else { "token" };
        let kept = std::fs::read(home.data().join(spoiled)).unwrap();
        std::fs::copy(home.data().join(other), home.data().join(spoiled)).unwrap();
        let said = home.run(&["run", "--listen", "127.0.0.1:0"]);
        assert!(said.code != 0 && said.err.contains("token"), "{said:?}");
        std::fs::write(home.data().join(spoiled), kept).unwrap();
    }
}

#[test]
fn a_token_is_shown_once_rotated_with_a_grace_and_revoked_at_once() {
    let home = Home::new();
    // Without a supervisor and beside one the same.
    let given = home.json(&["token", "new", "--kind", "auditor", "--expires", "30d"]);
    let running = home.start(&[]);
    let (token, id) = (given["token"].as_str().unwrap(), given["id"].as_str().unwrap());
    let status = |token: &str| send(&running, token, "GET", "/api/v1/status", None).status;
    assert_eq!(status(token), 200);
    let next = home.json(&["token", "rotate", id]);
    let (fresh, fresh_id) = (next["token"].as_str().unwrap(), next["id"].as_str().unwrap());
    assert_eq!((status(token), status(fresh)), (200, 200));
    let again = home.run(&["token", "rotate", id]);
    assert!(again.code != 0 && again.err.contains("taken the place"), "{again:?}");
    home.json(&["token", "revoke", fresh_id]);
    assert_eq!((status(token), status(fresh)), (200, 401));
    let unknown = home.run(&["token", "revoke", "aud-none"]);
    assert!(unknown.code != 0 && unknown.err.contains("no token"), "{unknown:?}");
    let kept = crate::support::program::everything_below(&home.data());
    for token in [token, fresh] {
        assert!(memchr::memmem::find(&kept, token.as_bytes()).is_none(), "a token is kept nowhere");
    }
    let listed = home.json(&["token", "list"]);
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 2, "{listed}");
}

#[test]
fn events_bear_who_asked() {
    let home = Home::new();
    home.json(&["budget", "set", "--name", "one", "--amount", "1"]);
    let running = home.start(&[]);
    let bearer = format!("Bearer {}", running.token);
    let headers = [("authorization", bearer.as_str())];
    running.send("PUT", "/api/v1/budgets/two", &headers, Some(r#"{"amount_usd":"2"}"#));
    home.json(&["budget", "set", "--name", "three", "--amount", "3"]);
    let agent = home.json(&["token", "new"]);
    let (token, id) = (agent["token"].as_str().unwrap(), agent["id"].as_str().unwrap().to_owned());
    let goal = r#"{"title":"Taxes","priority":"high","due":"2099-01-01"}"#;
    assert_eq!(send(&running, token, "PUT", "/api/v1/goals/taxes", Some(goal)).status, 200);
    let body = r#"{"amount_usd":"2","reason":"two tests to go"}"#;
    assert_eq!(send(&running, token, "POST", "/api/v1/limit-requests", Some(body)).status, 200);
    let events = running.get("/api/v1/events?limit=1000").json();
    let by = |kind: &str| -> Vec<String> {
        let events = events["events"].as_array().unwrap().iter();
        events
            .filter(|event| event["type"] == kind)
            .map(|event| event["actor"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(by("budget-set"), ["cli", "owner", "owner"]);
    assert_eq!(by("token-issued"), ["owner"]);
    assert_eq!(by("local-goal-set"), std::slice::from_ref(&id));
    assert_eq!(by("limit-requested"), [id]);
}

/// A supervisor was killed, and somebody listens where it did: none of the program's commands gives them anything.
#[test]
fn nobody_who_takes_a_port_that_a_supervisor_left_is_given_a_token() {
    let home = Home::new();
    let mut running = home.start(&[]);
    let address = running.url.trim_start_matches("http://").to_owned();
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let squatter = TcpListener::bind(&address).unwrap();
    squatter.set_nonblocking(true).unwrap();
    let config = home.dir.path().join("config.toml");
    std::fs::write(&config, "[gate]\nfail_closed = true\n").unwrap();
    let mut child = home
        .command(&["gate", "--config", config.to_str().unwrap()])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(
        &mut child.stdin.take().unwrap(),
        br#"{"hook_event_name":"PreToolUse","session_id":"s"}"#,
    )
    .unwrap();
    let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(said.contains("deny"), "{said}");
    home.run(&["statusline"]);
    home.run(&["status"]);
    home.run(&["gate", "check"]);
    match squatter.accept() {
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        Ok((mut stream, _)) => {
            let mut told = String::new();
            let _ = stream.read_to_string(&mut told);
            panic!("the squatter was told: {told}");
        }
    }
}

/// A wrong token once is nobody's business; again and again the person hears of it.
#[test]
fn refusals_are_counted_logged_and_told_where_they_are_repeated() {
    let home = Home::new();
    let mut command = home.command(&["run", "--listen", "127.0.0.1:0"]);
    command.env("MECRIS_LOG_LEVEL", "warn");
    let (running, told) = home.start_command(command, &home.data());
    let url = running.url.clone();
    for number in 0..30 {
        let wrong = format!("Bearer wrong-{number}");
        assert_eq!(running.send("GET", "/api/v1/status", &[("authorization", &wrong)], None).status, 401);
    }
    assert_eq!(running.send("GET", "/api/v1/status", &[("host", "evil.example")], None).status, 403);
    let counted = running.get("/metrics").body;
    let line = |reason: &str, from: &str| {
        let line = counted.lines().find(|line| {
            line.starts_with("mecris_http_refused_total{")
                && line.contains(&format!("reason=\"{reason}\""))
                && line.contains(&format!("from=\"{from}\""))
        });
        line.unwrap_or_else(|| panic!("{reason} {from}")).rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!((line("unauthorized", "loopback"), line("forbidden", "loopback")), ("30".into(), "1".into()));
    // What has never happened is there, at nothing.
    assert_eq!((line("in-plain", "network"), line("too-many", "socket")), ("0".into(), "0".into()));
    // The first is told within seconds, what follows once a minute.
    let alert = (0..900).find_map(|_| {
        std::thread::sleep(Duration::from_millis(100));
        let alerts = home.json(&["alerts"]);
        alerts["alerts"].as_array().unwrap().iter().find(|alert| alert["kind"] == "access").cloned()
    });
    let alert = alert.expect("nobody was told");
    let text = alert["text"].as_str().unwrap();
    assert!(text.contains("without a good token") && text.contains("all from this machine"), "{text}");
    let incidents = home.json(&["incidents"])["incidents"].to_string();
    assert!(incidents.contains("without a good token") && !incidents.contains("wrong-"), "{incidents}");
    assert_eq!(running.stop(), 0);
    let told = told.join().unwrap();
    let lines = told.lines().filter(|line| line.contains("requests were refused")).count();
    assert!((1..=3).contains(&lines), "{told}");
    assert!(!told.contains("wrong-") && !told.contains(&url), "{told}");
}
