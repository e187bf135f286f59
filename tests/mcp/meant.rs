//! Arguments as assistants write them: what can only mean one thing is taken as that, over both transports, with a
//! supervisor and without; all else names the field and shows a right call.

use serde_json::{Value, json};

use super::stdio::Client;
use super::{SESSIONS, ask, call, given, in_session, message, open, refused};
use crate::support::program::{Home, Running, timeless};

/// Pairs of a tool's arguments that mean the same: as they were written, and as they are meant.
fn pairs() -> Vec<(&'static str, Value, Value)> {
    let usage = |given: Value, meant: Value| ("get_recent_usage", given, meant);
    vec![
        // A number as a text, or as a float.
        usage(json!({ "days": "7" }), json!({ "days": 7 })),
        usage(json!({ "days": 7.0 }), json!({ "days": 7 })),
        usage(json!({ "days": " 7.0 " }), json!({ "days": 7 })),
        usage(json!({ "days": "\"3\"" }), json!({ "days": 3 })),
        // A truth as a text, or as a number.
        usage(json!({ "detail": "true", "by": "session" }), json!({ "detail": true, "by": "session" })),
        usage(json!({ "detail": "False", "by": "session" }), json!({ "by": "session" })),
        usage(json!({ "detail": 1, "by": "session" }), json!({ "detail": true, "by": "session" })),
        // A word in another writing.
        usage(json!({ "by": "Session" }), json!({ "by": "session" })),
        usage(json!({ "by": " \"project\" " }), json!({ "by": "project" })),
        // Nothing, as a text or as null.
        usage(json!({ "days": "", "by": null, "cursor": "", "detail": "null" }), json!({})),
        usage(json!({ "days": "none", "by": " " }), json!({})),
        ("get_daily_activity", json!({ "date": "" }), json!({})),
        ("reconcile", json!({ "since": null, "until": "", "provider": "" }), json!({})),
        // A day with its time, or with spaces.
        (
            "get_unified_cost_status",
            json!({ "since": "2026-11-20T00:00:00Z", "until": " 2026-11-21 " }),
            json!({ "since": "2026-11-20", "until": "2026-11-21" }),
        ),
        // An amount as a number.
        ("can_afford", json!({ "usd": 5 }), json!({ "usd": "5" })),
        ("can_afford", json!({ "usd": 4.5, "model": "" }), json!({ "usd": "4.5" })),
        // A name in another style.
        ("can_afford", json!({ "USD": "4" }), json!({ "usd": "4" })),
        ("get_unified_cost_status", json!({ "Since": "2026-11-20" }), json!({ "since": "2026-11-20" })),
        // All arguments as a text, or in one.
        usage(json!("{\"days\":\"7\",\"by\":\"session\"}"), json!({ "days": 7, "by": "session" })),
        usage(json!(""), json!({})),
        usage(Value::Null, json!({})),
        usage(json!({ "arguments": { "days": 3 } }), json!({ "days": 3 })),
        usage(json!({ "input": "{\"days\":3}" }), json!({ "days": 3 })),
        (
            "explain_spend",
            json!({ "subject": "read-here", "detail": "yes" }),
            json!({ "subject": "read-here", "detail": true }),
        ),
    ]
}

/// What is wrong, and what must stand in the answer.
fn faults() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "get_recent_usage",
            json!({ "days": "many" }),
            "days must be a whole number from 1 to 366, and is \"many\"",
        ),
        ("get_recent_usage", json!({ "days": 7.5 }), "days must be"),
        ("get_recent_usage", json!({ "days": 367 }), "days must be"),
        ("get_recent_usage", json!({ "detail": "perhaps" }), "detail must be true or false"),
        ("get_recent_usage", json!({ "by": "colour" }), "by must be one of hourly, daily, weekly"),
        ("get_recent_usage", json!({ "day": 7 }), "did you mean days?"),
        ("get_recent_usage", json!({ "cursor": "page-2" }), "cursor is not one that was given here"),
        ("get_daily_activity", json!({ "date": "2026-02-30" }), "date must be a day, YYYY-MM-DD"),
        ("get_unified_cost_status", json!({ "until": "soon" }), "until must be a day"),
        ("can_afford", json!({}), "usd is missing"),
        ("can_afford", json!({ "usd": "" }), "usd must be"),
        ("can_afford", json!({ "usd": "lots" }), "usd must be"),
        ("can_afford", json!({ "usd": ["5"] }), "usd must be"),
        ("explain_spend", json!({}), "subject is missing"),
        ("explain_spend", json!({ "subject": {} }), "subject must be a text"),
        (
            "get_budget_status",
            json!({ "surprise": true }),
            "surprise is not known; the fields are detail, cursor",
        ),
        ("list_tasks", json!({ "due": "someday" }), "due must be a text (Due by then"),
        ("list_tasks", json!({ "limit": "0" }), "limit must be a whole number of at least 1"),
    ]
}

