//! A world of 100,000 calls, 1,000 goals and 30,000 tasks: no answer is larger than a client takes, and following the
//! cursors gives every row once.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::schemas::fits;
use super::{ask, call, given, refused};
use crate::goals::{until, variables};
use crate::support::outside::beeminder::{self, Beeminder};
use crate::support::program::{Home, Running};

/// 25,000 tokens of at least three characters.
const ANSWER_MAX: usize = 75_000;
const CALLS: usize = 100_000;
/// The calls of the one session that is explained.
const OF_ONE: usize = 3_000;
const GOALS: usize = 1_000;
const NOTES: usize = 300;
const TASKS: usize = 30_000;
const BUDGETS: usize = 150;

/// Transcripts: one session of many calls, and many of few, over a year and many projects.
fn write_calls(home: &Home) -> usize {
    let now = Timestamp::now();
    let mut sessions = 0;
    let mut number = 0;
    while number < CALLS {
        let (session, count) =
            if sessions == 0 { ("heavy".to_owned(), OF_ONE) } else { (format!("s-{sessions:04}"), 97) };
        let mut text = String::new();
        for n in 0..count.min(CALLS - number) {
            let at = now
                - (i64::try_from(sessions).unwrap() * 8 + 1).hours()
                - i64::try_from(n).unwrap().seconds();
            let _ = writeln!(
                text,
                r#"{{"type":"assistant","timestamp":"{at}","sessionId":"{session}","cwd":"/home/ada/project-{}","requestId":"req_{number}","message":{{"id":"msg_{number}","model":"{}","content":[],"usage":{{"input_tokens":10,"output_tokens":100}}}}}}"#,
                sessions % 90,
                ["claude-opus-5", "claude-sonnet-5", "claude-haiku-4-5-20251001"][number % 3],
            );
            number += 1;
        }
        home.transcript(&format!("{session}.jsonl"), text);
        sessions += 1;
    }
    sessions
}

fn write_tasks(home: &Home) -> String {
    let vault = home.dir.path().join("Notes");
    std::fs::create_dir_all(&vault).unwrap();
    for note in 0..NOTES {
        let tasks: String = (0..TASKS / NOTES)
            .map(|n| {
                format!(
                    "- [ ] 買い物 and task {n} of note {note} 📅 2026-{:02}-{:02}\n",
                    n % 12 + 1,
                    note % 28 + 1
                )
            })
            .collect();
        std::fs::write(vault.join(format!("Note {note}.md")), tasks).unwrap();
    }
    vault.display().to_string()
}

/// Holds an answer against the bound and its tool's schema.
fn check(tools: &[Value], tool: &str, answer: &Value) -> Value {
    let result = &answer["result"];
    assert!(!result["isError"].as_bool().unwrap_or(false), "{tool}: {answer}");
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(text.len() <= ANSWER_MAX, "{tool}: {} bytes", text.len());
    let told = &result["structuredContent"];
    assert_eq!(*told, serde_json::from_str::<Value>(text).unwrap(), "{tool}");
    let schema = &tools.iter().find(|one| one["name"] == tool).unwrap()["outputSchema"];
    fits(schema, told).unwrap_or_else(|why| panic!("{tool}: {why}"));
    told.clone()
}

/// All pages of a question.
fn follow(running: &Running, tools: &[Value], tool: &str, arguments: &Value) -> Vec<Value> {
    let mut asked = arguments.clone();
    asked["detail"] = json!(true);
    let mut pages = Vec::new();
    loop {
        let page = check(tools, tool, &call(running, tool, &asked));
        let next = page["next_cursor"].clone();
        if let (Some(from), Some(before)) = (page["page"]["from"].as_u64(), pages.last()) {
            let before: &Value = before;
            assert_eq!(before["page"]["to"].as_u64().unwrap() + 1, from, "{tool}");
        }
        pages.push(page);
        if next.is_null() {
            return pages;
        }
        // All but `detail` is given again.
        asked = arguments.clone();
        asked["cursor"] = next;
    }
}

