//! What is seen of a request: its span, by OpenTelemetry's HTTP conventions
//! (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span>), and its measures ([`meters`]).
//!
//! Both last until the answer begins: what a stream says after that is the business of who streams.

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, Span};

use crate::telemetry::context;

use super::meters::Measured;

/// Tells of a request, and measures it.
pub async fn observe(request: Request, next: Next) -> Response {
    let seen = Seen::begin(&request);
    let response = next.run(request).instrument(seen.span.clone()).await;
    let status = response.status();
    // Told when the answer has left: this task's turn is after the connection's.
    tokio::spawn(async move { seen.end(status) });
    response
}

/// A request that is being worked on.
struct Seen {
    span: Span,
    method: Method,
    uri: Uri,
    route: Option<MatchedPath>,
    measured: Measured,
}

impl Seen {
    fn begin(request: &Request) -> Self {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let route = request.extensions().get::<MatchedPath>().cloned();
        // What log lines are told with; the rest follows at the end, when nobody waits.
        let span = tracing::info_span!(
            "http",
            otel.name = format!("{method} {}", route_of(route.as_ref(), &uri)),
            otel.kind = "server",
            otel.status_code = tracing::field::Empty,
            error.r#type = tracing::field::Empty,
            http.request.method = tracing::field::Empty,
            http.response.status_code = tracing::field::Empty,
            http.route = tracing::field::Empty,
            url.path = tracing::field::Empty,
        );
        let headers = request.headers();
        context::follow(&span, |name| headers.get(name).and_then(|value| value.to_str().ok()));
        let measured = Measured::begin(&method);
        Self { span, method, uri, route, measured }
    }

    fn end(self, status: StatusCode) {
        let Self { span, method, uri, route, measured } = self;
        measured.end(status, route.as_ref());
        span.record("http.request.method", method.as_str());
        span.record("http.route", route_of(route.as_ref(), &uri));
        // The query is left out: it may hold ids.
        span.record("url.path", uri.path());
        span.record("http.response.status_code", status.as_u16());
        // Only what is the server's fault is an error of its span.
        if status.is_server_error() {
            span.record("otel.status_code", "ERROR");
            span.record("error.type", status.as_str());
        }
        // The other server errors are states that the program is in, and told of where they begin.
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            // Within its span, so that the line carries the trace's ids.
            span.in_scope(|| tracing::error!("a request failed inside"));
        }
    }
}

fn route_of<'a>(route: Option<&'a MatchedPath>, uri: &'a Uri) -> &'a str {
    route.map_or_else(|| uri.path(), MatchedPath::as_str)
}