fn line(number: u32, session: &str) -> String {
    let line = json!({
        "type": "assistant", "timestamp": jiff::Timestamp::now().to_string(), "sessionId": session, "cwd": "/home/ada",
        "requestId": format!("req_{number}"),
        "message": { "id": format!("msg_{number}"), "model": "claude-opus-5", "content": [],
            "usage": { "input_tokens": 1000, "output_tokens": 100 } },
    });
    format!("{line}\n")
}

/// What a tool gives, without how old it is.
fn of(result: &Value) -> Value {
    assert!(!result["isError"].as_bool().unwrap_or(false), "{result}");
    timeless(result["structuredContent"].clone())
}

/// Both tables, by any way to call.
fn check(mut call: impl FnMut(&str, &Value) -> Value) {
    for (tool, written, meant) in pairs() {
        let (one, other) = (call(tool, &written), call(tool, &meant));
        assert_eq!(of(&one), of(&other), "{tool} {written}");
    }
    for (tool, written, expected) in faults() {
        let answer = call(tool, &written);
        assert_eq!(answer["isError"], true, "{tool} {written}: {answer}");
        let said = answer["content"][0]["text"].as_str().unwrap();
        assert!(said.contains(expected), "{tool} {written}: {said}");
        if !written.as_object().is_some_and(|fields| fields.contains_key("cursor")) {
            let (_, example) =
                said.split_once(&format!("; a right call: {tool} ")).unwrap_or_else(|| panic!("{said}"));
            let example = call(tool, &serde_json::from_str(example).unwrap());
            let told = example["content"][0]["text"].as_str().unwrap();
            assert!(!told.contains("a right call"), "what is shown as right is: {said} {told}");
        }
    }
}

fn home() -> Home {
    let home = Home::new();
    let sessions = ["read-here", "s-2", "s-3"];
    home.transcript("a.jsonl", (0..30).map(|n| line(n, sessions[n as usize % 3])).collect::<String>());
    home.json(&["import"]);
    home.json(&["budget", "set", "--amount", "50"]);
    home
}

#[test]
fn over_http_arguments_are_taken_as_they_are_meant_in_both_eras() {
    let home = home();
    let running = home.start(&[]);
    check(|tool, arguments| call(&running, tool, arguments)["result"].clone());
    let session = open(&running);
    check(|tool, arguments| {
        let params = json!({ "name": tool, "arguments": arguments });
        message(&in_session(&running, &session, "tools/call", &params))["result"].clone()
    });
    // Of what is no tool's arguments at all, the caller is told too.
    for wrong in [json!([7]), json!(7), json!("days=7")] {
        let said = refused(&running, "get_recent_usage", &wrong);
        assert!(said.contains("must be a JSON object"), "{wrong}: {said}");
    }
    let nameless = ask(&running, "tools/call", json!({ "name": 7, "arguments": {} }));
    assert!(nameless["error"].is_object(), "{nameless}");
}

#[test]
fn over_stdio_they_are_with_a_supervisor_and_without() {
    let home = home();
    let mut client = Client::start(&home);
    assert_eq!(client.begin()["protocolVersion"], SESSIONS);
    check(|tool, arguments| client.call(tool, arguments));
    let running = home.start(&[]);
    check(|tool, arguments| client.call(tool, arguments));
    running.stop();
    assert_eq!(client.end(), 0);
}

fn goals(running: &Running) -> Value {
    given(running, "get_beeminder_status", &json!({}))["goals"].clone()
}

