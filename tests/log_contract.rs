//! The durable log holds the contract, and comes back as it was.

use mecris::event::Position;
use mecris::log::conformance::{CHECKS, all, append};
use mecris::log::{EventLog, Expected, LogError, Options, SledLog};

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
