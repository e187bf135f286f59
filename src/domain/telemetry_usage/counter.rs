//! A counter: its points may arrive in any order and repeatedly, and it computes its growth.
//!
//! The rules are those of the OpenTelemetry data model (Metrics, *Sums*, *Resets and gaps*,
//! <https://opentelemetry.io/docs/specs/otel/metrics/data-model/>). A delta counts what happened between its
//! two times, so the same two times identify the same delta. A cumulative point counts everything since its
//! start, so only the growth since the previous point is new. A new start begins at 0, and so does a value
//! below the previous one.
//!
//! A cumulative point without a start time goes on where the counter was. The data model has two forms of it: the start
//! is absent, or it is the point's own time. What is told later with a start that lies before such points is the same
//! counter. Where a series is told as deltas and cumulatively too, both tell the same, and whichever tells more counts.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};

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

/// What is counted from one start on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Life {
    /// Sorted by time; of one that is told by deltas alone there is none.
    runs: Vec<Run>,
    /// What cumulative points told: the sum of the runs.
    by_points: i128,
    /// What deltas told since the start.
    by_deltas: i128,
    /// What deltas told since the last cumulative point.
    since_last: i128,
    /// What was returned as growth.
    counted: i128,
}

impl Life {
    /// The growth since it was last asked for. Cumulative points and the deltas after them are one way to the whole,
    /// and all deltas are another; neither tells more than there is.
    fn growth(&mut self) -> i128 {
        let told = (self.by_points + self.since_last).max(self.by_deltas);
        let growth = (told - self.counted).max(0);
        self.counted += growth;
        growth
    }

    /// The time of the last cumulative point.
    fn last_ns(&self) -> u64 {
        self.runs.last().map_or(0, |run| run.last.0)
    }
}

/// The state of a counter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counter {
    /// By start and end time.
    deltas: BTreeMap<(u64, u64), i128>,
    /// By start time, [`UNKNOWN`] for those without.
    lives: BTreeMap<u64, Life>,
}

/// The start time of points that have none.
const UNKNOWN: u64 = 0;

impl Counter {
    /// Applies a point. Returns the counter's growth, or none if the point told nothing new. A growth of 0 is to be kept
    /// too: later ones are reckoned from that point.
    ///
    /// A late point within a rising run adds nothing. The sum does not depend on the order of arrival if points have their
    /// start times, unless a counter resets and exceeds its old value between two earlier points.
    pub fn take(&mut self, point: &Point) -> Option<i128> {
        if point.is_cumulative { self.take_cumulative(point) } else { self.take_delta(point) }
    }

    fn take_cumulative(&mut self, point: &Point) -> Option<i128> {
        let key = self.start_of(point);
        if !self.lives.contains_key(&key) {
            self.begin_life(key);
        }
        let is_mixed = !self.deltas.is_empty();
        let life = self.lives.get_mut(&key)?;
        let (told, last_ns) = ((point.time_ns, point.value), life.last_ns());
        // The last run that begins before this point, if any.
        let at = life.runs.partition_point(|run| run.first.0 <= told.0);
        let before = at.checked_sub(1).and_then(|before| life.runs.get_mut(before));
        let is_news = match before {
            Some(run) if told.0 <= run.last.0 => return None,
            Some(run) if told.1 >= run.last.1 => {
                life.by_points += told.1 - run.last.1;
                run.last = told;
                is_mixed
            }
            // It was reset between that run and this point, or no run leads to it.
            _ => begin(life, at, told) || is_mixed,
        };
        if life.last_ns() > last_ns {
            life.since_last = 0;
        }
        let growth = life.growth();
        (growth > 0 || is_news).then_some(growth)
    }

    fn take_delta(&mut self, point: &Point) -> Option<i128> {
        let Point { start_ns, time_ns, value, .. } = *point;
        if value <= 0 || self.deltas.contains_key(&(start_ns, time_ns)) {
            return None;
        }
        self.deltas.insert((start_ns, time_ns), value);
        let Some(life) = self.life_of((start_ns, time_ns)) else { return Some(value) };
        life.by_deltas += value;
        if begun((start_ns, time_ns)) >= life.last_ns() {
            life.since_last += value;
        }
        Some(life.growth())
    }

    /// What a delta belongs to: the last that had started when it began. None if only deltas are known.
    fn life_of(&mut self, delta: (u64, u64)) -> Option<&mut Life> {
        let from = begun(delta);
        let known = self.lives.range((Excluded(UNKNOWN), Included(from))).next_back().map(|(key, _)| *key);
        let unknown = self.lives.get(&UNKNOWN).and_then(|life| life.runs.first()).map(|run| run.first.0);
        let key = match (known, unknown) {
            (known, Some(first)) if first <= from && known.is_none_or(|known| known < first) => UNKNOWN,
            (known, _) => known?,
        };
        self.lives.get_mut(&key)
    }

