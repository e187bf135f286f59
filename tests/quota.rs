//! A Claude subscription's limits: what the status line is told becomes events, and nothing else is asked.

use std::os::unix::fs::OpenOptionsExt;

use serde_json::{Value, json};

use crate::support::program::{Home, Running, everything_below};

/// What Claude Code gives to its status line, with what a person would not have kept.
fn status_line(five_hour: &Value, seven_day: &Value) -> String {
    json!({
        "session_id": "marked-session", "transcript_path": "/marked/transcript.jsonl", "version": "2.1.240",
        "model": {"id": "claude-opus-5", "display_name": "Opus 5"},
        "cost": {"total_cost_usd": 0.25}, "rate_limits": {"five_hour": five_hour, "seven_day": seven_day},
    })
    .to_string()
}

fn post(running: &Running, body: &str) -> (u16, Value) {
    let bearer = format!("Bearer {}", running.token);
    let answer = running.send("POST", "/api/v1/quota", &[("authorization", &bearer)], Some(body));
    (answer.status, answer.json())
}

fn told(running: &Running) -> Vec<Value> {
    let page = running.get("/api/v1/events?limit=1000").json();
    let events = page["events"].as_array().unwrap().clone();
    events
        .into_iter()
        .filter(|event| event["type"] == "quota-read")
        .map(|event| event["data"].clone())
        .collect()
}

#[test]
fn what_the_status_line_is_told_is_kept_where_it_is_news() {
    let home = Home::new();
    let running = home.start(&[]);
    let now = jiff::Timestamp::now().as_second();
    let (ends, week_ends) = (now + 3_600, now + 3 * 86_400);
    let window = |used: Value, end: i64| json!({"used_percentage": used, "resets_at": end});
    // A session that has had no answer yet, or no subscription, tells nothing.
    for body in ["{}", r#"{"rate_limits": null}"#, r#"{"rate_limits": {"five_hour": null}}"#] {
        assert_eq!(post(&running, body), (200, json!({"quotas": []})), "{body}");
    }
    for (five, week, events) in [
        (window(json!(23.4), ends), window(json!(61), week_ends), 2),
        (window(json!(23.4), ends), window(json!(61), week_ends), 2),
        (window(json!(24.3), ends), window(json!(61.99), week_ends), 2),
        (window(json!(24.4), ends), Value::Null, 3),
        // Another session, idle since.
        (window(json!(3), ends), window(json!(5), week_ends), 3),
        (Value::Null, window(json!(62), week_ends), 4),
    ] {
        let (status, shown) = post(&running, &status_line(&five, &week));
        assert_eq!((status, told(&running).len()), (200, events), "{five} {week}: {shown}");
    }
    let shown = running.get("/api/v1/quota").json();
    let of = |shown: &Value| -> Vec<(String, String)> {
        let lines = shown["quotas"].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap_or("null").to_owned();
        lines.iter().map(|line| (text(&line["window"]), text(&line["used_percent"]))).collect()
    };
    let expected = [("five-hour".to_owned(), "24.4".to_owned()), ("seven-day".to_owned(), "62".to_owned())];
    assert_eq!(of(&shown), expected);
    for arguments in [&["quota"][..], &["status"], &["balance"]] {
        assert_eq!(of(&home.json(arguments)), expected, "{arguments:?}");
        let said = home.run(arguments);
        assert!(said.out.contains("five-hour limit: 24.4 % used"), "{said:?}");
    }
    for body in [
        status_line(&window(json!(101), ends), &Value::Null),
        status_line(&window(json!(-1), ends), &Value::Null),
        status_line(&window(json!(50), now + 8 * 3_600), &Value::Null),
        status_line(&window(json!(50), i64::MAX), &Value::Null),
    ] {
        let (status, problem) = post(&running, &body);
        assert_eq!(
            (status, problem["type"].as_str()),
            (422, Some("urn:mecris:problem:refused")),
            "{problem}"
        );
    }
    assert_eq!(told(&running).len(), 4, "what is refused changes nothing");
    assert_eq!(running.stop(), 0);
    assert_eq!(of(&home.json(&["quota"])), expected, "without a supervisor too");
    let kept = everything_below(&home.data());
    assert!(!kept.windows(6).any(|window| window == b"marked"), "only the numbers are kept");
}

/// Claude Code's credentials are nobody's business here. In this home they are a pipe: who opened it for reading would
/// be seen, because only then can it be opened for writing.
#[test]
fn claude_code_s_credentials_are_never_opened() {
    let home = Home::new();
    let claude = home.claude();
    home.transcript("a.jsonl", "");
    let pipe = claude.join(".credentials.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let is_read = {
        let pipe = pipe.clone();
        move || {
            // ENXIO where nobody reads (fifo(7)). O_NONBLOCK is 0o4000 on Linux.
            std::fs::OpenOptions::new().write(true).custom_flags(0o4000).open(&pipe).is_ok()
        }
    };
    // The check itself can tell.
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read(pipe).unwrap()
    });
    let seen = (0..1_000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(2));
        is_read()
    });
    assert!(seen, "a reader is seen");
    reader.join().unwrap();
    let running = home.start(&[]);
    let commands: [&[&str]; 5] =
        [&["doctor", "--offline"], &["status"], &["import"], &["balance"], &["quota"]];
    for arguments in commands {
        let mut child = home.command(arguments).stdout(std::process::Stdio::null()).spawn().unwrap();
        // Who reads a pipe that nobody writes waits for ever: it would be seen here.
        while child.try_wait().unwrap().is_none() {
            assert!(!is_read(), "{arguments:?} reads the credentials");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
    assert!(!is_read());
    assert_eq!(running.stop(), 0);
}
