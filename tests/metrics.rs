//! Metrics: what the running program exports, held against its own answers, Prometheus, the dashboards, the rules and
//! the documents.

// Counts are whole numbers, which a float holds exactly.
#![allow(clippy::float_cmp)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fake_opentelemetry_collector::FakeCollectorServer;
use jiff::ToSpan;
use serde_json::{Value, json};

use crate::alerts::{EAGER, until};
use crate::support::corpus::{self, Plan};
use crate::support::outside::Fault;
use crate::support::outside::anthropic::{self, Anthropic};
use crate::support::outside::beeminder::{self, Beeminder};
use crate::support::outside::books::Books;
use crate::support::outside::ntfy::{self, Ntfy};
use crate::support::outside::purses::{self, BalanceApi};
use crate::support::outside::smtp::{self, Smtp};
use crate::support::program::{Home, Running, Said};

#[path = "metrics/exposition.rs"]
mod exposition;
#[path = "metrics/observability.rs"]
mod observability;
#[path = "metrics/runbook.rs"]
mod runbook;

use exposition::Exposition;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A machine on which everything happens that is measured.
struct World {
    running: Running,
    home: Home,
    _beeminder: Beeminder,
    _ntfy: Ntfy,
    _smtp: Smtp,
    _anthropic: Anthropic,
    _openrouter: BalanceApi,
}

impl World {
    fn start() -> Self {
        let (beeminder, ntfy, smtp) = (Beeminder::start(), Ntfy::start(), Smtp::start());
        let (anthropic, openrouter) = (Anthropic::start(), purses::openrouter());
        beeminder.world.lock().goal("walk", 0, 1_900_000_000);
        beeminder.world.lock().goal("spend", 12, 1_950_000_000);
        let today = anthropic.world.lock().today;
        anthropic.world.lock().books = Books::seeded(7, today.saturating_sub(9.days()), 10);
        let home = Home::new();
        corpus::write(&home.claude(), Plan { bytes: 400_000, files: 4, days: 4, seed: 91 });
        home.json(&["budget", "set", "--amount", "50"]);
        home.json(&["budget", "set", "--name", "gone", "--amount", "5"]);
        home.json(&["budget", "virtual", "--monthly", "500", "--daily", "100"]);
        let (base, topic) = (beeminder.base(), ntfy.url());
        let urls = [anthropic.front.url(), openrouter.front.url()];
        let (host, port) = (smtp.address.ip().to_string(), smtp.address.port().to_string());
        let variables = [
            ("BEEMINDER_API_BASE", base.as_str()),
            ("BEEMINDER_AUTH_TOKEN", beeminder::TOKEN),
            ("MECRIS_NTFY__URL", topic.as_str()),
            ("MECRIS_NTFY__TOKEN", ntfy::TOKEN),
            ("MECRIS_EMAIL__SERVER", host.as_str()),
            ("MECRIS_EMAIL__PORT", port.as_str()),
            ("MECRIS_EMAIL__TLS", "none"),
            ("MECRIS_EMAIL__USERNAME", smtp::USER),
            ("MECRIS_EMAIL__PASSWORD", smtp::PASSWORD),
            ("MECRIS_EMAIL__FROM", "mecris@example.com"),
            ("MECRIS_EMAIL__TO", "ada@example.com"),
            ("ANTHROPIC_API_BASE", urls[0].as_str()),
            ("ANTHROPIC_ADMIN_KEY", anthropic::ADMIN_KEY),
            ("OPENROUTER_API_BASE", urls[1].as_str()),
            ("OPENROUTER_API_KEY", purses::OPENROUTER_KEY),
        ];
        let config = home.dir.path().join("config.toml");
        let ladder =
            "[alerts]\nladder = [{ channel = 'email', patience_minutes = 0 }, { channel = 'ntfy' }]\n";
        std::fs::write(&config, ladder).unwrap();
        let config = ["--config", config.to_str().unwrap()];
        let running = home.start_with(&config, &[&EAGER[..], &variables].concat());
        let world = Self {
            running,
            home,
            _beeminder: beeminder,
            _ntfy: ntfy,
            _smtp: smtp,
            _anthropic: anthropic,
            _openrouter: openrouter,
        };
        world.live();
        world
    }

