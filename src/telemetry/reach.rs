//! Reports whether the collector can be reached: one line when it cannot, and one when it can again.
//!
//! The SDK logs each failed export, every few seconds, in lines that are switched off with its other
//! internals. Once is enough for a person. Only telemetry is lost meanwhile.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::LogBatch;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::SpanData;

/// Shared by all signals: they usually go to one collector.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach {
    is_missed: Arc<AtomicBool>,
}

impl Reach {
    fn note(&self, outcome: &OTelSdkResult) {
        match outcome {
            Ok(()) if self.is_missed.swap(false, Ordering::Relaxed) => {
                tracing::info!("the telemetry collector is reached again");
            }
            Err(_) if !self.is_missed.swap(true, Ordering::Relaxed) => {
                tracing::warn!(
                    "the telemetry collector is not reached, or refuses; what is to be told there is dropped, and \
                     nothing else is lost; look at telemetry.endpoint or \
                     OTEL_EXPORTER_OTLP_ENDPOINT, and at the collector's own log"
                );
            }
            _ => {}
        }
    }
}

/// An exporter whose result is observed.
#[derive(Debug)]
pub(super) struct Noted<E> {
    exporter: E,
    reach: Reach,
}

impl<E> Noted<E> {
    pub(super) fn new(exporter: E, reach: &Reach) -> Self {
        Self { exporter, reach: reach.clone() }
    }
}

impl opentelemetry_sdk::trace::SpanExporter for Noted<SpanExporter> {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        let export = opentelemetry_sdk::trace::SpanExporter::export(&self.exporter, batch);
        let reach = self.reach.clone();
        async move {
            let outcome = export.await;
            reach.note(&outcome);
            outcome
        }
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        opentelemetry_sdk::trace::SpanExporter::shutdown_with_timeout(&self.exporter, timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        opentelemetry_sdk::trace::SpanExporter::set_resource(&mut self.exporter, resource);
    }
}

impl opentelemetry_sdk::logs::LogExporter for Noted<LogExporter> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let outcome = opentelemetry_sdk::logs::LogExporter::export(&self.exporter, batch).await;
        self.reach.note(&outcome);
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        opentelemetry_sdk::logs::LogExporter::shutdown_with_timeout(&self.exporter, timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        opentelemetry_sdk::logs::LogExporter::set_resource(&mut self.exporter, resource);
    }
}

impl PushMetricExporter for Noted<MetricExporter> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let outcome = self.exporter.export(metrics).await;
        self.reach.note(&outcome);
        outcome
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
