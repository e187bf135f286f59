//! One story: a line of a transcript becomes an event, which crosses a threshold, which sends an SMS. Asserted span by
//! span, by what a collector got over gRPC, and held against the log.

use std::collections::BTreeMap;
use std::io::Read;

use fake_opentelemetry_collector::ExportedSpan;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Collector, number, text};
use crate::alerts::{EAGER, until};
use crate::support::outside::twilio::{self, Twilio};
use crate::support::program::Home;

const WORDS: &str = "marked message text";

fn line() -> String {
    let line = json!({
        "type": "assistant", "timestamp": Timestamp::now().to_string(), "sessionId": "s-1", "cwd": "/home/ada",
        "requestId": "req_1",
        "message": {
            "id": "msg_1", "model": "claude-opus-5", "content": [{ "type": "text", "text": WORDS }],
            "usage": {"input_tokens": 0, "output_tokens": 100_000},
        },
    });
    format!("{line}\n")
}

/// Every event of the log, by position.
fn events(home: &Home) -> BTreeMap<u64, Value> {
    let said = home.run(&["export"]);
    let lines = said.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|event| (event["position"].as_u64().unwrap(), event)).collect()
}

/// In which trace an event was decided.
fn trace_of(event: &Value) -> &str {
    event["trace"].as_str().and_then(|trace| trace.split('-').nth(1)).unwrap_or_else(|| panic!("{event}"))
}

/// The append that carried an event.
fn append_of(spans: &[ExportedSpan], position: u64) -> &ExportedSpan {
    let carries = |span: &&ExportedSpan| {
        let (first, last) = (number(span, "mecris.event.first"), number(span, "mecris.event.position"));
        span.name == "log.append" && first <= Some(position) && Some(position) <= last
    };
    spans.iter().find(carries).unwrap_or_else(|| panic!("no append of event {position}"))
}

fn parent_of<'a>(spans: &'a [ExportedSpan], child: &ExportedSpan) -> &'a ExportedSpan {
    let parent = spans.iter().find(|span| span.span_id == child.parent_span_id);
    parent.unwrap_or_else(|| panic!("{} has no parent among the spans", child.name))
}

