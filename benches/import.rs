//! Import: reading a corpus of transcripts, recording it durably, and reading it again when everything is known.
//!
//! The corpus has `MECRIS_BENCH_MB` megabytes (200 by default) in files of half a megabyte.

#[path = "../tests/support/corpus.rs"]
#[allow(dead_code, missing_docs)] // shared with the tests, which use more of it
mod corpus;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use mecris::config::Config;
use mecris::config::prices::price_table;
use mecris::event::TenantId;
use mecris::integration::claude_code::{discover, read_all};
use mecris::integration::transcripts::Cursors;
use mecris::log::{Options, SledLog};
use mecris::service::runtime::reading::SharedReading;
use mecris::service::usage::importer::{Importer, OnStep, places};
use mecris::service::usage::recorder::Recorder;

fn megabytes() -> u64 {
    std::env::var("MECRIS_BENCH_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(200)
}

fn importer(log: &tempfile::TempDir, claude: &tempfile::TempDir) -> Importer {
    let (opened, _) = SledLog::open(log.path(), Options::default()).expect("an empty log opens");
    let prices = Arc::new(price_table(None).expect("the bundled table is whole"));
    let recorder = Recorder::new(Arc::new(opened), TenantId::local(), prices, "bench");
    Importer::new(
        recorder,
        places(&Config::default(), &[claude.path().to_owned()]),
        log.path().join("transcripts.json"),
        SharedReading::default(),
    )
}

fn import(criterion: &mut Criterion) {
    let claude = tempfile::tempdir().expect("a temporary directory");
    let plan = corpus::Plan { bytes: megabytes() * 1_000_000, files: megabytes() * 2, days: 60, seed: 1 };
    let truth = corpus::write(claude.path(), plan);
    let quiet: OnStep = Arc::new(|_| {});
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(4);

    let mut group = criterion.benchmark_group("import");
    group.sampling_mode(SamplingMode::Flat).sample_size(10).measurement_time(Duration::from_secs(10));
    group.throughput(Throughput::Bytes(truth.bytes));
    group.bench_function("read", |bencher| {
        let files = discover(&[claude.path().to_owned()]).files;
        bencher.iter(|| black_box(read_all(&files, &Cursors::new(), Timestamp::now(), threads, &|_| {})));
    });
    group.bench_function("read_and_record", |bencher| {
        let fresh = || {
            let log = tempfile::tempdir().expect("a temporary directory");
            (importer(&log, &claude), log)
        };
        let work = |(importer, _log): &mut (Importer, tempfile::TempDir)| {
            let summary = importer.import(&mut Cursors::new(), false, Timestamp::now(), &quiet);
            assert_eq!(summary.expect("it is recorded").recorded, truth.total().messages);
        };
        bencher.iter_batched_ref(fresh, work, BatchSize::PerIteration);
    });
    group.bench_function("read_again_all_known", |bencher| {
        let log = tempfile::tempdir().expect("a temporary directory");
        let importer = importer(&log, &claude);
        let first = || importer.import(&mut Cursors::new(), false, Timestamp::now(), &quiet);
        first().expect("it is recorded");
        bencher.iter(|| assert_eq!(first().expect("all is known").recorded, 0));
    });
    group.finish();
}

criterion_group!(benches, import);
criterion_main!(benches);
