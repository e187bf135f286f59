//! The disk refuses the Nth change, for all N: no acknowledged event is lost, the log says so and
//! goes on being read, and accepts events again once it is opened again.

use std::path::Path;
use std::sync::Arc;

use mecris::event::Position;
use mecris::log::conformance::{all, append, event};
use mecris::log::{EventLog, Expected, LogError, Options, SledLog};

use crate::fault_disk::{Fault, FaultDisk};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const APPENDS: u64 = 12;

fn options(disk: &FaultDisk) -> Options {
    Options { segment_bytes: 2_000, reserve_bytes: 0, disk: Arc::new(disk.clone()), ..Options::default() }
}

fn send(log: &SledLog, number: u64) -> Result<(), LogError> {
    let first = number * 10;
    log.append(append("a", Expected::Any, first..first + 3)).wait().map(|_| ())
}

fn holds(log: &SledLog, acknowledged: &[u64], context: &str) {
    let found = all(log);
    for number in acknowledged {
        for id in number * 10..number * 10 + 3 {
            let count = found.iter().filter(|record| record.id == event(id).id).count();
            assert_eq!(count, 1, "{context}: event {id}");
        }
    }
}

/// One run with a fault at a step; whether the fault was met.
fn fail_at(step: u64, code: i32) -> bool {
    let context = format!("error {code} at step {step}");
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultDisk::default();
    let (log, _) = SledLog::open(dir.path(), options(&disk)).unwrap();
    disk.fail_at(step, Fault::Error(code));
    let mut acknowledged = Vec::new();
    let mut failed = None;
    for number in 0..APPENDS {
        match (send(&log, number), failed) {
            (Ok(()), None) => acknowledged.push(number),
            (Err(LogError::UnknownOutcome { .. }), None) => failed = Some(number),
            (Err(LogError::ReadOnly { .. }), Some(_)) => {}
            (answer, failed) => panic!("{context}: {answer:?} after {failed:?}"),
        }
    }
    let Some(failed) = failed else {
        return false;
    };
    assert!(log.read_only().is_some_and(|reason| reason.contains("failed")), "{context}");
    assert_eq!(log.head().position, Position(failed * 3), "{context}: nothing shows that may not be there");
    holds(&log, &acknowledged, &context);

    log.reopen().unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_eq!(log.read_only(), None, "{context}");
    for number in 0..APPENDS {
        send(&log, number).unwrap_or_else(|error| panic!("{context}: {error}"));
    }
    assert_eq!(log.head().position, Position(APPENDS * 3), "{context}: once each");
    check_after_power_cut(dir.path(), &disk, log, step, &context);
    true
}

/// The failed sync must not have left a hole that only the page cache hides.
fn check_after_power_cut(data: &Path, disk: &FaultDisk, log: SledLog, seed: u64, context: &str) {
    drop(log);
    std::fs::remove_dir_all(data.join("sled")).unwrap();
    let (log, _) = SledLog::open(data, options(&disk.after_power_cut(seed))).unwrap();
    holds(&log, &(0..APPENDS).collect::<Vec<_>>(), context);
    let report = log.verify(None, &mut |_, _| {}).unwrap();
    assert!(report.is_clean(), "{context}: {report:?}");
}

#[test]
fn no_acknowledged_event_is_lost_whichever_change_fails() {
    for code in [EIO, ENOSPC] {
        let met = (1..1000).take_while(|step| fail_at(*step, code)).count();
        assert!(met > 2 * APPENDS as usize, "every write and every sync was failed once: {met}");
    }
}

#[test]
fn events_that_only_the_page_cache_has_are_not_believed_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultDisk::default();
    let (log, _) = SledLog::open(dir.path(), options(&disk)).unwrap();
    send(&log, 0).unwrap();
    // The write of the next append succeeds, its sync fails, and the process restarts.
    disk.fail_at(2, Fault::Error(EIO));
    assert!(matches!(send(&log, 1), Err(LogError::UnknownOutcome { .. })));
    drop(log);
    let (log, _) = SledLog::open(dir.path(), options(&disk)).unwrap();
    let shown = all(&log);
    drop(log);
    std::fs::remove_dir_all(dir.path().join("sled")).unwrap();
    let (log, _) = SledLog::open(dir.path(), options(&disk.after_power_cut(1))).unwrap();
    assert_eq!(all(&log), shown, "what was shown once is there after a power cut");
}

#[test]
fn a_full_disk_refuses_events_before_it_is_full_and_recovers_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultDisk::default();
    let options = Options { reserve_bytes: 64 << 20, ..options(&disk) };
    let (log, _) = SledLog::open(dir.path(), options).unwrap();
    send(&log, 0).unwrap();
    disk.set_free_bytes(Some(63 << 20));
    let writes = disk.operations();
    let Err(LogError::ReadOnly { reason, fix }) = send(&log, 1) else {
        panic!("an append below the reserve was accepted");
    };
    assert!(reason.starts_with("the disk is full") && fix.starts_with("free "), "{reason}; {fix}");
    assert_eq!(disk.operations(), writes, "nothing was written");
    assert!(log.read_only().is_some_and(|reason| reason.contains("the disk is full")));
    assert_eq!(all(&log).len(), 3, "reads go on");
    disk.set_free_bytes(None);
    assert_eq!(log.read_only(), None);
    send(&log, 1).unwrap();
}
