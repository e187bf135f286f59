//! A disk that is full, or refuses, and is well again: nothing is lost, what is known is shown throughout, and the
//! supervisor recovers without a restart, with one line for each turn.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::odd_files::{calls, counts};
use crate::support::program::{Home, Running};

const BOUND: Duration = Duration::from_secs(60);

/// Waits until the readiness says this of the log.
fn until_log(running: &Running, is_so: impl Fn(bool, &str) -> bool) {
    let begun = Instant::now();
    loop {
        let shown = running.get("/health/ready").json();
        let log = &shown["parts"]["log"];
        if is_so(log["ok"].as_bool().unwrap(), log["reason"].as_str().unwrap()) {
            assert_eq!(shown["ready"], log["ok"], "{shown}");
            return;
        }
        assert!(begun.elapsed() < BOUND, "{shown}");
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// How often the log stopped, and went on again, by its own telling.
fn turns(running: &Running) -> (usize, usize) {
    let shown = running.get("/api/v1/incidents").json();
    let of_log =
        shown["incidents"].as_array().unwrap().iter().filter(|incident| incident["subject"] == "log");
    let changes: Vec<String> =
        of_log.map(|incident| incident["change"].as_str().unwrap().to_owned()).collect();
    let count = |change: &str| changes.iter().filter(|told| *told == change).count();
    (count("refusing"), count("resumed"))
}

/// While the log takes nothing: reads go on, what would write is refused at once, and nothing is counted.
fn refuses_and_reads(running: &Running, known: u64) {
    counts(running, known);
    let bearer = format!("Bearer {}", running.token);
    let headers = [("authorization", bearer.as_str())];
    let body = r#"{"amount_usd": "5"}"#;
    let written = running.send("PUT", "/api/v1/budgets/main", &headers, Some(body));
    assert!(written.body.contains("does not accept events"), "{written:?}");
    for path in ["/api/v1/status", "/api/v1/events", "/api/v1/incidents", "/metrics"] {
        assert_eq!(running.get(path).status, 200, "{path}");
    }
}

fn recovers(home: &Home, running: Running, told: std::thread::JoinHandle<String>) {
    until_log(&running, |ok, _| ok);
    // Once each: what waited, and what comes now.
    counts(&running, 80);
    home.transcript("c.jsonl", calls(80..90));
    counts(&running, 90);
    let begun = Instant::now();
    while turns(&running) != (1, 1) {
        assert!(begun.elapsed() < BOUND, "{:?}", turns(&running));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(running.stop(), 0);
    let told = told.join().unwrap();
    assert_eq!(told.matches("WARN the log takes no events").count(), 1, "{told}");
    assert_eq!(told.matches("WARN the log takes events again").count(), 1, "{told}");
}

/// The program with this environment, by a script that ends in it.
fn scripted(home: &Home, launcher: &[&str], before: &str, data: &Path) -> Command {
    let program = home.command(&[]).get_program().to_str().unwrap().to_owned();
    let script = format!("{before}; exec '{program}' run --listen 127.0.0.1:0");
    let words: Vec<&str> = launcher.iter().copied().chain(["sh", "-c", &script]).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    command.env("HOME", home.dir.path()).env("TZ", "UTC").env("MECRIS_DATA_DIR", data);
    command
}

#[test]
fn a_full_disk_that_is_freed_needs_no_restart_and_loses_nothing() {
    let home = Home::new();
    home.transcript("a.jsonl", calls(0..50));
    let data = home.dir.path().join("small");
    fs::create_dir(&data).unwrap();
    let mount = format!("mount -t tmpfs -o size=24m,mode=700 none '{}' || exit 77", data.display());
    let mut command = scripted(&home, &["unshare", "--mount"], &mount, &data);
    command.env("MECRIS_LOG__RESERVE_MIB", "8");
    let (running, told) = home.start_command(command, &data.join("tenants/local"));
    counts(&running, 50);
    let inside = PathBuf::from(format!("/proc/{}/root", running.child.id()));
    let filler = inside.join(data.strip_prefix("/").unwrap()).join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    let full = (0..1_000).find_map(|_| file.write_all(&[7; 64 << 10]).err()).expect("it never became full");
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    until_log(&running, |ok, reason| !ok && reason.contains("the disk is full"));
    home.transcript("b.jsonl", calls(50..80));
    refuses_and_reads(&running, 50);
    // Long enough for the lines, and for what would be tried in the meantime.
    std::thread::sleep(Duration::from_secs(3));
    refuses_and_reads(&running, 50);
    drop(file);
    fs::remove_file(&filler).unwrap();
    recovers(&home, running, told);
}

#[test]
fn a_write_that_fails_stops_the_log_until_the_supervisor_has_opened_it_again() {
    let home = Home::new();
    home.transcript("a.jsonl", calls(0..50));
    let data = home.dir.path().join("data");
    // A write beyond the limit fails with an error, where the signal is ignored.
    let mut command = scripted(&home, &[], "trap '' XFSZ", &data);
    command.env("MECRIS_LOG__RESERVE_MIB", "0");
    let (running, told) = home.start_command(command, &data.join("tenants/local"));
    counts(&running, 50);
    let journal = fs::read_dir(data.join("tenants/local/journal"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len());
    let limit = |soft: &str| {
        let pid = running.child.id().to_string();
        let set =
            Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={soft}:unlimited")]).status();
        assert!(set.unwrap().success());
    };
    // A part of the next commit is written, and no more.
    limit(&(journal.max().unwrap() + 100).to_string());
    home.transcript("b.jsonl", calls(50..80));
    until_log(&running, |ok, reason| !ok && reason.contains("a write to the journal failed"));
    counts(&running, 50);
    std::thread::sleep(Duration::from_secs(3));
    counts(&running, 50);
    limit("unlimited");
    recovers(&home, running, told);
}

/// A number that a scrape tells.
fn metric(running: &Running, name: &str) -> f64 {
    let scrape = running.get("/metrics").body;
    let line = scrape.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{scrape}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn until_metric(running: &Running, name: &str, is_so: impl Fn(f64) -> bool) {
    let begun = Instant::now();
    while !is_so(metric(running, name)) {
        assert!(begun.elapsed() < BOUND * 2, "{name}: {}", metric(running, name));
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_second_copy_whose_disk_was_full_is_written_again_without_a_restart() {
    let home = Home::new();
    home.transcript("a.jsonl", calls(0..50));
    let data = home.dir.path().join("data");
    let copy = data.join("tenants/local/sled").display().to_string();
    // The copy alone is on a small disk.
    let mount = format!(
        "mkdir -m 700 '{0}' '{0}/tenants' '{0}/tenants/local' '{copy}' && mount -t tmpfs -o size=3m,mode=700 none '{copy}' || exit 77",
        data.display()
    );
    let mut command = scripted(&home, &["unshare", "--mount"], &mount, &data);
    command.env("MECRIS_LOG__RESERVE_MIB", "0");
    let (running, told) = home.start_command(command, &data.join("tenants/local"));
    counts(&running, 50);
    until_metric(&running, "mecris_log_second_copy_lag", |lag| lag == 0.0);
    home.transcript("b.jsonl", calls(50..12_000));
    until_metric(&running, "mecris_log_second_copy_up", |up| up == 0.0);
    // The journal carries on alone.
    counts(&running, 12_000);
    home.transcript("c.jsonl", calls(12_000..12_010));
    counts(&running, 12_010);
    let pid = running.child.id().to_string();
    let grown = Command::new("nsenter")
        .args(["--mount", "--target", &pid, "mount", "-o", "remount,size=64m", &copy])
        .status()
        .unwrap();
    assert!(grown.success());
    until_metric(&running, "mecris_log_second_copy_up", |up| up == 1.0);
    until_metric(&running, "mecris_log_second_copy_lag", |lag| lag == 0.0);
    let bearer = format!("Bearer {}", running.token);
    let verified = running.send("POST", "/api/v1/verify", &[("authorization", &bearer)], None).json();
    assert_eq!(verified["problem_count"], 0, "{verified}");
    assert_eq!(running.stop(), 0);
    let told = told.join().unwrap();
    assert_eq!(told.matches("the log's second copy has failed").count(), 1, "{told}");
    assert_eq!(told.matches("the log's second copy is written again").count(), 1, "{told}");
}
