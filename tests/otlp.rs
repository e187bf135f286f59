//! Claude Code's telemetry as a second source of usage: what it tells is what was meant, over each way it can come, and
//! together with the same sessions' transcripts nothing is counted twice.

#[path = "otlp/points.rs"]
mod points;
#[path = "otlp/wire.rs"]
mod wire;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use mecris::config::prices::price_table;
use mecris::domain::naming::resolve;
use mecris::event::{Metadata, TenantId};
use mecris::integration::claude_code::line::{LineParser, Parsed};
use mecris::integration::claude_code::telemetry;
use mecris::log::{EventLog, MemoryLog};
use mecris::service::usage::recorder::Recorder;
use mecris::service::usage::telemetry::TelemetryUsage;
use mecris::view::replay::{Until, replay};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use serde_json::{Value, json};
use tonic::codec::CompressionEncoding;

use crate::support::claude_telemetry::{
    Call, MARKERS, Sums, Temporality, Told, counters, event, logs, logs_json, metrics_json,
};
use crate::support::corpus::Counts;
use crate::support::program::{Home, Running, everything_below};

const GRPC: (&str, &str) = ("MECRIS_OTLP__GRPC_LISTEN", "127.0.0.1:0");

/// A supervisor, and one exporter.
struct World {
    home: Home,
    running: Running,
}

/// An answer to an export.
#[derive(Debug)]
struct Answer {
    status: u16,
    content_type: String,
    retry_after: Option<String>,
    body: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Protobuf,
    Json,
    Grpc,
}

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

impl World {
    fn start() -> Self {
        Self::start_in(Home::new(), &[])
    }

    fn start_in(home: Home, variables: &[(&str, &str)]) -> Self {
        let running = home.start_with(&[], &[&[GRPC], variables].concat());
        Self { home, running }
    }

    /// Ends at once, and starts again.
    fn kill_and_start(mut self) -> Self {
        self.running.child.kill().unwrap();
        self.running.child.wait().unwrap();
        Self::start_in(self.home, &[])
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.running.token)
    }

    fn post(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let bearer = self.bearer();
        self.post_as(path, &[&[("authorization", bearer.as_str())], headers].concat(), body)
    }

    fn post_as(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        block(async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let mut request = client.post(format!("{}{path}", self.running.url)).body(body);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let response = request.send().await.unwrap();
            let header =
                |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            Answer {
                status: response.status().as_u16(),
                content_type: header("content-type").unwrap_or_default(),
                retry_after: header("retry-after"),
                body: response.bytes().await.unwrap().to_vec(),
            }
        })
    }

    fn protobuf(&self, path: &str, body: Vec<u8>) -> Answer {
        self.post(path, &[("content-type", "application/x-protobuf")], body)
    }

    fn json(&self, path: &str, body: &str) -> Answer {
        self.post(path, &[("content-type", "application/json")], body.as_bytes().to_vec())
    }

    fn grpc_url(&self) -> String {
        let said = &self.running.said;
        let line = said.lines().find_map(|line| line.strip_prefix("OTLP over gRPC on ")).unwrap();
        format!("http://{line}")
    }

    fn grpc_request<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        request.metadata_mut().insert("authorization", self.bearer().parse().unwrap());
        request
    }

    fn logs(&self, way: Way, export: &ExportLogsServiceRequest) {
        match way {
            Way::Protobuf => accepted(&self.protobuf("/v1/logs", export.encode_to_vec()), way),
            Way::Json => accepted(&self.json("/v1/logs", &logs_json(export)), way),
            Way::Grpc => block(async {
                let mut client = LogsServiceClient::connect(self.grpc_url()).await.unwrap();
                let answer = client.export(self.grpc_request(export.clone())).await.unwrap();
                assert_eq!(answer.into_inner().partial_success, None);
            }),
        }
    }

    fn metrics(&self, way: Way, export: &ExportMetricsServiceRequest) {
        match way {
            Way::Protobuf => accepted(&self.protobuf("/v1/metrics", export.encode_to_vec()), way),
            Way::Json => accepted(&self.json("/v1/metrics", &metrics_json(export)), way),
            Way::Grpc => block(async {
                let mut client = MetricsServiceClient::connect(self.grpc_url()).await.unwrap();
                let answer = client.export(self.grpc_request(export.clone())).await.unwrap();
                assert_eq!(answer.into_inner().partial_success, None);
            }),
        }
    }

    /// What is reported of each session, after an ordinary end.
    fn end(self) -> Sums {
        assert_eq!(self.running.stop(), 0);
        sums(&self.home)
    }
}

