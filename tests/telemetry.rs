//! Traces: they reach a collector that speaks real gRPC, and a collector that is not there costs nothing.

use std::time::Duration;

use fake_opentelemetry_collector::FakeCollectorServer;

use crate::support::corpus::{self, Plan};
use crate::support::program::Home;

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
