//! Metrics of messages, on the global meter of OpenTelemetry's API: without a provider they do nothing. What
//! can be read at any time (depth, restarts, states) is in the [`Snapshot`](super::Snapshot).

use std::sync::LazyLock;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;

/// The attribute that names an actor by its path in the tree.
const ACTOR: &str = "mecris.actor.path";
/// The kind of a message, from its behaviour's label: these are static, so there are few.
const MESSAGE: &str = "mecris.actor.message";
/// The result of the handling, in one word.
const OUTCOME: &str = "mecris.actor.outcome";

struct Meters {
    wait: Histogram<f64>,
    duration: Histogram<f64>,
}

static METERS: LazyLock<Meters> = LazyLock::new(|| {
    let seconds = vec![0.0001, 0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0];
    let meter = opentelemetry::global::meter("mecris.actor");
    Meters {
        wait: meter
            .f64_histogram("mecris.actor.message.wait")
            .with_unit("s")
            .with_description("How long a message waited in its mailbox.")
            .with_boundaries(seconds.clone())
            .build(),
        duration: meter
            .f64_histogram("mecris.actor.message.duration")
            .with_unit("s")
            .with_description("How long a message was handled.")
            .with_boundaries(seconds)
            .build(),
    }
});

/// Records the start of a message after this wait. A second delivery is not counted again.
pub(super) fn begun(actor: &str, message: &'static str, wait: Duration) {
    let of = [KeyValue::new(ACTOR, actor.to_owned()), KeyValue::new(MESSAGE, message)];
    METERS.wait.record(wait.as_secs_f64(), &of);
}

/// Records the end of a message's handling.
pub(super) fn ended(actor: &str, message: &'static str, outcome: &'static str, took: Duration) {
    let of = [
        KeyValue::new(ACTOR, actor.to_owned()),
        KeyValue::new(MESSAGE, message),
        KeyValue::new(OUTCOME, outcome),
    ];
    METERS.duration.record(took.as_secs_f64(), &of);
}
