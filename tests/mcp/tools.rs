//! The tools beyond the questions that the API has had before: usage that is told, odometers, alerts, tasks.

use serde_json::{Value, json};

use super::{call, events, given, refused};
use crate::support::program::Home;

fn line(number: u32, session: &str) -> String {
    let line = json!({
        "type": "assistant", "timestamp": "2026-11-20T10:00:00Z", "sessionId": session, "cwd": "/home/ada",
        "requestId": format!("req_{number}"),
        "message": {
            "id": format!("msg_{number}"), "model": "claude-opus-5", "content": [],
            "usage": {"input_tokens": 1000, "output_tokens": 100},
        },
    });
    format!("{line}\n")
}

#[test]
fn a_session_is_told_once_grows_and_never_counts_twice() {
    let home = Home::new();
    home.transcript("a.jsonl", line(1, "read-here"));
    let running = home.start(&[]);
    given(&running, "record_claude_code_usage", &json!({}));
    let before = events(&running);
    let tell = |output: u64| {
        let arguments = json!({
            "model": "claude-sonnet-4-5", "session": "elsewhere", "input_tokens": 1_000_000, "output_tokens": output,
            "at": "2026-11-20T12:00:00Z",
        });
        given(&running, "record_usage_session", &arguments)
    };
    // 3 USD for a million in, 15 USD for a million out.
    assert_eq!(
        tell(1_000_000),
        json!({ "session": "elsewhere", "outcome": "recorded", "is_priced": true, "session_usd": "18" })
    );
    assert_eq!(tell(1_000_000)["outcome"], "known");
    let grown = tell(2_000_000);
    assert_eq!((&grown["outcome"], &grown["session_usd"]), (&json!("revised"), &json!("33")));
    assert_eq!(events(&running), before + 2);
    let explained = given(&running, "explain_spend", &json!({ "subject": "elsewhere" }));
    assert_eq!(explained["total"]["cost_usd"], "33", "{explained}");

    let why = refused(
        &running,
        "record_usage_session",
        &json!({ "model": "claude-opus-5", "session": "read-here", "output_tokens": 5 }),
    );
    assert!(why.contains("would count twice"), "{why}");
    let unpriced =
        given(&running, "record_usage_session", &json!({ "model": "a-model-to-come", "output_tokens": 5 }));
    assert_eq!((&unpriced["is_priced"], &unpriced["outcome"]), (&json!(false), &json!("recorded")));
    assert!(unpriced["session"].as_str().unwrap().starts_with("told-"));

    let said = home.json(&[
        "record-usage",
        "--model",
        "claude-sonnet-4-5",
        "--session",
        "elsewhere",
        "--output",
        "3000000",
        "--input",
        "1000000",
        "--at",
        "2026-11-20T12:30:00Z",
    ]);
    assert_eq!(said["session_usd"], "48");
    running.stop();
    let said = home.json(&[
        "record-usage",
        "--model",
        "claude-sonnet-4-5",
        "--session",
        "elsewhere",
        "--output",
        "3000000",
        "--input",
        "1000000",
        "--at",
        "2026-11-20T12:30:00Z",
    ]);
    assert_eq!(
        (&said["outcome"], &said["session_usd"]),
        (&json!("known"), &json!("48")),
        "without a supervisor"
    );
}

#[test]
fn groq_is_read_by_hand_and_told_what_to_do_next() {
    let home = Home::new();
    let running = home.start(&[]);
    let context = given(&running, "get_groq_context", &json!({}));
    assert_eq!(context["odometer"], Value::Null);
    assert!(context["advice"].as_str().unwrap().contains("nothing was ever read"), "{context}");
    let read =
        given(&running, "record_groq_reading", &json!({ "value_usd": "1.06", "note": "after the batch" }));
    assert_eq!(read["odometer"]["value_usd"], "1.06", "{read}");
    assert_eq!(read["this_month"]["provider"], "groq");
    let status = given(&running, "get_groq_status", &json!({}));
    assert_eq!(status["odometers"][0]["note"], "after the batch");
    assert_eq!(given(&running, "get_groq_context", &json!({}))["odometer"]["provider"], "groq");
    let answer = running.get("/api/v1/odometer/groq").json();
    assert_eq!(answer["odometer"]["value_usd"], "1.06");
    let why = refused(&running, "record_groq_reading", &json!({ "value_usd": "-1" }));
    assert!(why.contains("-1"), "{why}");
}

