//! Balances as a person keeps them: read from the provider's page, told here, reckoned on.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::program::{Home, Running};

/// A billed call at so many minutes before now.
fn call(number: u32, minutes_ago: i64) -> String {
    let at = Timestamp::now() - SignedDuration::from_mins(minutes_ago);
    let line = json!({
        "type": "assistant", "timestamp": at.to_string(), "sessionId": "s1", "cwd": "/home/ada",
        "requestId": format!("req_{number}"),
        "message": {
            "id": format!("msg_{number}"), "model": "claude-opus-5", "content": [],
            "usage": {"input_tokens": 1000, "output_tokens": 100_000},
        },
    });
    format!("{line}\n")
}

fn ago(minutes: i64) -> String {
    (Timestamp::now() - SignedDuration::from_mins(minutes)).to_string()
}

/// Picodollars of a decimal string.
fn money(value: &Value) -> i128 {
    mecris::domain::money::Picodollars::parse(value.as_str().unwrap()).unwrap().0
}

/// That the balance is the reading less what was spent.
fn falls(balances: &Value, read: &str, spent: i128) {
    let line = &balances["balances"][0];
    assert_eq!(line["provider"], "anthropic", "{balances}");
    assert_eq!(line["read_usd"], read, "{balances}");
    assert_eq!(money(&line["spent_since_usd"]), spent, "{balances}");
    assert_eq!(money(&line["left_usd"]), money(&json!(read)) - spent, "{balances}");
}

fn put(running: &Running, body: &str) -> crate::support::program::Answer {
    let bearer = format!("Bearer {}", running.token);
    running.send("PUT", "/api/v1/balance", &[("authorization", &bearer)], Some(body))
}

/// How many readings the log holds.
fn readings(running: &Running) -> usize {
    let page = running.get("/api/v1/events?limit=1000").json();
    page["events"].as_array().unwrap().iter().filter(|event| event["type"] == "balance-read").count()
}

