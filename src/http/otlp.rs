//! OTLP over HTTP: Claude Code's telemetry as a second source of usage. `docs/otlp.md` says what counts.
//!
//! The answers are OTLP's and not problem details, for those who ask are exporters
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp-response>): `200` with the message of the signal once everything that
//! was told is on disk, `400` for what will never be right, `429` and `503` with `Retry-After` for what will.
//! Every request needs the API's token; Host is not looked at, for a page elsewhere that reaches this has no token, and
//! other machines know this one by names that it does not.

pub mod grpc;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::StreamExt;
use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::json;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

use crate::domain::access::Scope;
use crate::integration::claude_code::telemetry::{self, Reading};
use crate::integration::otlp::{self, BYTES_MAX, Encoding, Signal, WireError};
use crate::service::runtime::client::ServiceError;

use super::App;
use super::guard::{Guard, Refused};
use super::problem;
use super::refusals::{self, Refusals};
use super::serve;

/// Exports that are worked on at once: each holds its body in memory.
const IN_FLIGHT: usize = 8;
/// So much of a body that is too long is read and thrown away, so that its sender hears the answer.
const DRAINED: usize = 64 * 1024 * 1024;

#[derive(Clone)]
struct Receiver {
    app: App,
    guard: Guard,
    turns: Arc<Semaphore>,
}

/// The three addresses.
pub(super) fn routes(app: App, guard: Guard) -> Router {
    let receiver = Receiver { app, guard, turns: Arc::new(Semaphore::new(IN_FLIGHT)) };
    let of = |signal: Signal| {
        post(move |State(receiver): State<Receiver>, request: Request| async move {
            receive(&receiver, signal, request).await
        })
    };
    Router::new()
        .route("/v1/logs", of(Signal::Logs))
        .route("/v1/metrics", of(Signal::Metrics))
        .route("/v1/traces", of(Signal::Traces))
        .with_state(receiver)
}

/// For an address of OTLP alone.
pub fn router(app: App, guard: Guard, refusals: Refusals) -> Router {
    routes(app, guard)
        .fallback(problem::not_found)
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(axum::middleware::from_fn_with_state(refusals, refusals::count))
        .layer(axum::middleware::from_fn(super::observe::observe))
}

/// Why an export is not taken.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    message: String,
    retry_after: Option<u64>,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry_after: None }
    }

    fn later(status: StatusCode, seconds: u64, message: impl Into<String>) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(status, message) }
    }

    /// As the exporter writes: `google.rpc.Status`.
    fn into_response(self, encoding: Encoding) -> Response {
        let Self { status, message, retry_after } = self;
        let body = match encoding {
            Encoding::Protobuf => Status { code: 0, message }.encode_to_vec(),
            Encoding::Json => json!({ "message": message }).to_string().into_bytes(),
        };
        let mut response = (status, [(header::CONTENT_TYPE, encoding.content_type())], body).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// `google.rpc.Status`, as far as OTLP uses it.
#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

impl From<WireError> for Refusal {
    fn from(error: WireError) -> Self {
        let status = match error {
            WireError::TooLong | WireError::TooWide => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.to_string())
    }
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Busy => Self::later(StatusCode::TOO_MANY_REQUESTS, 1, error.to_string()),
            // Nothing that is told again counts twice, so that it is always right to try again.
            _ => Self::later(StatusCode::SERVICE_UNAVAILABLE, 5, error.to_string()),
        }
    }
}

/// What an export was answered with.
#[derive(Debug, Default)]
struct Accepted {
    rejected: u64,
    message: String,
}

async fn receive(receiver: &Receiver, signal: Signal, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(refused) = receiver.guard.may(&parts.headers, &parts.extensions, Scope::Ingest) {
        let named = header_text(&parts.headers, header::CONTENT_TYPE);
        let refusal = match refused {
            Refused::Unknown => Refusal::new(StatusCode::UNAUTHORIZED, UNAUTHORIZED),
            Refused::Scope(_) => Refusal::new(StatusCode::FORBIDDEN, FORBIDDEN),
        };
        return refusal.into_response(Encoding::of(named).unwrap_or(Encoding::Json));
    }
    let named = header_text(&parts.headers, header::CONTENT_TYPE);
    // Who writes neither reads JSON best.
    let encoding = Encoding::of(named).unwrap_or(Encoding::Json);
    match take(receiver, signal, &parts.headers, body).await {
        Ok(accepted) => answer(signal, encoding, &accepted),
        Err(refusal) => refusal.into_response(encoding),
    }
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).map_or("", |value| value.to_str().unwrap_or("?"))
}

