//! A short run of the fuzz targets on the stable compiler: their corpus as it is, and each of its
//! files with seeded damage. `MECRIS_FUZZ_ROUNDS` sets how often (2,000 by default).
//!
//! The corpus is written by `MECRIS_WRITE_CORPUS=1 cargo test --test main fuzz_smoke`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use mecris::event::{EventId, Metadata, Position, TraceContext};
use mecris::log::conformance::append;
use mecris::log::export::export;
use mecris::log::{EventLog, Expected, Options, SledLog};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

#[path = "../fuzz/bodies.rs"]
mod bodies;

type Body = fn(&[u8]);

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

fn write(target: &str, name: &str, bytes: &[u8]) {
    std::fs::create_dir_all(corpus(target)).unwrap();
    std::fs::write(corpus(target).join(name), bytes).unwrap();
}

/// Seeds from a real log: a block, its records, and its export.
fn write_corpus() {
    let dir = tempfile::tempdir().unwrap();
    let clock = || jiff::Timestamp::from_second(1_700_000_000).unwrap();
    let options = Options { clock: std::sync::Arc::new(clock), reserve_bytes: 0, ..Options::default() };
    let (log, _) = SledLog::open(dir.path(), options).unwrap();
    let mut sent = append("budget/été", Expected::Any, 1..=3);
    sent.events[1].metadata = Metadata {
        actor: "usage".to_owned(),
        correlation: Some(EventId([1; 16])),
        causation: Some(EventId([2; 16])),
        trace: Some(TraceContext { trace_id: [3; 16], span_id: [4; 8], flags: 1 }),
        key_id: 5,
    };
    log.append(sent).wait().unwrap();
    let segment = std::fs::read_dir(dir.path().join("journal")).unwrap().next().unwrap().unwrap().path();
    let block = std::fs::read(segment).unwrap();
    write("block", "three-records", &block);
    write("record", "three-records", &block[80..block.len() - 36]);
    log.scan(Position(1), Position(3), &mut |record| {
        let mut bytes = Vec::new();
        mecris::event::record::encode_record(&mut bytes, record).unwrap();
        write("record", &format!("record-{}", record.position), &bytes);
        ControlFlow::Continue(())
    })
    .unwrap();
    let mut lines = Vec::new();
    let payload = |record: &mecris::event::RecordRef<'_>| serde_json::json!({ "bytes": record.payload });
    export(&log, Position(1), Position(3), &mut lines, &payload, &mut |_, _| {}).unwrap();
    write("export", "three-lines", &lines);
}

fn damaged(seed: &[u8], random: &mut SmallRng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..random.random_range(1..6) {
        if bytes.is_empty() {
            break;
        }
        let at = random.random_range(0..bytes.len());
        match random.random_range(0..5) {
            0 => bytes[at] = random.random(),
            1 => bytes[at] ^= 1 << random.random_range(0..8),
            2 => bytes.truncate(at),
            3 => bytes.insert(at, random.random()),
            _ => {
                let end = (at + random.random_range(1..40)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

#[test]
fn no_input_makes_a_reader_panic() {
    if std::env::var_os("MECRIS_WRITE_CORPUS").is_some() {
        write_corpus();
    }
    let rounds = std::env::var("MECRIS_FUZZ_ROUNDS").map_or(2000, |rounds| rounds.parse().unwrap());
    let targets: [(&str, Body); 3] =
        [("block", bodies::block), ("record", bodies::record), ("export", bodies::export)];
    for (target, body) in targets {
        let mut random = SmallRng::seed_from_u64(11);
        let entries = std::fs::read_dir(corpus(target)).unwrap();
        let seeds: Vec<_> = entries.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
        assert!(!seeds.is_empty(), "{target} has a corpus");
        for seed in &seeds {
            body(seed);
        }
        for _ in 0..rounds {
            body(&damaged(&seeds[random.random_range(0..seeds.len())], &mut random));
        }
    }
}
