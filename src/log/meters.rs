//! Metrics of the log's commits, on the global meter of OpenTelemetry's API.
//!
//! The API is for metrics what `tracing` is for spans: a module can record measurements without knowing who
//! reads them, and without an installed provider every call does nothing. The instruments are created at the
//! first commit, so the provider must be installed before the log is opened.

use std::sync::LazyLock;
use std::time::Duration;

use opentelemetry::metrics::Histogram;

struct Meters {
    append: Histogram<f64>,
    sync: Histogram<f64>,
    events: Histogram<u64>,
}

static METERS: LazyLock<Meters> = LazyLock::new(|| {
    // From a fast disk's sync to one that hangs, in seconds.
    let seconds = vec![0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];
    let meter = opentelemetry::global::meter("mecris.log");
    Meters {
        append: meter
            .f64_histogram("mecris.log.append.duration")
            .with_unit("s")
            .with_description("How long a group of appends took from the plan to its publication.")
            .with_boundaries(seconds.clone())
            .build(),
        sync: meter
            .f64_histogram("mecris.log.sync.duration")
            .with_unit("s")
            .with_description("How long the fdatasync of a group of appends took.")
            .with_boundaries(seconds)
            .build(),
        events: meter
            .u64_histogram("mecris.log.append.events")
            .with_unit("{event}")
            .with_description("How many events were committed by one fdatasync.")
            .with_boundaries(vec![1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0])
            .build(),
    }
});

/// Records a commit of this many events.
pub(super) fn committed(events: usize, took: Duration) {
    METERS.append.record(took.as_secs_f64(), &[]);
    METERS.events.record(events as u64, &[]);
}

/// Records a sync of the journal.
pub(super) fn synced(took: Duration) {
    METERS.sync.record(took.as_secs_f64(), &[]);
}
