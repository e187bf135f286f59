//! What may be spent: the virtual budget over all providers, the answer before money is spent, and the unified cost.

use jiff::Timestamp;
use mecris::domain::money::Picodollars;
use serde_json::{Value, json};

use crate::support::program::{Answer, Home, Running, timeless};

/// A billed call, now.
fn call(number: u32) -> String {
    let line = json!({
        "type": "assistant", "timestamp": Timestamp::now().to_string(), "sessionId": "s1", "cwd": "/home/ada",
        "requestId": format!("req_{number}"),
        "message": {
            "id": format!("msg_{number}"), "model": "claude-opus-5", "content": [],
            "usage": {"input_tokens": 1000, "output_tokens": 100_000},
        },
    });
    format!("{line}\n")
}

fn money(value: &Value) -> Picodollars {
    Picodollars::parse(value.as_str().unwrap()).unwrap()
}

fn usd(amount: Picodollars) -> String {
    amount.exact()
}

fn send(running: &Running, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let bearer = format!("Bearer {}", running.token);
    let body = body.map(Value::to_string);
    running.send(method, path, &[("authorization", &bearer)], body.as_deref())
}

#[test]
fn the_cost_over_all_providers_says_what_is_inferred_and_what_estimated() {
    let home = Home::new();
    home.transcript("a.jsonl", call(1));
    home.json(&["import"]);
    let estimated = money(&home.json(&["status"])["all_time"]["cost_usd"]);
    home.json(&["odometer", "record", "1.06"]);
    // A provider that is read by hand and whose calls are recorded too: the reading counts, and not both.
    home.json(&["odometer", "record", "40", "--provider", "anthropic"]);
    let cost = home.json(&["cost"]);
    let [anthropic, groq] = [&cost["providers"][0], &cost["providers"][1]];
    assert_eq!((&anthropic["provider"], &groq["provider"]), (&json!("anthropic"), &json!("groq")), "{cost}");
    assert_eq!((&groq["cost_usd"], &groq["inferred_usd"]), (&json!("1.06"), &json!("1.06")), "{cost}");
    assert_eq!(anthropic["cost_usd"], "40", "{cost}");
    assert_eq!(money(&anthropic["all_estimated_usd"]), estimated, "{cost}");
    assert_eq!(cost["total"]["cost_usd"], "41.06", "{cost}");
    assert_eq!((&cost["total"]["actual_usd"], &cost["total"]["estimated_usd"]), (&json!("0"), &json!("0")));
    let none = home.json(&["cost", "--since", "2020-01-01", "--until", "2020-01-31"]);
    assert_eq!((&none["providers"], &none["total"]["cost_usd"]), (&json!([]), &json!("0")));
    let running = home.start(&[]);
    for path in ["/api/v1/cost?since=2020-01-01&until=2020-01-31", "/api/v1/cost"] {
        assert_eq!(running.get(path).status, 200, "{path}");
    }
    assert_eq!(timeless(home.json(&["cost"])), timeless(cost));
    assert_eq!(running.get("/api/v1/cost?since=yesterday").status, 200);
    assert_eq!(running.get("/api/v1/cost?since=tomorrow").status, 400);
}

