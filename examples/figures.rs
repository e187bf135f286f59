//! Prints the log's figures for docs/figures.md as a table, with the machine's own fdatasync rate beside them.
//!
//! `cargo run --release --example figures [events] [directory]`: 1,000,000 events by default, in a
//! directory of the system's temporary one. What is measured is the disk of that directory.

use std::error::Error;
use std::fs::File;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use mecris::domain::tokens::Tokens;
use mecris::domain::usage::{MessageKey, Usage};
use mecris::event::Position;
use mecris::log::conformance::{append, event};
use mecris::log::{Append, EventLog, Expected, Options, SledLog};
use mecris::service::runtime::node::Node;
use mecris::service::runtime::place::Place;
use mecris::service::runtime::settings::Settings;
use mecris::service::usage::recorder::Recorder;
use mecris::view::replay::{Until, replay};

/// Makes records of some 280 bytes, as a usage event is.
const PAYLOAD_BYTES: usize = 180;
/// Events of one append of a bulk import.
const BULK: u64 = 4096;
const MIB: f64 = 1024.0 * 1024.0;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn load(numbers: std::ops::Range<u64>) -> Append {
    let mut load = append("usage", Expected::Any, []);
    load.events = numbers.map(event).collect();
    for event in &mut load.events {
        event.payload.resize(PAYLOAD_BYTES, 7);
    }
    load
}

fn open(dir: &Path) -> Result<SledLog> {
    Ok(SledLog::open(dir, Options::default())?.0)
}

/// Seconds of processor time that this process has used.
fn cpu_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks / 100.0)
}

fn status_mib(key: &str) -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(key)).ok_or("no such line")?;
    Ok(line.split_whitespace().nth(1).ok_or("no value")?.parse::<f64>()? / 1024.0)
}

