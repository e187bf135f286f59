//! A short run of every fuzz target on every change: its corpus, the generator's inputs, good inputs with hostile values in
//! them, and good inputs with damage. Always the same: the seed is printed, and `MECRIS_FUZZ_SEED` and `MECRIS_FUZZ_ROUNDS`
//! (mutations of each target) set another and a longer one. `fuzz/run` is the long round.
//!
//! The corpus of the log's targets is written by `MECRIS_WRITE_CORPUS=1 cargo test --test main fuzz_smoke`.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use mecris::event::{EventId, Metadata, Position, TenantId, TraceContext};
use mecris::log::conformance::append;
use mecris::log::export::export;
use mecris::log::{EventLog, Expected, Options, SledLog};

use crate::bodies::{TARGETS, Target};
use crate::hostility::{self, Random};

/// Bytes of the generator's inputs: enough to go round in what is more than linear, and soon read.
const SIZE: usize = 8_192;
/// As much stack as a thread of the program has.
const STACK: usize = 2 << 20;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn corpus(target: &str) -> PathBuf {
    root().join("fuzz/corpus").join(target)
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
    export(&log, &TenantId::local(), (Position(1), 3), &mut lines, &payload, &mut |_, _| {}).unwrap();
    write("export", "three-lines", &lines);
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |number| number.parse().unwrap())
}

/// Runs a body; what it makes of an input is told with where the input came from.
fn run(target: &Target, what: &str, input: &[u8]) {
    let ran = catch_unwind(AssertUnwindSafe(|| (target.body)(input)));
    if ran.is_err() {
        let kept = std::env::temp_dir().join(format!("mecris-fuzz-{}", target.name));
        std::fs::write(&kept, input).unwrap();
        panic!("{}: {what} is a finding; it is kept as {}", target.name, kept.display());
    }
}

fn smoke(target: &Target, seed: u64, rounds: u64) {
    let entries = std::fs::read_dir(corpus(target.name)).unwrap();
    let mut seeds: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "{} has a corpus", target.name);
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|path| std::fs::read(path).unwrap()).collect();
    for (n, input) in seeds.iter().enumerate() {
        run(target, &format!("seed {n}"), input);
    }
    for (name, input) in hostility::inputs(target.form, SIZE) {
        run(target, &name, &input);
    }
    let mut random = Random(seed);
    // Of the long seeds each costs what hundreds of the others do.
    let short: Vec<&Vec<u8>> = seeds.iter().filter(|seed| seed.len() <= SIZE).collect();
    for round in 0..rounds {
        let good = *random.one(&short);
        let planted = hostility::planted(target.form, good, &mut random);
        run(target, &format!("planted value {round} of seed {seed}"), &planted);
        let damaged = hostility::damaged(good, &mut random);
        run(target, &format!("damage {round} of seed {seed}"), &damaged);
    }
}

#[test]
fn no_input_makes_a_reader_panic() {
    if std::env::var_os("MECRIS_WRITE_CORPUS").is_some() {
        write_corpus();
    }
    let (seed, rounds) = (number("MECRIS_FUZZ_SEED", 11), number("MECRIS_FUZZ_ROUNDS", 100));
    println!("MECRIS_FUZZ_SEED={seed} MECRIS_FUZZ_ROUNDS={rounds}");
    for target in TARGETS {
        let body = move || smoke(target, seed, rounds);
        let thread = std::thread::Builder::new().stack_size(STACK).spawn(body).unwrap();
        thread.join().unwrap_or_else(|said| std::panic::resume_unwind(said));
    }
}

/// A parser that is named here is fuzzed: it has a body, a corpus, and a row that says what is held of it.
#[test]
fn every_target_has_a_corpus_and_a_row_and_there_is_nothing_else() {
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(names.len(), TARGETS.len(), "each name once");
    let folders = std::fs::read_dir(root().join("fuzz/corpus")).unwrap();
    let folders: BTreeSet<String> =
        folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(folders, names, "fuzz/corpus");
    let text = std::fs::read_to_string(root().join("docs/fuzzing.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let rows: BTreeSet<String> = rows.map(|(name, _)| name.to_owned()).collect();
    assert_eq!(rows, names, "the table of docs/fuzzing.md");
}

/// What reads bytes from outside calls one of these. A file that begins to is to be reached by a target, and named here.
#[test]
fn whoever_parses_is_known() {
    const PARSERS: [&str; 9] = [
        "serde_json::from_slice",
        "serde_json::from_str",
        "sonic_rs::from_s",
        "toml::from_str",
        "serde_saphyr::from_str_with_options",
        "Request::decode(",
        "MultiGzDecoder::new",
        "decode_from_slice",
        ".exact::<",
    ];
    let known: BTreeSet<&str> = FUZZED.iter().chain(OURS).copied().collect();
    let mut found = BTreeSet::new();
    let mut open = vec![root().join("src")];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root().join("src")).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                open.push(path);
            } else if !name.ends_with("tests.rs") && !name.contains("/tests/") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                if PARSERS.iter().any(|parser| code.contains(parser)) {
                    found.insert(name);
                }
            }
        }
    }
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(found, known);
}

/// Reached by a target.
const FUZZED: &[&str] = &[
    "cli/gate.rs",
    "config/layers.rs",
    "config/prices.rs",
    "domain/vault/note.rs",
    "event/codec.rs",
    "fuzzing.rs",
    "http/described/check.rs",
    "http/gate.rs",
    "integration/claude_code/hook.rs",
    "integration/claude_code/line.rs",
    "integration/claude_code/line/fields.rs",
    "integration/claude_code/line/refusal.rs",
    "integration/claude_code/place.rs",
    "integration/claude_code/status_line.rs",
    "integration/console/cdp.rs",
    "integration/console/cdp/commands.rs",
    "integration/console/cookies.rs",
    "integration/console/recipe.rs",
    "integration/console/responses.rs",
    "integration/credit.rs",
    "integration/ntfy.rs",
    "integration/obsidian/settings.rs",
    "integration/otlp.rs",
    "integration/otlp/json.rs",
    "integration/resilience/ask.rs",
    "integration/rows.rs",
    "integration/transcripts/cursor.rs",
    "integration/twilio/codes.rs",
    "log/export.rs",
    "mcp/meant.rs",
    "view/snapshot.rs",
];
/// What is read there this very program has written: answers of its own supervisor and where it is, its answers to others, its
/// contacts, the note of a backup.
const OURS: &[&str] =
    &["cli/remote.rs", "cli/server_file.rs", "http/plain.rs", "log/backup.rs", "service/alerts/contacts.rs"];

/// What is fuzzed is what is shipped: the same versions of everything.
#[test]
fn the_fuzzer_s_lock_file_is_the_product_s() {
    let versions = |path: &str| -> BTreeSet<String> {
        let lock: toml::Table = std::fs::read_to_string(root().join(path)).unwrap().parse().unwrap();
        let packages = lock["package"].as_array().unwrap().iter();
        packages.map(|package| format!("{} {}", package["name"], package["version"])).collect()
    };
    let product = versions("Cargo.lock");
    let other: Vec<String> = versions("fuzz/Cargo.lock").difference(&product).cloned().collect();
    let own = ["\"arbitrary\"", "\"libfuzzer-sys\"", "\"mecris-fuzz\""];
    assert!(other.iter().all(|package| own.iter().any(|own| package.starts_with(own))), "{other:?}");
}