/// The rows of a list over all pages, by what names each: none twice.
fn rows(pages: &[Value], list: &str, name: impl Fn(&Value) -> String) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for row in pages.iter().flat_map(|page| page.pointer(list).and_then(Value::as_array).unwrap()) {
        assert!(seen.insert(name(row)), "twice: {row}");
    }
    seen
}

fn text(row: &Value, field: &str) -> String {
    row[field].as_str().unwrap().to_owned()
}

#[test]
fn in_a_large_world_every_answer_is_bounded_and_cursors_give_every_row_once() {
    let server = Beeminder::start();
    let later = Timestamp::now() + 300.hours();
    for number in 0..GOALS {
        let safe = i64::try_from(number % 60).unwrap() + 5;
        server.world.lock().goal(&format!("goal-{number:04}"), safe, later.as_second() + safe * 86_400);
    }
    let home = Home::new();
    let sessions = write_calls(&home);
    let imported = home.json(&["import"]);
    assert_eq!(imported["recorded"], CALLS, "{imported}");
    let path = write_tasks(&home);
    let base = server.base();
    let mut all = variables(&base, beeminder::TOKEN).to_vec();
    all.retain(|(name, _)| *name != "MECRIS_BEEMINDER__POLL_SECONDS");
    all.extend([("MECRIS_VAULT__PATH", path.as_str()), ("MECRIS_OUTSIDE__TIMEOUT_SECONDS", "30")]);
    let running = home.start_with(&[], &all);
    let bearer = format!("Bearer {}", running.token);
    for n in 0..BUDGETS {
        let body = json!({ "amount_usd": "1000", "period": "monthly" }).to_string();
        let put = running.send(
            "PUT",
            &format!("/api/v1/budgets/budget-{n:03}"),
            &[("authorization", &bearer)],
            Some(&body),
        );
        assert_eq!(put.status, 200, "{put:?}");
    }
    until("the goals and the tasks are known", || {
        running.get("/api/v1/goals").json()["goals"].as_array().is_some_and(|goals| goals.len() == GOALS)
            && running.get("/api/v1/tasks?limit=1").json()["count"] == TASKS
    });
    let tools = ask(&running, "tools/list", json!({}))["result"]["tools"].as_array().unwrap().clone();

    every_row_is_told_once(&running, &tools, sessions);
    every_tool_is_bounded(&running, &tools);
    resources_and_prompts_are_bounded(&running);
    running.stop();
}

