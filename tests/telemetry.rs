//! Traces: they reach a collector that speaks real gRPC, and a collector that is not there costs nothing.

#[path = "telemetry/collectors.rs"]
mod collectors;
#[path = "telemetry/settings.rs"]
mod settings;
#[path = "telemetry/story.rs"]
mod story;
#[path = "telemetry/valid.rs"]
mod valid;

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use fake_opentelemetry_collector::{ExportedLog, ExportedSpan, FakeCollectorServer};

use crate::support::corpus::{self, Plan};
use crate::support::program::Home;

type Told = Arc<Mutex<(Vec<ExportedSpan>, Vec<ExportedLog>)>>;

/// A collector that keeps whatever it is told, on a thread of its own.
pub struct Collector {
    pub endpoint: String,
    told: Told,
}

impl Collector {
    pub fn start() -> Self {
        let (told, (ready, endpoint)) = (Told::default(), mpsc::channel());
        let kept = told.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async move {
                let mut server = FakeCollectorServer::start().await.unwrap();
                ready.send(server.endpoint()).unwrap();
                // Its own queues are short: they are emptied all the time, until the test's process ends.
                loop {
                    let spans = server.exported_spans(1, Duration::from_millis(10)).await;
                    let logs = server.exported_logs(1, Duration::from_millis(10)).await;
                    server.exported_metrics(1, Duration::from_millis(1)).await;
                    let mut kept = kept.lock().unwrap();
                    kept.0.extend(spans);
                    kept.1.extend(logs);
                }
            });
        });
        Self { endpoint: endpoint.recv().unwrap(), told }
    }

    /// All of it, once the program has ended and nothing more comes.
    pub fn all(&self) -> (Vec<ExportedSpan>, Vec<ExportedLog>) {
        let count = || {
            let told = self.told.lock().unwrap();
            told.0.len() + told.1.len()
        };
        let mut before = usize::MAX;
        while before != count() {
            before = count();
            std::thread::sleep(Duration::from_millis(500));
        }
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

/// A number among a span's attributes.
pub fn number(span: &ExportedSpan, name: &str) -> Option<u64> {
    let value = span.attributes.get(name)?;
    let digits: String =
        value.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// A text among them.
pub fn text<'a>(span: &'a ExportedSpan, name: &str) -> &'a str {
    let value = span.attributes.get(name).unwrap_or_else(|| panic!("no {name} in {span:?}"));
    value.split('"').nth(1).unwrap_or(value)
}

fn home() -> Home {
    let home = Home::new();
    corpus::write(&home.claude(), Plan { bytes: 200_000, files: 2, days: 2, seed: 51 });
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_and_an_import_are_seen_by_the_collector() {
    let mut collector = FakeCollectorServer::start().await.unwrap();
    let endpoint = collector.endpoint();
    let events = tokio::task::spawn_blocking(move || {
        let home = home();
        let running = home.start_with(&[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
        assert_eq!(running.get("/api/v1/status").status, 200);
        assert_eq!(running.stop(), 0);
        home.json(&["replay"])["head"].as_u64().unwrap()
    });
    let events = events.await.unwrap();
    let spans = collector.exported_spans(3, Duration::from_secs(20)).await;
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    for name in ["GET /api/v1/status", "usage.import"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let appends: Vec<_> = spans.iter().filter(|span| span.name == "log.append").collect();
    assert!(!appends.is_empty(), "{names:?}");
    let position = |span: &&fake_opentelemetry_collector::ExportedSpan| {
        format!("{:?}", span.attributes.get("mecris.event.position"))
    };
    let last = format!("{events}");
    assert!(
        appends.iter().any(|span| position(span).contains(&last)),
        "no span leads to event {last}: {appends:?}"
    );
}

#[test]
fn a_collector_that_is_not_there_is_not_missed() {
    let home = home();
    // A port that was free a moment ago: nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let running = home.start_with(&[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())]);
    assert_eq!(running.get("/api/v1/status").status, 200);
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_wrong_setting_is_one_line_with_the_mend() {
    let home = home();
    let mut command = home.command(&["run", "--listen", "127.0.0.1:0"]);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon");
    let said: crate::support::program::Said = command.output().unwrap().into();
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("carrier-pigeon") && said.err.contains("grpc or http/protobuf"), "{said:?}");
}
