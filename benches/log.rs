//! The log: durable appends, bulk appends, scans with verification, start-up.
//!
//! `cargo bench --bench log`. The table in docs/figures.md comes from `cargo run --release --example figures`.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::Instant;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mecris::event::Position;
use mecris::log::conformance::{append, event};
use mecris::log::{Append, EventLog, Expected, Options, SledLog};

/// Makes records of some 280 bytes.
const PAYLOAD_BYTES: usize = 180;
const SCANNED: u64 = 100_000;

fn load(numbers: std::ops::Range<u64>) -> Append {
    let mut load = append("usage", Expected::Any, []);
    load.events = numbers.map(event).collect();
    for event in &mut load.events {
        event.payload.resize(PAYLOAD_BYTES, 7);
    }
    load
}

fn open(dir: &tempfile::TempDir) -> SledLog {
    SledLog::open(dir.path(), Options::default()).expect("the log opens").0
}

fn appends(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    group.throughput(Throughput::Elements(1));
    group.bench_function("one caller, one event, durable", |bencher| {
        let dir = tempfile::tempdir().expect("a directory");
        let log = open(&dir);
        let mut number = 0;
        bencher.iter_batched(
            || {
                number += 1;
                load(number..number + 1)
            },
            |load| log.append(load).wait().expect("appended"),
            BatchSize::SmallInput,
        );
    });
    group.throughput(Throughput::Elements(4096));
    group.sample_size(20);
    group.bench_function("4,096 events at once, durable", |bencher| {
        let dir = tempfile::tempdir().expect("a directory");
        let log = open(&dir);
        let mut number = 0;
        bencher.iter_batched(
            || {
                number += 4096;
                load(number - 4096..number)
            },
            |load| log.append(load).wait().expect("appended"),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn reads(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let log = open(&dir);
    for first in (0..SCANNED).step_by(4096) {
        log.append(load(first..(first + 4096).min(SCANNED))).wait().expect("appended");
    }
    let mut group = criterion.benchmark_group("read");
    group.sample_size(20);
    group.throughput(Throughput::Elements(SCANNED));
    group.bench_function("scan, checksums verified", |bencher| {
        bencher.iter(|| {
            let mut bytes = 0;
            log.scan(Position::FIRST, Position(SCANNED), &mut |record| {
                bytes += black_box(record.payload).len();
                ControlFlow::Continue(())
            })
            .expect("read");
            bytes
        });
    });
    log.close();
    drop(log);
    group.bench_function("open", |bencher| {
        bencher.iter_custom(|rounds| {
            let mut spent = std::time::Duration::ZERO;
            for _ in 0..rounds {
                let start = Instant::now();
                let log = open(&dir);
                spent += start.elapsed();
                drop(log);
            }
            spent
        });
    });
    group.finish();
}

criterion_group!(benches, appends, reads);
criterion_main!(benches);
