//! When the money ends, asked of the real program.

use jiff::{SignedDuration, Timestamp, ToSpan};
use mecris::domain::money::Picodollars;
use serde_json::{Value, json};

use crate::support::program::Home;

/// A billed call on each of so many days before today.
fn calls(days: i64) -> String {
    let noon = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).start_of_day().unwrap().timestamp()
        + SignedDuration::from_hours(12);
    let line = |back: i64| {
        let at = noon - SignedDuration::from_hours(24 * back);
        let line = json!({
            "type": "assistant", "timestamp": at.to_string(), "sessionId": "s1", "cwd": "/home/ada",
            "requestId": format!("req_{back}"),
            "message": {
                "id": format!("msg_{back}"), "model": "claude-opus-5", "content": [],
                "usage": {"input_tokens": 1000, "output_tokens": 100_000},
            },
        });
        format!("{line}\n")
    };
    (1..=days).map(line).collect()
}

fn subject<'a>(shown: &'a Value, subject: &str) -> &'a Value {
    let all = shown["forecasts"].as_array().unwrap();
    all.iter().find(|line| line["subject"] == subject).unwrap_or_else(|| panic!("{subject}: {shown}"))
}

#[test]
fn a_steady_life_ends_when_it_must_and_the_past_agrees() {
    let home = Home::new();
    assert_eq!(home.json(&["forecast"]), json!({"forecasts": []}));
    assert!(home.run(&["forecast", "--backtest"]).out.contains("No history"));
    home.transcript("a.jsonl", calls(40));
    home.json(&["import"]);
    let total = home.json(&["status"])["all_time"]["cost_usd"].as_str().unwrap().to_owned();
    let a_day = Picodollars::parse(&total).unwrap().scale(1, 40);
    // Whatever the hour is: what is left of today, and nine days and a half beyond it.
    let left = a_day.scale(19, 2);
    home.json(&["balance", "set", &left.exact()]);
    home.json(&["budget", "set", "--amount", "1000000", "--period", "daily"]);
    home.json(&["budget", "virtual", "--monthly", "1000000"]);
    let shown = home.json(&["forecast"]);
    let balance = subject(&shown, "balance");
    let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let ends: jiff::civil::Date = balance["runs_out"]["p50"].as_str().unwrap().parse().unwrap();
    let days = (ends - today).get_days();
    assert!((9..=10).contains(&days), "{balance}");
    assert_eq!(balance["runs_out"]["p10"], balance["runs_out"]["p90"], "{balance}");
    assert_eq!(
        (&balance["chance_percent"], &balance["history_days"]),
        (&json!(100), &json!(40)),
        "{balance}"
    );
    for line in [subject(&shown, "budget"), subject(&shown, "monthly")] {
        assert_eq!((&line["state"], &line["chance_percent"]), (&json!("ok"), &json!(0)), "{line}");
        assert_eq!(line["runs_out"], json!({"p10": null, "p50": null, "p90": null}), "{line}");
    }
    assert_eq!(subject(&shown, "budget")["until"], today.to_string());
    let status = home.run(&["status"]);
    assert!(status.out.contains("The money at anthropic ends between"), "{status:?}");
    // Of days that are all alike every forecast was right.
    let past = home.json(&["forecast", "--backtest"]);
    assert_eq!(past["since"], today.saturating_sub(40.days()).to_string(), "{past}");
    for (line, asked) in past["horizons"].as_array().unwrap().iter().zip([33, 27, 20, 4]) {
        assert_eq!((&line["asked"], &line["coverage_percent"]), (&json!(asked), &json!(100)), "{past}");
    }
    assert!(home.run(&["forecast", "--backtest"]).out.contains("Coverage"));
    // A running supervisor answers alike.
    let running = home.start(&[]);
    assert_eq!(home.json(&["forecast", "--backtest"]), past);
    let told = running.get("/api/v1/forecast").json();
    assert_eq!(subject(&told, "balance")["runs_out"]["p90"], balance["runs_out"]["p90"]);
}

#[test]
fn what_cannot_be_known_is_named() {
    let home = Home::new();
    home.transcript("a.jsonl", calls(3));
    home.json(&["import"]);
    home.json(&["balance", "set", "5"]);
    home.json(&["balance", "set", "0", "--provider", "groq"]);
    let shown = home.json(&["forecast"]);
    let [anthropic, groq] = [&shown["forecasts"][0], &shown["forecasts"][1]];
    assert_eq!((&anthropic["state"], &anthropic["runs_out"]), (&json!("not-enough-history"), &Value::Null));
    assert!(anthropic["reason"].as_str().unwrap().contains("3 days"), "{anthropic}");
    assert_eq!((&groq["state"], &groq["chance_percent"]), (&json!("spent"), &Value::Null), "{groq}");
    assert!(home.run(&["forecast"]).out.contains("not enough history"));
    let past = home.json(&["forecast", "--backtest"]);
    assert!(past["horizons"].as_array().unwrap().iter().all(|line| line["asked"] == 0), "{past}");
}
