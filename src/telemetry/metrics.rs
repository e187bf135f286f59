//! Metrics: one set of instruments, read by two readers.
//!
//! ```text
//! instruments of all rooms ──▶ pipeline ──┬──▶ a registry, read by `GET /metrics` when Prometheus asks
//!  (the global meter)                     └──▶ OTLP, every OTEL_METRIC_EXPORT_INTERVAL, where that is switched on
//! ```
//!
//! Both read one pipeline, because two pipelines would aggregate everything twice; only a collector with
//! delta temporality needs its own. Both drop what an observable gauge no longer observes: a removed budget
//! is missing from the next collection. The SDK does that for sums, and for gauges only with delta
//! temporality, which changes nothing else for a gauge ([`Shared`]).

use std::fmt;
use std::sync::Weak;
use std::sync::mpsc::channel;
use std::time::Duration;

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InstrumentKind, PeriodicReader, Pipeline, SdkMeterProvider, Temporality};
use prometheus::{Registry, TextEncoder};

/// Content type of `GET /metrics`: Prometheus's text format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The metrics pipeline; cheap to clone. The default collects nothing.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Option<Readers>);

#[derive(Debug, Clone)]
struct Readers {
    resource: Resource,
    provider: SdkMeterProvider,
    registry: Registry,
}

impl Readers {
    fn new<E: PushMetricExporter>(resource: Resource, export: Option<E>) -> Result<Self, String> {
        let registry = Registry::new();
        let scraped = opentelemetry_prometheus::exporter().with_registry(registry.clone());
        // The scope would be a label of every series, and the metric's name already contains it.
        let scraped = scraped.scope_info_enabled(false).build().map_err(|error| error.to_string())?;
        let pushed = export.map(|exporter| PeriodicReader::builder(exporter).build());
        let is_alike = |reader: &PeriodicReader<_>| {
            reader.temporality(InstrumentKind::Counter) == scraped.temporality(InstrumentKind::Counter)
        };
        let (pushed, own) = match pushed {
            Some(pushed) if is_alike(&pushed) => (Some(pushed), None),
            pushed => (None, pushed),
        };
        let mut provider = SdkMeterProvider::builder().with_resource(resource.clone());
        if let Some(pushed) = own {
            provider = provider.with_reader(Shared { first: pushed, second: None::<PeriodicReader<E>> });
        }
        let provider = provider.with_reader(Shared { first: scraped, second: pushed }).build();
        Ok(Self { resource, provider, registry })
    }
}

impl Metrics {
    /// Starts the pipeline and installs it globally. Call it before anything is measured, because an
    /// instrument created earlier stays without effect. `export` adds OTLP.
    ///
    /// # Errors
    /// The SDK's error.
    pub fn start<E: PushMetricExporter>(resource: Resource, export: Option<E>) -> Result<Self, String> {
        let readers = Readers::new(resource, export)?;
        opentelemetry::global::set_meter_provider(readers.provider.clone());
        Ok(Self(Some(readers)))
    }

    /// Instruments of their own, beside these: what another tenant's scrape reads. They are not exported; where nothing is
    /// measured, neither are they.
    ///
    /// # Errors
    /// What the SDK says.
    pub fn apart(&self) -> Result<Self, String> {
        let readers = self.0.as_ref().map(|readers| {
            Readers::new::<opentelemetry_otlp::MetricExporter>(readers.resource.clone(), None)
        });
        readers.transpose().map(Self)
    }

    /// The meter for what is observed of a tenant.
    #[must_use]
    pub fn meter(&self) -> Meter {
        match &self.0 {
            Some(readers) => readers.provider.meter("mecris"),
            None => opentelemetry::global::meter("mecris"),
        }
    }

    /// All metrics in Prometheus's text format ([`CONTENT_TYPE`]). Blocks.
    ///
    /// # Errors
    /// The encoder's error.
    pub fn exposition(&self) -> Result<String, String> {
        let Some(readers) = &self.0 else {
            return Ok("# Nothing is measured: OTEL_SDK_DISABLED is set.\n".to_owned());
        };
        TextEncoder::new().encode_to_string(&readers.registry.gather()).map_err(|error| error.to_string())
    }

