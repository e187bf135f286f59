//! The log's contract, and what it survives.

use std::fs;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mecris::event::{EventId, Position, StreamId, TenantId, Version};
use mecris::log::{EventLog, Expected, LogError, OpenReport, Options, Outcome, SledLog, repair, verify};
use proptest::prelude::*;

use crate::support::{append, numbered_event};

fn no_reserve() -> Options {
    Options { reserve_bytes: 0, ..Options::default() }
}

fn open(dir: &Path) -> (SledLog, OpenReport) {
    SledLog::open(dir, no_reserve()).unwrap()
}

/// (position, event id) of everything in the log.
fn contents(log: &SledLog) -> Vec<(u64, EventId)> {
    let mut all = Vec::new();
    log.scan(Position::FIRST, log.head().position, &mut |record| {
        all.push((record.position.0, record.id));
        ControlFlow::Continue(())
    })
    .unwrap();
    all
}

fn numbered(numbers: impl IntoIterator<Item = u64>) -> Vec<(u64, EventId)> {
    (1..).zip(numbers).map(|(position, number)| (position, numbered_event(number).id)).collect()
}

fn problems(log: &SledLog) -> Vec<String> {
    drop(log.wait_for_second_copy());
    let report = log.verify(None, &mut |_, _| {}).unwrap();
    report.problems.iter().map(|problem| format!("{problem:?}")).collect()
}

/// A closed log of `count` numbered events, in blocks of ten.
fn filled(count: u64) -> (tempfile::TempDir, Vec<(u64, EventId)>) {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path());
    for start in (0..count).step_by(10) {
        log.append(append("s", Expected::Any, start..(start + 10).min(count))).wait().unwrap();
    }
    log.close();
    (dir, numbered(0..count))
}

fn only_segment(dir: &Path) -> PathBuf {
    fs::read_dir(dir.join("journal")).unwrap().next().unwrap().unwrap().path()
}

#[test]
fn positions_are_gapless_and_known_ids_keep_theirs_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path());
    let first = log.append(append("s", Expected::Any, [1, 2])).wait().unwrap();
    assert_eq!(first.outcomes, [Outcome::New(Position(1)), Outcome::New(Position(2))]);
    let mixed = log.append(append("s", Expected::Any, [2, 3, 3])).wait().unwrap();
    let expected =
        [Outcome::Duplicate(Position(2)), Outcome::New(Position(3)), Outcome::Duplicate(Position(3))];
    assert_eq!(mixed.outcomes, expected);
    drop(log);
    let (log, _) = open(dir.path());
    let again = log.append(append("other", Expected::Any, [1])).wait().unwrap();
    assert_eq!(again.outcomes, [Outcome::Duplicate(Position(1))]);
    assert_eq!(contents(&log), numbered([1, 2, 3]));
    assert_eq!(log.find(numbered_event(3).id).unwrap(), Some(Position(3)));
    assert_eq!(log.find(numbered_event(4).id).unwrap(), None);
}

#[test]
fn expected_versions_are_held() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path());
    log.append(append("s", Expected::NoStream, [1])).wait().unwrap();
    let conflict = log.append(append("s", Expected::NoStream, [2])).wait().unwrap_err();
    assert!(matches!(conflict, LogError::Conflict { actual: Version(1), .. }), "{conflict}");
    let conflict = log.append(append("s", Expected::Exact(Version(7)), [2])).wait().unwrap_err();
    assert!(matches!(conflict, LogError::Conflict { .. }), "{conflict}");
    log.append(append("s", Expected::Exact(Version(1)), [2])).wait().unwrap();
    let known = log.append(append("s", Expected::NoStream, [2])).wait().unwrap();
    assert_eq!(known.outcomes, [Outcome::Duplicate(Position(2))], "a known id comes before the version");
    let (tenant, stream) = (TenantId::local(), StreamId::new("s"));
    assert_eq!(log.stream_version(&tenant, &stream), Version(2));
    assert_eq!(log.head().position, Position(2), "conflicts append nothing");
}