fn dir_bytes(dir: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let is_dir = entry.file_type()?.is_dir();
        bytes += if is_dir { dir_bytes(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    sorted[(sorted.len() - 1) * percent / 100].as_secs_f64() * 1000.0
}

/// A loop of write and fdatasync of as many bytes as one event's block.
fn bare(dir: &Path, rounds: u64, offset: &mut u64) -> Result<Vec<Duration>> {
    let file = File::options().create(true).truncate(false).write(true).open(dir.join("bare"))?;
    let bytes = vec![7; 80 + 284 + 36];
    let mut times = Vec::new();
    for _ in 0..rounds {
        let start = Instant::now();
        file.write_all_at(&bytes, *offset)?;
        file.sync_data()?;
        times.push(start.elapsed());
        *offset += bytes.len() as u64;
    }
    Ok(times)
}

/// Durable appends of one event each by tasks that wait for each other at the log only.
async fn callers(log: &Arc<SledLog>, callers: u64, each: u64, first: u64) -> Result<Vec<Duration>> {
    let mut tasks = Vec::new();
    for caller in 0..callers {
        let log = log.clone();
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            for number in 0..each {
                let number = first + caller * each + number;
                let load = load(number..number + 1);
                let start = Instant::now();
                log.append(load).await?;
                times.push(start.elapsed());
            }
            Ok::<_, mecris::log::LogError>(times)
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    Ok(times)
}

fn total(times: &[Duration]) -> f64 {
    times.iter().sum::<Duration>().as_secs_f64()
}

fn row(name: &str, figure: &str) {
    println!("| {name} | {figure} |");
}

fn durable_appends(dir: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let log = Arc::new(open(&dir.join("small"))?);
    let (mut bare_times, mut one, mut offset, mut number) = (Vec::new(), Vec::new(), 0, 1 << 40);
    // In turns, so that both meet the same moods of the disk.
    for _ in 0..10 {
        bare_times.extend(bare(dir, 300, &mut offset)?);
        for _ in 0..300 {
            let load = load(number..number + 1);
            number += 1;
            let start = Instant::now();
            log.append(load).wait()?;
            one.push(start.elapsed());
        }
    }
    let bare_rate = bare_times.len() as f64 / total(&bare_times);
    let one_rate = one.len() as f64 / total(&one);
    bare_times.sort_unstable();
    one.sort_unstable();
    let milliseconds = |times: &[Duration], rate: f64| {
        format!("p50 {:.3} ms, p99 {:.3} ms, {rate:.0}/s", percentile(times, 50), percentile(times, 99))
    };
    row("this disk: bare write + fdatasync", &milliseconds(&bare_times, bare_rate));
    // The medians: one slow sync of the disk weighs more in a mean than all that is measured here.
    let share = percentile(&bare_times, 50) / percentile(&one, 50);
    let figure = format!("{} ({share:.2} of bare by p50)", milliseconds(&one, one_rate));
    row("durable append, 1 caller", &figure);
    for count in [8, 64, 256] {
        let each = 40_000 / count;
        let (start, cpu, head) = (Instant::now(), cpu_seconds()?, log.head().position);
        let mut times = runtime.block_on(callers(&log, count, each, number))?;
        let rate = times.len() as f64 / start.elapsed().as_secs_f64();
        number += count * each;
        times.sort_unstable();
        let spent = (cpu_seconds()? - cpu) * 1e6 / (log.head().position.0 - head.0) as f64;
        let figure = format!(
            "{} ({:.1} times one caller), {spent:.0} CPU-µs an event",
            milliseconds(&times, rate),
            rate / one_rate
        );
        row(&format!("durable append, {count} callers"), &figure);
    }
    Ok(())
}

fn bulk(dir: &Path, events: u64) -> Result<()> {
    let log = open(dir)?;
    let (start, cpu) = (Instant::now(), cpu_seconds()?);
    for first in (0..events).step_by(BULK as usize) {
        log.append(load(first..(first + BULK).min(events))).wait()?;
    }
    let (acknowledged, cpu_acknowledged) = (start.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    log.close();
    let (spent, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    let figure = format!(
        "{:.0} events/s, {acknowledged:.2} s and {cpu_acknowledged:.2} CPU-s until acknowledged, {spent:.2} s and {cpu:.2} CPU-s until sled has all, {:.0} MiB resident at most",
        events as f64 / acknowledged,
        status_mib("VmHWM")?
    );
    row(&format!("bulk append of {events} events"), &figure);
    Ok(())
}

fn reads(dir: &Path, events: u64) -> Result<()> {
    let start = Instant::now();
    let (log, report) = SledLog::open(dir, Options::default())?;
    let opened = start.elapsed().as_secs_f64();
    row(
        &format!("start-up with {events} events"),
        &format!("{opened:.3} s, {} bytes of the journal read again", report.scanned_bytes),
    );
    let start = Instant::now();
    let mut count = 0;
    log.scan(Position::FIRST, Position(u64::MAX), &mut |record| {
        count += u64::from(!record.payload.is_empty());
        ControlFlow::Continue(())
    })?;
    let spent = start.elapsed().as_secs_f64();
    row(
        "scan, checksums verified",
        &format!("{spent:.3} s, {:.1} million events/s", count as f64 / spent / 1e6),
    );
    let start = Instant::now();
    let again = log.append(load(0..BULK.min(events))).wait()?;
    assert_eq!(again.new_count(), 0, "all of them are known");
    row("append of 4,096 known events", &format!("{:.4} s", start.elapsed().as_secs_f64()));
    let start = Instant::now();
    let report = log.verify(None, &mut |_, _| {})?;
    let figure = format!("{:.2} s, {} problems", start.elapsed().as_secs_f64(), report.problem_count);
    row("verify, both copies", &figure);
    log.close();
    Ok(())
}

fn without_sled(dir: &Path, events: u64) -> Result<()> {
    let bytes = |name| dir_bytes(&dir.join(name));
    let (journal, sled) = (bytes("journal")?, bytes("sled")?);
    let each = |bytes: u64| bytes as f64 / events as f64;
    let figure = format!(
        "{:.0} in the journal, {:.0} in sled ({:.0} and {:.0} MiB)",
        each(journal),
        each(sled),
        journal as f64 / MIB,
        sled as f64 / MIB
    );
    row("bytes on disk for an event", &figure);
    std::fs::remove_dir_all(dir.join("sled"))?;
    let start = Instant::now();
    let log = open(dir)?;
    let opened = start.elapsed().as_secs_f64();
    let (start, cpu) = (Instant::now(), cpu_seconds()?);
    drop(log.wait_for_second_copy());
    let figure = format!(
        "{opened:.2} s to open, {:.2} s and {:.2} CPU-s behind it to build sled again",
        start.elapsed().as_secs_f64(),
        cpu_seconds()? - cpu
    );
    row("start-up without sled, all verified", &figure);
    Ok(())
}

/// Calls of a thousand sessions, a minute apart.
fn usages(numbers: std::ops::Range<u64>) -> Vec<Usage> {
    let models: [Arc<str>; 2] = ["claude-opus-5".into(), "claude-sonnet-5".into()];
    let (provider, project): (Arc<str>, Arc<str>) = ("anthropic".into(), "/home/ada/engine".into());
    let usage = |number: u64| Usage {
        key: MessageKey {
            message_id: format!("msg_01{number:022x}").into(),
            request_id: format!("req_01{number:022x}").into(),
        },
        provider: provider.clone(),
        model: models[(number % 2) as usize].clone(),
        project: project.clone(),
        session: format!("{:08x}-0000-4000-8000-000000000000", number / 1000).into(),
        tokens: Tokens {
            input: number % 100,
            output: number % 1000,
            cache_read: 20_000,
            ..Tokens::default()
        },
        occurred_at: Timestamp::UNIX_EPOCH
            + SignedDuration::from_secs(1_700_000_000 + 60 * number.cast_signed()),
        ..Usage::default()
    };
    numbers.map(usage).collect()
}

/// Folding real usage into all views, and starting after a kill.
fn views(dir: &Path, events: u64) -> Result<()> {
    let settings = Settings::load(None)?;
    let node = Node::open(&Place::local(dir.join("views")), settings.clone())?;
    let recorder = Recorder::new(node.log.clone(), node.tenant.clone(), node.prices.clone(), "figures");
    for first in (0..events).step_by(50_000) {
        recorder.record(&usages(first..(first + 50_000).min(events)), &|_, _| {})?;
        if first + 100_000 == events {
            // As the projection does: the last snapshot is up to 50,000 events old.
            node.snapshots().save(&replay(&*node.log, Until::Head, &mut |_, _| {})?);
        }
    }
    let start = Instant::now();
    replay(&*node.log, Until::Head, &mut |_, _| {})?;
    let rebuilt = start.elapsed().as_secs_f64();
    row(&format!("all views rebuilt from {events} events"), &format!("{rebuilt:.3} s"));
    let head = node.log.head()?.position;
    while node.log.health().second_copy.is_some_and(|copy| copy.failed.is_none() && copy.applied < head) {
        std::thread::sleep(Duration::from_millis(1));
    }
    // What a kill leaves: the files as they are, with the log still open.
    let killed = dir.join("killed");
    let copied = std::process::Command::new("cp").arg("-r").arg(dir.join("views")).arg(&killed).status()?;
    assert!(copied.success(), "cp failed");
    let start = Instant::now();
    let restarted = Node::open(&Place::local(&killed), settings)?;
    let opened = start.elapsed().as_secs_f64();
    let queries = restarted.queries()?;
    let spent = start.elapsed().as_secs_f64();
    let position = queries.views.read(|views| views.position);
    assert_eq!(position, head, "the views are up to date");
    row("start-up after a kill, views and all", &format!("{spent:.3} s ({opened:.3} s of it the log)"));
    Ok(())
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let events = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let base = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    let dir = base.join(format!("mecris-figures-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    println!("| what | figure |\n|---|---|");
    bulk(&dir.join("first"), 100_000)?;
    durable_appends(&dir)?;
    let data = dir.join("bulk");
    bulk(&data, events)?;
    reads(&data, events)?;
    without_sled(&data, events)?;
    views(&dir, events)?;
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
