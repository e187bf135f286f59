//! OTLP as it comes over HTTP: protobuf or JSON, gzip or not, with limits on both sides of the compression.
//!
//! The rules: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>. What is read is the protocol's own messages; what
//! they mean is another's matter ([`crate::integration::claude_code::telemetry`]).

mod json;
mod width;

use std::io::Read;

use flate2::read::MultiGzDecoder;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

/// No export is longer, as it comes and as it is meant: exporters send some hundred records at a time.
pub const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Why a body is not an export. The reason never quotes it: it may hold what people typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Too long.
    #[error("the export is over 4 MiB; have the exporter send smaller batches")]
    TooLong,
    /// Too many parts.
    #[error("the export has too many parts; have the exporter send smaller batches")]
    TooWide,
    /// Not gzip.
    #[error("the body is not gzip, as its Content-Encoding says")]
    NotGzip,
    /// Not protobuf.
    #[error("the body is not the protobuf message of this address")]
    NotProtobuf,
    /// Not JSON.
    #[error("the body is not the JSON message of this address")]
    NotJson,
}

/// What an export is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Log records.
    Logs,
    /// Metrics.
    Metrics,
    /// Spans.
    Traces,
}

/// Refuses what would be far larger when it has been read than it is.
fn narrow(signal: Signal, encoding: Encoding, body: &[u8]) -> Result<(), WireError> {
    let is_too_wide = match encoding {
        Encoding::Protobuf => width::is_too_wide(signal, body),
        Encoding::Json => width::is_too_wide_json(body),
    };
    if is_too_wide { Err(WireError::TooWide) } else { Ok(()) }
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

impl Encoding {
    /// Of a `Content-Type`; its parameters are passed over.
    #[must_use]
    pub fn of(content_type: &str) -> Option<Self> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/x-protobuf") {
            Some(Self::Protobuf)
        } else if media_type.eq_ignore_ascii_case("application/json") {
            Some(Self::Json)
        } else {
            None
        }
    }

    /// Its `Content-Type`.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// Undoes gzip, up to the limit.
///
/// # Errors
/// [`WireError::NotGzip`], [`WireError::TooLong`].
pub fn gunzip(body: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut plain = Vec::new();
    let mut limited = MultiGzDecoder::new(body).take(BYTES_MAX as u64 + 1);
    limited.read_to_end(&mut plain).map_err(|_| WireError::NotGzip)?;
    if plain.len() > BYTES_MAX { Err(WireError::TooLong) } else { Ok(plain) }
}

/// Reads an export of log records.
///
/// # Errors
/// [`WireError`].
pub fn logs(encoding: Encoding, body: &[u8]) -> Result<ExportLogsServiceRequest, WireError> {
    narrow(Signal::Logs, encoding, body)?;
    match encoding {
        Encoding::Protobuf => ExportLogsServiceRequest::decode(body).map_err(|_| WireError::NotProtobuf),
        Encoding::Json => json::logs(body),
    }
}

/// Reads an export of metrics; of JSON all that is no sum is read as a gauge, for only sums are of interest.
///
/// # Errors
/// [`WireError`].
pub fn metrics(encoding: Encoding, body: &[u8]) -> Result<ExportMetricsServiceRequest, WireError> {
    narrow(Signal::Metrics, encoding, body)?;
    match encoding {
        Encoding::Protobuf => ExportMetricsServiceRequest::decode(body).map_err(|_| WireError::NotProtobuf),
        Encoding::Json => json::metrics(body),
    }
}

/// Whether a body is an export of spans. They are of no interest.
///
/// # Errors
/// [`WireError`].
pub fn traces(encoding: Encoding, body: &[u8]) -> Result<(), WireError> {
    narrow(Signal::Traces, encoding, body)?;
    match encoding {
        Encoding::Protobuf => {
            ExportTraceServiceRequest::decode(body).map(drop).map_err(|_| WireError::NotProtobuf)
        }
        Encoding::Json => json::any(body),
    }
}

#[cfg(test)]
mod tests;
