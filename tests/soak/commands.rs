//! What people and programs ask meanwhile, by every face: each must come out as it should, and how long it took is noted.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::DEAR;
use crate::support::program::{Home, Running, Said};

/// Between two commands of one face.
const PAUSE: Duration = Duration::from_millis(200);
/// Commands of the program itself begin a process each.
const PAUSE_CLI: Duration = Duration::from_millis(900);

/// What was done, and how long it took.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    /// The amounts in cents that budgets were set to: each only once.
    set: Vec<u64>,
    took: BTreeMap<&'static str, Vec<Duration>>,
    /// Series of the last scrape and of the one after the warm-up.
    series: Vec<usize>,
}

impl Ledger {
    fn with<T>(&self, note: impl FnOnce(&mut Noted) -> T) -> T {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn timed<T>(&self, what: &'static str, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = work();
        self.with(|noted| noted.took.entry(what).or_default().push(begun.elapsed()));
        done
    }

    /// An amount that nobody has set yet.
    fn amount(&self, face: u64) -> u64 {
        self.with(|noted| {
            let cents = 1_000_000_000 + noted.set.len() as u64 * 10 + face;
            noted.set.push(cents);
            cents
        })
    }

    /// The amounts that were set, in cents, in order.
    pub fn set(&self) -> Vec<u64> {
        let mut set = self.with(|noted| noted.set.clone());
        set.sort_unstable();
        set
    }

    /// How many series a scrape had, one after the other.
    pub fn series(&self) -> Vec<usize> {
        self.with(|noted| noted.series.clone())
    }

    /// What was asked how often, and how long it took: stated, not judged.
    pub fn stated(&self) -> String {
        self.with(|noted| {
            let mut text =
                format!("{:<22}{:>8}{:>10}{:>10}{:>10}  ms\n", "asked", "times", "p50", "p99", "at most");
            for (what, took) in &mut noted.took {
                took.sort_unstable();
                let at = |percent: usize| {
                    took[(took.len() * percent / 100).min(took.len() - 1)].as_secs_f64() * 1e3
                };
                text += &format!(
                    "{what:<22}{:>8}{:>10.1}{:>10.1}{:>10.1}\n",
                    took.len(),
                    at(50),
                    at(99),
                    at(100)
                );
            }
            text
        })
    }
}

/// Whoever asks the running program.
pub struct Asking<'a> {
    pub running: &'a Running,
    pub home: &'a Home,
    pub ledger: &'a Ledger,
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

impl<'a> Asking<'a> {
    pub fn new(running: &'a Running, home: &'a Home, ledger: &'a Ledger) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1));
        // Nobody looks after a kept connection between two questions.
        let client = client.pool_max_idle_per_host(0).build().unwrap();
        Self { running, home, ledger, runtime, client }
    }

