//! The reader of transcripts against a plain one: on thousands of small corpora in which everything meets everything,
//! read in any order of files and with the import cut in any steps, both know the same calls, with the same tokens,
//! cost, moment, session, project and all else.
//!
//! `MECRIS_DIFFERENTIAL` sets how many corpora there are (300 by default, a short round; docs/rules.md has the long one); `MECRIS_DIFFERENTIAL_SEED` runs the one
//! that a failure has named.

#[path = "differential/calls.rs"]
mod calls;
#[path = "differential/generator.rs"]
mod generator;
#[path = "differential/noise.rs"]
mod noise;
#[path = "differential/price.rs"]
mod price;
#[path = "differential/reference.rs"]
mod reference;
#[path = "differential/rules.rs"]
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::ops::ControlFlow;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use jiff::Timestamp;
use mecris::domain::pricing::PriceTable;
use mecris::domain::usage::Usage;
use mecris::event::decode;
use mecris::event::{Event, Position, TenantId};
use mecris::integration::claude_code::{discover, read_all};
use mecris::integration::transcripts::Cursors;
use mecris::log::{EventLog, MemoryLog};
use mecris::service::usage::recorder::Recorder;
use serde_json::Value;

use generator::{Step, corpus, files};
use reference::Files;

/// Imports wait for the disk more than they reckon.
const THREADS: usize = 4;

/// A call as a reader knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub key: String,
    pub model: String,
    pub project: String,
    pub session: String,
    pub sidechain: bool,
    pub tier: String,
    pub speed: String,
    pub geo: String,
    pub at_us: i64,
    /// Input, output, cache writes of five minutes and of an hour, cache reads, searches.
    pub tokens: [u64; 6],
    /// In picodollars, by the prices of these tests; none where nothing of it has a price.
    pub cost: Option<i128>,
}

/// The prices of the one side; the other has them by heart. Not all models have one, and one has not all kinds.
const PRICES: &str = r#"{
    "anthropic/claude-opus-5": {"tiers": [{"above_prompt_tokens": 0, "input": "5", "output": "25",
        "cache_write_5m": "6.25", "cache_write_1h": "10", "cache_read": "0.5"}], "web_search_per_call": "0.01"},
    "anthropic/claude-sonnet-5": {"tiers": [{"above_prompt_tokens": 0, "input": "2", "output": "10",
        "cache_write_5m": "2.5", "cache_read": "0.2"}]}
}"#;

/// When the corpora are read. All that has happened has happened a week before, and what has not is in the year 2999:
/// a reader may use the clock of its machine as well.
fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// All calls that the program knows, by key, after these imports into a home of their own: each step writes its files
/// below `projects/` (what it does not name stays as it is) and imports.
fn real_calls(steps: &[Step]) -> BTreeMap<String, Call> {
    let home = tempfile::tempdir().unwrap();
    let projects = home.path().join("projects");
    let log = Arc::new(MemoryLog::new());
    let models = serde_json::from_str(PRICES).unwrap();
    let prices = Arc::new(PriceTable { models, ..PriceTable::default() });
    let recorder = Recorder::new(log.clone(), TenantId::local(), prices, "test");
    let mut cursors = Cursors::new();
    for step in steps {
        for (path, bytes) in step {
            let path = projects.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let found = discover(&[home.path().to_owned()]);
        let read = read_all(&found.files, &cursors, now(), 2, &|_| {});
        recorder.record(&read.usages, &|_, _| {}).unwrap();
        cursors.extend(read.cursors);
    }
    let mut calls = BTreeMap::new();
    log.scan(Position::FIRST, log.head().unwrap().position, &mut |record| {
        let usage = match decode(record).unwrap() {
            Event::UsageRecorded(usage) => usage,
            Event::UsageRevised(revised) => revised.usage,
            other => panic!("{other:?}"),
        };
        let cost = usage.cost.map(|cost| cost.0);
        calls.insert(usage.message_id.to_string(), as_call(&usage.to_usage(record.occurred_at), cost));
        ControlFlow::Continue(())
    })
    .unwrap();
    calls
}

fn as_call(usage: &Usage, cost: Option<i128>) -> Call {
    Call {
        key: usage.key.message_id.to_string(),
        model: usage.model.to_string(),
        project: usage.project.to_string(),
        session: usage.session.to_string(),
        sidechain: usage.sidechain,
        tier: usage.service_tier.word().to_owned(),
        speed: usage.speed.word().to_owned(),
        geo: usage.inference_geo.to_string(),
        at_us: usage.occurred_at.as_microsecond(),
        tokens: usage.tokens.counts(),
        cost,
    }
}

/// A call on which the readers disagree.
struct Difference {
    key: String,
    plain: Option<Call>,
    real: Option<Call>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "call {}", self.key)?;
        writeln!(f, "  the plain reader: {:?}", self.plain)?;
        writeln!(f, "  the program:      {:?}", self.real)
    }
}

