//! What the program says of itself: traces, log lines and metrics, to a terminal, as JSON, and to an OpenTelemetry collector.
//!
//! Export is switched on by the standard variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, its per-signal
//! form, or `OTEL_TRACES_EXPORTER=otlp`); without them nothing is exported and nothing is missed.
//! A collector that is not there slows nothing: what is to be told is dropped when the exporter's queue is full, and that it
//! is not reached is said once. The sampler is the standard variables' too (`OTEL_TRACES_SAMPLER`, `_ARG`); without
//! them everything is sampled whose parent is.

pub mod context;
mod lines;
pub mod metrics;
mod reach;

use std::io::IsTerminal;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

pub use context::current_trace;

use lines::WithTrace;
use metrics::Metrics;
use reach::{Noted, Reach};

/// The exporter's own parts: their spans would be exported, which would make more of them.
/// And the browser's driver and the protocol's server: their lines hold whole messages, cookies among them.
const PLUMBING: [&str; 11] = [
    "opentelemetry",
    "opentelemetry_sdk",
    "opentelemetry_otlp",
    "tonic",
    "h2",
    "hyper_util",
    "rmcp",
    "chromiumoxide",
    "chromiumoxide_cdp",
    "async_tungstenite",
    "tungstenite",
];

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// An OTEL_ variable says something that is not possible.
    #[error("cannot export telemetry: {reason}; mend or unset the OTEL_EXPORTER_OTLP_ variables")]
    Exporter {
        /// What the exporter said.
        reason: String,
    },
    /// The log filter is not one.
    #[error("MECRIS_LOG_LEVEL: {reason}; use error, warn, info, debug or trace")]
    Filter {
        /// What is wrong.
        reason: String,
    },
}

/// Keeps the exporter; [`Telemetry::flush`] it at the end.
#[derive(Debug, Default)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    logs: Option<SdkLoggerProvider>,
    metrics: Metrics,
}

/// Sets up log lines on standard error and, where the environment asks for it, OTLP export.
/// Call it within the runtime whose threads shall carry the export.
///
/// # Errors
/// [`TelemetryError`] names the variable and the mend.
pub fn init(format: LogFormat, level: Option<&str>) -> Result<Telemetry, TelemetryError> {
    let (resource, reach) = (resource(), Reach::default());
    let traces = export_is_wanted("TRACES").then(|| tracer(&resource, &reach)).transpose()?;
    let logs = export_is_wanted("LOGS").then(|| logger(&resource, &reach)).transpose()?;
    let metrics = measure(resource)?;
    let spans = match &traces {
        Some(traces) => {
            // Where in the source and on which thread a span was opened costs more than it tells.
            let layer = tracing_opentelemetry::layer()
                .with_tracer(traces.tracer("mecris"))
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false);
            Some(layer.with_filter(filter("info")?))
        }
        None => None,
    };
    let records = match &logs {
        Some(logs) => Some(OpenTelemetryTracingBridge::new(logs).with_filter(filter("info")?)),
        None => None,
    };
    let registry = tracing_subscriber::registry().with(lines(format, level)?).with(spans).with(records);
    // A second call (in tests) keeps the first subscriber.
    let _ = registry.try_init();
    Ok(Telemetry { traces, logs, metrics })
}

/// Sets up log lines alone, for commands that are over in a moment.
///
/// # Errors
/// [`TelemetryError::Filter`].
pub fn init_lines(format: LogFormat, level: Option<&str>) -> Result<(), TelemetryError> {
    let _ = tracing_subscriber::registry().with(lines(format, level)?).try_init();
    Ok(())
}

fn filter(level: &str) -> Result<EnvFilter, TelemetryError> {
    let quiet = PLUMBING.map(|name| format!("{name}=off")).join(",");
    EnvFilter::try_new(format!("{level},{quiet}"))
        .map_err(|error| TelemetryError::Filter { reason: error.to_string() })
}

fn lines<S>(format: LogFormat, level: Option<&str>) -> Result<impl Layer<S>, TelemetryError>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let own = tracing_subscriber::fmt::format();
    let lines = match format {
        LogFormat::Json => lines.json().event_format(WithTrace(own.json().flatten_event(true))).boxed(),
        LogFormat::Human => {
            let has_colours = std::io::stderr().is_terminal();
            let own = own.with_ansi(has_colours).with_target(false);
            lines.with_ansi(has_colours).event_format(WithTrace(own)).boxed()
        }
    };
    Ok(lines.with_filter(filter(level.unwrap_or("warn"))?))
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