    /// Asks with the owner's token.
    pub fn ask(
        &self,
        what: &'static str,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> (u16, String) {
        let mut request = self
            .client
            .request(method.parse().unwrap(), format!("{}{path}", self.running.url))
            .bearer_auth(&self.running.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        self.ledger.timed(what, || {
            self.runtime.block_on(async {
                let answer = request.send().await.unwrap_or_else(|error| panic!("{what}: {error}"));
                (answer.status().as_u16(), answer.text().await.unwrap())
            })
        })
    }

    pub fn json(&self, what: &'static str, path: &str) -> Value {
        let (status, body) = self.ask(what, ("GET", path), &[], None);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    fn tool(&self, what: &'static str, tool: &str, arguments: &Value) -> Value {
        const PROTOCOL: &str = "2026-07-28";
        let params = json!({
            "name": tool, "arguments": arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": PROTOCOL,
                "io.modelcontextprotocol/clientInfo": { "name": "soak", "version": "1" },
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        });
        let headers = [
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", PROTOCOL),
            ("mcp-method", "tools/call"),
            ("mcp-name", tool),
        ];
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
        let (status, body) = self.ask(what, ("POST", "/mcp"), &headers, Some(body));
        assert_eq!(status, 200, "{tool}: {body}");
        let mut data = body.lines().map(|line| line.strip_prefix("data:").unwrap_or(line).trim());
        let last = data.rfind(|data| data.starts_with('{'));
        serde_json::from_str::<Value>(last.unwrap_or_else(|| panic!("{tool}: {body}"))).unwrap()["result"]
            .clone()
    }

    fn command(&self, what: &'static str, arguments: &[&str], told: &str) -> Said {
        let mut command = self.home.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.ledger.timed(what, || {
            let mut child = command.spawn().unwrap();
            child.stdin.take().unwrap().write_all(told.as_bytes()).unwrap();
            child.wait_with_output().unwrap().into()
        })
    }
}

fn usd(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// The amount of a budget, as an answer shows it.
fn amount_of(answer: &Value, name: &str) -> String {
    let budgets = answer["budgets"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let budget = budgets.iter().find(|budget| budget["name"] == name).unwrap_or_else(|| panic!("{answer}"));
    budget["amount_usd"].as_str().unwrap().to_owned()
}

fn is_amount(answer: &Value, name: &str, cents: u64) {
    let (told, set) = (amount_of(answer, name), usd(cents));
    assert_eq!(told.parse::<f64>().unwrap(), set.parse::<f64>().unwrap(), "{name}: {answer}");
}

fn hook(session: &str) -> String {
    json!({
        "hook_event_name": "PreToolUse", "session_id": session, "cwd": "/home/ada", "permission_mode": "default",
        "transcript_path": "/home/ada/.claude/projects/x.jsonl", "tool_name": "Bash", "tool_input": {"command": "true"},
    })
    .to_string()
}

/// A session over its cap is stopped, and no other.
fn verdict(answer: &str, session: &str) {
    let answer: Value = if answer.is_empty() { Value::Null } else { serde_json::from_str(answer).unwrap() };
    let denied = answer["hookSpecificOutput"]["permissionDecision"] == "deny";
    assert_eq!(denied, session == DEAR, "{session}: {answer}");
}

/// By HTTP and MCP, until it is over.
pub fn by_http(asking: &Asking<'_>, is_over: &AtomicBool) {
    for round in 0_u64.. {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        match round % 12 {
            0 => {
                let cents = asking.ledger.amount(1);
                let body = json!({ "amount_usd": usd(cents) }).to_string();
                let (status, body) =
                    asking.ask("HTTP: a budget", ("PUT", "/api/v1/budgets/http"), &[], Some(body));
                assert_eq!(status, 200, "{body}");
                is_amount(&serde_json::from_str(&body).unwrap(), "http", cents);
            }
            1 => {
                let (status, body) = asking.ask("HTTP: a scrape", ("GET", "/metrics"), &[], None);
                assert_eq!(status, 200, "{body}");
                let series = body.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
                asking.ledger.with(|noted| noted.series.push(series));
            }
            2 => {
                let cents = asking.ledger.amount(2);
                let arguments = json!({ "name": "mcp", "amount_usd": usd(cents) });
                let set = asking.tool("MCP: a budget", "update_budget", &arguments);
                is_amount(&set["structuredContent"], "mcp", cents);
            }
            3 => {
                let (status, body) =
                    asking.ask("HTTP: the gate", ("POST", "/api/v1/gate"), &[], Some(hook(DEAR)));
                assert_eq!(status, 200, "{body}");
                verdict(&body, DEAR);
            }
            4 => drop(asking.json("HTTP: status", "/api/v1/status")),
            5 => {
                let (status, body) =
                    asking.ask("HTTP: a wrong one", ("PUT", "/api/v1/budgets/http"), &[], Some("{}".into()));
                assert!(status == 400 || status == 422, "{status} {body}");
            }
            6 => {
                let refused = asking.tool("MCP: a wrong one", "update_budget", &json!({ "name": "mcp" }));
                assert_eq!(refused["isError"], true, "{refused}");
            }
            7 => {
                let (status, body) =
                    asking.ask("HTTP: the gate", ("POST", "/api/v1/gate"), &[], Some(hook("another")));
                assert_eq!(status, 200, "{body}");
                verdict(&body, "another");
            }
            8 => drop(asking.tool("MCP: status", "get_system_health", &json!({}))),
            9 => drop(asking.json("HTTP: a report", "/api/v1/spend?by=session")),
            10 => {
                let (status, body) =
                    asking.ask("HTTP: none such", ("DELETE", "/api/v1/budgets/none"), &[], None);
                assert_eq!(status, 404, "{body}");
            }
            _ => {
                // What is read has failed now and then; the program is ready throughout.
                let ready = asking.json("HTTP: readiness", "/health/ready");
                assert_eq!(ready["ready"], true, "{ready}");
            }
        }
        std::thread::sleep(PAUSE);
    }
}

/// By the program's own commands, and reloads of settings that have changed, until it is over.
pub fn by_cli(asking: &Asking<'_>, is_over: &AtomicBool) {
    for round in 0_u64.. {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let well = |said: &Said| assert_eq!(said.code, 0, "{said:?}");
        match round % 6 {
            0 => {
                let cents = asking.ledger.amount(3);
                let amount = usd(cents);
                let arguments = ["budget", "set", "--name", "cli", "--amount", &amount, "--json"];
                let said = asking.command("CLI: a budget", &arguments, "");
                well(&said);
                is_amount(&serde_json::from_str(&said.out).unwrap(), "cli", cents);
            }
            1 => {
                let said = asking.command("CLI: the gate", &["gate", "--within", "60000"], &hook(DEAR));
                well(&said);
                verdict(&said.out, DEAR);
            }
            2 => well(&asking.command("CLI: status", &["status"], "")),
            3 => {
                let said = asking.command("CLI: a wrong one", &["budget", "set", "--amount", "much"], "");
                assert_eq!(said.code, 2, "{said:?}");
            }
            4 => {
                let said = asking.command("CLI: the gate", &["gate", "--within", "60000"], &hook("another"));
                well(&said);
                verdict(&said.out, "another");
            }
            _ => reload(asking, round),
        }
        std::thread::sleep(PAUSE_CLI);
    }
}

/// Has the settings read again after they have changed.
pub fn reload(asking: &Asking<'_>, number: u64) {
    let path = asking.home.dir.path().join("config.toml");
    std::fs::write(path, format!("[beeminder]\npoll_seconds = {}\n", 1 + number / 6 % 2)).unwrap();
    let (status, body) = asking.ask("HTTP: a reload", ("POST", "/api/v1/reload"), &[], None);
    assert_eq!(status, 200, "{body}");
}
