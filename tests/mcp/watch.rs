//! Resources that are read and watched, prompts, completion: in both eras of the protocol.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::{SESSIONS, STATELESS, ask, given, in_session, message, open, stateless};
use crate::support::program::{Home, Running};

/// A stream of server-sent events.
struct Stream(BufReader<TcpStream>);

impl Stream {
    fn open(running: &Running, method: &str, headers: &[(&str, &str)], body: &str) -> Self {
        let mut stream = TcpStream::connect(running.url.trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let extra = lines.concat();
        write!(
            stream,
            "{method} /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
             accept: application/json, text/event-stream\r\ncontent-type: application/json\r\n{extra}\
             content-length: {}\r\n\r\n{body}",
            running.token,
            body.len()
        )
        .unwrap();
        Self(BufReader::new(stream))
    }

    /// The next message of this method.
    fn wait_for(&mut self, method: &str) -> Value {
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the stream ended");
            let data = line.trim_end().strip_prefix("data:").map(str::trim);
            let message = data.and_then(|data| serde_json::from_str::<Value>(data).ok());
            if let Some(message) = message.filter(|message| message["method"] == method) {
                return message;
            }
        }
    }
}

fn goal(running: &Running, slug: &str) {
    let goal = json!({ "title": "Taxes", "priority": "high", "due": "2099-01-01" });
    given(running, "add_goal", &json!({ "slug": slug, "goal": goal }));
}

#[test]
fn resources_are_listed_read_and_completed() {
    let home = Home::new();
    let running = home.start(&[]);
    goal(&running, "taxes");
    given(&running, "update_budget", &json!({ "name": "main", "amount_usd": "50" }));
    let listed = ask(&running, "resources/list", json!({}));
    let uris: Vec<&str> = listed["result"]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|resource| resource["uri"].as_str().unwrap())
        .collect();
    assert_eq!(uris, ["mecris://narrator", "mecris://budget", "mecris://goals/taxes"], "{listed}");
    let read = |uri: &str| {
        let answer = ask(&running, "resources/read", json!({ "uri": uri }));
        let text = answer["result"]["contents"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
        serde_json::from_str::<Value>(text).unwrap()
    };
    assert_eq!(read("mecris://budget")["budgets"][0]["amount_usd"], "50");
    assert_eq!(read("mecris://goals/taxes")["goal"]["slug"], "taxes");
    assert!(read("mecris://narrator")["summary"].is_string());
    for uri in ["mecris://goals/none", "mecris://", "file:///etc/passwd"] {
        let answer = ask(&running, "resources/read", json!({ "uri": uri }));
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
    let completed = ask(
        &running,
        "completion/complete",
        json!({ "ref": { "type": "ref/resource", "uri": "mecris://goals/{slug}" },
                "argument": { "name": "slug", "value": "ta" } }),
    );
    assert_eq!(completed["result"]["completion"]["values"], json!(["taxes"]), "{completed}");
}

#[test]
fn prompts_bring_how_things_stand() {
    let home = Home::new();
    let running = home.start(&[]);
    let listed = ask(&running, "prompts/list", json!({}));
    let names: Vec<&str> = listed["result"]["prompts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|prompt| prompt["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["morning_brief", "before_costly_task", "end_of_session"]);
    let get = |name: &str, arguments: Value| {
        ask(&running, "prompts/get", json!({ "name": name, "arguments": arguments }))
    };
    let brief = get("morning_brief", json!({}));
    let messages = brief["result"]["messages"].as_array().unwrap();
    assert_eq!(messages[1]["content"]["resource"]["uri"], "mecris://narrator", "{brief}");
    let costly = get("before_costly_task", json!({ "task": "port the parser", "usd": "4.50" }));
    let messages = costly["result"]["messages"].as_array().unwrap();
    assert!(messages[0]["content"]["text"].as_str().unwrap().contains("port the parser"));
    let afford = messages[2]["content"]["resource"]["text"].as_str().unwrap();
    assert!(serde_json::from_str::<Value>(afford).unwrap()["affordable"].is_boolean(), "{afford}");
    assert_eq!(
        get("end_of_session", json!({ "summary": "done" }))["result"]["messages"].as_array().unwrap().len(),
        3
    );
    for (name, arguments) in [
        ("before_costly_task", json!({})),
        ("before_costly_task", json!({ "task": "x", "usd": "lots" })),
        ("no_such_prompt", json!({})),
        ("end_of_session", json!({ "summary": "x".repeat(2_001) })),
    ] {
        assert_eq!(get(name, arguments)["error"]["code"], -32602, "{name}");
    }
}

#[test]
fn a_session_is_told_of_a_change_and_of_nothing_else() {
    let home = Home::new();
    let running = home.start(&[]);
    let session = open(&running);
    let headers = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", SESSIONS)];
    let mut stream = Stream::open(&running, "GET", &headers, "");
    let subscribe =
        |uri: &str| message(&in_session(&running, &session, "resources/subscribe", &json!({ "uri": uri })));
    assert!(subscribe("mecris://budget")["result"].is_object());
    assert!(subscribe("mecris://goals/taxes")["result"].is_object(), "a goal that is to come");
    assert!(subscribe("mecris://nothing")["error"].is_object());
    // No change of the budgets: only the goal is told of.
    goal(&running, "taxes");
    let told = stream.wait_for("notifications/resources/updated");
    assert_eq!(told["params"]["uri"], "mecris://goals/taxes", "{told}");
    given(&running, "update_budget", &json!({ "name": "main", "amount_usd": "50" }));
    assert_eq!(stream.wait_for("notifications/resources/updated")["params"]["uri"], "mecris://budget");
    assert!(
        message(&in_session(
            &running,
            &session,
            "resources/unsubscribe",
            &json!({ "uri": "mecris://budget" })
        ))["result"]
            .is_object()
    );
}

#[test]
fn a_stream_of_the_stateless_protocol_is_told_of_a_change() {
    let home = Home::new();
    let running = home.start(&[]);
    let params = stateless(
        json!({ "notifications": { "resourceSubscriptions": ["mecris://budget", "mecris://nothing"] } }),
    );
    let body =
        json!({ "jsonrpc": "2.0", "id": 7, "method": "subscriptions/listen", "params": params }).to_string();
    let headers = [("mcp-protocol-version", STATELESS), ("mcp-method", "subscriptions/listen")];
    let mut stream = Stream::open(&running, "POST", &headers, &body);
    let acknowledged = stream.wait_for("notifications/subscriptions/acknowledged");
    assert_eq!(
        acknowledged["params"]["notifications"]["resourceSubscriptions"],
        json!(["mecris://budget"]),
        "{acknowledged}"
    );
    given(&running, "update_budget", &json!({ "name": "main", "amount_usd": "50" }));
    assert_eq!(stream.wait_for("notifications/resources/updated")["params"]["uri"], "mecris://budget");
}
