//! Metrics: one set of instruments, read by two readers.
//!
//! ```text
//! instruments of all rooms ──▶ provider ──┬──▶ a registry, read by `GET /metrics` when Prometheus asks
//!  (the global meter)                     └──▶ OTLP, every OTEL_METRIC_EXPORT_INTERVAL, where that is switched on
//! ```
//!
//! Both readers forget what an observable gauge no longer observes: a budget that is removed is gone from the next
//! answer. The SDK does so for sums, and for gauges only where their temporality is delta, which for a gauge
//! changes nothing else ([`Fresh`]).

use std::fmt;
use std::sync::Weak;
use std::sync::mpsc::channel;
use std::time::Duration;

use opentelemetry_otlp::MetricExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InstrumentKind, PeriodicReader, Pipeline, SdkMeterProvider, Temporality};
use prometheus::{Registry, TextEncoder};

/// What `GET /metrics` answers with: Prometheus' text format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Where metrics go; cheap to clone. The default measures nothing.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Option<Readers>);

#[derive(Debug, Clone)]
struct Readers {
    provider: SdkMeterProvider,
    registry: Registry,
}

impl Metrics {
    /// Begins to measure, and makes that known to all rooms: call it before anything is measured, for an instrument
    /// that was made before stays without effect. `export` sends it by OTLP as well.
    ///
    /// # Errors
    /// What the SDK says.
    pub fn start(resource: Resource, export: Option<MetricExporter>) -> Result<Self, String> {
        let registry = Registry::new();
        let scraped = opentelemetry_prometheus::exporter().with_registry(registry.clone());
        // The scope would be a label of every series, and its name is in the metric's already.
        let scraped = scraped.scope_info_enabled(false).build().map_err(|error| error.to_string())?;
        let mut provider = SdkMeterProvider::builder().with_resource(resource).with_reader(Fresh(scraped));
        if let Some(exporter) = export {
            provider = provider.with_reader(Fresh(PeriodicReader::builder(exporter).build()));
        }
        let provider = provider.build();
        opentelemetry::global::set_meter_provider(provider.clone());
        Ok(Self(Some(Readers { provider, registry })))
    }

    /// Everything as it stands, in Prometheus' text format ([`CONTENT_TYPE`]). Blocks.
    ///
    /// # Errors
    /// What the encoder says.
    pub fn exposition(&self) -> Result<String, String> {
        let Some(readers) = &self.0 else {
            return Ok("# Nothing is measured: OTEL_SDK_DISABLED is set.\n".to_owned());
        };
        TextEncoder::new().encode_to_string(&readers.registry.gather()).map_err(|error| error.to_string())
    }

    /// Sends what is left, for at most `deadline`. Blocks.
    pub fn flush(&self, deadline: Duration) {
        let Some(Readers { provider, .. }) = self.0.clone() else { return };
        let (done, ended) = channel();
        // The SDK waits for a collector that hangs for longer than we do; the process ends without it.
        let waiting = std::thread::Builder::new().name("metrics-flush".into()).spawn(move || {
            // A collector that is gone is no reason to complain at the end.
            let _ = provider.shutdown();
            let _ = done.send(());
        });
        if waiting.is_ok() {
            let _ = ended.recv_timeout(deadline);
        }
    }
}

/// A reader that forgets what an observable gauge no longer observes.
struct Fresh<R>(R);

impl<R: fmt::Debug> fmt::Debug for Fresh<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<R: MetricReader> MetricReader for Fresh<R> {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        match kind {
            InstrumentKind::ObservableGauge => Temporality::Delta,
            other => self.0.temporality(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use opentelemetry::KeyValue;
    use opentelemetry::metrics::MeterProvider;

    use super::*;

    #[test]
    fn what_is_observed_no_more_is_gone() {
        let registry = Registry::new();
        let reader = opentelemetry_prometheus::exporter().with_registry(registry.clone()).build().unwrap();
        let provider = SdkMeterProvider::builder().with_reader(Fresh(reader)).build();
        let meter = provider.meter("test");
        let is_there = Arc::new(AtomicBool::new(true));
        let seen = is_there.clone();
        meter
            .f64_observable_gauge("budget")
            .with_callback(move |observer| {
                observer.observe(1.0, &[KeyValue::new("name", "stays")]);
                if seen.load(Ordering::Relaxed) {
                    observer.observe(2.0, &[KeyValue::new("name", "goes")]);
                }
            })
            .build();
        let text = || TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        assert!(text().contains("goes") && text().contains("stays"), "{}", text());
        is_there.store(false, Ordering::Relaxed);
        assert!(!text().contains("goes") && text().contains("stays"), "{}", text());
    }

    #[test]
    fn nothing_is_measured_without_a_provider() {
        let text = Metrics::default().exposition().unwrap();
        assert!(text.lines().all(|line| line.starts_with('#')), "{text}");
        Metrics::default().flush(Duration::ZERO);
    }
}