    /// Whatever a person and their agents do in a day.
    fn live(&self) {
        let running = &self.running;
        let bearer = format!("Bearer {}", running.token);
        let post = |path: &str, body: Value| {
            let answer = running.send("POST", path, &[("authorization", &bearer)], Some(&body.to_string()));
            assert_eq!(answer.status, 200, "{answer:?}");
        };
        let ends = jiff::Timestamp::now().as_second() + 3_600;
        post(
            "/api/v1/quota",
            json!({"rate_limits": {"five_hour": {"used_percentage": 23.4, "resets_at": ends}}}),
        );
        post("/api/v1/gate", json!({"hook_event_name": "PreToolUse", "session_id": "s", "cwd": "/home/ada"}));
        post("/api/v1/drill", json!({"actor": "tenants/local/vault"}));
        assert_eq!(running.get("/nowhere").status, 404);
        until("the transcripts are read", || {
            let shown = self.scrape();
            let has = |name| !shown.of(name).is_empty();
            let is_whole = has("mecris_spend")
                && has("mecris_balance_left")
                && has("mecris_reconcile_drift_ratio")
                && has("mecris_alert_attempts")
                && has("mecris_transcripts_age_seconds")
                && shown.sum("mecris_actor_restarts_total") >= 1.0
                && shown.value("mecris_source_up", &[("mecris_source_name", "anthropic")]) == Some(1.0);
            is_whole.then_some(())
        });
    }

    fn scrape(&self) -> Exposition {
        let answer = self.running.get("/metrics");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.content_type, "text/plain; version=0.0.4; charset=utf-8");
        Exposition::parse(&answer.body)
    }
}