fn accepted(answer: &Answer, way: Way) {
    let empty = if way == Way::Json { "{}" } else { "" };
    assert_eq!((answer.status, answer.body.as_slice()), (200, empty.as_bytes()), "{answer:?}");
}

fn counts(line: &Value) -> Counts {
    let number = |name: &str| line[name].as_u64().unwrap();
    Counts {
        messages: number("messages"),
        input_tokens: number("input_tokens"),
        output_tokens: number("output_tokens"),
        cache_write_5m_tokens: number("cache_write_5m_tokens"),
        cache_write_1h_tokens: number("cache_write_1h_tokens"),
        cache_read_tokens: number("cache_read_tokens"),
        web_searches: number("web_searches"),
    }
}

fn sums(home: &Home) -> Sums {
    let report = home.json(&["report", "session"]);
    let mut sums = Sums::new();
    for session in report["sessions"].as_array().unwrap() {
        for line in session["models"].as_array().unwrap() {
            sums.entry(session["session"].as_str().unwrap().to_owned()).or_default().add(&counts(line));
        }
    }
    sums
}

/// Metrics do not tell how many calls there were.
fn tokens(sums: &Sums) -> Sums {
    sums.iter().map(|(name, sum)| (name.clone(), Counts { messages: 0, ..*sum })).collect()
}

/// One call with little in it.
fn call(request: &str, session: &str, output_tokens: u64) -> Call {
    Call {
        session: session.to_owned(),
        request: request.to_owned(),
        message: request.replace("req", "msg"),
        model: "claude-opus-5",
        at: 1_795_200_000,
        counts: Counts { messages: 1, input_tokens: 1, output_tokens, ..Counts::default() },
        is_written: true,
    }
}

/// The same export of one call, with its own request id.
fn one(request: &str) -> ExportLogsServiceRequest {
    logs(vec![event(0, &call(request, "s-1", 7))])
}

#[test]
fn each_way_and_each_temporality_gives_the_generator_s_truth() {
    let world = World::start();
    let mut truth = Sums::new();
    for (number, way) in [Way::Protobuf, Way::Json, Way::Grpc].into_iter().enumerate() {
        let seed = 100 * (number as u64 + 1);
        // Events alone, and events with metrics of the same sessions, metrics first or last.
        for (offset, order) in [(1, "alone"), (2, "before"), (3, "after")] {
            let mut told = Told::make(seed + offset, 3, 40);
            let (events, metrics) = (told.events(), told.metrics(Temporality::Cumulative));
            let tell_metrics = || {
                for export in &metrics {
                    world.metrics(way, export);
                }
            };
            if order == "before" {
                tell_metrics();
            }
            for export in &events {
                world.logs(way, export);
            }
            if order == "after" {
                tell_metrics();
            }
            truth.extend(told.truth_of_telemetry());
        }
    }
    let reported = world.end();
    assert_eq!(reported, truth);
    // The cost, reckoned anew from the truth is that of the sums: none of these models has tiers.
    assert_eq!(reported.len(), 27);
}

#[test]
fn metrics_alone_give_the_generator_s_truth() {
    let mut world = World::start();
    let mut truth = Sums::new();
    let mut seed = 1_000;
    for way in [Way::Protobuf, Way::Json, Way::Grpc] {
        for temporality in [Temporality::Delta, Temporality::Cumulative, Temporality::Falling] {
            seed += 1;
            let mut told = Told::make(seed, 2, 60);
            let exports = told.metrics(temporality);
            let half = exports.len() / 2;
            exports[..half].iter().for_each(|export| world.metrics(way, export));
            // What is known of a counter outlives the program.
            if way == Way::Protobuf {
                world = world.kill_and_start();
            }
            exports[half..].iter().for_each(|export| world.metrics(way, export));
            // All of it once more, in its order: nothing of it is new.
            if temporality != Temporality::Falling {
                for export in &exports {
                    world.metrics(way, export);
                }
            }
            truth.extend(told.truth_of_telemetry());
        }
    }
    assert_eq!(tokens(&world.end()), tokens(&truth));
}

