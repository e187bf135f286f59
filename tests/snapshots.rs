//! Snapshots of the views: they save time and change no answer.

use std::fs;
use std::sync::Arc;

use jiff::Timestamp;
use mecris::config::prices::price_table;
use mecris::event::{EventId, TenantId};
use mecris::integration::claude_code::{discover, read_all};
use mecris::integration::transcripts::Cursors;
use mecris::log::{EventLog, Options, SledLog};
use mecris::service::usage::recorder::Recorder;
use mecris::view::replay::{Until, replay};
use mecris::view::snapshot::{from_bytes, to_bytes};

use crate::support::corpus::{self, Plan};
use crate::support::program::{Home, timeless};

/// A log with the usage of a corpus.
fn log(dir: &tempfile::TempDir, seed: u64) -> Arc<SledLog> {
    let claude = tempfile::tempdir().unwrap();
    corpus::write(claude.path(), Plan { bytes: 600_000, files: 5, days: 6, seed });
    let files = discover(&[claude.path().to_owned()]).files;
    let usages = read_all(&files, &Cursors::new(), Timestamp::now(), 1, &|_| {}).usages;
    let options = Options { reserve_bytes: 0, ..Options::default() };
    let log = Arc::new(SledLog::open(dir.path(), options).unwrap().0);
    let prices = Arc::new(price_table(None).unwrap());
    Recorder::new(log.clone(), TenantId::local(), prices, "test").record(&usages, &|_, _| {}).unwrap();
    log
}

#[test]
fn a_snapshot_gives_the_same_views_and_a_rebuild_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(&dir, 71);
    let views = replay(&*log, Until::Head, &mut |_, _| {}).unwrap();
    let bytes = to_bytes(&views, &*log).unwrap().unwrap();
    assert_eq!(from_bytes(&bytes, &*log).unwrap().unwrap(), views);
    let rebuilt = replay(&*log, Until::Head, &mut |_, _| {}).unwrap();
    assert_eq!(to_bytes(&rebuilt, &*log).unwrap().unwrap(), bytes);
    assert!(log.find(EventId::random()).unwrap().is_none());
}

#[test]
fn a_snapshot_that_is_damaged_or_of_another_schema_or_log_is_ignored() {
    let (dir, other_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (log, other) = (log(&dir, 72), log(&other_dir, 73));
    let views = replay(&*log, Until::Head, &mut |_, _| {}).unwrap();
    let bytes = to_bytes(&views, &*log).unwrap().unwrap();
    assert!(from_bytes(&bytes, &*other).unwrap().is_none(), "of another log");
    for place in (0..bytes.len()).step_by(bytes.len() / 50) {
        let mut flipped = bytes.clone();
        flipped[place] ^= 4;
        assert!(from_bytes(&flipped, &*log).unwrap().is_none(), "flipped at {place}");
        assert!(from_bytes(&bytes[..place], &*log).unwrap().is_none(), "cut at {place}");
    }
    // Another schema, with a checksum that is right.
    let mut newer = bytes[..bytes.len() - 4].to_vec();
    newer[4] += 1;
    let crc = crc32c::crc32c(&newer);
    newer.extend_from_slice(&crc.to_le_bytes());
    assert!(from_bytes(&newer, &*log).unwrap().is_none(), "of another schema");
}

#[test]
fn deleting_or_forging_snapshots_and_the_second_copy_changes_no_answer() {
    let home = Home::new();
    corpus::write(&home.claude(), Plan { bytes: 800_000, files: 6, days: 6, seed: 74 });
    assert_eq!(home.start(&[]).stop(), 0);
    let snapshot = home.data().join("views.snapshot");
    let kept = fs::read(&snapshot).unwrap();
    let report = timeless(home.json(&["report", "daily"]));
    fs::remove_file(&snapshot).unwrap();
    fs::remove_dir_all(home.data().join("sled")).unwrap();
    fs::remove_file(home.data().join("transcripts.json")).unwrap();
    assert_eq!(timeless(home.json(&["report", "daily"])), report);
    fs::write(&snapshot, b"not a snapshot").unwrap();
    assert_eq!(timeless(home.json(&["report", "daily"])), report);
    let replayed = home.json(&["replay"]);
    assert_eq!(replayed["report"], report, "the auditor's answer trusts no snapshot");
    assert_eq!(home.start(&[]).stop(), 0);
    assert_eq!(timeless(home.json(&["report", "daily"])), report);
    let position = u64::from_le_bytes(kept[8..16].try_into().unwrap());
    assert!(position > 0, "the snapshot was one");
}
