//! Input that is nested deeper than a stack is high. A stack that is full ends the process without a word, and at every
//! start again where the input is a file; so each of these is tried on the real program.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use crate::hostility::{self, NESTS, deep_value};
use crate::support::program::{Home, Said};

const DEPTHS: [usize; 3] = [129, 15_000, 1_000_000];

fn nested(open: &str, close: &str, depth: usize) -> String {
    hostility::nested(open, "1", close, depth)
}

/// A call as Claude Code writes it, with more fields.
fn call(id: &str, field: &str, more: &str) -> String {
    let usage = r#"{"input_tokens":100,"output_tokens":10}"#;
    let (line, message, usage) = match field {
        "line" => (more.to_owned(), String::new(), usage.to_owned()),
        "message" => (String::new(), more.to_owned(), usage.to_owned()),
        _ => (String::new(), String::new(), usage.replace('}', &format!("{more}}}"))),
    };
    format!(
        r#"{{"type":"assistant","timestamp":"2026-11-20T10:00:00Z","sessionId":"s","requestId":"r{id}"{line},"message":{{"id":"m{id}","model":"claude-opus-5"{message},"usage":{usage}}}}}"#
    )
}

#[test]
fn a_nested_line_of_a_transcript_is_named_and_the_lines_around_it_count() {
    for field in ["line", "message", "usage"] {
        for (name, open, close) in NESTS {
            for depth in DEPTHS {
                let home = Home::new();
                let bad = call("2", field, &format!(r#","x":{}"#, nested(open, close, depth)));
                home.transcript(
                    "a.jsonl",
                    [call("1", "", ""), bad, call("3", "", ""), String::new()].join("\n"),
                );
                let told = home.json(&["import"]);
                assert_eq!(told["bad_lines"], 1, "{field} {name} {depth}: {told}");
                assert_eq!(home.json(&["status"])["all_time"]["messages"], 2, "{field} {name} {depth}");
            }
        }
    }
}

#[test]
fn a_supervisor_starts_over_a_nested_line_and_takes_what_follows() {
    let home = Home::new();
    let bad = call("2", "message", &format!(r#","x":{}"#, nested("[", "]", 15_000)));
    // A subagent's line within a line, a refusal, and a line that is open to the end.
    let inner = format!(
        r#"{{"type":"progress","data":{{"message":{}}}}}"#,
        call("4", "message", &format!(r#","x":{}"#, nested("[", "]", 15_000)))
    );
    let refusal = format!(
        r#"{{"type":"assistant","isApiErrorMessage":true,"message":{{"model":"<synthetic>","content":{},"usage":{{}}}}}}"#,
        nested("[", "]", 15_000)
    );
    let open = format!(r#"{{"type":"assistant","usage":{}}}"#, "[".repeat(1_000_000));
    home.transcript(
        "a.jsonl",
        [call("1", "", ""), bad, inner, refusal, open, call("3", "", ""), String::new()].join("\n"),
    );
    for _ in 0..2 {
        let running = home.start(&[]);
        assert_eq!(running.get("/api/v1/status").json()["all_time"]["messages"], 2);
        assert_eq!(running.stop(), 0);
    }
}

fn with_input(home: &Home, arguments: &[&str], input: &str) -> Said {
    let mut command = home.command(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may have ended before it has read all.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap().into()
}

#[test]
fn what_claude_code_tells_the_gate_and_the_status_line_may_be_nested_as_it_likes() {
    let home = Home::new();
    let running = home.start(&[]);
    for (_, open, close) in NESTS {
        for depth in DEPTHS {
            let deep = nested(open, close, depth);
            let hook = format!(r#"{{"hook_event_name":"PreToolUse","session_id":"s","tool_input":{deep}}}"#);
            let said = with_input(&home, &["gate"], &hook);
            assert_eq!(said.code, 0, "{said:?}");
            let line = format!(r#"{{"session_id":"s","rate_limits":{deep}}}"#);
            let said = with_input(&home, &["statusline"], &line);
            assert_eq!((said.code, said.out.trim().is_empty()), (0, false), "{said:?}");
        }
    }
    assert_eq!(running.get("/health/live").status, 200);
}

#[test]
fn what_comes_over_http_may_be_nested_as_it_likes() {
    let home = Home::new();
    let running = home.start(&[]);
    let bearer = format!("Bearer {}", running.token);
    for (name, open, close) in NESTS {
        let deep = nested(open, close, 5_000);
        let mcp = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"forecast","arguments":{{"x":{deep}}}}}}}"#
        );
        let any = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{deep}}}]}}]}}]}}"#);
        for (method, path, body) in [
            ("PUT", "/api/v1/budgets/main", format!(r#"{{"amount_usd":{deep}}}"#)),
            ("POST", "/api/v1/gate", format!(r#"{{"hook_event_name":"PreToolUse","x":{deep}}}"#)),
            ("POST", "/api/v1/statusline", format!(r#"{{"rate_limits":{deep}}}"#)),
            ("POST", "/mcp", mcp),
            ("POST", "/v1/logs", any.clone()),
            ("POST", "/v1/traces", any),
        ] {
            let headers =
                [("authorization", bearer.as_str()), ("accept", "application/json, text/event-stream")];
            let answer = running.send(method, path, &headers, Some(&body));
            // What nobody asks for is passed over, by a reader that needs no stack for it: 200. All else is refused.
            assert!(answer.status == 200 || (400..500).contains(&answer.status), "{name} {path}: {answer:?}");
        }
    }
    assert_eq!(running.get("/health/live").status, 200);
}

#[test]
fn nested_protobuf_is_refused() {
    let home = Home::new();
    let running = home.start(&[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let post = |depth: usize| {
        let request =
            reqwest::Client::builder().no_proxy().build().unwrap().post(format!("{}/v1/logs", running.url));
        let request = request.bearer_auth(&running.token).header("content-type", "application/x-protobuf");
        runtime.block_on(async { request.body(deep_value(depth)).send().await.unwrap().status().as_u16() })
    };
    for depth in [60, 5_000, 50_000] {
        assert_eq!(post(depth), 400, "{depth}");
    }
    assert_eq!(post(3), 200);
    assert_eq!(running.get("/health/live").status, 200);
}

#[test]
fn files_that_a_person_or_another_program_writes_may_be_nested_as_they_like() {
    for (name, open, close) in NESTS {
        for depth in [129, 100_000] {
            let home = Home::new();
            let deep = nested(open, close, depth);
            let config = home.dir.path().join("config.toml");
            std::fs::write(&config, format!("prices = {deep}\n")).unwrap();
            let said = home.run(&["status", "--config", config.to_str().unwrap()]);
            assert_eq!(said.code, 2, "{name} {depth}: {said:?}");
            let prices = home.dir.path().join("prices.json");
            std::fs::write(&prices, &deep).unwrap();
            std::fs::write(&config, format!("prices = {prices:?}\n")).unwrap();
            let said = home.run(&["status", "--config", config.to_str().unwrap()]);
            assert_eq!((said.code, said.err.contains("prices")), (2, true), "{name} {depth}: {said:?}");
            let vault = home.dir.path().join("Notes");
            std::fs::create_dir_all(vault.join(".obsidian")).unwrap();
            std::fs::write(vault.join("deep.md"), format!("---\na: {deep}\n---\n- [ ] after it\n")).unwrap();
            std::fs::write(
                vault.join("dashes.md"),
                format!("---\n{}x\n---\n- [ ] too\n", "- ".repeat(depth)),
            )
            .unwrap();
            std::fs::write(vault.join(".obsidian/daily-notes.json"), &deep).unwrap();
            std::fs::write(&config, format!("[vault]\npath = {vault:?}\n")).unwrap();
            let tasks = home.json(&["tasks", "--config", config.to_str().unwrap()]);
            assert_eq!(tasks["tasks"].as_array().unwrap().len(), 2, "{name} {depth}: {tasks}");
            // What Mecris keeps for itself may have been spoiled too.
            home.transcript("a.jsonl", call("1", "", "") + "\n");
            std::fs::create_dir_all(home.data()).unwrap();
            for kept in ["transcripts.json", "contacts.json"] {
                std::fs::write(home.data().join(kept), &deep).unwrap();
            }
            std::fs::write(home.root().join("server.json"), &deep).unwrap();
            assert_eq!(home.json(&["import"])["recorded"], json!(1), "{name} {depth}");
        }
    }
}