/// What was spent, once the views show it.
fn spent_in_all(running: &Running) -> i128 {
    for _ in 0..1_200 {
        let spent = money(&running.get("/api/v1/status").json()["all_time"]["cost_usd"]);
        if spent > 0 {
            return spent;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    panic!("the call was not shown");
}

#[test]
fn a_balance_falls_by_what_is_spent_after_it_was_read_and_by_nothing_before() {
    let home = Home::new();
    assert_eq!(home.json(&["balance"]), json!({"balances": [], "foreign": [], "quotas": []}));
    home.transcript("a.jsonl", call(1, 100));
    home.json(&["import"]);
    let one = money(&home.json(&["status"])["all_time"]["cost_usd"]);
    assert!(one > 0);
    let set = home.json(&["balance", "set", "13.92", "--total", "24.02", "--at", &ago(60)]);
    falls(&set, "13.92", 0);
    assert_eq!(set["balances"][0]["total_usd"], "24.02");
    // The second call came before the reading and is learned of after it: in the reading's own quarter of an
    // hour, or just before it.
    home.transcript("b.jsonl", call(2, 61) + &call(3, 59) + &call(4, 30));
    home.json(&["import"]);
    falls(&home.json(&["balance"]), "13.92", 2 * one);
    let status = home.json(&["status"]);
    falls(&status, "13.92", 2 * one);
    assert!(home.run(&["status"]).out.contains("anthropic"));
    // A top-up: what was spent until now is in the new reading.
    falls(&home.json(&["balance", "set", "50"]), "50", 0);
}

#[test]
fn a_running_supervisor_keeps_the_balance_through_a_restart() {
    let home = Home::new();
    let running = home.start(&[]);
    let body = json!({"left_usd": "20", "at": ago(60)}).to_string();
    let answer = put(&running, &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(put(&running, &body).status, 200);
    assert_eq!(readings(&running), 1, "the same again is no event");
    home.transcript("a.jsonl", call(1, 30));
    home.json(&["import"]);
    let spent = spent_in_all(&running);
    falls(&running.get("/api/v1/balance").json(), "20", spent);
    for (status, body) in [
        (400, json!({"left_usd": "-1"})),
        (400, json!({"left_usd": "1,234"})),
        (400, json!({"left_usd": "5 EUR"})),
        (422, json!({"left_usd": "5", "at": "2999-01-01T00:00:00Z"})),
        (422, json!({"left_usd": "5", "at": ago(120)})),
    ] {
        let answer = put(&running, &body.to_string());
        assert_eq!(
            (answer.status, answer.content_type.as_str()),
            (status, "application/problem+json"),
            "{body}"
        );
    }
    assert_eq!(running.stop(), 0);
    falls(&home.json(&["balance"]), "20", spent);
}

#[test]
fn what_was_added_is_put_on_once() {
    let home = Home::new();
    home.transcript("a.jsonl", call(1, 30));
    home.json(&["import"]);
    let one = money(&home.json(&["status"])["all_time"]["cost_usd"]);
    home.json(&["balance", "set", "20", "--at", &ago(60)]);
    let at = ago(45);
    for _ in 0..2 {
        let shown = home.json(&["balance", "top-up", "5.5", "--at", &at]);
        let line = &shown["balances"][0];
        assert_eq!(line["added_since_usd"], "5.5", "{shown}");
        assert_eq!(money(&line["left_usd"]), money(&json!("25.5")) - one, "{shown}");
        assert_eq!(
            (&line["source"], &line["confidence"], &line["taken_at"]),
            (&json!("hand"), &json!("high"), &line["taken_at"])
        );
        assert!(line["age_seconds"].as_i64().unwrap() >= 3_600);
    }
    // What was added before the reading is in it.
    let shown = home.json(&["balance", "top-up", "100", "--at", &ago(61)]);
    assert_eq!(shown["balances"][0]["added_since_usd"], "5.5", "{shown}");
    let running = home.start(&[]);
    let bearer = format!("Bearer {}", running.token);
    let post = |body: Value| {
        let headers = [("authorization", bearer.as_str())];
        running.send("POST", "/api/v1/balance/top-ups", &headers, Some(&body.to_string()))
    };
    let body = json!({"amount_usd": "1", "at": ago(5)});
    for _ in 0..2 {
        let answer = post(body.clone());
        assert_eq!(answer.json()["balances"][0]["added_since_usd"], "6.5", "{answer:?}");
    }
    for (status, body) in [
        (422, json!({"amount_usd": "0"})),
        (400, json!({"amount_usd": "-5"})),
        (400, json!({"amount_usd": "$—"})),
        (400, json!({"amount_usd": "5 EUR"})),
        (422, json!({"amount_usd": "5", "at": "2999-01-01T00:00:00Z"})),
        (400, json!({"amount_usd": "5", "provider": "An thropic"})),
    ] {
        assert_eq!(post(body.clone()).status, status, "{body}");
    }
    assert_eq!(running.stop(), 0);
    assert_eq!(home.run(&["balance", "top-up", "1,000"]).code, 2);
    assert_eq!(home.json(&["balance"])["balances"][0]["added_since_usd"], "6.5");
}

#[test]
fn a_slip_of_the_hand_is_refused_with_its_mend() {
    let home = Home::new();
    for (amount, mend) in [
        ("1,234", "without thousands and with a point"),
        ("1.234,56", "without thousands and with a point"),
        ("-3", "set 0"),
        ("5000000", "decimal point"),
        ("12 EUR", "in USD"),
        ("lots", "write it like"),
        ("$—", "write it like"),
        ("$1,234", "without thousands and with a point"),
    ] {
        let said = home.run(&["balance", "set", amount]);
        assert_eq!(said.code, 2, "{amount}: {said:?}");
        assert!(said.err.contains(mend), "{amount}: {said:?}");
    }
    assert_eq!(home.json(&["balance"]), json!({"balances": [], "foreign": [], "quotas": []}));
}
