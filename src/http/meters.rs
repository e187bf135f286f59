//! What is measured of requests, by OpenTelemetry's conventions for HTTP servers
//! (<https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>).
//!
//! Bounded: a route is the router's template, never the path that was asked for; a method that is none of HTTP's is
//! `_OTHER`, as the conventions have it.

use std::sync::LazyLock;
use std::time::Instant;

use axum::extract::MatchedPath;
use axum::http::{Method, StatusCode};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, UpDownCounter};

struct Meters {
    duration: Histogram<f64>,
    active: UpDownCounter<i64>,
}

static METERS: LazyLock<Meters> = LazyLock::new(|| {
    let meter = opentelemetry::global::meter("mecris.http");
    Meters {
        duration: meter
            .f64_histogram("http.server.request.duration")
            .with_unit("s")
            .with_description("How long a request took until its answer began.")
            .with_boundaries(vec![
                0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
            ])
            .build(),
        active: meter
            .i64_up_down_counter("http.server.active_requests")
            .with_unit("{request}")
            .with_description("Requests that are being worked on.")
            .build(),
    }
});

/// A request that is being worked on. It is taken back however it ends: its client may go away.
pub struct Measured {
    of: [KeyValue; 2],
    begun: Instant,
}

impl Measured {
    /// One more.
    pub fn begin(method: &Method) -> Self {
        let of = [KeyValue::new("http.request.method", name(method)), KeyValue::new("url.scheme", "http")];
        METERS.active.add(1, &of);
        Self { of, begun: Instant::now() }
    }

    /// Its answer begins.
    pub fn end(self, status: StatusCode, route: Option<&MatchedPath>) {
        let mut of = self.of.to_vec();
        of.push(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        of.extend(route.map(|route| KeyValue::new("http.route", route.as_str().to_owned())));
        if status.is_server_error() {
            of.push(KeyValue::new("error.type", status.as_u16().to_string()));
        }
        METERS.duration.record(self.begun.elapsed().as_secs_f64(), &of);
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        METERS.active.add(-1, &self.of);
    }
}

fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "_OTHER",
    }
}