async fn take(
    receiver: &Receiver,
    signal: Signal,
    headers: &HeaderMap,
    body: Body,
) -> Result<Accepted, Refusal> {
    let Ok(_turn) = receiver.turns.try_acquire() else {
        return Err(ServiceError::Busy.into());
    };
    let Some(encoding) = Encoding::of(header_text(headers, header::CONTENT_TYPE)) else {
        let message = "send application/x-protobuf or application/json";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    };
    let is_gzip = match header_text(headers, header::CONTENT_ENCODING).trim().to_ascii_lowercase().as_str() {
        "" | "identity" => false,
        "gzip" => true,
        _ => return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send gzip, or no compression")),
    };
    let body = collect(body).await?;
    let read = tokio::task::spawn_blocking(move || read(signal, encoding, is_gzip, &body, Timestamp::now()));
    let reading = read.await.map_err(|_| {
        Refusal::later(StatusCode::SERVICE_UNAVAILABLE, 5, "reading the export was cut short")
    })??;
    Ok(record(&receiver.app, reading).await?)
}

const FORBIDDEN: &str =
    "this token is not for telling usage; the person can make one that is: docs/tokens.md";
const UNAUTHORIZED: &str = "send a token for telling usage, which the person makes (docs/tokens.md): \
    OTEL_EXPORTER_OTLP_HEADERS=\"Authorization=Bearer <token>\"";

/// The body, with or without a `Content-Length`, up to the limit.
async fn collect(body: Body) -> Result<Vec<u8>, Refusal> {
    let (mut whole, mut length): (Vec<u8>, usize) = (Vec::new(), 0);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk: Bytes = chunk.map_err(|error| {
            if serve::is_late(&error) {
                Refusal::later(StatusCode::SERVICE_UNAVAILABLE, 5, "the body did not come in time")
            } else {
                Refusal::new(StatusCode::BAD_REQUEST, "the body ended early")
            }
        })?;
        length += chunk.len();
        if length > DRAINED {
            break;
        }
        if length > BYTES_MAX {
            whole = Vec::new();
        } else {
            whole.extend_from_slice(&chunk);
        }
    }
    if length > BYTES_MAX { Err(WireError::TooLong.into()) } else { Ok(whole) }
}

/// What a body says at `now`.
fn read(
    signal: Signal,
    encoding: Encoding,
    is_gzip: bool,
    body: &[u8],
    now: Timestamp,
) -> Result<Reading, WireError> {
    let unpacked;
    let body = if is_gzip {
        unpacked = otlp::gunzip(body)?;
        &unpacked
    } else {
        body
    };
    Ok(match signal {
        Signal::Logs => telemetry::logs(&otlp::logs(encoding, body)?, now),
        Signal::Metrics => telemetry::metrics(&otlp::metrics(encoding, body)?, now),
        Signal::Traces => {
            otlp::traces(encoding, body)?;
            Reading::default()
        }
    })
}

/// Has what was read recorded, and says what was not taken.
async fn record(app: &App, reading: Reading) -> Result<Accepted, ServiceError> {
    let Reading { export, mut rejected, reason } = reading;
    let mut reason = reason.map(str::to_owned);
    if !export.is_empty() {
        let taken = app.system.take_telemetry(export).await?;
        rejected += taken.nameless;
        if taken.nameless > 0 {
            reason.get_or_insert_with(|| NAMELESS.to_owned());
        }
    }
    if rejected > 0 {
        tracing::warn!(rejected, reason, "a part of an export is not usage that can be counted");
    }
    Ok(Accepted { rejected, message: reason.unwrap_or_default() })
}

const NAMELESS: &str = "usage that names neither a request nor a session cannot be told from what is known; \
    set OTEL_METRICS_INCLUDE_SESSION_ID=true";

impl Accepted {
    fn rejected(&self) -> i64 {
        i64::try_from(self.rejected).unwrap_or(i64::MAX)
    }

    fn logs(&self) -> ExportLogsServiceResponse {
        let partial = ExportLogsPartialSuccess {
            rejected_log_records: self.rejected(),
            error_message: self.message.clone(),
        };
        ExportLogsServiceResponse { partial_success: (self.rejected > 0).then_some(partial) }
    }

    fn metrics(&self) -> ExportMetricsServiceResponse {
        let partial = ExportMetricsPartialSuccess {
            rejected_data_points: self.rejected(),
            error_message: self.message.clone(),
        };
        ExportMetricsServiceResponse { partial_success: (self.rejected > 0).then_some(partial) }
    }
}

fn answer(signal: Signal, encoding: Encoding, accepted: &Accepted) -> Response {
    let body = match (encoding, signal) {
        (Encoding::Protobuf, Signal::Logs) => accepted.logs().encode_to_vec(),
        (Encoding::Protobuf, Signal::Metrics) => accepted.metrics().encode_to_vec(),
        (Encoding::Protobuf, Signal::Traces) => ExportTraceServiceResponse::default().encode_to_vec(),
        (Encoding::Json, _) if accepted.rejected == 0 => b"{}".to_vec(),
        (Encoding::Json, _) => {
            let what = if signal == Signal::Logs { "rejectedLogRecords" } else { "rejectedDataPoints" };
            // 64-bit numbers are strings in protobuf's JSON.
            let partial = json!({ what: accepted.rejected().to_string(), "errorMessage": accepted.message });
            json!({ "partialSuccess": partial }).to_string().into_bytes()
        }
    };
    ([(header::CONTENT_TYPE, encoding.content_type())], body).into_response()
}
