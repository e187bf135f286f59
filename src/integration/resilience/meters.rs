//! What is measured of calls to outside systems: by OpenTelemetry's conventions for HTTP clients
//! (<https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>), one measurement for each try, and the breaker.
//!
//! `server.port` is left out: a system has one base, so that the host says it. The path stands as its template.

use std::sync::LazyLock;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Gauge, Histogram};

use super::breaker::BreakerState;
use super::{Ask, OutsideError};

const SYSTEM: &str = "mecris.outside.system";

struct Meters {
    requests: Histogram<f64>,
    attempts: Histogram<f64>,
    breaker: Gauge<u64>,
}

static METERS: LazyLock<Meters> = LazyLock::new(|| {
    let seconds = vec![0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0];
    let meter = opentelemetry::global::meter("mecris.outside");
    Meters {
        requests: meter
            .f64_histogram("http.client.request.duration")
            .with_unit("s")
            .with_description("How long one try of a request to an outside system took.")
            .with_boundaries(seconds.clone())
            .build(),
        attempts: meter
            .f64_histogram("mecris.outside.attempt.duration")
            .with_unit("s")
            .with_description("How long one try of something with an outside system took that is not HTTP.")
            .with_boundaries(seconds)
            .build(),
        breaker: meter
            .u64_gauge("mecris.breaker.state")
            .with_description(
                "1 for the state that an outside system's circuit breaker is in, 0 for the others.",
            )
            .build(),
    }
});

/// One try of a request. `status` is none where no whole answer came.
pub(super) fn requested(
    system: &'static str,
    host: &str,
    ask: &Ask,
    outcome: Result<u16, &OutsideError>,
    took: Duration,
) {
    let mut of = vec![
        KeyValue::new(SYSTEM, system),
        KeyValue::new("http.request.method", ask.method.as_str().to_owned()),
        KeyValue::new("server.address", host.to_owned()),
        KeyValue::new("url.template", ask.template),
    ];
    match outcome {
        Ok(status) => of.push(KeyValue::new("http.response.status_code", i64::from(status))),
        Err(error) => of.push(KeyValue::new("error.type", error.kind())),
    }
    METERS.requests.record(took.as_secs_f64(), &of);
}

/// One try of something else.
pub(super) fn attempted(
    system: &'static str,
    what: &'static str,
    error: Option<&OutsideError>,
    took: Duration,
) {
    let mut of = vec![KeyValue::new(SYSTEM, system), KeyValue::new("mecris.outside.operation", what)];
    of.extend(error.map(|error| KeyValue::new("error.type", error.kind())));
    METERS.attempts.record(took.as_secs_f64(), &of);
}

/// A breaker is in this state.
pub(super) fn breaker(system: &'static str, state: BreakerState) {
    for each in [BreakerState::Closed, BreakerState::Open, BreakerState::HalfOpen] {
        let of = [KeyValue::new(SYSTEM, system), KeyValue::new("mecris.breaker.state", each.name())];
        METERS.breaker.record(u64::from(each == state), &of);
    }
}
