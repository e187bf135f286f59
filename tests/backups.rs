//! Backups: online, incremental, and worth something: a restore verifies all of it first, and gives
//! the same events or nothing.

use std::path::Path;

use mecris::event::Position;
use mecris::log::backup::{Manifest, backup};
use mecris::log::conformance::{all, append};
use mecris::log::restore::restore;
use mecris::log::verify::{parse_hash, verify};
use mecris::log::{EventLog, Expected, LogError, Options, SledLog};

fn options() -> Options {
    Options { segment_bytes: 20_000, reserve_bytes: 0, ..Options::default() }
}

fn open(data: &Path) -> SledLog {
    SledLog::open(data, options()).unwrap().0
}

fn fill(log: &SledLog, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let first = number * 100;
        log.append(append("a", Expected::Any, first..first + 40)).wait().unwrap();
    }
}

#[test]
fn a_backup_copies_only_what_is_new_and_restores_to_the_same_events() {
    let dir = tempfile::tempdir().unwrap();
    let (data, target, restored) =
        (dir.path().join("data"), dir.path().join("backup"), dir.path().join("new"));
    let log = open(&data);
    fill(&log, 0..20);
    let first = backup(&log, &target, &mut |_, _| {}).unwrap();
    assert!(first.segments > 3 && first.copied == first.segments, "{first:?}");
    let again = backup(&log, &target, &mut |_, _| {}).unwrap();
    assert_eq!((again.copied, again.copied_bytes), (0, 0));
    fill(&log, 20..23);
    let mut progress = Vec::new();
    let second = backup(&log, &target, &mut |done, total| progress.push((done, total))).unwrap();
    assert!(second.copied >= 1 && second.copied <= 3, "{second:?}");
    assert_eq!(progress.len(), second.segments);
    assert!(progress.last().is_some_and(|(done, total)| done == total));

    let manifest = Manifest::read(&target).unwrap().unwrap();
    assert_eq!(parse_hash(&manifest.hash), log.head().chain);
    let report = restore(&target, &restored, None, &options(), &mut |_, _| {}).unwrap();
    assert_eq!((report.head, report.replaced), (log.head(), None));
    let copy = open(&restored);
    assert_eq!(all(&copy), all(&log));
    assert_eq!(copy.head(), log.head());
    drop(copy.wait_for_second_copy());
    drop(copy);
    let verified = verify(&restored, &options(), log.head().chain, &mut |_, _| {}).unwrap();
    assert!(verified.is_clean(), "{verified:?}");
    assert_eq!(verified.expected_at, Some(log.head().position));
}

#[test]
fn a_restore_ends_at_any_position_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let (data, target) = (dir.path().join("data"), dir.path().join("backup"));
    let log = open(&data);
    fill(&log, 0..6);
    log.append(append("b", Expected::Any, 100_000..102_000)).wait().unwrap();
    backup(&log, &target, &mut |_, _| {}).unwrap();
    let events = all(&log);
    // Borders of blocks and commits, and the middles of both.
    for until in [1, 39, 40, 41, 239, 240, 241, 700, 1500, 2239, 2240, 9999] {
        let restored = dir.path().join(format!("until-{until}"));
        let report = restore(&target, &restored, Some(Position(until)), &options(), &mut |_, _| {}).unwrap();
        let kept = (until as usize).min(events.len());
        assert_eq!(report.head.position.0, kept as u64);
        let copy = open(&restored);
        assert_eq!(all(&copy), events[..kept], "until {until}");
        copy.append(append("c", Expected::NoStream, [1])).wait().unwrap();
        drop(copy.wait_for_second_copy());
        assert!(copy.verify(None, &mut |_, _| {}).unwrap().is_clean(), "until {until}");
    }
}

#[test]
fn a_damaged_backup_replaces_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (data, target, victim) =
        (dir.path().join("data"), dir.path().join("backup"), dir.path().join("victim"));
    let log = open(&data);
    fill(&log, 0..20);
    backup(&log, &target, &mut |_, _| {}).unwrap();
    let other = open(&victim);
    fill(&other, 50..60);
    let before = all(&other);
    other.close();
    drop(other);
    let segments: Vec<_> =
        std::fs::read_dir(target.join("journal")).unwrap().map(|e| e.unwrap().path()).collect();
    for path in &segments {
        let bytes = std::fs::read(path).unwrap();
        let (mut flipped, cut) = (bytes.clone(), &bytes[..bytes.len() / 2]);
        flipped[bytes.len() / 3] ^= 1;
        for damaged in [flipped.as_slice(), cut, &[]] {
            std::fs::write(path, damaged).unwrap();
            let error = restore(&target, &victim, None, &options(), &mut |_, _| {}).unwrap_err();
            assert!(matches!(error, LogError::Corrupt { .. }), "{error}");
        }
        std::fs::write(path, bytes).unwrap();
    }
    let kept = open(&victim);
    assert_eq!(all(&kept), before, "the log that was there is untouched");
    let locked = restore(&target, &victim, None, &options(), &mut |_, _| {}).unwrap_err();
    assert!(matches!(locked, LogError::Locked { .. }), "{locked}");
    kept.close();
    let report = restore(&target, &victim, None, &options(), &mut |_, _| {}).unwrap();
    let aside = report.replaced.expect("the log that was there is set aside");
    assert_eq!(all(&open(&victim)), all(&log));
    assert_eq!(all(&open(&aside)), before, "and is still a log");
}

#[test]
fn a_restore_that_was_cut_short_is_finished_by_the_next_opening() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let log = open(&data);
    fill(&log, 0..5);
    let events = all(&log);
    log.close();
    // As if the process had died between setting the old journal aside and taking the new one.
    std::fs::rename(data.join("journal"), data.join("journal.new")).unwrap();
    std::fs::create_dir(data.join("replaced-1")).unwrap();
    for name in ["sled", "closed"] {
        std::fs::rename(data.join(name), data.join("replaced-1").join(name)).unwrap();
    }
    assert_eq!(all(&open(&data)), events);
}

#[test]
fn a_backup_of_a_damaged_journal_is_not_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let (data, target, restored) =
        (dir.path().join("data"), dir.path().join("backup"), dir.path().join("new"));
    let log = open(&data);
    fill(&log, 0..20);
    drop(log.wait_for_second_copy());
    let journal = std::fs::read_dir(data.join("journal")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&journal).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&journal, bytes).unwrap();
    backup(&log, &target, &mut |_, _| {}).unwrap();
    restore(&target, &restored, None, &options(), &mut |_, _| {}).unwrap();
    assert_eq!(all(&open(&restored)), all(&log));
}

#[test]
fn a_head_that_was_written_down_proves_that_nothing_was_rewritten() {
    let dir = tempfile::tempdir().unwrap();
    let (mine, forged) = (dir.path().join("mine"), dir.path().join("forged"));
    let log = open(&mine);
    fill(&log, 0..3);
    let noted = log.head();
    fill(&log, 3..6);
    log.close();
    let report = verify(&mine, &options(), noted.chain, &mut |_, _| {}).unwrap();
    assert_eq!((report.is_clean(), report.expected_at), (true, Some(noted.position)));

    // A whole log, but with another history.
    let other = open(&forged);
    fill(&other, 1..7);
    other.close();
    let report = verify(&forged, &options(), noted.chain, &mut |_, _| {}).unwrap();
    assert_eq!(report.expected_at, None);
    assert!(report.problems[0].detail.contains("rewritten"), "{report:?}");
    assert!(verify(&forged, &options(), None, &mut |_, _| {}).unwrap().is_clean());
}