/// The first call that is not the same, if there is one.
fn difference(steps: &[Step]) -> Option<Difference> {
    let plain = reference::read(&files(steps), now());
    let real = real_calls(steps);
    let keys: BTreeSet<&String> = plain.keys().chain(real.keys()).collect();
    let key = keys.into_iter().find(|key| plain.get(*key) != real.get(*key))?;
    Some(Difference { key: key.clone(), plain: plain.get(key).cloned(), real: real.get(key).cloned() })
}

/// A corpus of which each step tells where the sessions of its lines began, as a session's first line does before its
/// subagents have any: one that was cut otherwise is imported at once.
fn placed(seed: u64) -> Vec<Step> {
    let steps = corpus(seed);
    let whole = files(&steps);
    let is_placed = (1..=steps.len()).all(|until| {
        let there = files(&steps[..until]);
        there.iter().all(|(path, bytes)| {
            let place = |files, session: &str| reference::project(files, path, session);
            reference::sessions(bytes).iter().all(|session| place(&there, session) == place(&whole, session))
        })
    });
    if is_placed { steps } else { vec![steps.into_iter().flatten().collect()] }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|number| number.parse().unwrap())
}

#[test]
fn the_program_and_a_plain_reader_know_the_same_calls() {
    let seeds = match number("MECRIS_DIFFERENTIAL_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("MECRIS_DIFFERENTIAL").unwrap_or(300),
    };
    let failing = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (seeds, failing) = (seeds.clone(), &failing);
            scope.spawn(move || {
                for seed in seeds.skip(thread).step_by(THREADS) {
                    if !matches!(catch_unwind(|| difference(&placed(seed))), Ok(None)) {
                        failing.lock().unwrap().push(seed);
                    }
                    if failing.lock().unwrap().len() >= 10 {
                        return;
                    }
                }
            });
        }
    });
    let failing = failing.into_inner().unwrap();
    let bytes = |seed: u64| corpus(seed).iter().flatten().map(|(_, bytes)| bytes.len()).sum::<usize>();
    if let Some(seed) = failing.iter().copied().min_by_key(|seed| bytes(*seed)) {
        eprintln!("of {failing:?} MECRIS_DIFFERENTIAL_SEED={seed} is the smallest that shows it");
        panic!("{}", report(seed));
    }
}

/// What there is to know about a corpus on which the readers disagree.
fn report(seed: u64) -> String {
    let steps = corpus(seed);
    let Some(found) = difference(&steps) else { return format!("seed {seed} differs only now and then") };
    let mut text = format!("seed {seed}, in {} steps: {found}", steps.len());
    if let Some((fewer, found)) = shrunk(&files(&steps)) {
        text += &format!("these lines suffice, imported at once: {found}");
        for (path, bytes) in fewer {
            text += &format!("--- {}\n{}\n", path.display(), String::from_utf8_lossy(&bytes).trim_end());
        }
        return text;
    }
    text += "imported at once there is no difference; the files as they stood, step by step:\n";
    for (number, step) in steps.iter().enumerate() {
        for (path, bytes) in step {
            text += &format!("{number}: {} has {} bytes\n", path.display(), bytes.len());
        }
    }
    let name = found.key.split('#').next().unwrap_or_default();
    for (path, bytes) in files(&steps) {
        let mut end = 0;
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            end += line.len();
            let line = String::from_utf8_lossy(line);
            if line.contains(name) {
                text += &format!("--- {} up to byte {end}\n{}\n", path.display(), line.trim_end());
            }
        }
    }
    text
}

/// As few lines as show a difference when they are imported at once, if any do.
fn shrunk(files: &Files) -> Option<(Files, Difference)> {
    let differs = |files: &Files| {
        let step: Step = files.clone().into_iter().collect();
        difference(&[step])
    };
    let mut found = differs(files)?;
    let mut least = files.clone();
    loop {
        let before: usize = least.values().map(Vec::len).sum();
        for path in files.keys() {
            let mut line = 0;
            while let Some(fewer) = without(&least, path, line) {
                match differs(&fewer) {
                    Some(still) => (least, found) = (fewer, still),
                    None => line += 1,
                }
            }
        }
        if least.values().map(Vec::len).sum::<usize>() == before {
            return Some((least, found));
        }
    }
}

/// The files without one line of one of them; `None` where it has no such line.
fn without(files: &Files, path: &Path, line: usize) -> Option<Files> {
    let mut lines: Vec<&[u8]> = files.get(path)?.split_inclusive(|&byte| byte == b'\n').collect();
    if line >= lines.len() {
        return None;
    }
    lines.remove(line);
    let mut fewer = files.clone();
    if lines.is_empty() {
        fewer.remove(path);
    } else {
        fewer.insert(path.to_owned(), lines.concat());
    }
    Some(fewer)
}

