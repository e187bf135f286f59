//! Prints what a scrape of `/metrics` costs, for docs/metrics.md.
//!
//! `cargo run --release --example scrape_cost [events]`: 100,000 events by default, which is a call a minute over ten
//! weeks, in a directory of the system's temporary one.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use mecris::actor;
use mecris::domain::tokens::Tokens;
use mecris::domain::usage::{MessageKey, Usage};
use mecris::service::metrics;
use mecris::service::runtime::node::Node;
use mecris::service::runtime::place::Place;
use mecris::service::runtime::settings::Settings;
use mecris::service::runtime::sources::Sources;
use mecris::service::system::tree;
use mecris::service::system::tree::{Restarts, UiCallbacks};
use mecris::service::usage::recorder::Recorder;
use mecris::telemetry::metrics::Metrics;
use opentelemetry_otlp::MetricExporter;
use opentelemetry_sdk::Resource;
use tokio::sync::mpsc::unbounded_channel;

/// Scrapes of each kind; the middle one is shown.
const TIMES: usize = 9;

/// Calls of two models in a hundred sessions, the last of them now.
fn usages(numbers: std::ops::Range<u64>, events: u64) -> Vec<Usage> {
    let now = Timestamp::now();
    let usage = |number: u64| Usage {
        key: MessageKey { message_id: format!("m{number}").into(), request_id: format!("r{number}").into() },
        provider: "anthropic".into(),
        model: if number.is_multiple_of(2) { "claude-opus-5" } else { "claude-sonnet-5" }.into(),
        project: "/home/ada/work".into(),
        session: format!("s{}", number / 1_000).into(),
        tokens: Tokens {
            input: number % 100,
            output: number % 1_000,
            cache_read: 20_000,
            ..Tokens::default()
        },
        occurred_at: now - SignedDuration::from_mins((events - number).cast_signed()),
        ..Usage::default()
    };
    numbers.map(usage).collect()
}

fn middle(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}

fn main() -> Result<(), Box<dyn Error>> {
    let events: u64 = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    let measured = Metrics::start(Resource::builder().build(), None::<MetricExporter>)?;
    let dir = tempfile::tempdir()?;
    let node = Node::open(&Place::local(dir.path()), Settings::load(None)?)?;
    let recorder = Recorder::new(node.log.clone(), node.tenant.clone(), node.prices.clone(), "scrape-cost");
    recorder.record(&usages(0..events, events), &|_, _| {})?;
    let done = actor::run(async { measure(&measured, &node, events) });
    node.log.close();
    done
}

fn measure(measured: &Metrics, node: &Node, events: u64) -> Result<(), Box<dyn Error>> {
    let (noted, _notes) = unbounded_channel();
    let sources = Sources::load(&*node.log, &node.tenant, noted.clone())?;
    let screen = UiCallbacks { on_step: Arc::new(|_| {}), on_alert: Arc::new(|_, _, _, _| {}) };
    let (system, _tree) = tree::build(node, node.queries()?, sources, noted, &screen, Restarts::default());
    metrics::observe(Arc::new(system), &opentelemetry::global::meter("mecris"));
    let queries = node.queries()?;
    let (mut whole, mut cached, mut passes) = (Vec::new(), Vec::new(), Vec::new());
    let mut bytes = 0;
    for _ in 0..TIMES {
        // Longer than what one look serves.
        std::thread::sleep(Duration::from_millis(1_100));
        let begun = Instant::now();
        bytes = measured.exposition()?.len();
        whole.push(begun.elapsed());
        let begun = Instant::now();
        measured.exposition()?;
        cached.push(begun.elapsed());
        let begun = Instant::now();
        let _ = metrics::survey_of(&queries, Timestamp::now());
        passes.push(begun.elapsed());
    }
    println!("| {events} events | ms |");
    println!("|---|---|");
    println!("| the pass over money and goals, after an event | {:.2} |", middle(passes));
    println!("| a scrape where no event has come | {:.2} |", middle(whole));
    println!("| a second scrape within a second | {:.2} |", middle(cached));
    println!("| bytes of an answer | {bytes} |");
    Ok(())
}