#[test]
fn streams_and_moments_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path());
    for number in 0..50 {
        let stream = if number % 3 == 0 { "three" } else { "rest" };
        log.append(append(stream, Expected::Any, [number])).wait().unwrap();
    }
    let mut versions = Vec::new();
    log.scan_stream(&TenantId::local(), &StreamId::new("three"), Version(5), &mut |record| {
        versions.push((record.version.0, record.position.0));
        ControlFlow::Continue(())
    })
    .unwrap();
    let expected: Vec<_> = (4..17).map(|nth| (nth + 1, nth * 3 + 1)).collect();
    assert_eq!(versions, expected);
    let record = log.get(Position(20)).unwrap().unwrap();
    let at = log.position_at(record.recorded_at).unwrap();
    assert!(at >= Position(20), "everything recorded up to that moment counts");
    assert_eq!(log.position_at(jiff::Timestamp::UNIX_EPOCH).unwrap(), Position::START);
    assert_eq!(log.position_at(log.head().recorded_at).unwrap(), Position(50));
    assert_eq!(log.get(Position(51)).unwrap(), None);
}

#[test]
fn a_second_process_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, _) = open(dir.path());
    let Err(error) = SledLog::open(dir.path(), no_reserve()) else { panic!("opened twice") };
    assert!(error.to_string().contains(&dir.path().display().to_string()), "{error}");
    assert!(error.to_string().contains("--data-dir"), "{error}");
}

#[test]
fn a_full_disk_refuses_events_and_still_reads() {
    let (dir, events) = filled(20);
    let (log, _) =
        SledLog::open(dir.path(), Options { reserve_bytes: u64::MAX / 2, ..Options::default() }).unwrap();
    let error = log.append(append("s", Expected::Any, [999])).wait().unwrap_err();
    assert!(matches!(error, LogError::ReadOnly { .. }), "{error}");
    assert!(error.to_string().contains("lower the log's reserve"), "{error}");
    assert!(log.read_only().is_some());
    assert_eq!(contents(&log), events);
}

#[test]
fn a_large_append_spans_blocks_and_stays_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path());
    log.append(append("s", Expected::Any, 0..5_000)).wait().unwrap();
    assert_eq!(contents(&log), numbered(0..5_000));
    log.close();
    drop(log);
    let (log, report) = open(dir.path());
    assert_eq!(contents(&log), numbered(0..5_000));
    assert_eq!((report.repairs.len(), report.torn_bytes), (0, 0));
    assert_eq!(problems(&log), Vec::<String>::new());
}

#[test]
fn a_torn_tail_is_cut_off_and_nothing_else() {
    let (dir, events) = filled(100);
    let segment = only_segment(dir.path());
    let mut bytes = fs::read(&segment).unwrap();
    let whole = bytes.clone();
    bytes.extend_from_slice(&whole[..70]);
    fs::write(&segment, &bytes).unwrap();
    let (log, report) = open(dir.path());
    assert_eq!(report.torn_bytes, 70);
    assert_eq!(contents(&log), events);
    assert_eq!(fs::read(&segment).unwrap(), whole);
}

/// Ways to damage the journal's only segment.
fn damages(whole: &[u8], place: usize) -> Vec<(&'static str, Option<Vec<u8>>)> {
    let mut flipped = whole.to_vec();
    flipped[place] ^= 0x40;
    let mut zeroed = whole.to_vec();
    let page = place / 4096 * 4096;
    let end = (page + 4096).min(whole.len());
    zeroed[page..end].fill(0);
    vec![
        ("a flipped byte", Some(flipped)),
        ("a zeroed page", Some(zeroed)),
        ("a cut tail", Some(whole[..place].to_vec())),
        ("a removed file", None),
    ]
}

#[test]
fn a_damaged_journal_costs_nothing_and_is_mended_byte_for_byte() {
    let (dir, events) = filled(200);
    let segment = only_segment(dir.path());
    let whole = fs::read(&segment).unwrap();
    for step in 0..12 {
        let place = (whole.len() - 1) * step / 11;
        for (what, damaged) in damages(&whole, place) {
            match damaged {
                Some(bytes) => fs::write(&segment, bytes).unwrap(),
                None => fs::remove_file(&segment).unwrap(),
            }
            let found = verify::verify(dir.path(), &no_reserve(), None, &mut |_, _| {}).unwrap();
            assert!(!found.is_clean(), "{what} at {place} was not noticed");
            let repaired = repair::apply(dir.path(), &no_reserve(), &mut |_, _| {}).unwrap();
            assert_eq!(repaired.remaining, [], "{what} at {place}");
            let (log, _) = open(dir.path());
            assert_eq!(contents(&log), events, "{what} at {place}");
            assert_eq!(problems(&log), Vec::<String>::new(), "{what} at {place}");
            drop(log);
            assert_eq!(fs::read(&segment).unwrap(), whole, "{what} at {place}");
        }
    }
}

