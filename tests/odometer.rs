//! Odometers as a person keeps them: read off a page by hand, told here, inferred from.

use jiff::{SignedDuration, Timestamp};
use mecris::domain::money::Picodollars;
use serde_json::{Value, json};

use crate::support::program::{Answer, Home, Running};

fn post(running: &Running, body: &Value) -> Answer {
    let bearer = format!("Bearer {}", running.token);
    running.send("POST", "/api/v1/odometer", &[("authorization", &bearer)], Some(&body.to_string()))
}

/// The events of these types.
fn events(running: &Running) -> Vec<String> {
    let page = running.get("/api/v1/events?limit=1000").json();
    let types =
        page["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned());
    types.filter(|name| name.starts_with("odometer")).collect()
}

fn last_month() -> String {
    let first = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().first_of_month();
    first.yesterday().unwrap().strftime("%Y-%m").to_string()
}

#[test]
fn a_reading_is_kept_refused_where_it_falls_and_mended_where_it_was_a_slip() {
    let home = Home::new();
    assert_eq!(home.json(&["odometer", "status"]), json!({"odometers": []}));
    let read = home.json(&["odometer", "record", "10.6", "--note", "off the console"]);
    let line = &read["odometers"][0];
    assert_eq!((&line["provider"], &line["value_usd"]), (&json!("groq"), &json!("10.6")), "{read}");
    assert_eq!(line["note"], "off the console");
    let refused = home.run(&["odometer", "record", "1.06"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("--correct"), "{refused:?}");
    let mended = home.json(&["odometer", "record", "1.06", "--correct"]);
    assert_eq!(mended["odometers"][0]["value_usd"], "1.06", "{mended}");
    assert!(home.run(&["odometer"]).out.contains("groq"));
    // The month before, as the invoice has it, is spread over its days, and its days add up to it.
    let month = last_month();
    let closed = home.json(&["odometer", "record", "7", "--month", &month]);
    let months = closed["odometers"][0]["months"].as_array().unwrap();
    assert_eq!((&months[0]["month"], &months[0]["state"]), (&json!(month), &json!("final")), "{closed}");
    let days = closed["odometers"][0]["inferred_days"].as_array().unwrap();
    assert_eq!(days.len(), 14);
    let spent: Picodollars =
        days.iter().map(|day| Picodollars::parse(day["cost_usd"].as_str().unwrap()).unwrap()).sum();
    assert!(spent > Picodollars::ZERO && spent <= Picodollars::parse("8.06").unwrap(), "{closed}");
    // Nothing of it is lost: each telling is an event, and the log tells the same after a rebuild.
    let replayed = home.json(&["replay"]);
    assert_eq!(replayed["position"], 3, "{replayed}");
    // What was believed before the slip was mended.
    let before = home.json(&["replay", "--until", "1"]);
    assert_eq!(before["odometers"][0]["value_usd"], "10.6", "{before}");
    assert_eq!(before["cost"]["total"]["inferred_usd"], "10.6", "{before}");
}

#[test]
fn a_running_supervisor_keeps_the_odometer_through_a_restart() {
    let home = Home::new();
    let running = home.start(&[]);
    let at = Timestamp::now() - SignedDuration::from_hours(1);
    let body = json!({"value_usd": "$2.50", "provider": "together", "at": at.to_string()});
    for _ in 0..2 {
        let answer = post(&running, &body);
        assert_eq!(
            (answer.status, &answer.json()["odometers"][0]["value_usd"]),
            (200, &json!("2.5")),
            "{answer:?}"
        );
    }
    assert_eq!(events(&running), ["odometer-read"], "the same again is no event");
    for (status, body) in [
        (400, json!({"value_usd": "-1"})),
        (400, json!({"value_usd": "1,234"})),
        (400, json!({"value_usd": "5 EUR"})),
        (400, json!({"value_usd": "$—"})),
        (422, json!({"value_usd": "2000000"})),
        (400, json!({"value_usd": "5", "month": "October"})),
        (422, json!({"value_usd": "5", "month": "2999-01"})),
        (422, json!({"value_usd": "5", "at": "2999-01-01T00:00:00Z"})),
        (400, json!({"value_usd": "5", "provider": "Groq Inc."})),
        (400, json!({"value_usd": "5", "note": "two\nlines"})),
        (422, json!({"value_usd": "5", "correct": true})),
        (
            422,
            json!({"value_usd": "2.49", "provider": "together", "at": (at + SignedDuration::from_secs(1)).to_string()}),
        ),
    ] {
        let answer = post(&running, &body);
        assert_eq!(
            (answer.status, answer.content_type.as_str()),
            (status, "application/problem+json"),
            "{body}: {answer:?}"
        );
    }
    let corrected =
        json!({"value_usd": "2.05", "provider": "together", "at": at.to_string(), "correct": true});
    assert_eq!(post(&running, &corrected).json()["odometers"][0]["value_usd"], "2.05");
    assert_eq!(events(&running), ["odometer-read", "odometer-corrected"]);
    // The commands ask the supervisor.
    assert_eq!(home.json(&["odometer"])["odometers"][0]["value_usd"], "2.05");
    let more = home.json(&["odometer", "record", "3", "--provider", "together"]);
    assert_eq!(more["odometers"][0]["value_usd"], "3");
    assert_eq!(running.stop(), 0);
    let kept = home.json(&["odometer"]);
    assert_eq!(kept["odometers"][0]["value_usd"], "3");
}

#[test]
fn an_old_reading_is_told_of_until_somebody_looks() {
    is_told_of(false);
}

#[test]
fn or_until_somebody_says_that_nobody_will() {
    is_told_of(true);
}

fn is_told_of(is_stopped: bool) {
    let home = Home::new();
    let at = Timestamp::now() - SignedDuration::from_hours(40 * 24);
    home.json(&["odometer", "record", "1", "--at", &at.to_string()]);
    let running = home.start(&[]);
    let kinds = || {
        let alerts = running.get("/api/v1/alerts").json();
        let all = alerts["alerts"].as_array().unwrap().clone();
        all.iter().filter(|alert| alert["kind"] == "odometer").cloned().collect::<Vec<_>>()
    };
    let mut told = kinds();
    for _ in 0..400 {
        if !told.is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
        told = kinds();
    }
    assert_eq!((told.len(), &told[0]["subject"]), (1, &json!("groq")), "{told:?}");
    assert!(told[0]["mend"].as_str().unwrap().contains("mecris odometer record"), "{told:?}");
    assert!(!told[0]["text"].as_str().unwrap().contains("mecris"), "agents read it: {told:?}");
    let bearer = format!("Bearer {}", running.token);
    let delete = |path: &str| running.send("DELETE", path, &[("authorization", &bearer)], None);
    assert_eq!(delete("/api/v1/odometer/together").status, 404);
    // Either somebody looks, or says that nobody will.
    if is_stopped {
        let stopped = home.json(&["odometer", "stop"]);
        assert_eq!(stopped["odometers"][0]["state"], "stopped", "{stopped}");
        assert_eq!(delete("/api/v1/odometer/groq").status, 200, "the same again changes nothing");
        assert_eq!(events(&running), ["odometer-read", "odometer-stopped"]);
    } else {
        assert_eq!(post(&running, &json!({"value_usd": "0.2"})).status, 200);
    }
    for _ in 0..400 {
        if kinds().is_empty() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    panic!("it is told of after it was read: {:?}", kinds());
}
