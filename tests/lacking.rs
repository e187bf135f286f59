//! Unknown is not zero: each decision over a sum that leaves something out says so, whatever it is that nobody knows.

use std::fs;
use std::os::unix::fs::symlink;

use jiff::{SignedDuration, Timestamp};
use mecris::event::payload::SourceChanged;
use mecris::event::{Event, EventId, Metadata, StreamId};
use mecris::log::{Append, Expected};
use mecris::service::aggregate::repository::new_event;
use mecris::service::runtime::node::Node;
use mecris::service::runtime::place::Place;
use mecris::service::runtime::settings::Settings;
use serde_json::{Value, json};

use crate::support::program::Home;

/// A call a moment ago.
fn call(id: &str, model: &str, usage: &Value) -> String {
    let at = Timestamp::now() - SignedDuration::from_secs(1);
    let line = json!({
        "type": "assistant", "timestamp": at.to_string(), "sessionId": "s-1", "cwd": "/w/alpha",
        "message": {"id": id, "model": model, "usage": usage},
    });
    format!("{line}\n")
}

fn tokens() -> Value {
    json!({"input_tokens": 1000, "output_tokens": 1000})
}

/// What nobody knows, and whether it may be left out of recorded calls.
const KINDS: [(&str, bool); 5] =
    [("unpriced", true), ("partial", true), ("refused", true), ("unread", true), ("stale", false)];

/// A home with limits and a call of which all is known, and then something that nobody knows.
fn home_with(kind: &str) -> Home {
    let home = Home::new();
    home.run(&["budget", "set", "--amount", "5", "--period", "daily"]);
    home.run(&["budget", "virtual", "--daily", "5", "--reserve", "0"]);
    let mut text = call("m-1", "claude-sonnet-4-5", &tokens());
    match kind {
        "unpriced" => text += &call("m-2", "claude-nobody-knows-9", &tokens()),
        "partial" => {
            text += &call("m-2", "claude-sonnet-4-5", &json!({"input_tokens": -5, "output_tokens": 10}))
        }
        "refused" => {
            text += &call("m-2", "claude-sonnet-4-5", &tokens()).replace("\"timestamp\"", "\"time\"")
        }
        "unread" => {
            home.transcript("good.jsonl", "");
            // What opens and cannot be read, for whoever runs this.
            symlink("/proc/self/mem", home.claude().join("projects/-home-ada/closed.jsonl")).unwrap();
        }
        "stale" => {
            let node = Node::open(&Place::local(home.root()), Settings::load(None).unwrap()).unwrap();
            let failing = SourceChanged {
                source: "anthropic".into(),
                state: "failing".into(),
                reason: "it does not answer".into(),
            };
            let event = Event::SourceChanged(failing);
            let event = new_event(EventId::random(), &event, Timestamp::now(), &Metadata::default());
            let (tenant, stream, expected) = (node.tenant.clone(), StreamId::new("sources"), Expected::Any);
            node.log.append(Append { tenant, stream, expected, events: vec![event] }).wait().unwrap();
        }
        "nothing" => {}
        other => panic!("{other}"),
    }
    home.transcript("s-1.jsonl", text);
    home
}

fn doubts(answer: &Value) -> usize {
    answer["doubts"].as_array().map_or(0, Vec::len)
}

#[test]
fn no_decision_over_a_sum_that_lacks_something_is_an_unqualified_yes() {
    for (kind, is_of_calls) in KINDS {
        let home = home_with(kind);
        let said = home.run(&["can-afford", "1", "--json"]);
        let afford: Value = serde_json::from_str(&said.out).unwrap();
        let code = match afford["answer"].as_str().unwrap() {
            "yes" => 0,
            "unknown" => 3,
            other => panic!("{kind}: {other}"),
        };
        assert_eq!(said.code, code, "{kind}: {afford}");
        assert!(doubts(&afford) > 0, "{kind}: {afford}");
        let told = home.run(&["can-afford", "1"]).out;
        let first = afford["doubts"][0].as_str().unwrap();
        assert!(told.contains(first), "{kind}: {told}");
        // What is more than is left is a no, whatever else is not known.
        assert_eq!(home.run(&["can-afford", "5"]).code, 1, "{kind}");

        let gate = home.json(&["gate", "check"]);
        let status = home.json(&["status"]);
        let budgets = home.json(&["budget", "list"]);
        if is_of_calls {
            assert!(doubts(&gate) > 0, "{kind}: {gate}");
            let lacks = |line: &Value| {
                let names = ["unpriced_messages", "partly_priced_messages"];
                names.iter().any(|name| line[*name].as_u64().unwrap_or(0) > 0)
            };
            let unread = |answer: &Value| {
                answer["refused_lines"].as_u64().unwrap() + answer["unread"]["files"].as_u64().unwrap() > 0
            };
            assert!(lacks(&status["today"]) || unread(&status), "{kind}: {status}");
            assert!(lacks(&budgets["budgets"][0]) || unread(&budgets), "{kind}: {budgets}");
        }
        for answer in
            [&afford, &gate, &status, &budgets, &home.json(&["report", "daily"]), &home.json(&["cost"])]
        {
            assert!(answer["as_of"].is_string() && answer["unread"].is_object(), "{kind}: {answer}");
        }
    }
}

