//! Rot: bits flip, pages go blank, files are cut, removed and swapped. All of it is found, and healed
//! from the other copy with the same bytes; what both copies have lost is named, and everything
//! before it is read.
//!
//! `MECRIS_ROT_PLACES` sets in how many places each damage is done (4 by default, 50 in a long round).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mecris::event::{Position, Recorded};
use mecris::log::block::Block;
use mecris::log::conformance::{all, append};
use mecris::log::verify::verify;
use mecris::log::{EventLog, Expected, LogCopy, LogError, Options, SledLog, repair};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

fn options() -> Options {
    Options { segment_bytes: 30_000, reserve_bytes: 0, ..Options::default() }
}

fn places() -> u64 {
    std::env::var("MECRIS_ROT_PLACES").map_or(4, |places| places.parse().unwrap())
}

/// A log that was closed in order, and what it held.
struct Original {
    dir: tempfile::TempDir,
    events: Vec<Recorded>,
    journal: BTreeMap<String, Vec<u8>>,
}

impl Original {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (log, _) = SledLog::open(dir.path(), options()).unwrap();
        for number in 0..60_u64 {
            let stream = format!("stream/{}", number % 5);
            let count = if number % 10 == 0 { 120 } else { 3 };
            let first = number * 1000;
            log.append(append(&stream, Expected::Any, first..first + count)).wait().unwrap();
        }
        let events = all(&log);
        log.close();
        let journal = files(&dir.path().join("journal"));
        assert!(journal.len() >= 3, "several segments");
        Self { dir, events, journal }
    }

    fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        copy_dir(self.dir.path(), copy.path());
        copy
    }
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    files
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

#[derive(Debug, Clone, Copy)]
enum Damage {
    Flip,
    Blank,
    Cut,
    Remove,
    Swap,
}

const DAMAGES: [Damage; 5] = [Damage::Flip, Damage::Blank, Damage::Cut, Damage::Remove, Damage::Swap];

/// Damages one of the files, or the bytes in them, at a random place; `false` if it changed nothing.
fn damage(paths: &[PathBuf], damage: Damage, random: &mut SmallRng) -> bool {
    let path = &paths[random.random_range(0..paths.len())];
    let mut bytes = std::fs::read(path).unwrap();
    let before = bytes.clone();
    match damage {
        Damage::Flip => {
            let at = random.random_range(0..bytes.len());
            bytes[at] ^= 1 << random.random_range(0..8);
        }
        Damage::Blank => {
            let page = random.random_range(0..bytes.len().div_ceil(4096)) * 4096;
            let end = (page + 4096).min(bytes.len());
            bytes[page..end].fill(0);
        }
        Damage::Cut => bytes.truncate(random.random_range(0..bytes.len())),
        Damage::Remove => {
            std::fs::remove_file(path).unwrap();
            return true;
        }
        Damage::Swap if paths.len() > 1 => {
            let other = paths.iter().find(|other| *other != path).unwrap();
            bytes = std::fs::read(other).unwrap();
            std::fs::write(other, &before).unwrap();
        }
        Damage::Swap => {
            let half = bytes.len() / 8192 * 4096;
            let (front, back) = bytes.split_at_mut(half);
            front[..4096].swap_with_slice(&mut back[..4096]);
        }
    }
    std::fs::write(path, &bytes).unwrap();
    bytes != before
}

fn paths(dir: &Path) -> Vec<PathBuf> {
    files(dir).into_keys().map(|name| dir.join(name)).collect()
}

/// After a repair both copies are whole, and the journal has the bytes that it always had.
fn assert_healed(data: &Path, original: &Original, context: &str) {
    let report = verify(data, &options(), None, &mut |_, _| {}).unwrap();
    assert!(report.is_clean(), "{context}: {report:?}");
    assert_eq!(report.sled, report.head.position, "{context}");
    assert_eq!(files(&data.join("journal")), original.journal, "{context}: the same bytes");
    let (log, _) = SledLog::open(data, options()).unwrap();
    assert_eq!(all(&log), original.events, "{context}");
}

#[test]
fn damage_to_the_journal_is_always_found_and_healed_from_sled() {
    let original = Original::new();
    for (number, kind) in DAMAGES.into_iter().enumerate() {
        for place in 0..places() {
            let context = format!("{kind:?} of the journal, place {place}");
            let copy = original.copy();
            let mut random = SmallRng::seed_from_u64(place * 10 + number as u64);
            if !damage(&paths(&copy.path().join("journal")), kind, &mut random) {
                continue;
            }
            let report = verify(copy.path(), &options(), None, &mut |_, _| {}).unwrap();
            assert!(!report.is_clean(), "{context}: not found");
            assert!(
                report.problems.iter().all(|problem| problem.copy == LogCopy::Journal),
                "{context}: {report:?}"
            );
            let repaired = repair::apply(copy.path(), &options(), &mut |_, _| {}).unwrap();
            assert!(repaired.remaining.is_empty() && !repaired.repairs.is_empty(), "{context}: {repaired:?}");
            assert_healed(copy.path(), &original, &context);
        }
    }
}