    /// A new start: deltas that were told since then, and that no later start has, belong to it.
    fn begin_life(&mut self, key: u64) {
        let mut life = Life::default();
        if key != UNKNOWN {
            let next =
                self.lives.range((Excluded(key), Unbounded)).next().map_or(u64::MAX, |(next, _)| *next);
            let sum = self.told_between(key, next);
            (life.by_deltas, life.counted) = (sum, sum);
        }
        self.lives.insert(key, life);
    }

    /// The sum of the deltas that began at the first instant or later, and before the second.
    fn told_between(&self, from: u64, until: u64) -> i128 {
        let with_start = self.deltas.range((from, 0)..(until.max(from), 0));
        let others = self.deltas.range((UNKNOWN, 0)..=(UNKNOWN, u64::MAX));
        let others = others.filter(|(delta, _)| (from..until).contains(&begun(**delta)));
        with_start.chain(others).map(|(_, value)| value).sum()
    }

    /// The start time of the life that a cumulative point belongs to.
    fn start_of(&mut self, point: &Point) -> u64 {
        let Point { start_ns, time_ns, value, .. } = *point;
        if self.lives.contains_key(&start_ns) && start_ns != UNKNOWN {
            return start_ns;
        }
        if start_ns != UNKNOWN && start_ns != time_ns {
            self.adopt(start_ns, time_ns, value);
            return start_ns;
        }
        let before = |(key, life): (&u64, &Life)| {
            let at = life.runs.partition_point(|run| run.first.0 <= time_ns).checked_sub(1)?;
            Some((life.runs.get(at)?.first.0, *key))
        };
        match self.lives.iter().filter_map(before).max() {
            Some((_, UNKNOWN)) => UNKNOWN,
            Some((_, key)) if start_ns == UNKNOWN => key,
            // Its exporter knows starts, and this is a new one.
            Some(_) => start_ns,
            None => self.life_after(time_ns, value).unwrap_or(UNKNOWN),
        }
    }

    /// What a point without a start came before: it had begun, and its first point is not lower.
    fn life_after(&self, time_ns: u64, value: i128) -> Option<u64> {
        let mut all = self.lives.iter();
        let is_its = |(key, life): &(&u64, &Life)| {
            **key <= time_ns && life.runs.first().is_some_and(|run| value <= run.first.1)
        };
        all.find(is_its).map(|(key, _)| *key)
    }

    /// Points without a start time belong to the first start that lies before them, if its points go on where they are.
    fn adopt(&mut self, start_ns: u64, time_ns: u64, value: i128) {
        let goes_on = |run: &Run| {
            let is_higher = time_ns < run.last.0 || value >= run.last.1;
            let is_lower = time_ns > run.first.0 || value <= run.first.1;
            run.first.0 >= start_ns && is_higher && is_lower
        };
        let Some(unknown) = self.lives.get_mut(&UNKNOWN) else { return };
        let Some(run) = unknown.runs.pop_if(|run| goes_on(run)) else { return };
        // What was counted of it goes along, and what deltas before it were counted with.
        let of_run = if unknown.runs.is_empty() { unknown.counted } else { run.last.1 };
        let since_last = std::mem::take(&mut unknown.since_last);
        unknown.counted -= of_run;
        unknown.by_points -= run.last.1;
        if unknown.runs.is_empty() {
            self.lives.remove(&UNKNOWN);
        }
        self.begin_life(start_ns);
        let before = self.told_between(start_ns, run.first.0);
        let Some(life) = self.lives.get_mut(&start_ns) else { return };
        (life.by_points, life.since_last, life.counted) = (run.last.1, since_last, of_run + before);
        life.runs = vec![run];
    }
}

/// When a delta began; of one without a start only its end is known.
fn begun((start_ns, time_ns): (u64, u64)) -> u64 {
    if start_ns == UNKNOWN { time_ns.saturating_sub(1) } else { start_ns }
}

/// A point that no earlier run leads to: it extends the next run to an earlier start, or is a run of its own. Returns whether
/// it extended one.
fn begin(life: &mut Life, at: usize, told: (u64, i128)) -> bool {
    match life.runs.get_mut(at) {
        Some(after) if told.1 <= after.first.1 => {
            let is_news = told.1 < after.first.1;
            // The growth from here on was counted with the run; only the lower start is recorded.
            after.first = told;
            is_news
        }
        _ => {
            life.runs.insert(at, Run { first: told, last: told });
            life.by_points += told.1;
            false
        }
    }
}