#[test]
fn the_cost_is_that_of_our_price_table() {
    let world = World::start();
    let mut told = Told::make(7, 2, 30);
    told.events().iter().for_each(|export| world.logs(Way::Protobuf, export));
    assert_eq!(world.running.stop(), 0);
    let prices: Value = serde_json::from_str(include_str!("../data/prices.json")).unwrap();
    let pico = |price: &Value| {
        let text = price.as_str().unwrap();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        format!("{whole}{fraction:0<6}").parse::<u128>().unwrap()
    };
    let mut expected: BTreeMap<&str, u128> = BTreeMap::new();
    for call in &told.calls {
        let tiers = &prices["models"][format!("anthropic/{}", call.model)]["tiers"];
        assert_eq!(tiers.as_array().unwrap().len(), 1, "a price that depends on nothing else");
        let (rates, counts) = (&tiers[0], call.counts);
        let written = counts.cache_write_5m_tokens + counts.cache_write_1h_tokens;
        *expected.entry(call.model).or_default() += u128::from(counts.input_tokens) * pico(&rates["input"])
            + u128::from(counts.output_tokens) * pico(&rates["output"])
            + u128::from(counts.cache_read_tokens) * pico(&rates["cache_read"])
            + u128::from(written) * pico(&rates["cache_write_5m"]);
    }
    let report = world.home.json(&["report", "model"]);
    let mut reported: BTreeMap<String, String> = BTreeMap::new();
    for group in report["models"].as_array().unwrap() {
        for line in group["models"].as_array().map_or(std::slice::from_ref(group), Vec::as_slice) {
            let cost = line["cost_usd"].as_str().unwrap().to_owned();
            reported.insert(line["model"].as_str().unwrap().to_owned(), cost);
        }
    }
    for (model, pico) in expected {
        let text = format!("{}.{:012}", pico / 1_000_000_000_000, pico % 1_000_000_000_000);
        assert_eq!(
            reported[&*resolve("anthropic", model).model],
            text.trim_end_matches('0').trim_end_matches('.'),
            "{model}"
        );
    }
}

fn write_transcripts(home: &Home, transcripts: &BTreeMap<String, Vec<String>>) {
    for (session, lines) in transcripts {
        home.transcript(&format!("{session}.jsonl"), lines.join("\n") + "\n");
    }
}

#[test]
fn with_transcripts_nothing_is_counted_twice_whichever_comes_first() {
    for order in ["telemetry", "transcripts"] {
        let mut world = World::start();
        let mut told = Told::make(21, 4, 50).unwritten(9);
        // Of two sessions only metrics are told, besides their transcripts.
        let mut silent = Told::make(22, 2, 40);
        let transcripts: BTreeMap<_, _> =
            told.transcripts().into_iter().chain(silent.transcripts()).collect();
        let (events, mut metrics) = (told.events(), told.metrics(Temporality::Delta));
        metrics.extend(silent.metrics(Temporality::Cumulative));
        let import = |home: &Home| {
            write_transcripts(home, &transcripts);
            home.json(&["import"]);
        };
        if order == "transcripts" {
            import(&world.home);
            world = world.kill_and_start();
        }
        metrics[..metrics.len() / 2].iter().for_each(|export| world.metrics(Way::Protobuf, export));
        for export in &events {
            world.logs(Way::Protobuf, export);
        }
        metrics[metrics.len() / 2..].iter().for_each(|export| world.metrics(Way::Protobuf, export));
        if order == "telemetry" {
            assert!(sums(&world.home).len() >= 6, "telemetry counts while there is nothing else");
            world = world.kill_and_start();
            import(&world.home);
        }
        for export in &events {
            world.logs(Way::Json, export);
        }
        let mut truth = told.truth();
        truth.extend(silent.truth());
        let home = {
            assert_eq!(world.running.stop(), 0);
            world.home
        };
        assert_eq!(sums(&home), truth, "{order} first");
        // Read again from the first byte, and folded again from the first event.
        let again = home.json(&["import", "--afresh"]);
        assert_eq!((again["recorded"].as_u64(), again["revised"].as_u64()), (Some(0), Some(0)), "{again}");
        std::fs::remove_file(home.data().join("views.snapshot")).ok();
        assert_eq!(sums(&home), truth, "{order} first, folded again");
    }
}

