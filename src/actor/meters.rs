//! What the kit measures of messages, on the global meter of OpenTelemetry's API: without a provider, nothing.
//! What can be looked at (depth, restarts, states) is in the [`Snapshot`](super::Snapshot), for others to measure.

use std::sync::LazyLock;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;

/// The attribute that names an actor by its path in the tree.
const ACTOR: &str = "mecris.actor.path";
/// What kind of message, in its behaviour's words: these are static, so there are few.
const MESSAGE: &str = "mecris.actor.message";
/// How the handling ended, in one word.
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

/// A message is begun after this wait. One that is begun again is not counted anew.
pub(super) fn begun(actor: &str, message: &'static str, wait: Duration) {
    let of = [KeyValue::new(ACTOR, actor.to_owned()), KeyValue::new(MESSAGE, message)];
    METERS.wait.record(wait.as_secs_f64(), &of);
}

/// The handling of a message has ended.
pub(super) fn ended(actor: &str, message: &'static str, outcome: &'static str, took: Duration) {
    let of = [
        KeyValue::new(ACTOR, actor.to_owned()),
        KeyValue::new(MESSAGE, message),
        KeyValue::new(OUTCOME, outcome),
    ];
    METERS.duration.record(took.as_secs_f64(), &of);
}
