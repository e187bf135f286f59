//! The browser's process group: what it takes, and its end.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// What `/proc/PID/stat` tells of a process.
struct Stat {
    pid: i32,
    group: i32,
    is_zombie: bool,
    pages: u64,
}

fn stats() -> Vec<Stat> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(stat_of).collect()
}

/// Fields by proc(5): after the name in brackets, which may hold anything, come state, parent, group … and, as
/// the 24th of all, the resident pages.
fn stat_of(pid: i32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Some(Stat {
        pid,
        group: fields.get(2)?.parse().ok()?,
        is_zombie: *fields.first()? == "Z",
        pages: fields.get(21)?.parse().ok()?,
    })
}

/// What a process group holds in memory, in bytes. Pages that several of its processes share count for each.
pub fn resident_bytes(group: Pid) -> u64 {
    let of_group = stats().into_iter().filter(|stat| stat.group == group.as_raw_nonzero().get());
    of_group.map(|stat| stat.pages).sum::<u64>() * rustix::param::page_size() as u64
}

/// Ends a whole process group at once. Nothing where it has ended.
pub fn end(group: Pid) {
    if test_kill_process_group(group).is_ok() {
        // It may have ended between the two.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Ends what a mecris that was killed has left behind: the browsers that use this profile, which is locked by us.
pub fn end_leftovers(profile: &Path) {
    let mark = format!("--user-data-dir={}", profile.display());
    for stat in stats().into_iter().filter(|stat| !stat.is_zombie) {
        let Ok(line) = std::fs::read(format!("/proc/{}/cmdline", stat.pid)) else { continue };
        let is_ours = line.split(|byte| *byte == 0).any(|argument| argument == mark.as_bytes());
        if let (true, Some(group)) = (is_ours, Pid::from_raw(stat.group)) {
            end(group);
        }
    }
}

/// Whether a process of the group still runs. One that has ended and that nobody has asked for does not.
#[cfg(test)]
pub fn has_living(group: Pid) -> bool {
    stats().into_iter().any(|stat| stat.group == group.as_raw_nonzero().get() && !stat.is_zombie)
}
