//! What makes no sense, what comes too late or too large, and a log that takes nothing: an error in words each time,
//! and nothing half-recorded.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use mecris::mcp::sessions::SESSIONS_MAX;

use super::{call, events, given, in_session, message, open, post, refused, stateless};
use crate::support::program::{Home, Running};

/// The status line for a body that is announced with 10 MB. It is refused by that alone, before it is read.
fn status_of_ten_megabytes(running: &Running) -> String {
    let mut stream = TcpStream::connect(running.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(
        stream,
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\ncontent-length: 10000000\r\n\r\n{{",
        running.token
    )
    .unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

/// The answer to a tool's argument of 10 MB that is sent whole. Empty where the server hung up on the sender, as it may.
fn ten_megabytes(running: &Running, is_chunked: bool) -> String {
    let name = "n".repeat(10_000_000);
    let params =
        stateless(json!({ "name": "update_budget", "arguments": { "name": name, "amount_usd": "1" } }));
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let mut stream = TcpStream::connect(running.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let length = if is_chunked {
        "transfer-encoding: chunked".to_owned()
    } else {
        format!("content-length: {}", body.len())
    };
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\n\
         mcp-name: update_budget\r\nconnection: close\r\n{length}\r\n\r\n",
        running.token
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut sender = stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        // The server may stop reading at any moment.
        for part in body.as_bytes().chunks(64 * 1024) {
            let sent = if is_chunked {
                sender
                    .write_all(format!("{:x}\r\n", part.len()).as_bytes())
                    .and_then(|()| sender.write_all(part))
                    .and_then(|()| sender.write_all(b"\r\n"))
            } else {
                sender.write_all(part)
            };
            if sent.is_err() {
                return;
            }
        }
        if is_chunked {
            let _ = sender.write_all(b"0\r\n\r\n");
        }
    });
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        answer.extend_from_slice(&chunk[..read]);
    }
    sending.join().unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn what_makes_no_sense_is_refused_in_words_and_records_nothing() {
    let home = Home::new();
    let running = home.start(&[]);
    let before = events(&running);
    let unknown = call(&running, "no_such_tool", &json!({}));
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    for (tool, arguments) in [
        ("update_budget", json!({ "name": "main", "amount_usd": ["fifty"] })),
        ("update_budget", json!({ "name": "", "amount_usd": "50" })),
        ("update_budget", json!({ "name": "main", "amount_usd": "50", "period": "hourly" })),
        ("complete_goal", json!({ "slug": "never-made" })),
        ("acknowledge_alert", json!({ "id": 4711 })),
        ("acknowledge_alert", json!({ "id": "one" })),
        ("can_afford", json!({ "usd": "-1" })),
        ("get_recent_usage", json!({ "days": 0 })),
        ("get_budget_status", json!({ "surprise": true })),
    ] {
        let answer = call(&running, tool, &arguments);
        assert_eq!(answer["result"]["isError"], true, "{tool}: {answer}");
        assert!(!answer["result"]["content"][0]["text"].as_str().unwrap().is_empty());
    }
    assert!(status_of_ten_megabytes(&running).starts_with("HTTP/1.1 413 "));
    for is_chunked in [false, true] {
        let answer = ten_megabytes(&running, is_chunked);
        assert!(answer.contains("413") && answer.contains("too-large") || answer.is_empty(), "{answer}");
    }
    assert_eq!(events(&running), before);
}

#[test]
fn a_client_that_begins_session_after_session_is_refused_and_the_others_go_on() {
    let home = Home::new();
    let running = home.start(&[]);
    let first = open(&running);
    let mut sessions: Vec<String> = (1..SESSIONS_MAX).map(|_| open(&running)).collect();
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } } });
    let answer = post(&running, &[], &body);
    assert_eq!(answer.status, 429, "{answer:?}");
    assert!(answer.json()["error"]["message"].as_str().unwrap().contains("sessions are open"), "{answer:?}");
    assert!(message(&in_session(&running, &first, "tools/list", &json!({})))["result"]["tools"].is_array());
    assert!(call(&running, "get_budget_status", &json!({}))["result"]["structuredContent"].is_object());
    let bearer = format!("Bearer {}", running.token);
    let last = sessions.pop().unwrap();
    let headers = [("authorization", bearer.as_str()), ("mcp-session-id", last.as_str())];
    assert!(running.send("DELETE", "/mcp", &headers, None).status < 300);
    open(&running);
}

