//! Kill: a child appends and prints each acknowledged position, and is killed at a random moment,
//! also while it repairs, backs up or rebuilds the second copy. No acknowledged event is missing, none
//! is there twice, and `verify` is clean.
//!
//! `MECRIS_KILL_ROUNDS` sets the rounds (20 by default; 200 in a long round).

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use mecris::event::Position;
use mecris::log::backup::{Manifest, backup};
use mecris::log::conformance::{all, append, event};
use mecris::log::restore::restore;
use mecris::log::verify::verify;
use mecris::log::{Appending, EventLog, Expected, Options, SledLog, repair};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Set for the child: what it does, and where.
const ROLE: &str = "MECRIS_KILL_ROLE";
const DATA: &str = "MECRIS_KILL_DATA";
const NAME: &str = "durability::a_killed_process_loses_no_acknowledged_event";
/// Appends that the child keeps under way.
const UNDER_WAY: u64 = 8;

fn options() -> Options {
    Options { segment_bytes: 100_000, reserve_bytes: 0, ..Options::default() }
}

fn rounds() -> u64 {
    std::env::var("MECRIS_KILL_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap())
}

/// What the child is doing when it is killed.
#[derive(Debug, Clone, Copy)]
enum Role {
    Append,
    Backup,
    Repair,
    Rebuild,
}

const ROLES: [Role; 4] = [Role::Append, Role::Backup, Role::Repair, Role::Rebuild];

/// The ids of append `number`: most are small, some span blocks.
fn ids(number: u64) -> std::ops::Range<u64> {
    let count = if number % 37 == 36 { 800 } else { number % 4 + 1 };
    number * 1000..number * 1000 + count
}

/// Prints a line that the parent must not miss.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).unwrap();
}

/// Appends for ever, and prints the number of each append once it is acknowledged.
fn append_for_ever(log: &SledLog) -> ! {
    // The appends of the runs before are sent again: all of them are known, and answered as such.
    let mut under_way: std::collections::VecDeque<(u64, Appending)> = std::collections::VecDeque::new();
    for number in 0.. {
        let stream = format!("stream/{}", number % 3);
        under_way.push_back((number, log.append(append(&stream, Expected::Any, ids(number)))));
        if under_way.len() as u64 == UNDER_WAY {
            let (number, answer) = under_way.pop_front().unwrap();
            answer.wait().unwrap();
            say(&format!("acknowledged {number}"));
        }
    }
    unreachable!("there are appends enough")
}

fn child(role: &str, data: &Path) -> ! {
    if role == "Repair" {
        say("begins");
        repair::apply(data, &options(), &mut |_, _| {}).unwrap();
    }
    say("begins");
    let (log, _) = SledLog::open(data, options()).unwrap();
    if role == "Rebuild" {
        drop(log.wait_for_second_copy());
    }
    std::thread::scope(|scope| {
        if role == "Backup" {
            let target = data.with_extension("backup");
            let log = &log;
            scope.spawn(move || {
                loop {
                    backup(log, &target, &mut |_, _| {}).unwrap();
                }
            });
        }
        append_for_ever(&log)
    })
}

