//! The MCP face as clients of both protocol eras meet it: the real program over raw HTTP.

#[path = "mcp/bad.rs"]
mod bad;
#[path = "mcp/meant.rs"]
mod meant;
#[path = "mcp/pages.rs"]
mod pages;
#[path = "mcp/schemas.rs"]
mod schemas;
#[path = "mcp/secrets.rs"]
mod secrets;
#[path = "mcp/stdio.rs"]
mod stdio;
#[path = "mcp/tools.rs"]
mod tools;
#[path = "mcp/watch.rs"]
mod watch;

use serde_json::{Value, json};

use crate::support::program::{Answer, Home, Running};

const STATELESS: &str = "2026-07-28";
const SESSIONS: &str = "2025-11-25";

/// The JSON-RPC message of an answer, which is JSON or a stream of events.
pub fn message(answer: &Answer) -> Value {
    if answer.content_type.starts_with("application/json") {
        return answer.json();
    }
    let mut data = answer.body.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
    let last = data.rfind(|data| data.starts_with('{'));
    serde_json::from_str(last.unwrap_or_else(|| panic!("no message: {answer:?}"))).unwrap()
}

fn post(running: &Running, headers: &[(&str, &str)], body: &Value) -> Answer {
    let bearer = format!("Bearer {}", running.token);
    let mut all = vec![("authorization", bearer.as_str()), ("accept", "application/json, text/event-stream")];
    all.extend_from_slice(headers);
    running.send("POST", "/mcp", &all, Some(&body.to_string()))
}

/// What a request of the stateless protocol says of itself.
fn stateless(mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": STATELESS,
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    params
}

/// A call of the stateless protocol.
pub fn ask(running: &Running, method: &str, params: Value) -> Value {
    let params = stateless(params);
    let name = params["name"].as_str().or(params["uri"].as_str()).map(ToOwned::to_owned);
    let mut headers = vec![("mcp-protocol-version", STATELESS), ("mcp-method", method)];
    headers.extend(name.as_deref().map(|name| ("mcp-name", name)));
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    message(&post(running, &headers, &body))
}

pub fn call(running: &Running, tool: &str, arguments: &Value) -> Value {
    ask(running, "tools/call", json!({ "name": tool, "arguments": arguments }))
}

fn events(running: &Running) -> u64 {
    running.get("/api/v1/head").json()["position"].as_u64().unwrap()
}

/// Begins a session of an older protocol version.
fn open(running: &Running) -> String {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": SESSIONS, "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } } });
    let answer = post(running, &[], &body);
    let result = message(&answer)["result"].clone();
    assert_eq!(result["protocolVersion"], SESSIONS, "{answer:?}");
    let session = answer.headers["mcp-session-id"].to_str().unwrap().to_owned();
    let body = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let headers = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", SESSIONS)];
    assert_eq!(post(running, &headers, &body).status, 202);
    session
}

/// Asks within it.
fn in_session(running: &Running, session: &str, method: &str, params: &Value) -> Answer {
    let body = json!({ "jsonrpc": "2.0", "id": 2, "method": method, "params": params });
    post(running, &[("mcp-session-id", session), ("mcp-protocol-version", SESSIONS)], &body)
}

/// What a tool gives.
pub fn given(running: &Running, tool: &str, arguments: &Value) -> Value {
    let answer = call(running, tool, arguments);
    assert!(!answer["result"]["isError"].as_bool().unwrap_or(false), "{tool}: {answer}");
    answer["result"]["structuredContent"].clone()
}

/// Why a tool gives nothing.
pub fn refused(running: &Running, tool: &str, arguments: &Value) -> String {
    let answer = call(running, tool, arguments);
    assert_eq!(answer["result"]["isError"], true, "{tool}: {answer}");
    answer["result"]["content"][0]["text"].as_str().unwrap().to_owned()
}

#[test]
fn a_client_without_the_token_is_refused() {
    let home = Home::new();
    let running = home.start(&[]);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
    assert_eq!(running.send("POST", "/mcp", &[], Some(&body)).status, 401);
    let bearer = format!("Bearer {}", running.token);
    for (name, value) in [("origin", "https://evil.example"), ("host", "evil.example")] {
        let headers = [("authorization", bearer.as_str()), (name, value)];
        assert_eq!(running.send("POST", "/mcp", &headers, Some(&body)).status, 403, "{name}");
    }
}

#[test]
fn every_tool_has_its_schemas_and_says_what_it_does() {
    let home = Home::new();
    let running = home.start(&[]);
    let listed = ask(&running, "tools/list", json!({}));
    let tools = listed["result"]["tools"].as_array().unwrap();
    assert!(tools.len() >= 25, "{listed}");
    for tool in tools {
        for schema in ["inputSchema", "outputSchema"] {
            assert_eq!(tool[schema]["type"], "object", "{tool}");
        }
        assert!(tool["annotations"]["readOnlyHint"].is_boolean(), "{tool}");
    }
}

#[test]
fn a_tool_answers_what_the_api_answers_and_a_command_is_an_event() {
    let home = Home::new();
    let running = home.start(&[]);
    // On a month's last days the budget's end is an alert too.
    let sets = || {
        let page = running.get("/api/v1/events?limit=1000").json();
        page["events"].as_array().unwrap().iter().filter(|event| event["type"] == "budget-set").count()
    };
    assert_eq!(sets(), 0);
    let set = call(&running, "update_budget", &json!({ "name": "main", "amount_usd": "50" }));
    assert_eq!(set["result"]["structuredContent"]["budgets"][0]["amount_usd"], "50", "{set}");
    assert_eq!(sets(), 1);
    let asked = call(&running, "get_budget_status", &json!({}));
    assert_eq!(asked["result"]["structuredContent"], running.get("/api/v1/budgets").json());
    let text = asked["result"]["content"][0]["text"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), asked["result"]["structuredContent"]);
    for (tool, arguments) in [
        ("get_balance_status", json!({})),
        ("get_recent_usage", json!({ "days": 3 })),
        ("get_unified_cost_status", json!({})),
        ("can_afford", json!({ "usd": "5" })),
        ("forecast", json!({})),
        ("reconcile", json!({})),
        ("get_beeminder_status", json!({})),
        ("get_alerts", json!({})),
        ("get_system_health", json!({})),
    ] {
        let answer = call(&running, tool, &arguments);
        assert!(answer["result"]["structuredContent"].is_object(), "{tool}: {answer}");
    }
    let goal = json!({ "title": "Taxes", "priority": "high", "due": "2099-01-01" });
    let added = call(&running, "add_goal", &json!({ "slug": "taxes", "goal": goal }));
    assert_eq!(added["result"]["structuredContent"]["goals"][0]["slug"], "taxes", "{added}");
    let done = call(&running, "complete_goal", &json!({ "slug": "taxes" }));
    assert_eq!(done["result"]["structuredContent"]["goals"], json!([]), "{done}");
}

#[test]
fn two_clients_of_the_older_protocol_have_sessions_of_their_own() {
    let home = Home::new();
    let running = home.start(&[]);
    let list = |session: &str| in_session(&running, session, "tools/list", &json!({}));
    let (one, other) = (open(&running), open(&running));
    assert_ne!(one, other);
    let bearer = format!("Bearer {}", running.token);
    let headers = [("authorization", bearer.as_str()), ("mcp-session-id", one.as_str())];
    assert!(running.send("DELETE", "/mcp", &headers, None).status < 300);
    assert_eq!(list(&one).status, 404, "a session that has ended");
    assert!(message(&list(&other))["result"]["tools"].is_array());
}
