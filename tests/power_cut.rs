//! The power goes at every step of a run: whatever part of the unsynced writes the disk kept, every
//! acknowledged event is there after the next start, and no append is there by half.

use std::path::Path;
use std::sync::Arc;

use mecris::event::{EventId, Position};
use mecris::log::conformance::{all, append, event};
use mecris::log::{EventLog, Expected, Options, SledLog};

use crate::fault_disk::{Fault, FaultDisk};

fn options(disk: &FaultDisk) -> Options {
    Options { segment_bytes: 12_000, reserve_bytes: 0, disk: Arc::new(disk.clone()), ..Options::default() }
}

/// What each append of the workload holds: single events, handfuls, and one of several blocks.
const APPENDS: [u64; 12] = [1, 1, 3, 40, 1, 1, 900, 2, 1, 30, 1, 1];

fn ids(append: usize) -> std::ops::Range<u64> {
    let start = append as u64 * 1000;
    start..start + APPENDS[append]
}

/// Sends the workload; the numbers of the appends that were acknowledged.
fn run(log: &SledLog) -> Vec<usize> {
    let send = |number: &usize| log.append(append("a", Expected::Any, ids(*number))).wait().is_ok();
    (0..APPENDS.len()).filter(send).collect()
}

/// Opens what is left and checks the promise.
fn check(data: &Path, disk: &FaultDisk, acknowledged: &[usize], context: &str) {
    let opened = SledLog::open(data, options(disk));
    let (log, report) = opened.unwrap_or_else(|error| panic!("{context}: {error}"));
    let found = all(&log);
    for (record, position) in found.iter().zip(1..) {
        assert_eq!(record.position, Position(position), "{context}");
    }
    let has = |id: EventId| found.iter().filter(|record| record.id == id).count();
    for number in 0..APPENDS.len() {
        let counts: Vec<_> = ids(number).map(|id| has(event(id).id)).collect();
        let whole = counts.iter().all(|count| *count == 1);
        let absent = counts.iter().all(|count| *count == 0);
        assert!(whole || absent, "{context}: append {number} is there by half: {report:?}");
        assert!(whole || !acknowledged.contains(&number), "{context}: append {number} is lost: {report:?}");
    }
    drop(log.wait_for_second_copy());
    let verified = log.verify(None, &mut |_, _| {}).unwrap();
    assert!(verified.is_clean(), "{context}: {verified:?}");
    // And it goes on: what was lost unacknowledged is sent again.
    let total: u64 = APPENDS.iter().sum();
    assert_eq!(run(&log).len(), APPENDS.len(), "{context}");
    assert_eq!(log.head().position, Position(total), "{context}");
}

fn cut_at(step: u64, seed: u64) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultDisk::default();
    let (log, _) = SledLog::open(dir.path(), options(&disk)).unwrap();
    let before = disk.operations();
    disk.fail_at(step, Fault::PowerCut);
    let acknowledged = run(&log);
    let steps = disk.operations() - before;
    log.close();
    // A process that loses its power closes nothing.
    std::fs::remove_file(dir.path().join("closed")).unwrap();
    if seed % 2 == 1 {
        // sled is never synced: a power cut may take all of it.
        std::fs::remove_dir_all(dir.path().join("sled")).unwrap();
    }
    let context = format!("power cut at step {step}, seed {seed}");
    check(dir.path(), &disk.after_power_cut(seed), &acknowledged, &context);
    step <= steps
}

#[test]
fn every_acknowledged_event_survives_a_power_cut_at_every_step() {
    let rounds = std::env::var("MECRIS_POWER_CUT_SEEDS").map_or(2, |seeds| seeds.parse().unwrap());
    for seed in 0..rounds {
        let steps = (1..1000).take_while(|step| cut_at(*step, seed * 1000 + step)).count();
        assert!(steps > 2 * APPENDS.len(), "each append writes and syncs: {steps}");
    }
}

#[test]
fn every_acknowledged_event_survives_a_power_cut_while_opening() {
    // A run that ends without power leaves something to heal; the power goes again while it is healed.
    for step in 1..12 {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultDisk::default();
        let (log, _) = SledLog::open(dir.path(), options(&disk)).unwrap();
        disk.fail_at(21, Fault::PowerCut);
        let acknowledged = run(&log);
        assert!(!acknowledged.is_empty() && acknowledged.len() < APPENDS.len());
        drop(log);
        std::fs::remove_file(dir.path().join("closed")).unwrap();
        std::fs::remove_dir_all(dir.path().join("sled")).unwrap();
        let disk = disk.after_power_cut(step);
        disk.fail_at(step, Fault::PowerCut);
        // Opening may fail for want of power, or be over before.
        drop(SledLog::open(dir.path(), options(&disk)));
        let _ = std::fs::remove_file(dir.path().join("closed"));
        let _ = std::fs::remove_dir_all(dir.path().join("sled"));
        let context = format!("second cut at step {step}");
        check(dir.path(), &disk.after_power_cut(step + 100), &acknowledged, &context);
    }
}

#[test]
fn an_append_of_several_blocks_is_there_whole_or_not_at_all() {
    let mut whole_blocks_cut_off = 0;
    for seed in 0..40 {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultDisk::default();
        let (log, _) = SledLog::open(dir.path(), options(&disk)).unwrap();
        log.append(append("a", Expected::Any, [1])).wait().unwrap();
        disk.fail_at(1, Fault::PowerCut);
        assert!(log.append(append("a", Expected::Any, 1000..2000)).wait().is_err());
        drop(log);
        std::fs::remove_file(dir.path().join("closed")).unwrap();
        let (log, report) = SledLog::open(dir.path(), options(&disk.after_power_cut(seed))).unwrap();
        let events = all(&log).len();
        assert!(events == 1 || events == 1001, "seed {seed}: {events} events");
        whole_blocks_cut_off += u64::from(events == 1 && report.torn_bytes > 70_000);
    }
    assert!(
        whole_blocks_cut_off > 3,
        "the disk kept whole blocks of an unfinished append: {whole_blocks_cut_off}"
    );
}
