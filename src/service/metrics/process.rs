//! Metrics of this process, from `/proc`; none on systems without it.

use std::fs;

use opentelemetry::KeyValue;

use super::Survey;
use super::catalogue::{CPU, FILES, FILES_MAX, MEMORY, STARTED, THREADS, VIRTUAL};

/// Reads proc(5). The fields of `stat` are counted from behind the program's name, which may contain spaces.
pub(super) fn look(survey: &mut Survey) {
    let ticks = rustix::param::clock_ticks_per_second().max(1) as f64;
    let page = rustix::param::page_size() as f64;
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().collect();
    // The first of these is field 3, the state.
    let field = |number: usize| fields.get(number - 3).and_then(|text| text.parse::<f64>().ok());
    let Some((user, system)) = field(14).zip(field(15)) else { return };
    survey.add(CPU, user / ticks, [KeyValue::new("cpu.mode", "user")]);
    survey.add(CPU, system / ticks, [KeyValue::new("cpu.mode", "system")]);
    let whole = [(THREADS, field(20)), (VIRTUAL, field(23)), (MEMORY, field(24).map(|pages| pages * page))];
    for (measure, value) in whole {
        if let Some(value) = value {
            survey.add(measure, value, []);
        }
    }
    if let Some(started) = field(22).zip(booted()) {
        survey.add(STARTED, started.1 + started.0 / ticks, []);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        survey.add(FILES, open.count() as f64, []);
    }
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    if let Some(limit) = limit {
        survey.add(FILES_MAX, limit as f64, []);
    }
}

/// The machine's boot time, in seconds since 1970.
fn booted() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime ")).and_then(|text| text.trim().parse().ok())
}
