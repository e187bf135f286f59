//! Standard input and output: beside a supervisor, without one, and while one comes and goes.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use super::{SESSIONS, stateless};
use crate::support::program::Home;

/// A client that has started `mecris mcp`.
pub struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    asked: u64,
}

impl Client {
    pub fn start(home: &Home) -> Self {
        let mut child = home
            .command(&["mcp"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output, asked: 0 }
    }

    fn tell(&mut self, message: &Value) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{message}").unwrap();
        input.flush().unwrap();
    }

    /// The next message.
    fn hear(&mut self) -> Value {
        let mut line = String::new();
        assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "it hung up");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    pub fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        self.tell(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let message = self.hear();
            if message["id"] == id {
                return message;
            }
        }
    }

    /// Begins as clients of the older protocol versions do.
    pub fn begin(&mut self) -> Value {
        let begun = self.ask(
            "initialize",
            &json!({ "protocolVersion": SESSIONS, "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } }),
        );
        self.tell(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        begun["result"].clone()
    }

    pub fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        self.ask("tools/call", &json!({ "name": tool, "arguments": arguments }))["result"].clone()
    }

    /// Ends the input, and waits for the end.
    pub fn end(mut self) -> i32 {
        drop(self.input.take());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an agent may change: over standard input it is one.
fn goal(title: &str) -> Value {
    json!({ "slug": "taxes", "goal": { "title": title, "priority": "high", "due": "2099-01-01" } })
}

#[test]
fn without_a_supervisor_questions_are_answered_and_nothing_is_recorded() {
    let home = Home::new();
    home.json(&["budget", "set", "--amount", "50"]);
    let before = home.json(&["head"])["position"].clone();
    let mut client = Client::start(&home);
    let begun = client.begin();
    assert_eq!(begun["protocolVersion"], SESSIONS, "{begun}");
    assert!(begun["capabilities"]["resources"]["subscribe"].as_bool().unwrap());
    let budgets = client.call("get_budget_status", &json!({}));
    assert_eq!(budgets["structuredContent"]["budgets"][0]["amount_usd"], "50", "{budgets}");
    let health = client.call("get_system_health", &json!({}));
    assert_eq!(health["structuredContent"]["parts"]["supervisor"]["ok"], false, "{health}");
    let refused = client.call("add_goal", &goal("Taxes"));
    assert_eq!(refused["isError"], true);
    assert!(refused["content"][0]["text"].as_str().unwrap().contains("mecris run"), "{refused}");
    assert_eq!(client.end(), 0);
    assert_eq!(home.json(&["head"])["position"], before);
}

#[test]
fn a_supervisor_that_comes_and_goes_is_found_each_time() {
    let home = Home::new();
    let mut client = Client::start(&home);
    client.begin();
    assert_eq!(client.call("add_goal", &goal("Taxes"))["isError"], true);
    let running = home.start(&[]);
    let goals = client.call("add_goal", &goal("Taxes"));
    assert_eq!(goals["structuredContent"]["goals"][0]["title"], "Taxes", "{goals}");
    assert_eq!(
        client.call("get_budget_status", &json!({}))["structuredContent"],
        running.get("/api/v1/budgets").json()
    );
    let wrong = client.call("add_goal", &json!({ "slug": ["x"] }));
    assert_eq!(wrong["isError"], true, "{wrong}");
    running.stop();
    assert_eq!(
        client.call("get_beeminder_status", &json!({}))["structuredContent"]["goals"][0]["title"],
        "Taxes"
    );
    assert_eq!(client.end(), 0);
}

#[test]
fn the_stateless_protocol_needs_no_beginning() {
    let home = Home::new();
    let mut client = Client::start(&home);
    let found = client.ask("server/discover", &stateless(json!({})));
    assert!(
        found["result"]["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")),
        "{found}"
    );
    let listed = client.ask("tools/list", &stateless(json!({})));
    assert!(listed["result"]["tools"].as_array().unwrap().len() >= 25, "{listed}");
    let asked = client.ask("tools/call", &stateless(json!({ "name": "get_alerts", "arguments": {} })));
    assert_eq!(asked["result"]["structuredContent"]["alerts"], json!([]), "{asked}");
    let unknown = client.ask("tools/call", &stateless(json!({ "name": "no_such_tool", "arguments": {} })));
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    assert_eq!(client.end(), 0);
}

#[test]
fn two_clients_at_once_and_a_person_who_types_by_mistake() {
    let home = Home::new();
    let running = home.start(&[]);
    let (mut one, mut other) = (Client::start(&home), Client::start(&home));
    one.begin();
    other.begin();
    one.call("add_goal", &goal("Seven"));
    let seen = other.call("get_beeminder_status", &json!({}));
    assert_eq!(seen["structuredContent"]["goals"][0]["title"], "Seven");
    assert_eq!((one.end(), other.end()), (0, 0));
    drop(running);
    let mut child = home.command(&["mcp"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"help\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.stdout.len() < 1_000, "no flood of errors: {output:?}");
}

#[test]
fn a_resource_that_is_watched_over_stdio_tells_of_its_change() {
    let home = Home::new();
    let running = home.start(&[]);
    let mut client = Client::start(&home);
    client.begin();
    client.ask("resources/subscribe", &json!({ "uri": "mecris://budget" }));
    let bearer = format!("Bearer {}", running.token);
    let body = json!({ "amount_usd": "9", "period": "monthly" }).to_string();
    // The watch begins with the answer; what was there then is known by its next look.
    let mut changed = 0;
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                if done.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
                running.send(
                    "PUT",
                    &format!("/api/v1/budgets/b{n}"),
                    &[("authorization", &bearer)],
                    Some(&body),
                );
                std::thread::sleep(std::time::Duration::from_secs(1));
            }
        });
        while changed == 0 {
            let message = client.hear();
            if message["method"] == "notifications/resources/updated" {
                assert_eq!(message["params"]["uri"], "mecris://budget");
                changed += 1;
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(client.end(), 0);
}