fn every_row_is_told_once(running: &Running, tools: &[Value], sessions: usize) {
    let pages = follow(running, tools, "explain_spend", &json!({ "subject": "heavy" }));
    assert!(pages.len() > 10, "{} pages", pages.len());
    let events = rows(&pages, "/events", |row| row["position"].to_string());
    assert_eq!(events.len(), OF_ONE);
    let total = &pages[0]["total"];
    assert!(pages.iter().all(|page| page["total"] == *total && page["page"]["of"] == OF_ONE));
    let last = pages.last().unwrap()["events"].as_array().unwrap().last().unwrap();
    assert_eq!(last["running_usd"], total["cost_usd"], "the running sum goes on from page to page");

    let pages = follow(running, tools, "list_tasks", &json!({}));
    let tasks = rows(&pages, "/tasks", |row| format!("{} {}", row["note"], row["line"]));
    assert_eq!(tasks.len(), TASKS);
    let pages = follow(running, tools, "list_tasks", &json!({ "limit": "500", "due": "2026-12-31" }));
    assert_eq!(rows(&pages, "/tasks", |row| format!("{} {}", row["note"], row["line"])).len(), 500);

    let pages = follow(running, tools, "get_beeminder_status", &json!({}));
    assert_eq!(rows(&pages, "/goals", |row| text(row, "slug")).len(), GOALS);
    let pages = follow(running, tools, "get_narrator_context", &json!({}));
    assert_eq!(rows(&pages, "/goals", |row| text(row, "slug")).len(), GOALS);
    assert_eq!(rows(&pages, "/budgets", |row| text(row, "name")).len(), BUDGETS);
    let pages = follow(running, tools, "get_budget_status", &json!({}));
    assert!(pages.len() > 1);
    assert_eq!(rows(&pages, "/budgets", |row| text(row, "name")).len(), BUDGETS);

    let usage = |by: &str| follow(running, tools, "get_recent_usage", &json!({ "by": by, "days": 366 }));
    let by_session = usage("session");
    assert!(by_session.len() > 1);
    let told = rows(&by_session, "/sessions", |row| text(row, "session"));
    assert_eq!(told.len(), sessions);
    let calls = |row: &Value| {
        row["models"].as_array().unwrap().iter().map(|of| of["messages"].as_u64().unwrap()).sum::<u64>()
    };
    let all = by_session.iter().flat_map(|page| page["sessions"].as_array().unwrap()).map(calls).sum::<u64>();
    assert_eq!(all, CALLS as u64);
    assert_eq!(rows(&usage("project"), "/projects", |row| text(row, "project")).len(), 90);
    assert_eq!(rows(&usage("model"), "/models", |row| text(row, "model")).len(), 3);
    let api = running.get("/api/v1/spend?by=daily").json();
    assert_eq!(
        rows(&usage("daily"), "/days", |row| text(row, "day")).len(),
        api["days"].as_array().unwrap().len()
    );
}

fn every_tool_is_bounded(running: &Running, tools: &[Value]) {
    for tool in tools {
        let name = tool["name"].as_str().unwrap();
        let arguments = match name {
            "can_afford" => json!({ "usd": "5" }),
            "explain_spend" => json!({ "subject": jiff::Timestamp::now().to_string()[..10].to_owned() }),
            "reconcile" | "get_real_anthropic_usage" | "get_unified_cost_status" => {
                json!({ "since": "2026-01-01" })
            }
            "request_limit" => json!({ "amount_usd": "5", "reason": "the tests fail" }),
            "update_budget" => json!({ "name": "zz", "amount_usd": "5" }),
            "record_usage_session" => json!({ "model": "claude-opus-5", "output_tokens": 5 }),
            "record_groq_reading" => json!({ "value_usd": "1" }),
            "add_goal" => {
                json!({ "slug": "taxes", "goal": { "title": "Taxes", "priority": "low", "due": "2099-01-01" } })
            }
            "complete_goal" => json!({ "slug": "taxes" }),
            "log_session" => json!({ "text": "mended the parser" }),
            "acknowledge_alert" => continue,
            _ => json!({}),
        };
        let told = check(tools, name, &call(running, name, &arguments));
        assert!(told.to_string().len() <= 24_000, "{name} is small");
        match name {
            "update_budget" => assert_eq!(told["budgets"][0]["name"], "zz", "what it was about is first"),
            "add_goal" => assert_eq!(told["goals"][0]["slug"], "taxes"),
            _ => {}
        }
        let is_followed =
            ["explain_spend", "list_tasks", "get_beeminder_status", "get_narrator_context"].contains(&name);
        if tool["annotations"]["readOnlyHint"] == true && !is_followed {
            follow(running, tools, name, &arguments);
        }
    }
    let one = given(running, "get_beeminder_status", &json!({ "slug": "goal-0999" }));
    assert_eq!(one["goals"].as_array().map(Vec::len), Some(1));
}

