//! One counter's points, told in any order and as often as somebody likes, and what it has grown by.
//!
//! The rules are those of the OpenTelemetry data model (Metrics, *Sums*, *Resets and gaps*,
//! <https://opentelemetry.io/docs/specs/otel/metrics/data-model/>): a delta counts what came between its two times, so that
//! the same two times again are the same delta; a cumulative point counts everything since its start, so that only the
//! growth since the point before is new. A new start begins at 0, and so does a value that is lower than the one before it.

use std::collections::{BTreeMap, HashSet};

/// What a point says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// From when on it counts, in nanoseconds since the Unix epoch; 0 where that is not told.
    pub start_ns: u64,
    /// Until when.
    pub time_ns: u64,
    /// The count: tokens, or picodollars. Never negative.
    pub value: i128,
    /// Whether it counts everything since its start.
    pub is_cumulative: bool,
}

/// A stretch of a cumulative counter in which it only rose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    first: (u64, i128),
    last: (u64, i128),
}

/// What is known of a counter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counter {
    deltas: HashSet<(u64, u64)>,
    /// By start; the runs of each in the order of time.
    runs: BTreeMap<u64, Vec<Run>>,
}

impl Counter {
    /// Takes a point, and tells what the counter has grown by. None where the point says nothing that was not known.
    ///
    /// A late point that lies in a stretch known to rise adds nothing. The sum does not depend on the order in which
    /// points come, unless a counter falls back and overtakes its old value between two points that came before.
    pub fn take(&mut self, point: &Point) -> Option<i128> {
        if !point.is_cumulative {
            return (point.value > 0 && self.deltas.insert((point.start_ns, point.time_ns)))
                .then_some(point.value);
        }
        let runs = self.runs.entry(point.start_ns).or_default();
        let told = (point.time_ns, point.value);
        // The run that begins last before this point, if one does.
        let at = runs.partition_point(|run| run.first.0 <= told.0);
        let Some(before) = at.checked_sub(1) else { return begin(runs, 0, told) };
        let run = &mut runs[before];
        if told.0 <= run.last.0 {
            return None;
        }
        if told.1 < run.last.1 {
            // It fell back between that run and this point.
            return begin(runs, at, told);
        }
        let growth = told.1 - run.last.1;
        run.last = told;
        (growth > 0).then_some(growth)
    }
}

/// A point that no run before it leads to: the run after it begins earlier by this, or it is a run of its own.
fn begin(runs: &mut Vec<Run>, at: usize, told: (u64, i128)) -> Option<i128> {
    match runs.get_mut(at) {
        Some(after) if told.1 <= after.first.1 => {
            let is_news = told.1 < after.first.1;
            after.first = told;
            // What it grew by from there on has been counted with the run; that it was so low is remembered.
            is_news.then_some(0)
        }
        _ => {
            runs.insert(at, Run { first: told, last: told });
            (told.1 > 0).then_some(told.1)
        }
    }
}