fn is_disabled() -> bool {
    std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Where the exporters of a signal are named, OTLP must be among them (`prometheus` is always there, at `/metrics`);
/// else an address is enough.
fn export_is_wanted(signal: &str) -> bool {
    let exporters = std::env::var(format!("OTEL_{signal}_EXPORTER")).unwrap_or_default().to_lowercase();
    let asked = match exporters.trim() {
        "" => {
            is_set("OTEL_EXPORTER_OTLP_ENDPOINT") || is_set(&format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"))
        }
        named => named.split(',').any(|name| name.trim() == "otlp"),
    };
    asked && !is_disabled()
}

/// Measuring is always on, for `/metrics`; OTLP where it is asked for.
fn measure(resource: Resource) -> Result<Metrics, TelemetryError> {
    if is_disabled() {
        return Ok(Metrics::default());
    }
    let export = if export_is_wanted("METRICS") { Some(metric_exporter()?) } else { None };
    Metrics::start(resource, export).map_err(|reason| TelemetryError::Exporter { reason })
}

fn metric_exporter() -> Result<MetricExporter, TelemetryError> {
    let exporter = match protocol("METRICS")? {
        Protocol::HttpBinary => {
            MetricExporter::builder().with_http().with_protocol(Protocol::HttpBinary).build()
        }
        _ => MetricExporter::builder().with_tonic().build(),
    };
    exporter.map_err(|error| TelemetryError::Exporter { reason: error.to_string() })
}

fn protocol(signal: &str) -> Result<Protocol, TelemetryError> {
    let own = format!("OTEL_EXPORTER_OTLP_{signal}_PROTOCOL");
    let protocol = [own.as_str(), "OTEL_EXPORTER_OTLP_PROTOCOL"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_default();
    match protocol.as_str() {
        "" | "grpc" => Ok(Protocol::Grpc),
        "http/protobuf" => Ok(Protocol::HttpBinary),
        other => {
            let reason = format!("protocol '{other}' is not supported, use grpc or http/protobuf");
            Err(TelemetryError::Exporter { reason })
        }
    }
}

/// Who tells: by the conventions for resources, beside what `OTEL_RESOURCE_ATTRIBUTES` says.
fn resource() -> Resource {
    let mut resource = Resource::builder();
    if !is_set("OTEL_SERVICE_NAME") {
        resource = resource.with_service_name("mecris");
    }
    let instance = format!("{:032x}", rand::random::<u128>());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    resource
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance),
            KeyValue::new("host.name", host.trim().to_owned()),
            KeyValue::new("os.type", std::env::consts::OS),
            KeyValue::new("process.pid", i64::from(std::process::id())),
        ])
        .build()
}

/// Endpoint, headers, timeout and sampler come from the standard variables.
fn tracer(resource: &Resource, reach: &Reach) -> Result<SdkTracerProvider, TelemetryError> {
    let exporter = match protocol("TRACES")? {
        Protocol::HttpBinary => {
            SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).build()
        }
        _ => SpanExporter::builder().with_tonic().build(),
    };
    let exporter = exporter.map_err(|error| TelemetryError::Exporter { reason: error.to_string() })?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(Noted::new(exporter, reach));
    Ok(provider.with_resource(resource.clone()).build())
}

fn logger(resource: &Resource, reach: &Reach) -> Result<SdkLoggerProvider, TelemetryError> {
    let exporter = match protocol("LOGS")? {
        Protocol::HttpBinary => {
            LogExporter::builder().with_http().with_protocol(Protocol::HttpBinary).build()
        }
        _ => LogExporter::builder().with_tonic().build(),
    };
    let exporter = exporter.map_err(|error| TelemetryError::Exporter { reason: error.to_string() })?;
    let provider = SdkLoggerProvider::builder().with_batch_exporter(Noted::new(exporter, reach));
    Ok(provider.with_resource(resource.clone()).build())
}

impl Telemetry {
    /// What is measured.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// Exports what is left, for at most `deadline`. Blocks.
    pub fn flush(self, deadline: Duration) {
        // Side by side: a collector that hangs is waited for once.
        std::thread::scope(|scope| {
            scope.spawn(|| self.metrics.flush(deadline));
            // A collector that is gone is no reason to complain at the end.
            if let Some(logs) = &self.logs {
                scope.spawn(|| drop(logs.shutdown_with_timeout(deadline)));
            }
            if let Some(traces) = &self.traces {
                let _ = traces.shutdown_with_timeout(deadline);
            }
        });
    }
}
