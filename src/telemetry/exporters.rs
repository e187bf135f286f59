//! Builds the SDK's exporters for a [`Plan`](super::plan::Plan).

use std::collections::HashMap;

use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig,
    WithHttpConfig, WithTonicConfig,
};
use tonic::metadata::MetadataMap;

use crate::config::OtlpProtocol;

use super::TelemetryError;
use super::plan::Target;

fn http<B: WithExportConfig + WithHttpConfig>(builder: B, target: &Target) -> B {
    let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        Some((name.to_string(), value.to_str().ok()?.to_owned()))
    };
    let headers: HashMap<String, String> = target.headers.iter().filter_map(header).collect();
    let builder = builder.with_protocol(Protocol::HttpBinary).with_endpoint(target.endpoint.as_str());
    builder.with_headers(headers)
}

fn grpc<B: WithExportConfig + WithTonicConfig>(builder: B, target: &Target) -> B {
    let metadata = MetadataMap::from_headers(target.headers.clone());
    builder.with_endpoint(target.endpoint.as_str()).with_metadata(metadata)
}

fn built<E>(exporter: Result<E, ExporterBuildError>) -> Result<E, TelemetryError> {
    exporter.map_err(|error| TelemetryError::Exporter { reason: error.to_string() })
}

/// # Errors
/// What the SDK says of the target.
pub(super) fn spans(target: &Target) -> Result<SpanExporter, TelemetryError> {
    let builder = SpanExporter::builder();
    built(match target.protocol {
        OtlpProtocol::HttpProtobuf => http(builder.with_http(), target).build(),
        OtlpProtocol::Grpc => grpc(builder.with_tonic(), target).build(),
    })
}

/// # Errors
/// What the SDK says of the target.
pub(super) fn records(target: &Target) -> Result<LogExporter, TelemetryError> {
    let builder = LogExporter::builder();
    built(match target.protocol {
        OtlpProtocol::HttpProtobuf => http(builder.with_http(), target).build(),
        OtlpProtocol::Grpc => grpc(builder.with_tonic(), target).build(),
    })
}

/// # Errors
/// What the SDK says of the target.
pub(super) fn metrics(target: &Target) -> Result<MetricExporter, TelemetryError> {
    let builder = MetricExporter::builder();
    built(match target.protocol {
        OtlpProtocol::HttpProtobuf => http(builder.with_http(), target).build(),
        OtlpProtocol::Grpc => grpc(builder.with_tonic(), target).build(),
    })
}
