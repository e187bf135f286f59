//! The `[telemetry]` settings: a collector over HTTP that wants a header, gets all three signals, and is told who tells.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::valid;
use crate::support::outside::{Shared, serve};
use crate::support::program::Home;

const HEADER: &str = "Bearer marked-0123456789";

#[derive(Default)]
struct Told {
    refused: usize,
    spans: BTreeSet<String>,
    records: Vec<String>,
    metrics: BTreeSet<String>,
    resources: Vec<Resource>,
    complaints: Vec<String>,
}

impl Told {
    fn take(&mut self, signal: &str, body: &[u8]) -> Result<(), prost::DecodeError> {
        match signal {
            "traces" => {
                let request = ExportTraceServiceRequest::decode(body)?;
                self.complaints.extend(valid::traces(&request));
                for of_one in request.resource_spans {
                    self.resources.extend(of_one.resource);
                    let spans = of_one.scope_spans.into_iter().flat_map(|scope| scope.spans);
                    self.spans.extend(spans.map(|span| span.name));
                }
            }
            "logs" => {
                let request = ExportLogsServiceRequest::decode(body)?;
                self.complaints.extend(valid::logs(&request));
                for of_one in request.resource_logs {
                    self.resources.extend(of_one.resource);
                    let records = of_one.scope_logs.into_iter().flat_map(|scope| scope.log_records);
                    self.records.extend(records.map(|record| format!("{:?}", record.body)));
                }
            }
            _ => {
                let request = ExportMetricsServiceRequest::decode(body)?;
                self.complaints.extend(valid::metrics(&request));
                for of_one in request.resource_metrics {
                    self.resources.extend(of_one.resource);
                    let metrics = of_one.scope_metrics.into_iter().flat_map(|scope| scope.metrics);
                    self.metrics.extend(metrics.map(|metric| metric.name));
                }
            }
        }
        Ok(())
    }
}

async fn export(
    State(told): State<Shared<Told>>,
    Path(signal): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut told = told.lock();
    if headers.get("authorization").is_none_or(|value| value != HEADER) {
        told.refused += 1;
        return StatusCode::UNAUTHORIZED;
    }
    match told.take(&signal, &body) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

fn text(resource: &Resource) -> BTreeMap<String, String> {
    let shown = resource.attributes.iter().map(|attribute| {
        (attribute.key.clone(), format!("{:?}", attribute.value.as_ref().unwrap().value.as_ref().unwrap()))
    });
    shown.collect()
}

#[test]
fn a_collector_that_wants_a_header_gets_all_three_signals_and_who_tells() {
    let told = Shared::new(Told::default());
    let front = serve(Router::new().route("/base/v1/{signal}", post(export)).with_state(told.clone()));
    let home = Home::new();
    let config = home.dir.path().join(".config/mecris/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    let text_of = |headers: &str| {
        let endpoint = format!("{}/base", front.url().trim_end_matches('/'));
        format!("[telemetry]\nendpoint = \"{endpoint}\"\nprotocol = \"http/protobuf\"\n{headers}")
    };
    std::fs::write(&config, text_of(&format!("headers = \"authorization={HEADER}\"\n"))).unwrap();
    let doctor = home.run(&["doctor"]);
    assert!(doctor.out.contains("somebody listens at 127.0.0.1"), "{doctor:?}");
    assert!(!format!("{doctor:?}").contains("marked"), "{doctor:?}");
    let running = home.start(&[]);
    assert!(!running.said.contains("telemetry.endpoint"), "it is configured: {}", running.said);
    assert_eq!(running.get("/api/v1/status").status, 200);
    let bearer = format!("Bearer {}", running.token);
    let drill = r#"{"actor":"tenants/local/budgets"}"#;
    let drilled = running.send("POST", "/api/v1/drill", &[("authorization", &bearer)], Some(drill));
    assert_eq!(drilled.status, 200, "{drilled:?}");
    let pid = running.child.id();
    assert_eq!(running.stop(), 0);
    {
        let told = told.lock();
        assert_eq!(told.refused, 0);
        assert_eq!(told.complaints, [] as [String; 0], "a collector could refuse it");
        assert!(told.spans.contains("GET /api/v1/status"), "{:?}", told.spans);
        assert!(told.records.iter().any(|record| record.contains("supervision")), "{:?}", told.records);
        assert!(told.metrics.contains("http.server.request.duration"), "{:?}", told.metrics);
        let who = text(&told.resources[0]);
        assert_eq!(who["service.name"], "StringValue(\"mecris\")");
        assert_eq!(who["service.version"], format!("StringValue(\"{}\")", env!("CARGO_PKG_VERSION")));
        assert_eq!(who["process.pid"], format!("IntValue({pid})"));
        for name in ["service.instance.id", "host.name", "os.type", "telemetry.sdk.language"] {
            assert!(who[name].starts_with("StringValue"), "{name}: {who:?}");
        }
        assert!(told.resources.iter().all(|other| text(other) == who), "one program, one resource");
    }
    // Without the header it is refused, which one line says, and nothing else is lost.
    std::fs::write(&config, text_of("logs = false\nsample_percent = 50\n")).unwrap();
    let mut running =
        home.start_with(&[], &[("OTEL_BSP_SCHEDULE_DELAY", "50"), ("OTEL_METRIC_EXPORT_INTERVAL", "50")]);
    crate::alerts::until("an export is refused", || (told.lock().refused > 1).then_some(()));
    let mut stderr = running.child.stderr.take().unwrap();
    assert_eq!(running.stop(), 0);
    let mut lines = String::new();
    stderr.read_to_string(&mut lines).unwrap();
    assert_eq!(lines.matches("the telemetry collector is not reached, or refuses").count(), 1, "{lines}");
}