#[test]
fn can_afford_answers_with_its_reason_and_its_exit_code() {
    let home = Home::new();
    let ask = |amount: &str| {
        let said = home.run(&["can-afford", amount, "--json"]);
        (said.code, serde_json::from_str::<Value>(&said.out).unwrap_or_default())
    };
    assert_eq!(ask("5").0, 0, "nothing limits it");
    for wrong in ["1,234", "5 EUR", "much", ""] {
        let said = home.run(&["can-afford", wrong]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{wrong}: {said:?}");
    }
    home.transcript("a.jsonl", call(1));
    home.json(&["import"]);
    let spent = money(&home.json(&["status"])["all_time"]["cost_usd"]);
    let limit = spent + spent + spent + spent + spent;
    home.json(&["budget", "virtual", "--daily", &usd(limit)]);
    // Four fifths of five times are four times, of which one is spent.
    let three = spent + spent + spent;
    let (code, answer) = ask(&usd(three));
    assert_eq!(
        (code, &answer["affordable"], money(&answer["left_usd"])),
        (0, &json!(true), three),
        "{answer}"
    );
    let (code, answer) = ask(&usd(three + Picodollars(1)));
    assert_eq!(
        (code, &answer["affordable"], &answer["limits"][0]["limit"]),
        (1, &json!(false), &json!("daily"))
    );
    let refused = home.run(&["can-afford", &usd(three + spent)]);
    assert_eq!(refused.code, 1);
    assert!(refused.out.contains("No.") && refused.out.contains("emergency reserve"), "{refused:?}");
    // Knowingly: it is recorded with its reason, shown, and honoured.
    let said = home.run(&["override", "--usd", &usd(spent), "--reason", ""]);
    assert_eq!((said.code, said.err.contains("say why")), (2, true), "{said:?}");
    home.json(&["override", "--usd", &usd(spent), "--reason", "the demo is tonight", "--hours", "2"]);
    assert_eq!(ask(&usd(three + spent)).0, 0);
    let status = home.json(&["status"]);
    assert_eq!(status["allowance"]["overrides"][0]["reason"], "the demo is tonight", "{status}");
    assert!(home.run(&["status"]).out.contains("the demo is tonight"));
    // A running supervisor answers alike, and keeps it.
    let running = home.start(&[]);
    assert_eq!(ask(&usd(three + spent)).0, 0);
    assert_eq!(ask(&usd(three + spent + Picodollars(1))).0, 1);
    assert_eq!(home.run(&["can-afford", "1,234"]).code, 2);
    let answer = running.get(&format!("/api/v1/can-afford?usd={}", usd(three))).json();
    assert_eq!(
        (&answer["affordable"], &answer["overrides"][0]["reason"]),
        (&json!(true), &json!("the demo is tonight"))
    );
    assert_eq!(running.stop(), 0);
    assert_eq!(ask(&usd(three + spent)).0, 0);
}

#[test]
fn a_budget_and_a_balance_count_where_they_cover_what_is_asked() {
    let home = Home::new();
    home.json(&["budget", "set", "--name", "work", "--amount", "3", "--project", "/home/ada"]);
    home.json(&["balance", "set", "10"]);
    let code = |arguments: &[&str]| home.run(&[&["can-afford"], arguments].concat()).code;
    assert_eq!(code(&["5"]), 0, "another project's");
    assert_eq!(code(&["5", "--project", "/home/ada/engine"]), 1);
    assert_eq!(code(&["11"]), 1, "no provider has so much");
    assert_eq!(code(&["11", "--provider", "groq"]), 0, "nothing is known of it");
    assert_eq!(code(&["11", "--provider", "anthropic"]), 1);
    let said = home.run(&["can-afford", "11", "--provider", "anthropic"]);
    assert!(said.out.contains("the balance at anthropic"), "{said:?}");
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let home = Home::new();
    let running = home.start(&[]);
    let bodies = [
        ("PUT", "/api/v1/virtual-budget", json!({})),
        ("PUT", "/api/v1/virtual-budget", json!({"daily_usd": "0"})),
        ("PUT", "/api/v1/virtual-budget", json!({"daily_usd": "1,000"})),
        ("PUT", "/api/v1/virtual-budget", json!({"daily_usd": "5", "reserve_percent": 99})),
        ("PUT", "/api/v1/virtual-budget", json!({"weekly_usd": "5"})),
        ("POST", "/api/v1/overrides", json!({"usd": "5"})),
        ("POST", "/api/v1/overrides", json!({"usd": "5", "reason": "  "})),
        ("POST", "/api/v1/overrides", json!({"usd": "-5", "reason": "x"})),
        ("POST", "/api/v1/overrides", json!({"usd": "5", "reason": "x", "until": "2020-01-01T00:00:00Z"})),
        ("POST", "/api/v1/overrides", json!({"usd": "5", "reason": "x", "until": "2999-01-01T00:00:00Z"})),
    ];
    for (method, path, body) in &bodies {
        let answer = send(&running, method, path, Some(body));
        assert!((400..=422).contains(&answer.status), "{body}: {answer:?}");
        assert_eq!(answer.content_type, "application/problem+json", "{body}");
    }
    for path in ["/api/v1/can-afford", "/api/v1/can-afford?usd=-1", "/api/v1/can-afford?usd=1&who=me"] {
        assert_eq!(running.get(path).status, 400, "{path}");
    }
    assert_eq!(send(&running, "DELETE", "/api/v1/virtual-budget", None).status, 404);
    let nothing = json!({"virtual_budget": null, "overrides": []});
    assert_eq!(running.get("/api/v1/virtual-budget").json(), nothing);
    assert_eq!(running.get("/api/v1/events?limit=10").json()["head"], 0);
    // The same again is no event.
    for _ in 0..2 {
        assert_eq!(
            send(&running, "PUT", "/api/v1/virtual-budget", Some(&json!({"monthly_usd": "100"}))).status,
            200
        );
        let granted = send(&running, "POST", "/api/v1/overrides", Some(&json!({"usd": "5", "reason": "x"})));
        assert_eq!(granted.json()["overrides"].as_array().unwrap().len(), 1, "{granted:?}");
    }
    assert_eq!(running.get("/api/v1/events?limit=10").json()["head"], 2);
    let off = home.json(&["budget", "virtual", "--off"]);
    assert_eq!(off["virtual_budget"], Value::Null, "{off}");
}

#[test]
fn a_touched_reserve_is_told_of_until_more_is_allowed() {
    let home = Home::new();
    home.transcript("a.jsonl", call(1));
    home.json(&["import"]);
    let spent = money(&home.json(&["status"])["all_time"]["cost_usd"]);
    // Nine tenths of it are spent, and four fifths may be.
    home.json(&["budget", "virtual", "--daily", &usd(spent.scale(10, 9))]);
    let running = home.start(&[]);
    let told = |is_told: bool| {
        for _ in 0..400 {
            let alerts = running.get("/api/v1/alerts").json();
            let alerts = alerts["alerts"].as_array().unwrap();
            let own = alerts.iter().find(|alert| alert["subject"] == "all providers, today");
            if own.is_some() == is_told {
                return own.cloned().unwrap_or_default();
            }
            std::thread::sleep(std::time::Duration::from_millis(25));
        }
        panic!("not told: {is_told}");
    };
    let alert = told(true);
    assert_eq!(
        (&alert["kind"], &alert["severity"]),
        (&json!("budget-threshold"), &json!("warning")),
        "{alert}"
    );
    let body = json!({"usd": "1", "reason": "the demo is tonight"});
    assert_eq!(send(&running, "POST", "/api/v1/overrides", Some(&body)).status, 200);
    told(false);
}