fn resources_and_prompts_are_bounded(running: &Running) {
    let (mut seen, mut params) = (BTreeSet::new(), json!({}));
    loop {
        let listed = ask(running, "resources/list", params)["result"].clone();
        assert!(listed.to_string().len() <= ANSWER_MAX);
        for resource in listed["resources"].as_array().unwrap() {
            assert!(seen.insert(text(resource, "uri")), "twice: {resource}");
        }
        if listed["nextCursor"].is_null() {
            break;
        }
        params = json!({ "cursor": listed["nextCursor"] });
    }
    assert_eq!(seen.iter().filter(|uri| uri.starts_with("mecris://goals/goal-")).count(), GOALS);
    for cursor in ["made-up", "00000000-goal-0001", "goal-0001", "é"] {
        let answer = ask(running, "resources/list", json!({ "cursor": cursor }));
        assert!(answer["error"]["message"].as_str().unwrap().contains("cursor"), "{cursor}: {answer}");
    }
    for uri in ["mecris://narrator", "mecris://budget", "mecris://goals/goal-0500"] {
        let read = ask(running, "resources/read", json!({ "uri": uri }))["result"].clone();
        assert!(read["contents"][0]["text"].is_string(), "{uri}: {read}");
        assert!(read.to_string().len() <= ANSWER_MAX, "{uri}");
    }
    for (name, arguments) in [
        ("morning_brief", json!({})),
        ("before_costly_task", json!({ "task": "t".repeat(2_000), "usd": "5" })),
        ("end_of_session", json!({ "summary": "s".repeat(2_000) })),
    ] {
        let got =
            ask(running, "prompts/get", json!({ "name": name, "arguments": arguments }))["result"].clone();
        assert!(got["messages"].is_array(), "{name}: {got}");
        assert!(got.to_string().len() <= ANSWER_MAX, "{name}");
    }
    let completed = ask(
        running,
        "completion/complete",
        json!({ "ref": { "type": "ref/resource", "uri": "mecris://goals/{slug}" }, "argument": { "name": "slug", "value": "goal-" } }),
    );
    assert_eq!(completed["result"]["completion"]["values"].as_array().map(Vec::len), Some(100));
}

#[test]
fn a_cursor_that_is_stale_or_made_up_is_refused_in_words() {
    let home = Home::new();
    let running = home.start(&[]);
    let bearer = format!("Bearer {}", running.token);
    let put = |name: &str| {
        let body = json!({ "amount_usd": "10", "period": "monthly" }).to_string();
        running
            .send("PUT", &format!("/api/v1/budgets/{name}"), &[("authorization", &bearer)], Some(&body))
            .status
    };
    (0..150).for_each(|n| assert_eq!(put(&format!("budget-{n:03}")), 200));
    let all = json!({ "detail": true });
    let first = given(&running, "get_budget_status", &all);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = |cursor: &str| json!({ "cursor": cursor });
    assert!(given(&running, "get_budget_status", &second(cursor))["budgets"].is_array());
    // An amount that changes, and a row behind, leave the cursor as it is.
    assert_eq!((put("budget-000"), put("budget-zzz")), (200, 200));
    let next = given(&running, "get_budget_status", &second(cursor));
    assert_eq!(next["budgets"].as_array().unwrap().last().unwrap()["name"], "budget-zzz");

    let why = refused(&running, "can_afford", &json!({ "usd": "5", "cursor": cursor }));
    assert!(why.contains("belongs to another question"), "{why}");
    let usage = json!({ "days": 3, "cursor": cursor });
    assert!(refused(&running, "get_recent_usage", &usage).contains("belongs to another question"));
    for made_up in
        ["2", "next", "1-00000000-0000000000000000", "0-xyz", "\u{202e}", "9".repeat(10_000).as_str()]
    {
        let why = refused(&running, "get_budget_status", &second(made_up));
        assert!(why.contains("cursor") && why.len() < 500, "{made_up}: {why}");
    }
    // Another row before it.
    assert_eq!(put("a-budget"), 200);
    let why = refused(&running, "get_budget_status", &second(cursor));
    assert!(why.contains("stale") && why.contains("without a cursor"), "{why}");
    let again = given(&running, "get_budget_status", &all);
    assert_eq!(again["budgets"][0]["name"], "a-budget");
}