#[test]
fn damage_to_sled_costs_nothing_that_was_acknowledged() {
    let (dir, events) = filled(300);
    let db = dir.path().join("sled").join("db");
    let whole = fs::read(&db).unwrap();
    for step in 0..12 {
        let place = (whole.len() - 1) * step / 11;
        for (what, damaged) in damages(&whole, place) {
            match damaged {
                Some(bytes) => fs::write(&db, bytes).unwrap(),
                None => fs::remove_file(&db).unwrap(),
            }
            let (log, _) = open(dir.path());
            assert_eq!(contents(&log), events, "{what} at {place}");
            drop(log);
        }
    }
}

#[test]
fn verify_names_what_is_wrong_while_the_log_is_open() {
    let (dir, events) = filled(200);
    let (log, _) = open(dir.path());
    let segment = only_segment(dir.path());
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, &bytes).unwrap();
    let found = problems(&log);
    assert!(!found.is_empty() && found.iter().all(|problem| problem.contains("Journal")), "{found:?}");
    assert_eq!(contents(&log), events, "the other copy is read");
}

const CHILD_DIR: &str = "MECRIS_TEST_CHILD_DIR";

/// Not a test of its own: the process that `no_acknowledged_event_is_lost_to_a_kill` kills.
#[test]
fn child_that_appends_until_it_is_killed() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let (log, _) = open(Path::new(&dir));
    let start = log.head().position.0;
    for number in start.. {
        let appended = log.append(append("s", Expected::Any, [number])).wait().unwrap();
        println!("acknowledged {}", appended.outcomes[0].position());
    }
}

#[test]
fn no_acknowledged_event_is_lost_to_a_kill() {
    let rounds: u64 = std::env::var("MECRIS_KILL_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut total = 0;
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "log::child_that_appends_until_it_is_killed", "--nocapture"])
            .env(CHILD_DIR, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The moment of the kill differs from round to round by how much was acknowledged before it.
        let enough = 1 + (round * 37) % 211;
        let mut acknowledged = Vec::new();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines {
            let line = line.unwrap();
            if let Some(position) = line.rsplit_once("acknowledged ").map(|(_, position)| position) {
                acknowledged.push(position.parse::<u64>().unwrap());
            }
            if acknowledged.len() as u64 == enough {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(acknowledged.len() as u64 >= enough, "the child stopped by itself");
        let (log, _) = open(dir.path());
        let last = *acknowledged.last().unwrap();
        assert!(log.head().position.0 >= last, "round {round}: {last} was acknowledged");
        assert_eq!(contents(&log), numbered(0..log.head().position.0), "round {round}");
        assert_eq!(problems(&log), Vec::<String>::new(), "round {round}");
        total += acknowledged.len();
    }
    println!("{rounds} kills, {total} events acknowledged, none lost");
}

#[derive(Debug, Clone)]
enum Step {
    Append(u8, Vec<u64>),
    Reopen,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// The log against a plain vector.
    #[test]
    fn the_log_behaves_as_a_vector_does(steps in prop::collection::vec(prop_oneof![
        6 => (0_u8..3, prop::collection::vec(0_u64..60, 1..8)).prop_map(|(stream, numbers)| Step::Append(stream, numbers)),
        1 => Just(Step::Reopen),
    ], 1..40)) {
        let dir = tempfile::tempdir().unwrap();
        let mut log = open(dir.path()).0;
        let mut model: Vec<u64> = Vec::new();
        for step in steps {
            match step {
                Step::Append(stream, numbers) => {
                    let answer = log.append(append(&format!("s{stream}"), Expected::Any, numbers.clone())).wait().unwrap();
                    for (number, outcome) in numbers.into_iter().zip(answer.outcomes) {
                        let known = model.iter().position(|&known| known == number);
                        prop_assert_eq!(outcome.is_new(), known.is_none());
                        if known.is_none() {
                            model.push(number);
                        }
                        let place = model.iter().position(|&known| known == number).unwrap() as u64 + 1;
                        prop_assert_eq!(outcome.position(), Position(place));
                    }
                }
                Step::Reopen => {
                    drop(log);
                    log = open(dir.path()).0;
                }
            }
            prop_assert_eq!(log.head().position.0, model.len() as u64);
        }
        prop_assert_eq!(contents(&log), numbered(model));
        prop_assert_eq!(problems(&log), Vec::<String>::new());
    }
}