#[test]
fn damage_to_sled_is_found_or_in_dead_bytes_and_healed_from_the_journal() {
    let original = Original::new();
    let mut found = 0;
    for (number, kind) in DAMAGES.into_iter().enumerate() {
        for place in 0..places() {
            let context = format!("{kind:?} of sled, place {place}");
            let copy = original.copy();
            let mut random = SmallRng::seed_from_u64(place * 10 + number as u64);
            if !damage(&[copy.path().join("sled/db")], kind, &mut random) {
                continue;
            }
            let report = verify(copy.path(), &options(), None, &mut |_, _| {}).unwrap();
            if report.is_clean() {
                // sled keeps old versions of its pages: damage there must leave it able to give all.
                std::fs::remove_dir_all(copy.path().join("journal")).unwrap();
                drop(SledLog::open(copy.path(), options()).unwrap());
                assert_healed(copy.path(), &original, &context);
                continue;
            }
            found += 1;
            assert!(
                report.problems.iter().all(|problem| problem.copy == LogCopy::Sled),
                "{context}: {report:?}"
            );
            let repaired = repair::apply(copy.path(), &options(), &mut |_, _| {}).unwrap();
            assert!(repaired.remaining.is_empty() && !repaired.repairs.is_empty(), "{context}: {repaired:?}");
            assert_healed(copy.path(), &original, &context);
        }
    }
    assert!(found >= 2 * places(), "most damage is in live bytes: {found}");
}

/// Flips a byte of sled's copy of the run that holds a position, through sled itself.
fn flip_in_sled(data: &Path, position: Position) {
    let db = sled::open(data.join("sled")).unwrap();
    let mut until = vec![b'b'];
    until.extend(position.0.to_be_bytes());
    let (key, blocks) = db.range(vec![b'b']..=until).next_back().unwrap().unwrap();
    let mut blocks = blocks.to_vec();
    let mut offset = 0;
    let last = loop {
        let block = Block::read(&blocks[offset..]).unwrap();
        if block.header().last() >= position {
            break offset + block.bytes().len() - 50;
        }
        offset += block.bytes().len();
    };
    blocks[last] ^= 1;
    db.insert(key, blocks).unwrap();
    db.flush().unwrap();
}

/// Flips a byte of the journal's block that holds a position; gives the block's first position.
fn flip_in_journal(data: &Path, position: Position) -> Position {
    for path in paths(&data.join("journal")) {
        let mut bytes = std::fs::read(&path).unwrap();
        let mut offset = 0;
        while offset < bytes.len() {
            let block = Block::read(&bytes[offset..]).unwrap();
            let (header, len) = (*block.header(), block.bytes().len());
            if header.last() >= position {
                bytes[offset + len - 60] ^= 1;
                std::fs::write(&path, bytes).unwrap();
                return header.first;
            }
            offset += len;
        }
    }
    panic!("no block holds {position}");
}

#[test]
fn what_both_copies_lost_is_named_and_everything_before_it_is_read() {
    let original = Original::new();
    let mut random = SmallRng::seed_from_u64(7);
    for _ in 0..places() {
        let position = Position(random.random_range(1..=original.events.len() as u64));
        let copy = original.copy();
        flip_in_sled(copy.path(), position);
        let lost = flip_in_journal(copy.path(), position);
        let context = format!("both copies damaged at {position}, in the block from {lost}");

        let report = verify(copy.path(), &options(), None, &mut |_, _| {}).unwrap();
        for copy in [LogCopy::Journal, LogCopy::Sled] {
            let first = report.problems.iter().find(|problem| problem.copy == copy);
            assert_eq!(first.map(|problem| problem.position), Some(lost), "{context}: {report:?}");
        }
        let Ok((log, _, _)) = SledLog::open_read_only(copy.path(), options()) else {
            panic!("{context}: it must open to be read");
        };
        let mut read = Vec::new();
        let scanned = log.scan(Position::FIRST, Position(u64::MAX), &mut |record| {
            read.push(record.to_recorded());
            std::ops::ControlFlow::Continue(())
        });
        assert!(
            matches!(&scanned, Err(LogError::Corrupt { position, .. }) if *position == lost),
            "{context}: {scanned:?}"
        );
        assert_eq!(read, original.events[..lost.0 as usize - 1], "{context}");
        let refused = log.append(append("a", Expected::Any, [1])).wait();
        assert!(matches!(refused, Err(LogError::ReadOnly { .. })), "{context}: {refused:?}");
    }
}