#[test]
fn a_client_that_vanishes_in_mid_call_leaves_a_whole_event_or_none() {
    let home = Home::new();
    let running = home.start(&[]);
    let params = |n: u32| {
        stateless(
            json!({ "name": "update_budget", "arguments": { "name": format!("b{n}"), "amount_usd": "5" } }),
        )
    };
    for n in 0..20 {
        let body =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params(n) }).to_string();
        let mut stream = TcpStream::connect(running.url.trim_start_matches("http://")).unwrap();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\n\
             mcp-method: tools/call\r\nmcp-name: update_budget\r\ncontent-length: {}\r\n\r\n",
            running.token,
            body.len()
        );
        // Half of them vanish in the middle of the request, the others before the answer.
        let sent = if n % 2 == 0 { body.len() / 2 } else { body.len() };
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body.as_bytes()[..sent]).unwrap();
        drop(stream);
    }
    // Whoever asks again has each budget once, whatever became of the calls before.
    for n in 0..20 {
        given(&running, "update_budget", &json!({ "name": format!("b{n}"), "amount_usd": "5" }));
    }
    let budgets = given(&running, "get_budget_status", &json!({ "detail": true }));
    assert_eq!(budgets["budgets"].as_array().unwrap().len(), 20);
    // At a month's end each budget also has an alert, which is the budget's and not the calls'.
    let page = running.get("/api/v1/events?from=1&limit=1000").json();
    let is_set = |event: &&Value| event["type"] == "budget-set";
    assert_eq!(page["events"].as_array().unwrap().iter().filter(is_set).count(), 20);
    assert_eq!(page["next"], Value::Null, "all of them were looked at");
    assert_eq!(running.stop(), 0);
    assert_eq!(home.json(&["verify"])["problem_count"], 0);
}

#[test]
fn a_session_that_says_nothing_is_over_and_another_begins() {
    let home = Home::new();
    let running = home.start_with(&[], &[("MECRIS_MCP__SESSION_SECONDS", "1")]);
    let session = open(&running);
    let ask = |session: &str| in_session(&running, session, "tools/list", &json!({}));
    assert!(message(&ask(&session))["result"]["tools"].is_array());
    let mut over = ask(&session).status;
    for _ in 0..30 {
        if over == 404 {
            break;
        }
        // Each question keeps it alive: the next one comes when it has been silent for longer.
        std::thread::sleep(Duration::from_millis(1500));
        over = ask(&session).status;
    }
    assert_eq!(over, 404, "what tells a client to begin another session");
    assert!(message(&ask(&open(&running)))["result"]["tools"].is_array());
}

#[test]
fn a_log_that_takes_nothing_refuses_in_words_and_still_answers() {
    let home = Home::new();
    home.start(&[]).stop();
    let running = home.start_with(&[], &[("MECRIS_LOG__RESERVE_MIB", "1000000000")]);
    let before = events(&running);
    for (tool, arguments) in [
        ("update_budget", json!({ "name": "main", "amount_usd": "50" })),
        ("record_groq_reading", json!({ "value_usd": "1.06" })),
        ("record_usage_session", json!({ "model": "claude-sonnet-4-5", "output_tokens": 5 })),
        (
            "add_goal",
            json!({ "slug": "taxes", "goal": { "title": "Taxes", "priority": "high", "due": "2099-01-01" } }),
        ),
    ] {
        let why = refused(&running, tool, &arguments);
        assert!(
            why.contains("read-only") || why.contains("reserve") || why.contains("space"),
            "{tool}: {why}"
        );
    }
    assert_eq!(events(&running), before);
    assert_eq!(given(&running, "get_budget_status", &json!({}))["budgets"], json!([]));
    assert_eq!(
        call(&running, "get_system_health", &json!({}))["result"]["structuredContent"]["parts"]["log"]["ok"],
        false
    );
}