#[test]
fn orders_are_taken_as_they_are_meant_too() {
    let home = home();
    let running = home.start(&[]);
    let goal = json!({ "title": "Taxes", "priority": "high", "due": "2099-01-01" });
    // An object as its JSON in a text, with a word in capitals, and all of it in a text.
    let written = [
        json!({ "slug": "taxes", "goal": goal.to_string() }),
        json!({ "Slug": "taxes", "goal": { "title": "Taxes", "priority": "HIGH", "due": "2099-01-01T00:00:00Z" } }),
        json!(json!({ "slug": "taxes", "goal": goal.to_string() }).to_string()),
    ];
    for written in written {
        given(&running, "add_goal", &written);
        let told = goals(&running);
        assert_eq!(told[0]["title"], "Taxes", "{written}");
        assert_eq!(
            given(&running, "complete_goal", &json!({ "args": { "slug": "taxes" } }))["goals"],
            json!([])
        );
    }
    let said = refused(&running, "add_goal", &json!({ "slug": "taxes", "goal": "{\"title\":\"Taxes\"" }));
    assert!(said.starts_with("goal must be an object"), "{said}");
    let said = refused(
        &running,
        "add_goal",
        &json!({ "slug": "taxes", "goal": { "title": "T", "due": "2099-01-01" } }),
    );
    assert!(said.starts_with("goal.priority is missing"), "{said}");
    let said = refused(
        &running,
        "add_goal",
        &json!({ "slug": "taxes", "goal": { "title": "T", "due": "then", "priority": "low" } }),
    );
    assert!(said.starts_with("goal.due must be a day"), "{said}");

    let budget = |arguments: Value| given(&running, "update_budget", &arguments)["budgets"][0].clone();
    assert_eq!(budget(json!({ "name": "main", "amount_usd": 20 }))["amount_usd"], "20");
    let rolling = budget(json!({ "name": "main", "amountUsd": "30.5", "period": "rolling", "days": "30" }));
    assert_eq!((&rolling["amount_usd"], &rolling["days"]), (&json!("30.5"), &json!(30)));
    let weekly = budget(
        json!({ "name": "main", "amount_usd": 7.0, "period": "weekly", "week_starts": "Sunday", "days": "" }),
    );
    assert_eq!(weekly["week_starts"], "sunday", "{weekly}");
    let said =
        refused(&running, "update_budget", &json!({ "name": "main", "amount_usd": "5", "period": "hourly" }));
    assert!(said.contains("period") && said.contains("hourly"), "{said}");
    let said = refused(&running, "update_budget", &json!({ "name": "main", "amount_usd": true }));
    assert!(said.starts_with("amount_usd must be"), "{said}");

    let told = json!({ "model": "claude-sonnet-4-5", "session": "elsewhere", "input_tokens": "1000000", "output_tokens": 1e6 });
    assert_eq!(given(&running, "record_usage_session", &told)["session_usd"], "18");
    let said = refused(&running, "record_usage_session", &json!({ "model": "m", "input_tokens": -1 }));
    assert!(said.starts_with("input_tokens must be a whole number"), "{said}");
    assert_eq!(
        given(&running, "record_groq_reading", &json!({ "value_usd": 1.06, "correct": "false" }))["odometer"]
            ["value_usd"],
        "1.06"
    );
    assert!(
        refused(&running, "acknowledge_alert", &json!({ "id": "first" }))
            .starts_with("id must be a whole number")
    );
    assert!(
        !refused(&running, "acknowledge_alert", &json!({ "id": "4711" })).contains("must be"),
        "it is a number"
    );
    let asked = json!({ "amount_usd": 5, "reason": "two tests fail", "minutes": "30", "limit": "Day" });
    assert_eq!(given(&running, "request_limit", &asked)["request"]["minutes"], 30);
}

#[test]
fn a_prompt_s_arguments_are_taken_so_too() {
    let home = home();
    let running = home.start(&[]);
    let get = |arguments: Value| {
        ask(&running, "prompts/get", json!({ "name": "before_costly_task", "arguments": arguments }))
    };
    for arguments in [
        json!({ "task": "port it", "usd": "4.5" }),
        json!({ "task": "port it", "usd": 4.5 }),
        json!("{\"task\":\"port it\",\"usd\":4.5}"),
    ] {
        let messages = get(arguments.clone())["result"]["messages"].clone();
        assert_eq!(messages.as_array().map(Vec::len), Some(3), "{arguments}: {messages}");
    }
    assert_eq!(
        get(json!({ "task": "port it", "usd": "" }))["result"]["messages"].as_array().unwrap().len(),
        2
    );
    assert!(get(json!("[1]"))["error"]["message"].as_str().unwrap().contains("JSON object"));
}