#[test]
fn without_sled_a_damaged_journal_is_a_typed_error() {
    let original = Original::new();
    let copy = original.copy();
    std::fs::remove_dir_all(copy.path().join("sled")).unwrap();
    let lost = flip_in_journal(copy.path(), Position(150));
    let before = files(&copy.path().join("journal"));
    let error = SledLog::open(copy.path(), options()).unwrap_err();
    assert!(matches!(&error, LogError::Corrupt { position, .. } if *position == lost), "{error}");
    assert!(error.to_string().contains("mecris restore"), "the mend is named: {error}");
    assert_eq!(files(&copy.path().join("journal")), before, "nothing was cut off");
    let (log, report, corruption) = SledLog::open_read_only(copy.path(), options()).unwrap();
    assert!(matches!(corruption, Some(LogError::Corrupt { position, .. }) if position == lost));
    assert_eq!(report.head.position.0, lost.0 - 1);
    assert_eq!(all(&log), original.events[..lost.0 as usize - 1]);
}

#[test]
fn a_tail_that_both_copies_lost_is_not_taken_for_a_log_that_never_had_it() {
    let original = Original::new();
    let copy = original.copy();
    std::fs::remove_dir_all(copy.path().join("sled")).unwrap();
    let last = paths(&copy.path().join("journal")).pop().unwrap();
    let bytes = std::fs::read(&last).unwrap();
    let first_block = Block::read(&bytes).unwrap().bytes().len();
    assert!(first_block < bytes.len());
    std::fs::write(&last, &bytes[..first_block]).unwrap();
    let error = SledLog::open(copy.path(), options()).unwrap_err();
    assert!(matches!(&error, LogError::Corrupt { detail, .. } if detail.contains("last closed")), "{error}");
}

#[test]
fn an_open_log_reads_around_damage_heals_it_and_says_so_in_an_event() {
    let original = Original::new();
    let copy = original.copy();
    let options = Options {
        repair_event: Some(std::sync::Arc::new(|repair| {
            let mut event = mecris::log::conformance::event(9_999_999);
            event.payload = serde_json::to_vec(repair).unwrap();
            (mecris::event::TenantId::local(), mecris::event::StreamId::new("log"), event)
        })),
        ..options()
    };
    let (log, _) = SledLog::open(copy.path(), options).unwrap();
    // In the middle of a segment, where opening does not look.
    let damaged = flip_in_journal(copy.path(), Position(60));
    assert_eq!(all(&log), original.events, "sled's copy is read instead");
    let repairs = log.heal().unwrap();
    assert_eq!(repairs.len(), 1);
    assert_eq!((repairs[0].copy, repairs[0].first), (LogCopy::Journal, damaged));
    let last = log.get(log.head().position).unwrap().unwrap();
    assert_eq!(last.payload, serde_json::to_vec(&repairs[0]).unwrap());
    assert_eq!(last.position.0, original.events.len() as u64 + 1);
    assert!(log.heal().unwrap().is_empty(), "once");
    for (name, bytes) in files(&copy.path().join("journal")) {
        if let Some(original) = original.journal.get(&name) {
            assert!(bytes.starts_with(original), "{name}: the same bytes");
        }
    }
}

#[test]
fn without_a_backup_everything_before_the_loss_can_be_kept() {
    let original = Original::new();
    for position in [1, 150, original.events.len() as u64] {
        let copy = original.copy();
        flip_in_sled(copy.path(), Position(position));
        let lost = flip_in_journal(copy.path(), Position(position));
        let report = repair::salvage(copy.path(), &options(), &mut |_, _| {}).unwrap();
        assert_eq!(report.head.position.0, lost.0 - 1);
        let (log, _) = SledLog::open(copy.path(), options()).unwrap();
        assert_eq!(all(&log), original.events[..lost.0 as usize - 1]);
        log.append(append("more", Expected::NoStream, [9_000_000])).wait().unwrap();
        drop(log.wait_for_second_copy());
        assert!(log.verify(None, &mut |_, _| {}).unwrap().is_clean());
        let aside = report.replaced.unwrap();
        assert!(files(&aside.join("journal")).len() == original.journal.len(), "the damaged log is kept");
    }
}

#[test]
fn what_opening_heals_is_an_event_too() {
    let original = Original::new();
    for (part, copy_name) in [("sled", LogCopy::Sled), ("journal", LogCopy::Journal)] {
        let copy = original.copy();
        let options = Options {
            repair_event: Some(std::sync::Arc::new(|repair| {
                let mut event = mecris::log::conformance::event(9_999_999);
                event.payload = serde_json::to_vec(repair).unwrap();
                (mecris::event::TenantId::local(), mecris::event::StreamId::new("log"), event)
            })),
            ..options()
        };
        let dir = copy.path().join(part);
        match copy_name {
            LogCopy::Sled => std::fs::remove_dir_all(dir).unwrap(),
            LogCopy::Journal => std::fs::remove_file(&paths(&dir)[1]).unwrap(),
        }
        let (log, report) = SledLog::open(copy.path(), options).unwrap();
        assert_eq!(report.repairs.len(), 1, "{report:?}");
        assert_eq!(report.repairs[0].copy, copy_name);
        let events = all(&log);
        assert_eq!(events[..original.events.len()], original.events);
        assert_eq!(events.last().unwrap().payload, serde_json::to_vec(&report.repairs[0]).unwrap());
    }
}
