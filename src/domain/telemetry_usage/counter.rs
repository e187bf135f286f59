//! A counter: its points may arrive in any order and repeatedly, and it computes its growth.
//!
//! The rules are those of the OpenTelemetry data model (Metrics, *Sums*, *Resets and gaps*,
//! <https://opentelemetry.io/docs/specs/otel/metrics/data-model/>). A delta counts what happened between its
//! two times, so the same two times identify the same delta. A cumulative point counts everything since its
//! start, so only the growth since the previous point is new. A new start begins at 0, and so does a value
//! below the previous one.

use std::collections::{BTreeMap, HashSet};

/// A data point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Start time in nanoseconds since the Unix epoch; 0 if unknown.
    pub start_ns: u64,
    /// End time in nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// The count: tokens, or picodollars. Never negative.
    pub value: i128,
    /// Whether it counts everything since its start.
    pub is_cumulative: bool,
}

/// A range of a cumulative counter in which it only rose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    first: (u64, i128),
    last: (u64, i128),
}

/// The state of a counter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counter {
    deltas: HashSet<(u64, u64)>,
    /// By start time; the runs of each are sorted by time.
    runs: BTreeMap<u64, Vec<Run>>,
}

impl Counter {
    /// Applies a point. Returns the counter's growth, or none if the point was already known.
    ///
    /// A late point within a rising run adds nothing. The sum does not depend on the order of arrival, unless
    /// a counter resets and exceeds its old value between two earlier points.
    pub fn take(&mut self, point: &Point) -> Option<i128> {
        if !point.is_cumulative {
            return (point.value > 0 && self.deltas.insert((point.start_ns, point.time_ns)))
                .then_some(point.value);
        }
        let runs = self.runs.entry(point.start_ns).or_default();
        let told = (point.time_ns, point.value);
        // The last run that begins before this point, if any.
        let at = runs.partition_point(|run| run.first.0 <= told.0);
        let Some(before) = at.checked_sub(1) else { return begin(runs, 0, told) };
        let run = &mut runs[before];
        if told.0 <= run.last.0 {
            return None;
        }
        if told.1 < run.last.1 {
            // It was reset between that run and this point.
            return begin(runs, at, told);
        }
        let growth = told.1 - run.last.1;
        run.last = told;
        (growth > 0).then_some(growth)
    }
}

/// A point that no earlier run leads to: it extends the next run to an earlier start, or is a run of its own.
fn begin(runs: &mut Vec<Run>, at: usize, told: (u64, i128)) -> Option<i128> {
    match runs.get_mut(at) {
        Some(after) if told.1 <= after.first.1 => {
            let is_news = told.1 < after.first.1;
            after.first = told;
            // The growth from here on was counted with the run; only the lower start is recorded.
            is_news.then_some(0)
        }
        _ => {
            runs.insert(at, Run { first: told, last: told });
            (told.1 > 0).then_some(told.1)
        }
    }
}
