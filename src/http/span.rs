//! The span of a request, by OpenTelemetry's HTTP conventions
//! (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span>).

use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use tracing::Span;

use crate::telemetry::context;

/// The server span by OpenTelemetry's HTTP conventions. The query is left out: it may hold ids.
pub fn begin(request: &Request) -> Span {
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| request.uri().path(), MatchedPath::as_str);
    let span = tracing::info_span!(
        "http",
        otel.name = format!("{} {route}", request.method()),
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        error.r#type = tracing::field::Empty,
        http.request.method = %request.method(),
        http.response.status_code = tracing::field::Empty,
        http.route = route,
        url.path = request.uri().path(),
    );
    let headers = request.headers();
    context::follow(&span, |name| headers.get(name).and_then(|value| value.to_str().ok()));
    span
}

/// How it was answered: only what is the server's fault is an error of its span.
pub fn end(response: &Response, _: Duration, span: &Span) {
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", status.as_str());
    }
}
