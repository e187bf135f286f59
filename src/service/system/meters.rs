//! Counters that are incremented as things happen: gate verdicts and supervisor actions. What can be read
//! from state is computed on collection ([`crate::service::metrics`]).

use std::sync::LazyLock;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;

use crate::actor::SupervisionEvent;
use crate::domain::gate::Verdict;
use crate::service::runtime::incidents::told;

struct Meters {
    rulings: Counter<u64>,
    supervision: Counter<u64>,
}

static METERS: LazyLock<Meters> = LazyLock::new(|| {
    let meter = opentelemetry::global::meter("mecris");
    Meters {
        rulings: meter
            .u64_counter("mecris.gate.rulings")
            .with_unit("{ruling}")
            .with_description("How often the gate allowed, warned or blocked since the start.")
            .build(),
        supervision: meter
            .u64_counter("mecris.supervision.events")
            .with_unit("{event}")
            .with_description("What supervisors did about their actors since the start.")
            .build(),
    }
});

/// Counts a verdict of the gate.
pub(in crate::service) fn ruled(verdict: Verdict) {
    METERS.rulings.add(1, &[KeyValue::new("mecris.gate.verdict", verdict.word())]);
}

/// Starts every verdict at zero, so that its rate is defined from the first one.
pub(in crate::service) fn begin() {
    for verdict in [Verdict::Allow, Verdict::Warn, Verdict::Block] {
        METERS.rulings.add(0, &[KeyValue::new("mecris.gate.verdict", verdict.word())]);
    }
    METERS.supervision.add(0, &[KeyValue::new("mecris.supervision.change", "escalated")]);
}

/// Counts a supervisor's action.
pub(in crate::service) fn supervised(event: &SupervisionEvent) {
    let (_, change, _) = told(event.clone());
    METERS.supervision.add(1, &[KeyValue::new("mecris.supervision.change", change)]);
}