/// What the plain reader knows from the end alone, the program may know from each step: no step misleads it.
#[test]
fn where_a_session_began_is_known_from_the_first_part_of_its_file_on() {
    for seed in 0..300 {
        let steps = corpus(seed);
        let whole = files(&steps);
        for until in 1..=steps.len() {
            let there = files(&steps[..until]);
            for (path, bytes) in &there {
                for session in reference::sessions(bytes) {
                    let place = |files| reference::project(files, path, &session);
                    let (early, late) = (place(&there), place(&whole));
                    assert_eq!(early, late, "seed {seed}, step {until}: {}, {session}", path.display());
                }
            }
        }
    }
}

/// Two readers that agree on corpora without surprises would show nothing.
#[test]
fn the_corpora_mix_all_situations() {
    let mut seen: BTreeMap<&'static str, usize> = BTreeMap::new();
    for seed in 0..300 {
        let steps = corpus(seed);
        let files = files(&steps);
        let calls = reference::read(&files, now());
        let mut saw = |what: &'static str, is_so: bool| *seen.entry(what).or_default() += usize::from(is_so);

        let texts: Vec<_> = files.values().map(|bytes| String::from_utf8_lossy(bytes)).collect();
        for part in [
            "forkedFrom",
            "progress",
            "<synthetic>",
            "2999",
            "\u{feff}",
            "\r\n",
            "\u{fffd}",
            "\\u00f6",
            "\"message\": ",
        ] {
            saw(part, texts.iter().any(|text| text.contains(part)));
        }
        for part in ["#advisor_message:", "#compaction:", "#sampling:", "#second_opinion:"] {
            saw(part, calls.keys().any(|key| key.contains(part)));
        }
        saw("a part that is inside", has_part_inside(&files, &calls));
        saw("a call named by its line", calls.keys().any(|key| key.starts_with("u-")));
        let mut any = |what, is_so: fn(&Call) -> bool| saw(what, calls.values().any(is_so));
        any("no project", |call| call.project.is_empty());
        any("a project of Windows", |call| call.project.starts_with("C:\\"));
        any("no model", |call| call.model.is_empty());
        any("a sidechain", |call| call.sidechain);
        any("an unknown tier", |call| call.tier == "turbo");
        any("an unknown speed", |call| call.speed == "ludicrous");
        any("an unknown place", |call| call.geo == "moon");
        any("writes for an hour", |call| call.tokens[3] > 0);
        any("searches", |call| call.tokens[5] > 0);

        let is_side = |path: &Path| path.to_string_lossy().contains("subagents");
        saw("a subagent's file", files.keys().any(|path| is_side(path)));
        let mains = files.iter().filter(|(path, _)| !is_side(path));
        let alone: Vec<_> = mains
            .map(|(path, bytes)| reference::read(&Files::from([(path.clone(), bytes.clone())]), now()))
            .collect();
        let mut differing = |what, of: fn(&Call) -> String| {
            let told = |key: &String| {
                alone.iter().filter_map(|calls| calls.get(key)).map(of).collect::<BTreeSet<_>>()
            };
            saw(what, calls.keys().any(|key| told(key).len() > 1));
        };
        differing("a call in two projects", |call| call.project.clone());
        differing("a call in two sessions", |call| call.session.clone());
        differing("a call at two times", |call| call.at_us.to_string());
        differing("a call of two sizes", |call| call.tokens[1].to_string());

        saw("an import in steps", steps.len() > 1);
        let is_half = |bytes: &[u8]| !bytes.is_empty() && !bytes.ends_with(b"\n");
        saw("a half line", steps[..steps.len() - 1].iter().flatten().any(|(_, bytes)| is_half(bytes)));
    }
    let rare: Vec<_> = seen.iter().filter(|(_, count)| **count < 3).collect();
    assert!(rare.is_empty(), "{rare:?} of {seen:?}");
}

/// Whether some unknown part of a call is no call of its own.
fn has_part_inside(files: &Files, calls: &BTreeMap<String, Call>) -> bool {
    let lines = files.values().flat_map(|bytes| bytes.split(|&byte| byte == b'\n'));
    lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok()).any(|line| {
        let message = &line["message"];
        let id = message["id"].as_str().unwrap_or_default();
        let parts = message["usage"]["iterations"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut parts = parts.iter().enumerate().filter(|(_, part)| part["type"] == "sampling");
        calls.contains_key(id)
            && parts.any(|(index, _)| !calls.contains_key(&format!("{id}#sampling:{index}")))
    })
}