/// A program that this test ends.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks a Prometheus, over one connection.
struct Asking {
    base: String,
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

impl Asking {
    fn new(base: String) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { base, runtime, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// None while it does not answer.
    fn fetch(&self, path: &str, query: &[(&str, &str)]) -> Option<Value> {
        let request = self.client.get(format!("{}{path}", self.base)).query(query);
        self.runtime.block_on(async { request.send().await.ok()?.json().await.ok() })
    }
}

/// The observability directory as a person would set it up, with the token beside it, and asked often.
fn set_up(dir: &Path, running: &Running) -> PathBuf {
    let from = root().join("observability");
    std::fs::create_dir_all(dir.join("rules")).unwrap();
    for file in ["rules/mecris.yaml", "rules/mecris_test.yaml"] {
        std::fs::copy(from.join(file), dir.join(file)).unwrap();
    }
    std::fs::write(dir.join("token"), &running.token).unwrap();
    let config = std::fs::read_to_string(from.join("prometheus.yaml")).unwrap();
    let address = running.url.strip_prefix("http://").unwrap();
    for part in ["127.0.0.1:7787", "15s"] {
        assert!(config.contains(part), "{part}");
    }
    let config = config.replace("127.0.0.1:7787", address).replace("15s", "1s");
    std::fs::write(dir.join("prometheus.yaml"), config).unwrap();
    dir.join("prometheus.yaml")
}

fn promtool(arguments: &[&str], input: Option<&str>) -> Said {
    let mut child = Command::new("promtool")
        .args(arguments)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool: tests/run installs it");
    if let Some(input) = input {
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    }
    child.wait_with_output().unwrap().into()
}

#[test]
fn prometheus_scrapes_the_running_program_and_sees_what_it_says_of_itself() {
    let world = World::start();
    let dir = tempfile::tempdir().unwrap();
    let config = set_up(dir.path(), &world.running);
    let checked = promtool(&["check", "config", config.to_str().unwrap()], None);
    assert_eq!(checked.code, 0, "{checked:?}");
    let body = world.running.get("/metrics").body;
    let checked = promtool(&["check", "metrics"], Some(&body));
    assert_eq!((checked.code, checked.err.as_str()), (0, ""), "{checked:?}\n{body}");

    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = Command::new("prometheus")
        .args(["--config.file", config.to_str().unwrap(), "--log.level=error"])
        .args(["--storage.tsdb.path", dir.path().join("tsdb").to_str().unwrap()])
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("prometheus: tests/run installs it");
    let _ended = Ended(child);
    let prometheus = Asking::new(format!("http://127.0.0.1:{port}"));
    let query = |expr: &str| {
        let answer = prometheus.fetch("/api/v1/query", &[("query", expr)])?;
        assert_eq!(answer["status"], "success", "{expr}: {answer}");
        Some(answer["data"]["result"].as_array().unwrap().clone())
    };
    let number = |sample: &Value| sample["value"][1].as_str().unwrap().parse::<f64>().unwrap();
    let one = |expr: &str| until(expr, || query(expr).and_then(|found| found.first().map(number)));
    assert_eq!(one("up{job=\"mecris\"}"), 1.0);

    // What it says to Prometheus is what it says to a person.
    let report = world.home.json(&["report", "model"]);
    let lines = report["models"].as_array().unwrap();
    assert!(lines.len() >= 4, "{report}");
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(1.0);
    for line in lines {
        let of =
            format!("{{gen_ai_provider_name={},gen_ai_request_model={}}}", line["provider"], line["model"]);
        // A model without a price has no cost, and that is told by a metric of its own.
        let cost: f64 = line["cost_usd"].as_str().map_or(0.0, |cost| cost.parse().unwrap());
        assert_eq!(one(&format!("mecris_unpriced_calls{of}")) > 0.0, line["cost_usd"].is_null(), "{line}");
        assert!(near(one(&format!("mecris_spend{of}")), cost), "{line}");
        let tokens: u64 = ["input", "output", "cache_read", "cache_write_5m", "cache_write_1h"]
            .iter()
            .map(|kind| line[format!("{kind}_tokens")].as_u64().unwrap())
            .sum();
        assert_eq!(one(&format!("sum(mecris_tokens{of})")), tokens as f64, "{line}");
        assert_eq!(one(&format!("mecris_calls{of}")), line["messages"].as_u64().unwrap() as f64, "{line}");
    }
    let status = world.home.json(&["status"]);
    let usd = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    assert!(near(one("sum(mecris_spend)"), usd(&status["all_time"]["cost_usd"])), "{status}");
    for budget in status["budgets"].as_array().unwrap() {
        let of = format!("{{mecris_budget_name={}}}", budget["name"]);
        let (amount, used) = (usd(&budget["amount_usd"]), usd(&budget["used_usd"]));
        assert!(near(one(&format!("mecris_budget_limit{of}")), amount));
        assert!(near(one(&format!("mecris_budget_usage{of}")), used));
        assert!(near(one(&format!("mecris_budget_utilization_ratio{of}")), used / amount));
    }
    for balance in status["balances"].as_array().unwrap() {
        let of = format!("{{gen_ai_provider_name={}}}", balance["provider"]);
        assert!(near(one(&format!("mecris_balance_left{of}")), usd(&balance["left_usd"])));
        assert!(
            one(&format!("mecris_balance_age_seconds{of}"))
                >= balance["age_seconds"].as_f64().unwrap() - 60.0
        );
    }
    for goal in world.home.json(&["goals"])["goals"].as_array().unwrap() {
        let of = format!("{{mecris_goal_slug={}}}", goal["slug"]);
        assert_eq!(one(&format!("mecris_goal_buffer{of}")), goal["safe_days"].as_f64().unwrap());
    }
    for actor in world.running.get("/api/v1/actors").json().as_array().unwrap() {
        let of = format!("{{mecris_actor_path={}}}", actor["path"]);
        assert_eq!(one(&format!("mecris_actor_restarts_total{of}")), actor["restarts"].as_f64().unwrap());
        assert_eq!(
            one(&format!("mecris_actor_mailbox_capacity{of}")),
            actor["mailbox_capacity"].as_f64().unwrap()
        );
    }
    let alerts = status["alerts"].as_array().unwrap().len() as f64;
    until("the alerts agree", || (one("sum(mecris_alerts)") == alerts).then_some(()));

    let head = world.running.get("/api/v1/head").json()["position"].as_f64().unwrap();
    until("the log's position", || (one("mecris_log_position") >= head).then_some(()));
    let started = one("process_start_time_seconds") - jiff::Timestamp::now().as_second() as f64;
    assert!((-300.0..=1.0).contains(&started), "{started}");
    assert!(one("process_memory_usage_bytes") > 1e6 && one("mecris_log_size_bytes") > 1e4);

    // Its names are those of the documents and the dashboards; their questions have answers.
    let shown = world.scrape();
    observability::names_are_documented(&shown);
    observability::questions_name_what_is_exported(&shown);
    for (place, expr) in observability::questions() {
        assert!(query(&observability::asked(&expr)).is_some(), "{place}: {expr}");
    }
    let rules = prometheus.fetch("/api/v1/rules", &[]).unwrap();
    let rules: Vec<&Value> = rules["data"]["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap())
        .collect();
    assert!(rules.len() >= 20 && rules.iter().all(|rule| rule["health"] != "err"), "{rules:?}");

    // What is gone is gone from the next answer.
    world.home.json(&["budget", "remove", "gone"]);
    let of = [("mecris_budget_name", "gone")];
    until("the budget is gone", || world.scrape().value("mecris_budget_limit", &of).is_none().then_some(()));
}

#[test]
fn the_rules_fire_when_they_should() {
    let rules = root().join("observability/rules");
    let checked = promtool(&["check", "rules", rules.join("mecris.yaml").to_str().unwrap()], None);
    assert_eq!(checked.code, 0, "{checked:?}");
    let tested = promtool(&["test", "rules", rules.join("mecris_test.yaml").to_str().unwrap()], None);
    assert_eq!(tested.code, 0, "{tested:?}");
}

#[test]
fn the_compose_file_and_all_yaml_are_valid_by_their_own_tools() {
    let dir = root().join("observability");
    for (tool, arguments) in [
        ("docker-compose", &["-f", "compose.yaml", "config", "--quiet"][..]),
        ("yamllint", &["--strict", "."]),
        ("promtool", &["check", "config", "prometheus-compose.yaml"]),
    ] {
        let output = Command::new(tool).args(arguments).current_dir(&dir).output();
        let said: Said = output.unwrap_or_else(|_| panic!("{tool}: tests/run installs it")).into();
        assert_eq!(said.code, 0, "{tool}: {said:?}");
    }
}

#[test]
fn a_hostile_log_makes_no_more_series_and_loses_nothing() {
    const MODELS: usize = 3_000;
    let home = Home::new();
    let line = |number: usize| {
        json!({
            "type": "assistant", "timestamp": "2026-11-20T10:00:00.000Z", "sessionId": format!("s{number}"),
            "cwd": format!("/home/ada/{number}"), "version": "2.1.0", "requestId": format!("r{number}"), "uuid": format!("u{number}"),
            "message": {
                "id": format!("m{number}"), "role": "assistant", "stop_reason": "end_turn",
                "model": format!("model-{number}-\"\\\u{7}{}", "x".repeat(200)),
                "usage": {"input_tokens": 10 + number, "output_tokens": 1},
            },
        })
        .to_string()
    };
    let text: Vec<String> = (0..MODELS).map(line).collect();
    home.transcript("hostile.jsonl", text.join("\n") + "\n");
    let beeminder = Beeminder::start();
    for number in 0..250 {
        beeminder.world.lock().goal(&format!("goal-{number}"), 5, 1_900_000_000 + number);
    }
    let base = beeminder.base();
    let variables = [("BEEMINDER_API_BASE", base.as_str()), ("BEEMINDER_AUTH_TOKEN", beeminder::TOKEN)];
    let running = home.start_with(&[], &variables);
    let scrape = || Exposition::parse(&running.get("/metrics").body);
    let shown = until("all is read", || {
        let shown = scrape();
        let is_whole =
            shown.sum("mecris_calls") == MODELS as f64 && !shown.of("mecris_goal_buffer").is_empty();
        is_whole.then_some(shown)
    });
    let tokens = (0..MODELS).map(|number| 11 + number).sum::<usize>() as f64;
    assert_eq!(shown.sum("mecris_tokens"), tokens);
    let bounds = mecris::service::metrics::SERIES_MAX;
    for (name, series) in shown.counts() {
        assert!(series <= bounds, "{name} has {series} series");
    }
    assert!(shown.of("mecris_spend").len() <= 60, "{}", shown.of("mecris_spend").len());
    for value in shown.label_values() {
        assert!(
            value.chars().count() <= mecris::service::metrics::LABEL_MAX && !value.contains('\u{7}'),
            "{value}"
        );
    }
    // The goals that derail last are left out, and that is told.
    let goals = shown.of("mecris_goal_buffer");
    assert_eq!(goals.len(), bounds);
    assert!(goals.iter().all(|(of, _)| of["mecris_goal_slug"] != "goal-249"));
    assert_eq!(shown.sum("mecris_metrics_left_out"), 3.0 * 50.0);
    // Requests for what is not there make no routes of their own.
    for number in 0..50 {
        running.get(&format!("/nowhere/{number}"));
        running.get(&format!("/api/v1/goals/{number}"));
    }
    let routes = scrape().of("http_server_request_duration_seconds_count").len();
    assert!(routes <= 12, "{routes}");
    assert_eq!(running.stop(), 0);
}

#[test]
fn what_goes_wrong_is_measured() {
    let beeminder = Beeminder::start();
    beeminder.front.fault(Fault::Status(500));
    let base = beeminder.base();
    let home = Home::new();
    let variables = [
        ("BEEMINDER_API_BASE", base.as_str()),
        ("BEEMINDER_AUTH_TOKEN", beeminder::TOKEN),
        ("MECRIS_BEEMINDER__POLL_SECONDS", "1"),
    ];
    let running = home.start_with(&[], &variables);
    let scrape = |running: &Running| Exposition::parse(&running.get("/metrics").body);
    let breaker = |shown: &Exposition, state: &str| {
        let of = [("mecris_outside_system", "beeminder"), ("mecris_breaker_state", state)];
        shown.value("mecris_breaker_state", &of)
    };
    let shown = until("the breaker opens", || {
        let shown = scrape(&running);
        (breaker(&shown, "open") == Some(1.0)).then_some(shown)
    });
    assert_eq!(breaker(&shown, "closed"), Some(0.0));
    let of = [("mecris_source_name", "beeminder"), ("mecris_source_state", "failing")];
    assert_eq!(shown.value("mecris_source_state", &of), Some(1.0));
    assert_eq!(shown.value("mecris_source_up", &of[..1]), Some(0.0));
    let of = [("mecris_outside_system", "beeminder"), ("error_type", "unavailable")];
    assert!(shown.value("http_client_request_duration_seconds_count", &of) >= Some(5.0));
    assert_eq!(shown.sum("mecris_log_writable"), 1.0);
    assert_eq!(running.stop(), 0);
    // No disk has so much.
    let running = home.start_with(&[], &[("MECRIS_LOG__RESERVE_MIB", "1000000000000")]);
    let shown = scrape(&running);
    assert_eq!(shown.sum("mecris_log_writable"), 0.0);
    assert!(shown.sum("mecris_disk_free_bytes") < shown.sum("mecris_disk_reserve_bytes"));
    running.get("/health/ready");
    let of = [("http_route", "/health/ready"), ("http_response_status_code", "503"), ("error_type", "503")];
    assert_eq!(scrape(&running).value("http_server_request_duration_seconds_count", &of), Some(1.0));
}

#[test]
fn switched_off_it_measures_nothing_and_answers_all_the_same() {
    let home = Home::new();
    let running = home.start_with(&[], &[("OTEL_SDK_DISABLED", "true")]);
    let answer = running.get("/metrics");
    assert_eq!(answer.status, 200);
    assert!(answer.body.lines().all(|line| line.starts_with('#')), "{answer:?}");
    assert_eq!(running.send("GET", "/metrics", &[], None).status, 401, "the token is wanted");
    assert_eq!(running.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_metrics_reach_a_collector() {
    let mut collector = FakeCollectorServer::start().await.unwrap();
    let endpoint = collector.endpoint();
    let scraped = tokio::task::spawn_blocking(move || {
        let home = Home::new();
        corpus::write(&home.claude(), Plan { bytes: 100_000, files: 1, days: 1, seed: 92 });
        let variables = [
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", endpoint.as_str()),
            ("OTEL_METRIC_EXPORT_INTERVAL", "200"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
        ];
        let running = home.start_with(&[], &variables);
        let shown = until("all is read", || {
            let shown = Exposition::parse(&running.get("/metrics").body);
            (shown.sum("mecris_calls") > 0.0
                && !shown.of("mecris_log_sync_duration_seconds_count").is_empty())
            .then_some(shown)
        });
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(running.stop(), 0);
        shown
    });
    let scraped = scraped.await.unwrap();
    let target = scraped.labels("target_info");
    assert_eq!(target["service_name"], "mecris");
    assert_eq!(target["deployment_environment_name"], "test");
    assert!(!target["service_version"].is_empty());
    let mut names = BTreeMap::new();
    for exported in collector.exported_metrics(1, Duration::from_secs(20)).await {
        let exported = serde_json::to_value(&exported).unwrap();
        for metric in exported["metrics"].as_array().unwrap() {
            let (name, unit) = (metric["name"].as_str().unwrap(), metric["unit"].as_str().unwrap());
            assert!(metric["description"].as_str().is_some_and(|text| text.ends_with('.')), "{metric}");
            let (kind, data) = metric["data"].as_object().unwrap().iter().next().unwrap();
            let points = data["data_points"].as_array().unwrap();
            let value = |point: &Value| {
                let (_, value) = point["value"].as_object().unwrap().iter().next().unwrap();
                value.as_f64().unwrap()
            };
            match kind.as_str() {
                "Sum" => {
                    assert_eq!(data["aggregation_temporality"], 2, "{name} is cumulative");
                    let begun = |point: &Value| {
                        let (start, time) =
                            (point["start_time_unix_nano"].as_u64(), point["time_unix_nano"].as_u64());
                        start > Some(0) && start <= time
                    };
                    assert!(points.iter().all(|point| value(point) >= 0.0 && begun(point)), "{metric}");
                    let family = exposition::prometheus_name(name, unit) + "_total";
                    let expected = if data["is_monotonic"] == true { Some("counter") } else { None };
                    assert_eq!(scraped.kind(&family), expected, "{family}");
                }
                "Gauge" => assert!(points.iter().all(|point| value(point).is_finite()), "{metric}"),
                "Histogram" => {
                    let whole = |point: &Value| {
                        let buckets = point["bucket_counts"].as_array().unwrap();
                        point["count"].as_u64() == Some(buckets.iter().filter_map(Value::as_u64).sum())
                    };
                    assert!(points.iter().all(whole), "{metric}");
                }
                other => panic!("{other}"),
            }
            names.insert(name.to_owned(), unit.to_owned());
        }
    }
    for (name, unit) in [
        ("mecris.spend", "{USD}"),
        ("mecris.tokens", "{token}"),
        ("mecris.log.sync.duration", "s"),
        ("mecris.log.size", "By"),
        ("http.server.request.duration", "s"),
        ("process.cpu.time", "s"),
    ] {
        assert_eq!(names.get(name).map(String::as_str), Some(unit), "{name}: {names:?}");
    }
    // One set of instruments: what is pushed is what is scraped.
    let pushed: BTreeSet<String> =
        names.iter().map(|(name, unit)| exposition::prometheus_name(name, unit)).collect();
    let scraped: BTreeSet<String> =
        scraped.families().map(|name| name.trim_end_matches("_total").to_owned()).collect();
    let only_scraped: Vec<_> = scraped.difference(&pushed).filter(|name| *name != "target_info").collect();
    assert!(only_scraped.is_empty(), "{only_scraped:?} are not pushed");
}