#[test]
fn a_line_of_a_transcript_becomes_an_sms_and_each_step_is_a_span() {
    let collector = Collector::start();
    let (home, twilio) = (Home::new(), Twilio::start());
    home.json(&["consent", "grant", "+15558675310"]);
    home.json(&[
        "budget",
        "set",
        "--amount",
        "2",
        "--low",
        "0.01",
        "--daily-limit",
        "1000",
        "--ending-days",
        "0",
    ]);
    let base = twilio.front.url();
    let own = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "100"),
        ("TWILIO_API_BASE", base.as_str()),
        ("MECRIS_LOG_LEVEL", "info"),
        ("MECRIS_LOG_FORMAT", "json"),
    ];
    let mut running = home.start_with(&[], &[&own[..], &EAGER, &twilio::VARIABLES].concat());
    let mut stderr = running.child.stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut all = String::new();
        stderr.read_to_string(&mut all).unwrap();
        all
    });
    home.transcript("a.jsonl", line());
    until("the SMS is sent", || (!twilio.world.lock().messages.is_empty()).then_some(()));
    until("its outcome is known", || {
        let alerts = running.get("/api/v1/alerts").json();
        alerts["alerts"].as_array().unwrap().iter().any(|alert| alert["told_at"].is_string()).then_some(())
    });
    assert_eq!(running.stop(), 0);
    let lines = reader.join().unwrap();
    let (spans, logs) = collector.all();
    let events = events(&home);
    let position = |kind: &str| {
        let found = events.iter().find(|(_, event)| event["type"] == kind);
        *found.unwrap_or_else(|| panic!("no {kind} in {events:?}")).0
    };

    // The line became this event.
    let recorded = position("usage-recorded");
    let append = append_of(&spans, recorded);
    let import = parent_of(&spans, append);
    assert_eq!((import.name.as_str(), append.trace_id == import.trace_id), ("usage.import", true));
    assert_eq!(trace_of(&events[&recorded]), import.trace_id, "the event leads to its trace");
    assert_eq!(text(append, "mecris.log.stream"), "usage");
    assert!(number(append, "mecris.log.sync_us").is_some(), "{append:?}");

    // A view took it in: linked, and not a child.
    let is_projection = |span: &&ExportedSpan| {
        span.name == "projection" && number(span, "mecris.event.position") == Some(recorded)
    };
    let projection = spans.iter().find(is_projection).expect("the projection of the event");
    assert_eq!(projection.links[0].trace_id, import.trace_id);
    assert_ne!(projection.trace_id, import.trace_id);

    // It crossed this threshold.
    let raised = position("alert-raised");
    let append = append_of(&spans, raised);
    let decided = parent_of(&spans, append);
    assert_eq!(decided.name, "alert.decide");
    assert!(number(decided, "mecris.event.position") >= Some(recorded), "{decided:?}");
    assert_eq!(decided.links.len(), 1, "{decided:?}");
    assert_eq!(trace_of(&events[&raised]), decided.trace_id);

    // Which sent this SMS.
    let started = position("attempt-started");
    let decided = parent_of(&spans, append_of(&spans, started));
    let is_send = |span: &&ExportedSpan| span.name == "alert.send" && span.parent_span_id == decided.span_id;
    let send = spans.iter().find(is_send).expect("the sending");
    assert_eq!(text(send, "mecris.alert.channel"), "sms");
    let client = spans
        .iter()
        .find(|span| span.parent_span_id == send.span_id && span.kind.to_lowercase().contains("client"));
    let client = client.expect("the call of Twilio");
    assert_eq!(text(client, "http.request.method"), "POST");
    assert_eq!(number(client, "http.response.status_code"), Some(201), "{client:?}");
    assert_eq!(text(client, "server.address"), "127.0.0.1");
    assert_eq!(text(client, "mecris.breaker.state"), "closed");

    // And what came of it is an event of the same trace.
    let ended = position("attempt-ended");
    let append = append_of(&spans, ended);
    let message = parent_of(&spans, append);
    assert_eq!(append.trace_id, send.trace_id, "{append:?}");
    assert_eq!(message.name, "actor.message");
    assert!(number(message, "mailbox_wait_us").is_some(), "waiting and handling are told apart: {message:?}");
    assert_eq!(trace_of(&events[&ended]), send.trace_id);

    // Log lines and records carry the ids.
    let handed = lines.lines().find(|line| line.contains("a message was handed over")).expect("the line");
    let handed: Value = serde_json::from_str(handed).unwrap();
    assert_eq!((&handed["trace_id"], &handed["span_id"]), (&json!(send.trace_id), &json!(send.span_id)));
    let record = logs.iter().find(|log| format!("{:?}", log.body).contains("a message was handed over"));
    let record = record.expect("the record");
    assert_eq!((&record.trace_id, &record.span_id), (&send.trace_id, &send.span_id));

    let told = format!("{spans:?}{logs:?}{lines}");
    for secret in [WORDS, twilio::AUTH_TOKEN, "5558675310"] {
        assert!(!told.contains(secret), "{secret} was told");
    }
}

#[test]
fn an_assistant_s_trace_goes_on_here() {
    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    let collector = Collector::start();
    let home = Home::new();
    let running = home.start_with(&[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint)]);
    let bearer = format!("Bearer {}", running.token);
    let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
    let headers = [("authorization", bearer.as_str()), ("traceparent", parent.as_str())];
    let body = json!({ "amount_usd": "50", "period": "monthly" }).to_string();
    assert_eq!(running.send("PUT", "/api/v1/budgets/main", &headers, Some(&body)).status, 200);
    let other = "1af7651916cd43dd8448eb211c80319d";
    let params = json!({
        "name": "update_budget", "arguments": { "name": "other", "amount_usd": "5" },
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
            "traceparent": format!("00-{other}-b7ad6b7169203331-01"),
        },
    });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let headers = [
        ("authorization", bearer.as_str()),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "update_budget"),
    ];
    assert_eq!(running.send("POST", "/mcp", &headers, Some(&body)).status, 200);
    let wrong = [("authorization", bearer.as_str()), ("traceparent", "00-nonsense")];
    assert_eq!(running.send("GET", "/api/v1/status", &wrong, None).status, 200);
    assert_eq!(running.stop(), 0);
    let events = events(&home);
    let traces: Vec<&str> =
        events.values().filter(|event| event["type"] == "budget-set").map(trace_of).collect();
    assert_eq!(traces, [TRACE, other]);
    let (spans, _) = collector.all();
    let server = spans.iter().find(|span| span.name.starts_with("PUT /api/v1/budgets")).unwrap();
    assert_eq!((server.trace_id.as_str(), server.parent_span_id.as_str()), (TRACE, "b7ad6b7169203331"));
    assert_eq!(number(server, "http.response.status_code"), Some(200), "{server:?}");
    assert!(server.kind.to_lowercase().contains("server"), "{server:?}");
}