#[test]
fn a_supervisor_says_the_same_over_http() {
    // A supervisor that starts asks for itself how the providers are.
    for (kind, _) in KINDS.into_iter().filter(|(kind, _)| *kind != "stale") {
        let home = home_with(kind);
        let alone = home.run(&["can-afford", "1", "--json"]);
        let alone: Value = serde_json::from_str(&alone.out).unwrap();
        let running = home.start(&[]);
        let asked: Value = serde_json::from_str(&running.get("/api/v1/can-afford?usd=1").body).unwrap();
        assert_eq!(asked["answer"], alone["answer"], "{kind}: {asked}");
        assert_eq!(doubts(&asked), doubts(&alone), "{kind}: {asked}");
        assert_eq!(running.stop(), 0);
    }
}

#[test]
fn where_all_is_known_a_yes_is_a_yes() {
    let home = home_with("nothing");
    let afford = home.json(&["can-afford", "1"]);
    assert_eq!(
        (&afford["answer"], doubts(&afford), &afford["at_most_usd"]),
        (&json!("yes"), 0, &Value::Null)
    );
    let gate = home.json(&["gate", "check"]);
    assert_eq!((&gate["verdict"], doubts(&gate)), (&json!("allow"), 0), "{gate}");
}

#[test]
fn a_newcomer_s_first_status_shows_what_is_there() {
    let home = Home::new();
    home.transcript("s-1.jsonl", call("m-1", "claude-sonnet-4-5", &tokens()));
    let status = home.json(&["status"]);
    assert_eq!((&status["today"]["cost_usd"], &status["all_time"]["messages"]), (&json!("0.018"), &json!(1)));
    // What has grown since is read before the next answer, with a supervisor and without.
    let file = home.claude().join("projects/-home-ada/s-1.jsonl");
    let mut text = fs::read_to_string(&file).unwrap();
    text += &call("m-2", "claude-sonnet-4-5", &tokens());
    fs::write(&file, &text).unwrap();
    assert_eq!(home.json(&["report", "daily"])["total"]["cost_usd"], "0.036");
    let running = home.start(&[]);
    for more in 3..8 {
        text += &call(&format!("m-{more}"), "claude-sonnet-4-5", &tokens());
        fs::write(&file, &text).unwrap();
        assert_eq!(home.json(&["status"])["all_time"]["messages"], more);
    }
    assert_eq!(running.stop(), 0);
}

#[test]
fn rubbish_that_is_no_call_raises_no_doubt_and_each_refused_call_does() {
    let home = home_with("nothing");
    home.transcript("rubbish.jsonl", "no call\n".repeat(100));
    let afford = home.json(&["can-afford", "1"]);
    assert_eq!((&afford["answer"], &afford["refused_lines"]), (&json!("yes"), &json!(0)), "{afford}");
    let refused = call("m-9", "claude-sonnet-4-5", &tokens()).replace("\"timestamp\"", "\"time\"");
    let file = home.transcript("refused.jsonl", refused.repeat(100));
    let said = home.run(&["can-afford", "1", "--json"]);
    assert!(said.code == 3 && said.out.contains("100 lines that may be calls were refused"), "{said:?}");
    // What is gone cannot be read again, and holds nobody up.
    fs::remove_file(file).unwrap();
    assert_eq!(home.run(&["can-afford", "1"]).code, 0);
}
