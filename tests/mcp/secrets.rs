//! Marked secrets and marked message text: looked for in everything that the process wrote.

use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

use fake_opentelemetry_collector::FakeCollectorServer;
use serde_json::{Value, json};

use super::{ask, call};
use crate::support::outside::beeminder::{self, Beeminder};
use crate::support::program::{Home, everything_below};

const MARKS: [&str; 5] =
    ["marked-token-4711", "marked-sid-4711", "marked-admin-4711", "marked message text", "5558675310"];

fn line() -> String {
    let line = json!({
        "type": "assistant", "timestamp": "2026-11-20T10:00:00Z", "sessionId": "s", "cwd": "/home/ada",
        "requestId": "req_1",
        "message": {
            "id": "msg_1", "model": "claude-opus-5",
            "content": [{ "type": "text", "text": "marked message text" }],
            "usage": {"input_tokens": 1000, "output_tokens": 100},
        },
    });
    format!("{line}\n")
}

/// Arguments with which a tool does something.
fn arguments(tool: &str) -> Value {
    match tool {
        "can_afford" => json!({ "usd": "5" }),
        "explain_spend" => json!({ "subject": "s" }),
        "update_budget" => json!({ "name": "main", "amount_usd": "50" }),
        "add_goal" => {
            json!({ "slug": "taxes", "goal": { "title": "Taxes", "priority": "high", "due": "2099-01-01" } })
        }
        "complete_goal" => json!({ "slug": "taxes" }),
        "acknowledge_alert" => json!({ "id": 1 }),
        "record_usage_session" => json!({ "model": "claude-opus-5", "output_tokens": 5 }),
        "record_groq_reading" => json!({ "value_usd": "1" }),
        "log_session" => json!({ "text": "done" }),
        _ => json!({}),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_in_an_answer_a_line_a_span_or_the_data() {
    let mut collector = FakeCollectorServer::start().await.unwrap();
    let endpoint = collector.endpoint();
    let written = tokio::task::spawn_blocking(move || {
        let home = Home::new();
        home.transcript("a.jsonl", line());
        let server = Beeminder::start();
        server.world.lock().goal("exercise", 2, 1_990_000_000);
        let base = server.base();
        assert!(!MARKS.contains(&beeminder::TOKEN));
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("MECRIS_LOG_LEVEL", "trace"),
            ("BEEMINDER_API_BASE", base.as_str()),
            ("BEEMINDER_AUTH_TOKEN", "marked-token-4711"),
            ("TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef"),
            ("TWILIO_AUTH_TOKEN", "marked-sid-4711"),
            ("TWILIO_TO_NUMBER", "+15558675310"),
            ("TWILIO_FROM_NUMBER", "+15005550006"),
            ("MECRIS_TWILIO__API_BASE", base.as_str()),
            ("MECRIS_ANTHROPIC__ADMIN_KEY", "sk-ant-admin01-marked-admin-4711"),
            ("MECRIS_ANTHROPIC__API_BASE", base.as_str()),
        ];
        let mut running = home.start_with(&[], &variables);
        let mut stderr = running.child.stderr.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut all = Vec::new();
            stderr.read_to_end(&mut all).unwrap();
            all
        });
        let mut answers = running.said.clone();
        let listed = ask(&running, "tools/list", json!({}));
        for tool in listed["result"]["tools"].as_array().unwrap() {
            let name = tool["name"].as_str().unwrap();
            answers += &call(&running, name, &arguments(name)).to_string();
            // What does not fit is not told back either.
            answers += &call(&running, name, &json!({ "surprise": 1, "amount_usd": ["x"] })).to_string();
        }
        for uri in ["mecris://narrator", "mecris://budget", "mecris://goals/exercise"] {
            answers += &ask(&running, "resources/read", json!({ "uri": uri })).to_string();
        }
        for prompt in ["morning_brief", "before_costly_task", "end_of_session"] {
            answers += &ask(&running, "prompts/get", json!({ "name": prompt, "arguments": { "task": "x" } }))
                .to_string();
        }
        assert_eq!(running.stop(), 0);
        let lines = reader.join().unwrap();
        let mut over_stdio = home.command(&["mcp"]);
        over_stdio.envs(variables).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = over_stdio.output().unwrap();
        // The numbers behind the references in events have a file of their own, and it alone.
        let _ = std::fs::remove_file(home.data().join("contacts.json"));
        [answers.into_bytes(), lines, output.stdout, output.stderr, everything_below(&home.data())]
    })
    .await
    .unwrap();
    let spans = collector.exported_spans(5, Duration::from_secs(20)).await;
    assert!(spans.iter().any(|span| span.name.contains("/mcp")), "the spans are those of the calls");
    let spans = format!("{spans:?}").into_bytes();
    assert!(written[1].len() > 1_000, "the lines are those of a talkative process");
    for (what, text) in ["answers", "lines", "stdio", "stdio's lines", "data"]
        .iter()
        .zip(&written)
        .chain([(&"spans", &spans)])
    {
        let text = String::from_utf8_lossy(text);
        for mark in MARKS {
            if let Some(at) = text.find(mark) {
                let from = text[..at].char_indices().rev().nth(200).map_or(0, |(index, _)| index);
                panic!("{mark} is in the {what}: …{}", &text[from..at + mark.len()]);
            }
        }
    }
}
