//! The durable log holds the contract, and comes back as it was.

use mecris::event::Position;
use mecris::log::conformance::{CHECKS, all, append};
use mecris::log::{EventLog, Expected, LogError, Options, SledLog, is_held};

/// Options for a test: small segments, so that a short run has several.
fn options() -> Options {
    Options { segment_bytes: 20_000, reserve_bytes: 0, ..Options::default() }
}

#[test]
fn the_durable_log_holds_the_contract() {
    for (name, check) in CHECKS {
        println!("{name}");
        let dir = tempfile::tempdir().unwrap();
        let (log, _) = SledLog::open(dir.path(), options()).unwrap();
        check(&log);
    }
}

#[test]
fn a_log_comes_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (log, report) = SledLog::open(dir.path(), options()).unwrap();
    assert_eq!(report.head.position, Position::START);
    for number in 0..300 {
        let stream = format!("stream/{}", number % 7);
        log.append(append(&stream, Expected::Any, [number])).wait().unwrap();
    }
    log.append(append("bulk", Expected::Any, 1000..3000)).wait().unwrap();
    let (head, events) = (log.head(), all(&log));
    log.close();
    assert!(matches!(log.append(append("a", Expected::Any, [1])).wait(), Err(LogError::Closed)));

    let (log, report) = SledLog::open(dir.path(), options()).unwrap();
    assert_eq!((report.head, report.scanned_bytes, report.torn_bytes), (head, 0, 0));
    assert_eq!(report.repairs, []);
    assert!(report.segments > 2, "{report:?}");
    assert_eq!(all(&log), events);
    let again = log.append(append("bulk", Expected::NoStream, 1000..3000)).wait().unwrap();
    assert_eq!(again.new_count(), 0, "ids are known for ever");
    drop(log);

    std::fs::remove_dir_all(dir.path().join("sled")).unwrap();
    let (log, report) = SledLog::open(dir.path(), options()).unwrap();
    assert_eq!((report.head, report.repairs.len()), (head, 1), "{report:?}");
    assert!(report.scanned_bytes > 0);
    assert_eq!(all(&log), events);
}

#[test]
fn one_process_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = SledLog::open(dir.path(), options()).unwrap();
    let second = SledLog::open(dir.path(), options());
    assert!(matches!(second, Err(LogError::Locked { .. })), "{second:?}");
    log.close();
    SledLog::open(dir.path(), options()).unwrap();
}

#[test]
fn a_clock_that_goes_back_does_not_take_the_log_with_it() {
    use std::sync::atomic::{AtomicI64, Ordering};
    let now = std::sync::Arc::new(AtomicI64::new(1_000_000));
    let clock = {
        let now = now.clone();
        move || jiff::Timestamp::from_second(now.load(Ordering::Relaxed)).unwrap()
    };
    let dir = tempfile::tempdir().unwrap();
    let options = Options { clock: std::sync::Arc::new(clock), ..options() };
    let (log, _) = SledLog::open(dir.path(), options.clone()).unwrap();
    let mut times = Vec::new();
    for (number, second) in [1_000_000, 999_000, 1_000_005, 10].into_iter().enumerate() {
        now.store(second, Ordering::Relaxed);
        log.append(append("a", Expected::Any, [number as u64])).wait().unwrap();
        times.push(log.head().recorded_at.as_second());
    }
    assert_eq!(times, [1_000_000, 1_000_000, 1_000_005, 1_000_005]);
    drop(log);
    let (log, _) = SledLog::open(dir.path(), options).unwrap();
    log.append(append("a", Expected::Any, [9])).wait().unwrap();
    assert_eq!(log.head().recorded_at.as_second(), 1_000_005, "also across a restart");
    let at = |second| log.position_at(jiff::Timestamp::from_second(second).unwrap()).unwrap().0;
    assert_eq!([at(999_999), at(1_000_000), at(1_000_004), at(1_000_005)], [0, 2, 2, 5]);
}

#[test]
fn who_looks_at_the_lock_neither_waits_nor_makes_one() {
    let dir = tempfile::tempdir().unwrap();
    assert!(!is_held(dir.path()) && !dir.path().join("lock").exists());
    let (log, _) = SledLog::open(dir.path(), Options::default()).unwrap();
    assert!(is_held(dir.path()) && is_held(dir.path()));
    log.close();
    drop(log);
    assert!(!is_held(dir.path()));
}