#[test]
fn interleaved_with_transcripts_and_kills_nothing_is_counted_twice_or_lost() {
    let mut told = Told::make(31, 3, 60).unwritten(11);
    let transcripts = told.transcripts();
    let (events, metrics) = (told.events(), told.metrics(Temporality::Cumulative));
    let mut world = World::start();
    let rounds = 6;
    let part = |length: usize, round: usize| length * round / rounds..length * (round + 1) / rounds;
    for round in 0..rounds {
        // The transcripts grow while telemetry comes; the supervisor follows them by itself.
        for (session, lines) in &transcripts {
            let known = &lines[..part(lines.len(), round).end];
            world.home.transcript(&format!("{session}.jsonl"), known.join("\n") + "\n");
        }
        let (some, others) = (&events[part(events.len(), round)], &metrics[part(metrics.len(), round)]);
        for export in some {
            world.logs(Way::Protobuf, export);
        }
        for export in others {
            world.metrics(Way::Grpc, export);
        }
        // An export that is on its way when everything ends is sent again, as an exporter does without an answer.
        let cut = some.first().unwrap().encode_to_vec();
        let address = world.running.url.strip_prefix("http://").unwrap().to_owned();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nContent-Type: application/x-protobuf\r\nContent-Length: {}\r\n\r\n",
            world.bearer(),
            cut.len()
        )
        .unwrap();
        stream.write_all(&cut).unwrap();
        world = world.kill_and_start();
        for export in some {
            world.logs(Way::Json, export);
        }
    }
    assert_eq!(world.running.stop(), 0);
    world.home.json(&["import"]);
    assert_eq!(sums(&world.home), told.truth());
    let verified = world.home.json(&["verify"]);
    assert_eq!(verified["problem_count"].as_u64(), Some(0));
}

/// Both writers of the stream at once, on many threads: whoever records second has seen the first.
#[test]
fn two_that_record_the_same_calls_at_once_record_each_once() {
    let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    let prices = Arc::new(price_table(None).unwrap());
    for seed in 40..46 {
        let mut told = Told::make(seed, 5, 80).unwritten(13);
        let (events, metrics) = (told.events(), told.metrics(Temporality::Cumulative));
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        let tenant = TenantId::local();
        let usages: Vec<_> = told
            .transcripts()
            .values()
            .flatten()
            .map(|line| match LineParser::new(now).parse(line.as_bytes()) {
                Parsed::Calls(usage, _) => *usage,
                other => panic!("{other:?}"),
            })
            .collect();
        std::thread::scope(|scope| {
            let importing = Recorder::new(log.clone(), tenant.clone(), prices.clone(), "test");
            scope.spawn(move || {
                for some in usages.chunks(7) {
                    importing.record(some, &|_, _| {}).unwrap();
                }
            });
            let (log, tenant, prices) = (&log, &tenant, &prices);
            scope.spawn(move || {
                let mut known = TelemetryUsage::default();
                let both = events
                    .iter()
                    .map(|export| telemetry::logs(export, now))
                    .chain(metrics.iter().map(|export| telemetry::metrics(export, now)));
                for (number, reading) in both.enumerate() {
                    // Now and then by an actor that has just been started again.
                    if number % 9 == 4 {
                        known = TelemetryUsage::default();
                    }
                    known.record(&**log, tenant, prices, &reading.export, &Metadata::default()).unwrap();
                }
            });
        });
        let views = replay(&*log, Until::Head, &mut |_, _| {}).unwrap();
        let mut sums = Sums::new();
        for cell in views.tenant(&tenant).unwrap().spend.cells() {
            let tokens = cell.sum.tokens;
            sums.entry(cell.session.to_owned()).or_default().add(&Counts {
                messages: cell.sum.messages,
                input_tokens: tokens.input,
                output_tokens: tokens.output,
                cache_write_5m_tokens: tokens.cache_write_5m,
                cache_write_1h_tokens: tokens.cache_write_1h,
                cache_read_tokens: tokens.cache_read,
                web_searches: tokens.web_searches,
            });
        }
        assert_eq!(sums, told.truth(), "seed {seed}");
    }
}