#[test]
fn what_anthropic_reports_is_told_with_its_source_and_without_a_key_it_says_so() {
    let home = Home::new();
    let running = home.start(&[]);
    let real = given(&running, "get_real_anthropic_usage", &json!({}));
    assert_eq!(real["source"]["state"], "not-configured", "{real}");
    assert!(real["source"]["reason"].as_str().unwrap().contains("admin_key"), "{real}");
    assert_eq!(running.get("/api/v1/reported?provider=anthropic").json()["source"]["name"], "anthropic");
}

#[test]
fn alerts_are_looked_at_now_and_acknowledged() {
    let home = Home::new();
    home.transcript(
        "a.jsonl",
        line(1, "s").replace("2026-11-20T10:00:00Z", &jiff::Timestamp::now().to_string()),
    );
    let running = home.start(&[]);
    given(&running, "record_claude_code_usage", &json!({}));
    given(&running, "update_budget", &json!({ "name": "main", "amount_usd": "0.001" }));
    let alerts = given(&running, "trigger_reminder_check", &json!({}));
    let alert = &alerts["alerts"][0];
    assert_eq!((&alert["kind"], &alert["subject"]), (&json!("budget-threshold"), &json!("main")), "{alerts}");
    assert_eq!(
        given(&running, "send_beeminder_alert", &json!({}))["alerts"],
        json!([]),
        "goals' alerts alone"
    );
    let id = alert["id"].as_u64().unwrap();
    given(&running, "acknowledge_alert", &json!({ "id": id }));
    let alerts = given(&running, "get_alerts", &json!({ "detail": true }));
    let acknowledged = alerts["alerts"].as_array().unwrap().iter().find(|alert| alert["id"] == id).unwrap();
    assert!(acknowledged["acknowledged_at"].is_string(), "{alerts}");
    assert_eq!(home.json(&["alerts", "check"]), running.get("/api/v1/alerts").json());
}

#[test]
fn tasks_come_from_the_vault_and_a_session_is_written_to_it() {
    let home = Home::new();
    let vault = home.dir.path().join("Notes");
    std::fs::create_dir_all(&vault).unwrap();
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let tasks: Vec<String> = (0..30).map(|n| format!("- [ ] task {n} 📅 {today}\n")).collect();
    std::fs::write(vault.join("Plan.md"), tasks.concat()).unwrap();
    let path = vault.display().to_string();
    let running = home.start_with(&[], &[("MECRIS_VAULT__PATH", &path)]);
    let listed = (0..400)
        .find_map(|_| {
            let answer = call(&running, "list_tasks", &json!({ "due": "today" }));
            std::thread::sleep(std::time::Duration::from_millis(25));
            Some(answer["result"]["structuredContent"].clone()).filter(|given| given["count"] == 30)
        })
        .expect("the vault was read");
    assert_eq!(listed["tasks"].as_array().unwrap().len(), 12, "small unless all is asked for");
    assert_eq!(listed["left_out"]["lists"][0]["of"], 30);
    let all = given(&running, "list_tasks", &json!({ "due": "today", "detail": true }));
    assert_eq!(all["tasks"].as_array().unwrap().len(), 30);
    assert_eq!(all["left_out"], Value::Null);
    let logged = given(&running, "log_session", &json!({ "text": "mended the parser" }));
    let note = std::fs::read_to_string(vault.join(logged["note"].as_str().unwrap())).unwrap();
    assert!(note.contains("mended the parser"), "{note}");
    assert!(refused(&running, "list_tasks", &json!({ "due": "someday" })).contains("someday"));
}