fn spawn(role: Role, data: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([NAME, "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, format!("{role:?}"))
        .env(DATA, data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Lets a child run for a random number of its lines, kills it, and gives what it acknowledged.
fn run_and_kill(role: Role, data: &Path, lines: usize) -> Vec<u64> {
    let mut child = spawn(role, data);
    let mut seen = 0;
    let mut acknowledged = Vec::new();
    let mut killed = false;
    // After the kill the pipe still holds lines that were printed before it: they count too.
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        // The test harness prints its own words before the first of ours.
        let Some(at) = line.find("acknowledged ").or_else(|| line.find("begins")) else {
            continue;
        };
        if let Some(number) = line[at..].strip_prefix("acknowledged ") {
            acknowledged.push(number.parse().unwrap());
        }
        seen += 1;
        if seen >= lines && !killed {
            child.kill().unwrap();
            killed = true;
        }
    }
    child.wait().unwrap();
    assert!(killed, "the child ended by itself after {seen} lines of {lines}");
    acknowledged
}

fn check(data: &Path, acknowledged: u64, context: &str) -> Position {
    let report = verify(data, &options(), None, &mut |_, _| {}).unwrap();
    assert!(report.is_clean(), "{context}: {report:?}");
    let (log, _) = SledLog::open(data, options()).unwrap();
    let found = all(&log);
    let mut counts = std::collections::HashMap::new();
    for (record, position) in found.iter().zip(1..) {
        assert_eq!(record.position, Position(position), "{context}");
        *counts.entry(record.id).or_insert(0) += 1;
    }
    for number in 0..acknowledged + UNDER_WAY {
        let present: Vec<_> = ids(number).map(|id| counts.remove(&event(id).id).unwrap_or(0)).collect();
        let whole = present.iter().all(|count| *count == 1);
        assert!(whole || number >= acknowledged, "{context}: append {number} is lost: {present:?}");
        assert!(whole || present.iter().all(|count| *count == 0), "{context}: append {number} by half");
    }
    assert!(counts.is_empty(), "{context}: {} events that nobody sent", counts.len());
    log.head().position
}

/// Makes work for the next child: something to repair or to rebuild.
fn prepare(role: Role, data: &Path, random: &mut SmallRng) {
    match role {
        Role::Append | Role::Backup => {}
        Role::Rebuild => std::fs::remove_dir_all(data.join("sled")).unwrap(),
        Role::Repair => {
            let journal = std::fs::read_dir(data.join("journal")).unwrap();
            let mut paths: Vec<_> = journal.map(|entry| entry.unwrap().path()).collect();
            paths.sort();
            let path = &paths[random.random_range(0..paths.len())];
            let mut bytes = std::fs::read(path).unwrap();
            if !bytes.is_empty() {
                let at = random.random_range(0..bytes.len());
                bytes[at] ^= 4;
            }
            std::fs::write(path, bytes).unwrap();
        }
    }
}

/// A backup that was being written when its process was killed is the one before, or the new one.
fn check_backup(data: &Path, head: Position, context: &str) {
    let target = data.with_extension("backup");
    let Some(manifest) = Manifest::read(&target).unwrap() else {
        return;
    };
    assert!(manifest.position <= head.0, "{context}: only durable events are backed up");
    let restored = tempfile::tempdir().unwrap();
    let report = restore(&target, restored.path(), None, &options(), &mut |_, _| {});
    let report = report.unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_eq!(report.head.position.0, manifest.position, "{context}");
}

#[test]
fn a_killed_process_loses_no_acknowledged_event() {
    if let Ok(role) = std::env::var(ROLE) {
        child(&role, Path::new(&std::env::var(DATA).unwrap()));
    }
    let dir = tempfile::tempdir().unwrap();
    let mut random = SmallRng::seed_from_u64(3);
    let (mut data, mut acknowledged) = (dir.path().join("0"), 0_u64);
    for round in 0..rounds() {
        if round % 20 == 0 {
            // A fresh log now and then, so that rounds stay short.
            (data, acknowledged) = (dir.path().join(round.to_string()), 0);
        }
        let role = if acknowledged == 0 { Role::Append } else { ROLES[random.random_range(0..ROLES.len())] };
        let context = format!("round {round}, {role:?}");
        prepare(role, &data, &mut random);
        let lines = match role {
            // Among these lines are those of opening: the kill may come while it heals or rebuilds.
            Role::Repair | Role::Rebuild if random.random() => random.random_range(1..3),
            _ => acknowledged as usize + random.random_range(1..120),
        };
        let seen = run_and_kill(role, &data, lines);
        assert!(seen.iter().zip(0..).all(|(seen, number)| *seen == number), "in order");
        acknowledged = acknowledged.max(seen.len() as u64);
        if let Role::Repair = role {
            // The kill may have come before the repair: it is done now.
            let repaired = repair::apply(&data, &options(), &mut |_, _| {}).unwrap();
            assert!(repaired.remaining.is_empty(), "{context}: {repaired:?}");
        }
        if let Role::Rebuild = role {
            // Without its second copy a log is not what verification calls whole.
            let (log, _) = SledLog::open(&data, options()).unwrap();
            drop(log.wait_for_second_copy());
        }
        let head = check(&data, acknowledged, &context);
        check_backup(&data, head, &context);
    }
}
