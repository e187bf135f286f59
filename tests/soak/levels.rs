//! What the process takes of the machine, looked at again and again, and the rule that it does not grow but by what is
//! kept of each event by design.

use std::fs;
use std::time::Duration;

/// What the program keeps in memory of each event for ever, at most, in bytes. Half an id and a position in a hash table: 16
/// bytes and one of the table's own, at a load of 7/16 just after it has doubled, are 39. A place in the journal's directory
/// is 16 bytes a block, 32 just after it has doubled, with six events in a block here: 6. A session in fifty events here, with
/// two cells of 300 bytes and its name thrice: 16. `docs/operating.md` says the same.
pub const BY_DESIGN_BYTES: f64 = 64.0;
/// What comes and goes: arenas of the allocator, sled's pages until it is opened anew, threads for blocking work.
pub const NOISE_BYTES: f64 = 16.0 * 1024.0 * 1024.0;
/// Open files and threads that may come and go.
pub const NOISE_COUNT: u64 = 12;

/// One look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    pub at: Duration,
    pub events: u64,
    pub memory_kib: u64,
    pub files: u64,
    pub threads: u64,
}

impl Level {
    /// Looks at a process; none when it has ended.
    pub fn of(process: u32, at: Duration, events: u64) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let number = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_ascii_whitespace().next()?.parse().ok()
        };
        let files = fs::read_dir(format!("/proc/{process}/fd")).ok()?.count() as u64;
        Some(Self { at, events, memory_kib: number("VmRSS:")?, files, threads: number("Threads:")? })
    }
}

/// How it went after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slopes {
    /// The events between the first look that counts and the last.
    pub events: u64,
    /// Growth of the memory, in bytes an event.
    pub bytes_an_event: f64,
    /// How much of it is more than what is kept by design and what comes and goes; not above nought is well.
    pub too_much_bytes: f64,
    /// Growth of open files and of threads, from the middle of the time to its end.
    pub files: i64,
    pub threads: i64,
}

/// What the looks say. The first third is the warm-up.
pub fn slopes(levels: &[Level]) -> Slopes {
    let warm = &levels[levels.len() / 3..];
    let points: Vec<(f64, f64)> =
        thinned(warm).map(|level| (level.events as f64, level.memory_kib as f64 * 1024.0)).collect();
    let bytes_an_event = slope(&points);
    let events = warm[warm.len() - 1].events - warm[0].events;
    let grown = bytes_an_event * events as f64;
    let (early, late) = warm.split_at(warm.len() / 2);
    let growth = |of: fn(&Level) -> u64| median(late, of).cast_signed() - median(early, of).cast_signed();
    Slopes {
        events,
        bytes_an_event,
        too_much_bytes: grown - BY_DESIGN_BYTES * events as f64 - NOISE_BYTES,
        files: growth(|level| level.files),
        threads: growth(|level| level.threads),
    }
}

impl Slopes {
    /// Why this is no flat line, where it is none.
    pub fn verdict(&self) -> Result<(), String> {
        let mut wrong = Vec::new();
        if self.too_much_bytes > 0.0 {
            wrong.push(format!(
                "memory grows by {:.0} bytes an event over {} events: {:.1} MiB more than {BY_DESIGN_BYTES} an event and \
                 what comes and goes",
                self.bytes_an_event,
                self.events,
                self.too_much_bytes / 1024.0 / 1024.0
            ));
        }
        for (what, grown) in [("open files", self.files), ("threads", self.threads)] {
            if grown > NOISE_COUNT.cast_signed() {
                wrong.push(format!("{grown} more {what} at the end than in the middle"));
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }
}

/// At most 300 of them, evenly.
fn thinned(levels: &[Level]) -> impl Iterator<Item = &Level> {
    levels.iter().step_by(levels.len().div_ceil(300))
}

fn median(levels: &[Level], of: impl Fn(&Level) -> u64) -> u64 {
    let mut values: Vec<u64> = levels.iter().map(of).collect();
    values.sort_unstable();
    values[values.len() / 2]
}

/// The median of the slopes of all pairs (Theil and Sen): a peak or a dent moves it little.
fn slope(points: &[(f64, f64)]) -> f64 {
    let mut slopes: Vec<f64> = Vec::new();
    for (number, (x, y)) in points.iter().enumerate() {
        let later = points[number + 1..].iter().filter(|(later, _)| later > x);
        slopes.extend(later.map(|(later, level)| (level - y) / (later - x)));
    }
    slopes.sort_unstable_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied().unwrap_or_default()
}

/// An hour of fifty events a second, of which each keeps so many bytes; now and then a peak.
fn hour(bytes_an_event: u64, files_an_hour: u64) -> Vec<Level> {
    let look = |second: u64| Level {
        at: Duration::from_secs(second),
        events: second * 50,
        memory_kib: 60_000
            + second * 50 * bytes_an_event / 1024
            + if second.is_multiple_of(60) { 9_000 } else { second % 7 * 300 },
        files: 40 + second * files_an_hour / 3_600,
        threads: 20 + second % 5,
    };
    (0..3_600).map(look).collect()
}

#[test]
fn the_rule_lets_pass_what_is_by_design_and_nothing_that_leaks() {
    for bytes in [0, 20, 64] {
        let slopes = slopes(&hour(bytes, 0));
        assert!(slopes.verdict().is_ok(), "{bytes}: {slopes:?}");
        assert!((slopes.bytes_an_event - bytes as f64).abs() < 20.0, "{bytes}: {slopes:?}");
    }
    for bytes in [225, 1_024] {
        assert!(slopes(&hour(bytes, 0)).verdict().unwrap_err().contains("memory"), "{bytes}");
    }
    assert!(slopes(&hour(0, 60)).verdict().unwrap_err().contains("open files"));
    let threads: Vec<Level> =
        hour(0, 0).into_iter().map(|level| Level { threads: level.events / 2_500, ..level }).collect();
    assert!(slopes(&threads).verdict().unwrap_err().contains("threads"));
}