    /// Exports what is left, for at most `deadline`. Blocks.
    pub fn flush(&self, deadline: Duration) {
        let Some(Readers { provider, .. }) = self.0.clone() else { return };
        let (done, ended) = channel();
        // The SDK waits longer for a hanging collector than we do; the process exits without it.
        let waiting = std::thread::Builder::new().name("metrics-flush".into()).spawn(move || {
            // An unreachable collector is not worth an error at exit.
            let _ = provider.shutdown();
            let _ = done.send(());
        });
        if waiting.is_ok() {
            let _ = ended.recv_timeout(deadline);
        }
    }
}

/// Readers of one pipeline, which drop what an observable gauge no longer observes.
struct Shared<A, B> {
    first: A,
    second: Option<B>,
}

impl<A: fmt::Debug, B> fmt::Debug for Shared<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)
    }
}

impl<A: MetricReader, B: MetricReader> MetricReader for Shared<A, B> {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        if let Some(second) = &self.second {
            second.register_pipeline(pipeline.clone());
        }
        self.first.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.first.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.first.force_flush().and(self.second.as_ref().map_or(Ok(()), MetricReader::force_flush))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        // The reader that still has something to send goes first: it reads the pipeline once more.
        let pushed = self.second.as_ref().map_or(Ok(()), |second| second.shutdown_with_timeout(timeout));
        self.first.shutdown_with_timeout(timeout).and(pushed)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        match kind {
            InstrumentKind::ObservableGauge => Temporality::Delta,
            other => self.first.temporality(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};

    use opentelemetry::KeyValue;
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::ManualReader;
    use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ScopeMetrics, SumDataPoint};

    use super::*;

    #[test]
    fn what_is_observed_no_more_is_gone() {
        let registry = Registry::new();
        let reader = opentelemetry_prometheus::exporter().with_registry(registry.clone()).build().unwrap();
        let provider = SdkMeterProvider::builder()
            .with_reader(Shared { first: reader, second: None::<ManualReader> })
            .build();
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

    /// Stores everything it is sent.
    #[derive(Clone)]
    struct Kept(Temporality, Arc<Mutex<Vec<u64>>>);

    impl PushMetricExporter for Kept {
        async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
            let metrics = metrics.scope_metrics().flat_map(ScopeMetrics::metrics);
            for metric in metrics {
                if let AggregatedMetrics::U64(MetricData::Sum(sum)) = metric.data() {
                    self.1.lock().unwrap().extend(sum.data_points().map(SumDataPoint::value));
                }
            }
            Ok(())
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
            Ok(())
        }

        fn temporality(&self) -> Temporality {
            self.0
        }
    }

    #[test]
    fn a_collector_and_prometheus_are_told_the_same_and_differences_to_who_wants_them() {
        for (temporality, sent) in [(Temporality::Cumulative, [3, 7]), (Temporality::Delta, [3, 4])] {
            let kept = Kept(temporality, Arc::default());
            let readers = Readers::new(Resource::builder().build(), Some(kept.clone())).unwrap();
            let counter = readers.provider.meter("test").u64_counter("calls").build();
            let scraped = || TextEncoder::new().encode_to_string(&readers.registry.gather()).unwrap();
            counter.add(3, &[]);
            assert!(scraped().contains("calls_total 3"), "{}", scraped());
            readers.provider.force_flush().unwrap();
            counter.add(4, &[]);
            readers.provider.force_flush().unwrap();
            assert!(scraped().contains("calls_total 7"), "{}", scraped());
            assert_eq!(*kept.1.lock().unwrap(), sent, "{temporality:?}");
        }
    }

    #[test]
    fn nothing_is_measured_without_a_provider() {
        let text = Metrics::default().exposition().unwrap();
        assert!(text.lines().all(|line| line.starts_with('#')), "{text}");
        Metrics::default().flush(Duration::ZERO);
    }
}
