//! What the program says of itself: traces, log lines and metrics, to a terminal, as JSON, and to an OpenTelemetry collector.
//!
//! What is exported, and where to, is a [`plan`] by the settings and OpenTelemetry's own variables; without either nothing
//! is exported and nothing is missed. A collector that is not there slows nothing: what is to be told is dropped when
//! the exporter's queue is full, and that it is not reached is said once.

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

/// The exporter's own parts: their spans would be exported, which would make more of them.
/// And the protocol's server: its lines hold whole messages.
const PLUMBING: [&str; 7] =
    ["opentelemetry", "opentelemetry_sdk", "opentelemetry_otlp", "tonic", "h2", "hyper_util", "rmcp"];

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
    /// A variable or a setting says something that is not possible.
    #[error(
        "cannot export telemetry: {reason}; mend or unset the OTEL_EXPORTER_OTLP_ variables, or [telemetry] in config.toml"
    )]
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

/// Sets up log lines on standard error and, where it is asked for, OTLP export.
/// Call it within the runtime whose threads shall carry the export.
///
/// # Errors
/// [`TelemetryError`] names the variable and the mend.
pub fn init(format: LogFormat, level: Option<&str>, loaded: &Loaded) -> Result<Telemetry, TelemetryError> {
    let (resource, reach, plan) = (resource(), Reach::default(), Plan::of(loaded)?);
    let traces = plan.traces.as_ref().map(|target| tracer(target, &plan, &resource, &reach)).transpose()?;
    let logs = plan.logs.as_ref().map(|target| logger(target, &resource, &reach)).transpose()?;
    let metrics = measure(&plan, resource, &reach)?;
    // A list, and no options: a layer that is none would have every span made for nobody.
    let mut layers = vec![lines(format, level)?.boxed()];
    if let Some(traces) = &traces {
        // Appends and projections are told to the global one, when they are over.
        opentelemetry::global::set_tracer_provider(traces.clone());
        // Where in the source and on which thread a span was opened costs more than it tells, and so does making it
        // the current one at every poll of a future.
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

/// What is exported: a filter without state, for it is asked at each step.
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

/// Measuring is always on, for `/metrics`; OTLP where it is asked for.
fn measure(plan: &Plan, resource: Resource, reach: &Reach) -> Result<Metrics, TelemetryError> {
    if plan.is_disabled {
        return Ok(Metrics::default());
    }
    let exporter = plan.metrics.as_ref().map(exporters::metrics).transpose()?;
    let exporter = exporter.map(|exporter| Noted::new(exporter, reach));
    Metrics::start(resource, exporter).map_err(|reason| TelemetryError::Exporter { reason })
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

/// Timeouts and queues are the SDK's own variables'.
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
