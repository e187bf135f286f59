//! Telemetry: traces, log lines and metrics, to a terminal, as JSON, and to an OpenTelemetry collector.
//!
//! A [`plan`] from the settings and OpenTelemetry's own variables says what is exported, and where to;
//! without either nothing is. An unreachable collector slows nothing down: when the exporter's queue is full,
//! telemetry is dropped, and one log line reports that the collector cannot be reached.

pub mod context;
mod exporters;
mod lines;
pub mod metrics;
pub mod plan;
mod reach;

use std::io::IsTerminal;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

pub use context::current_trace;

use crate::config::Loaded;

use lines::{Records, WithTrace};
use metrics::Metrics;
use plan::{Plan, Target};
use reach::{Noted, Reach};

/// The exporter's own modules: exporting their spans would create more of them. And the protocol's server,
/// whose log lines contain whole messages.
const PLUMBING: [&str; 7] =
    ["opentelemetry", "opentelemetry_sdk", "opentelemetry_otlp", "tonic", "h2", "hyper_util", "rmcp"];

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object per line.
    Json,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// An invalid variable or setting.
    #[error(
        "cannot export telemetry: {reason}; fix or unset the OTEL_EXPORTER_OTLP_ variables, or [telemetry] in config.toml"
    )]
    Exporter {
        /// The exporter's error.
        reason: String,
    },
    /// An invalid log filter.
    #[error("MECRIS_LOG_LEVEL: {reason}; use error, warn, info, debug or trace")]
    Filter {
        /// The parser's error.
        reason: String,
    },
}

/// Holds the exporter; call [`Telemetry::flush`] before exit.
#[derive(Debug, Default)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    logs: Option<SdkLoggerProvider>,
    metrics: Metrics,
}

/// Sets up log lines on standard error and, if configured, OTLP export. Call it within the runtime that
/// should run the export.
///
/// # Errors
/// [`TelemetryError`] names the variable and the fix.
pub fn init(format: LogFormat, level: Option<&str>, loaded: &Loaded) -> Result<Telemetry, TelemetryError> {
    let (resource, reach, plan) = (resource(), Reach::default(), Plan::of(loaded)?);
    let traces = plan.traces.as_ref().map(|target| tracer(target, &plan, &resource, &reach)).transpose()?;
    let logs = plan.logs.as_ref().map(|target| logger(target, &resource, &reach)).transpose()?;
    let metrics = measure(&plan, resource, &reach)?;
    // A list instead of options: a layer that is `None` would still cause every span to be created.
    let mut layers = vec![lines(format, level)?.boxed()];
    if let Some(traces) = &traces {
        // Spans of appends and projections are reported to the global provider when they end.
        opentelemetry::global::set_tracer_provider(traces.clone());
        // Recording source location and thread costs more than it is worth, and so does making a span current
        // at every poll of a future.
        let spans = tracing_opentelemetry::layer()
            .with_tracer(traces.tracer("mecris"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false);
        layers.push(spans.with_filter(exported()).boxed());
    }
    if let Some(logs) = &logs {
        let is_line = filter_fn(|metadata| !metadata.is_span());
        layers.push(Records::new(logs).with_filter(exported().and(is_line)).boxed());
    }
    let registry = tracing_subscriber::registry().with(layers);
    // A second call (in tests) keeps the first subscriber.
    let _ = registry.try_init();
    Ok(Telemetry { traces, logs, metrics })
}

/// Sets up log lines alone, for short-lived commands.
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

/// What is exported: a filter without state, because it is evaluated at each step.
fn exported() -> Targets {
    let quiet = PLUMBING.map(|name| (name, LevelFilter::OFF));
    Targets::new().with_default(LevelFilter::INFO).with_targets(quiet)
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

/// Metrics are always collected, for `/metrics`; OTLP export is optional.
fn measure(plan: &Plan, resource: Resource, reach: &Reach) -> Result<Metrics, TelemetryError> {
    if plan.is_disabled {
        return Ok(Metrics::default());
    }
    let exporter = plan.metrics.as_ref().map(exporters::metrics).transpose()?;
    let exporter = exporter.map(|exporter| Noted::new(exporter, reach));
    Metrics::start(resource, exporter).map_err(|reason| TelemetryError::Exporter { reason })
}

/// The resource attributes, by the semantic conventions, in addition to `OTEL_RESOURCE_ATTRIBUTES`.
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

/// The SDK reads timeouts and queue sizes from its own variables.
fn tracer(
    target: &Target,
    plan: &Plan,
    resource: &Resource,
    reach: &Reach,
) -> Result<SdkTracerProvider, TelemetryError> {
    let exporter = Noted::new(exporters::spans(target)?, reach);
    let mut provider = SdkTracerProvider::builder().with_batch_exporter(exporter);
    if let Some(sampler) = &plan.sampler {
        provider = provider.with_sampler(sampler.clone());
    }
    Ok(provider.with_resource(resource.clone()).build())
}

fn logger(target: &Target, resource: &Resource, reach: &Reach) -> Result<SdkLoggerProvider, TelemetryError> {
    let exporter = Noted::new(exporters::records(target)?, reach);
    let provider = SdkLoggerProvider::builder().with_batch_exporter(exporter);
    Ok(provider.with_resource(resource.clone()).build())
}

impl Telemetry {
    /// The metrics pipeline.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// Exports what is left, for at most `deadline`. Blocks.
    pub fn flush(self, deadline: Duration) {
        // Concurrently: a collector that hangs is waited for only once.
        std::thread::scope(|scope| {
            scope.spawn(|| self.metrics.flush(deadline));
            // An unreachable collector is not worth an error at exit.
            if let Some(logs) = &self.logs {
                scope.spawn(|| drop(logs.shutdown_with_timeout(deadline)));
            }
            if let Some(traces) = &self.traces {
                let _ = traces.shutdown_with_timeout(deadline);
            }
        });
    }
}
