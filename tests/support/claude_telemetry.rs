//! What Claude Code tells of its sessions, made from a seed: transcripts, `api_request` events and metrics of the same calls,
//! as the protocol has them, and the truth about them. Nothing of the reader is used: the encoding in JSON is written by
//! OTLP's rules, that in protobuf by the protocol's crate.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::corpus::Counts;

/// The last second of what is told: 2026-11-20T23:59:59Z.
const END: u64 = 1_795_219_199;
const NANO: u64 = 1_000_000_000;
const MODELS: [&str; 3] = ["claude-opus-5", "claude-sonnet-5", "claude-haiku-4-5-20251001"];
/// What people typed, and who they are: to be found nowhere.
pub const MARKERS: [&str; 4] =
    ["marked-prompt-5d1c", "ada.marked@example.com", "marked-account-77f0", "marked-organisation-3b"];

/// A call as it was meant.
#[derive(Debug, Clone)]
pub struct Call {
    pub session: String,
    pub request: String,
    pub message: String,
    pub model: &'static str,
    /// Seconds since the epoch.
    pub at: u64,
    pub counts: Counts,
    /// Whether the transcript has it: Claude Code makes calls that it writes nowhere.
    pub is_written: bool,
}

/// How a metric counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temporality {
    Delta,
    Cumulative,
    /// Cumulative, by an exporter that keeps its start when it begins at 0 again.
    Falling,
}

/// Some sessions.
pub struct Told {
    pub calls: Vec<Call>,
    random: SmallRng,
}

/// Tokens and calls by session.
pub type Sums = BTreeMap<String, Counts>;

impl Told {
    /// Of this many sessions of some half an hour each.
    pub fn make(seed: u64, sessions: u64, calls: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut all = Vec::new();
        for session in 0..sessions {
            let id = format!("{seed:08x}-5eed-4000-8000-{session:012x}");
            let mut at = END - 40_000 + session * 3_000;
            for number in 0..calls {
                at += random.random_range(2..40);
                let name = format!("{seed:x}_{session:x}_{number:x}");
                all.push(Call {
                    session: id.clone(),
                    request: format!("req_{name}"),
                    message: format!("msg_{name}"),
                    model: MODELS[random.random_range(0..MODELS.len())],
                    at,
                    counts: Counts {
                        messages: 1,
                        input_tokens: random.random_range(1..400),
                        output_tokens: random.random_range(1..3_000),
                        cache_write_5m_tokens: random.random_range(0..9_000),
                        cache_write_1h_tokens: random.random_range(0..900),
                        cache_read_tokens: random.random_range(0..150_000),
                        web_searches: 0,
                    },
                    is_written: true,
                });
            }
        }
        Self { calls: all, random }
    }

    /// Every n-th call is written to no transcript.
    pub fn unwritten(mut self, n: usize) -> Self {
        self.calls.iter_mut().skip(n - 1).step_by(n).for_each(|call| call.is_written = false);
        self
    }

    /// What the transcripts add up to, and of what they do not have what telemetry tells.
    pub fn truth(&self) -> Sums {
        self.sums(|call| call.is_written)
    }

    /// What telemetry alone tells: it does not split cache writes.
    pub fn truth_of_telemetry(&self) -> Sums {
        self.sums(|_| false)
    }

    fn sums(&self, is_split: impl Fn(&Call) -> bool) -> Sums {
        let mut sums = Sums::new();
        for call in &self.calls {
            let mut counts = call.counts;
            if !is_split(call) {
                counts.cache_write_5m_tokens += std::mem::take(&mut counts.cache_write_1h_tokens);
            }
            sums.entry(call.session.clone()).or_default().add(&counts);
        }
        sums
    }

    /// The transcript of each session, by session, as lines.
    pub fn transcripts(&self) -> BTreeMap<String, Vec<String>> {
        let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for call in self.calls.iter().filter(|call| call.is_written) {
            files.entry(call.session.clone()).or_default().push(line(call));
        }
        files
    }

    /// The `api_request` events of all calls in exports of some dozen records, with others among them. Exports come twice
    /// now and then, overlap, and overtake each other.
    pub fn events(&mut self) -> Vec<ExportLogsServiceRequest> {
        let mut records: Vec<LogRecord> = Vec::new();
        for (number, call) in self.calls.iter().enumerate() {
            if number % 7 == 3 {
                records.push(prompt(call));
            }
            records.push(event(number, call));
        }
        let mut exports = Vec::new();
        let mut from = 0;
        while from < records.len() {
            let until = (from + self.random.random_range(5..30)).min(records.len());
            // A batch that was thought lost comes again with the next.
            let start = from.saturating_sub(if self.random.random_bool(0.2) { 4 } else { 0 });
            exports.push(logs(records[start..until].to_vec()));
            from = until;
        }
        disorder(&mut self.random, exports)
    }

    /// The counters, told each minute while Claude Code runs; it is started again in the middle of each session.
    pub fn metrics(&mut self, temporality: Temporality) -> Vec<ExportMetricsServiceRequest> {
        let mut exports = Vec::new();
        let mut sessions: BTreeMap<String, Vec<Call>> = BTreeMap::new();
        for call in &self.calls {
            sessions.entry(call.session.clone()).or_default().push(call.clone());
        }
        for (session, calls) in sessions {
            let mut of_session = Vec::new();
            let half = calls.len() / 2;
            let first = (calls[0].at - 5) * NANO;
            let second =
                if temporality == Temporality::Falling { first } else { calls[half].at * NANO - NANO / 2 };
            run(&mut of_session, &session, &calls[..half], first, temporality);
            run(&mut of_session, &session, &calls[half..], second, temporality);
            // Who keeps the start cannot be told from one that goes on, unless the order is kept.
            if temporality != Temporality::Falling {
                of_session = disorder(&mut self.random, of_session);
            }
            exports.extend(of_session);
        }
        exports
    }
}

/// Some exports come twice, and some after their successors.
fn disorder<T: Clone>(random: &mut SmallRng, exports: Vec<T>) -> Vec<T> {
    let mut told: Vec<(u64, T)> = Vec::new();
    for (number, export) in exports.into_iter().enumerate() {
        let place = |random: &mut SmallRng| number as u64 * 10 + random.random_range(0..35);
        if random.random_bool(0.25) {
            told.push((place(random) + random.random_range(0..60), export.clone()));
        }
        told.push((place(random), export));
    }
    told.sort_by_key(|(place, _)| *place);
    told.into_iter().map(|(_, export)| export).collect()
}

fn line(call: &Call) -> String {
    let Counts { input_tokens, output_tokens, cache_read_tokens, .. } = call.counts;
    let (five, hour) = (call.counts.cache_write_5m_tokens, call.counts.cache_write_1h_tokens);
    let at = jiff::Timestamp::from_second(call.at.cast_signed()).unwrap();
    let mut line = String::new();
    write!(
        line,
        r#"{{"parentUuid":null,"isSidechain":false,"cwd":"/home/ada/looms","sessionId":"{}","version":"2.1.240","uuid":"u-{}","timestamp":"{at}","type":"assistant","requestId":"{}","message":{{"id":"{}","type":"message","role":"assistant","model":"{}","content":[],"usage":{{"input_tokens":{input_tokens},"cache_creation_input_tokens":{},"cache_read_input_tokens":{cache_read_tokens},"cache_creation":{{"ephemeral_5m_input_tokens":{five},"ephemeral_1h_input_tokens":{hour}}},"output_tokens":{output_tokens},"service_tier":"standard"}}}}}}"#,
        call.session,
        call.message,
        call.request,
        call.message,
        call.model,
        five + hour
    )
    .unwrap();
    line
}

fn string(text: &str) -> Any {
    Any::StringValue(text.to_owned())
}

fn attributes(pairs: Vec<(&str, Any)>) -> Vec<KeyValue> {
    let pair = |(key, value): (&str, Any)| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    };
    pairs.into_iter().map(pair).collect()
}

/// Who the person is, as each record and point says it.
fn person() -> Vec<(&'static str, Any)> {
    vec![
        ("user.email", string(MARKERS[1])),
        ("user.account_uuid", string(MARKERS[2])),
        ("organization.id", string(MARKERS[3])),
        ("terminal.type", string("xterm")),
    ]
}

fn resource() -> Resource {
    let pairs = vec![("service.name", string("claude-code")), ("service.version", string("2.1.240"))];
    Resource { attributes: attributes(pairs), ..Resource::default() }
}

/// An export of log records, as Claude Code wraps them.
pub fn logs(records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    let scope =
        InstrumentationScope { name: "com.anthropic.claude_code.events".to_owned(), ..Default::default() };
    let scope_logs = vec![ScopeLogs { scope: Some(scope), log_records: records, ..ScopeLogs::default() }];
    let resource_logs =
        vec![ResourceLogs { resource: Some(resource()), scope_logs, ..ResourceLogs::default() }];
    ExportLogsServiceRequest { resource_logs }
}

/// An `api_request`. Its name and its numbers are written as one version or another does.
pub fn event(number: usize, call: &Call) -> LogRecord {
    let count = |count: u64| match number % 3 {
        0 => Any::IntValue(count.cast_signed()),
        1 => Any::StringValue(count.to_string()),
        _ => Any::DoubleValue(count as f64),
    };
    let counts = call.counts;
    let mut pairs = person();
    pairs.extend([
        ("session.id", string(&call.session)),
        ("event.sequence", Any::IntValue(i64::try_from(number).unwrap())),
        ("model", string(call.model)),
        ("request_id", string(&call.request)),
        ("client_request_id", string(&format!("client-{}", call.request))),
        ("input_tokens", count(counts.input_tokens)),
        ("output_tokens", count(counts.output_tokens)),
        ("cache_read_tokens", count(counts.cache_read_tokens)),
        ("cache_creation_tokens", count(counts.cache_write_5m_tokens + counts.cache_write_1h_tokens)),
        ("cost_usd", Any::DoubleValue(0.0123)),
        ("duration_ms", count(1_500)),
        ("query_source", string("main")),
    ]);
    let (name, body) = match number % 4 {
        0 => (Some("api_request"), Some("claude_code.api_request")),
        1 => (Some("claude_code.api_request"), None),
        2 => (None, Some("claude_code.api_request")),
        _ => (Some("api_request"), None),
    };
    pairs.extend(name.map(|name| ("event.name", string(name))));
    LogRecord {
        time_unix_nano: call.at * NANO,
        body: body.map(|body| AnyValue { value: Some(string(body)) }),
        attributes: attributes(pairs),
        ..LogRecord::default()
    }
}

/// What is of no interest, and holds what must not be kept.
fn prompt(call: &Call) -> LogRecord {
    let mut pairs = person();
    pairs.extend([
        ("event.name", string("user_prompt")),
        ("prompt", string(MARKERS[0])),
        ("session.id", string(&call.session)),
    ]);
    let body = Some(AnyValue { value: Some(string("claude_code.user_prompt")) });
    LogRecord { time_unix_nano: call.at * NANO, body, attributes: attributes(pairs), ..LogRecord::default() }
}

/// One run of Claude Code: the calls that it made, told each minute.
fn run(
    exports: &mut Vec<ExportMetricsServiceRequest>,
    session: &str,
    calls: &[Call],
    start: u64,
    temporality: Temporality,
) {
    let mut sums: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut told = start;
    let mut waiting = calls.iter().peekable();
    while waiting.peek().is_some() {
        let now = told.max(waiting.peek().map_or(0, |call| call.at * NANO)) + 60 * NANO;
        let mut grown: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        while let Some(call) = waiting.next_if(|call| call.at * NANO < now) {
            let counts = call.counts;
            for (kind, count) in [
                ("input", counts.input_tokens),
                ("output", counts.output_tokens),
                ("cacheRead", counts.cache_read_tokens),
                ("cacheCreation", counts.cache_write_5m_tokens + counts.cache_write_1h_tokens),
            ] {
                *grown.entry((call.model, kind)).or_default() += count;
            }
            // In millionths of a dollar.
            *grown.entry((call.model, "cost")).or_default() += 12_300;
        }
        for (series, growth) in &grown {
            *sums.entry(*series).or_default() += growth;
        }
        let is_delta = temporality == Temporality::Delta;
        let shown = if is_delta { &grown } else { &sums };
        exports.push(counters(session, shown, is_delta, if is_delta { told } else { start }, now));
        told = now;
    }
}

/// Both counters of a session.
pub fn counters(
    session: &str,
    values: &BTreeMap<(&str, &str), u64>,
    is_delta: bool,
    start: u64,
    now: u64,
) -> ExportMetricsServiceRequest {
    let point = |(model, kind): (&str, &str), value: number_data_point::Value| {
        let mut pairs = person();
        pairs.extend([
            ("session.id", string(session)),
            ("model", string(model)),
            ("query_source", string("main")),
        ]);
        if kind != "cost" {
            pairs.push(("type", string(kind)));
        }
        NumberDataPoint {
            attributes: attributes(pairs),
            start_time_unix_nano: start,
            time_unix_nano: now,
            value: Some(value),
            ..NumberDataPoint::default()
        }
    };
    let (mut tokens, mut costs) = (Vec::new(), Vec::new());
    for (number, (series, value)) in values.iter().enumerate() {
        use number_data_point::Value::{AsDouble, AsInt};
        if series.1 == "cost" {
            costs.push(point(*series, AsDouble(*value as f64 / 1e6)));
        } else if number % 2 == 0 {
            tokens.push(point(*series, AsInt(value.cast_signed())));
        } else {
            tokens.push(point(*series, AsDouble(*value as f64)));
        }
    }
    let metric = |name: &str, unit: &str, data_points: Vec<NumberDataPoint>| Metric {
        name: name.to_owned(),
        unit: unit.to_owned(),
        data: Some(metric::Data::Sum(Sum {
            data_points,
            aggregation_temporality: if is_delta { 1 } else { 2 },
            is_monotonic: true,
        })),
        ..Metric::default()
    };
    let metrics = vec![
        metric("claude_code.token.usage", "tokens", tokens),
        metric("claude_code.cost.usage", "USD", costs),
        metric("claude_code.session.count", "count", Vec::new()),
    ];
    let scope = InstrumentationScope { name: "com.anthropic.claude_code".to_owned(), ..Default::default() };
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }];
    let resource_metrics =
        vec![ResourceMetrics { resource: Some(resource()), scope_metrics, ..ResourceMetrics::default() }];
    ExportMetricsServiceRequest { resource_metrics }
}

fn attributes_json(list: &[KeyValue]) -> Value {
    let pair = |attribute: &KeyValue| {
        let value = match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
            Some(Any::StringValue(text)) => json!({ "stringValue": text }),
            Some(Any::IntValue(number)) => json!({ "intValue": number.to_string() }),
            Some(Any::DoubleValue(number)) => json!({ "doubleValue": number }),
            Some(Any::BoolValue(flag)) => json!({ "boolValue": flag }),
            _ => json!({}),
        };
        json!({ "key": attribute.key, "value": value })
    };
    list.iter().map(pair).collect()
}

fn resource_json(resource: Option<&Resource>) -> Value {
    json!({ "attributes": attributes_json(&resource.unwrap().attributes), "droppedAttributesCount": 0 })
}

/// An export of log records in OTLP's JSON.
pub fn logs_json(export: &ExportLogsServiceRequest) -> String {
    let record = |record: &LogRecord| {
        let mut json = json!({
            "timeUnixNano": record.time_unix_nano.to_string(),
            "severityNumber": 9,
            "attributes": attributes_json(&record.attributes),
            "traceId": "5b8efff798038103d269b633813fc60c",
        });
        if let Some(AnyValue { value: Some(Any::StringValue(body)) }) = &record.body {
            json["body"] = json!({ "stringValue": body });
        }
        json
    };
    let of_resource = |logs: &ResourceLogs| {
        let scope = &logs.scope_logs[0];
        let records: Value = scope.log_records.iter().map(record).collect();
        let name = &scope.scope.as_ref().unwrap().name;
        json!({ "resource": resource_json(logs.resource.as_ref()), "scopeLogs": [{ "scope": { "name": name }, "logRecords": records }] })
    };
    json!({ "resourceLogs": export.resource_logs.iter().map(of_resource).collect::<Value>() }).to_string()
}

/// An export of metrics in OTLP's JSON.
pub fn metrics_json(export: &ExportMetricsServiceRequest) -> String {
    let point = |point: &NumberDataPoint| {
        let mut json = json!({
            "attributes": attributes_json(&point.attributes),
            "startTimeUnixNano": point.start_time_unix_nano.to_string(),
            "timeUnixNano": point.time_unix_nano.to_string(),
        });
        match point.value.unwrap() {
            number_data_point::Value::AsInt(number) => json["asInt"] = json!(number.to_string()),
            number_data_point::Value::AsDouble(number) => json["asDouble"] = json!(number),
        }
        json
    };
    let metric = |metric: &Metric| {
        let Some(metric::Data::Sum(sum)) = &metric.data else { panic!() };
        let points: Value = sum.data_points.iter().map(point).collect();
        let sum = json!({ "dataPoints": points, "aggregationTemporality": sum.aggregation_temporality, "isMonotonic": true });
        json!({ "name": metric.name, "unit": metric.unit, "sum": sum })
    };
    let of_resource = |metrics: &ResourceMetrics| {
        let all: Value = metrics.scope_metrics[0].metrics.iter().map(metric).collect();
        json!({ "resource": resource_json(metrics.resource.as_ref()), "scopeMetrics": [{ "metrics": all }] })
    };
    json!({ "resourceMetrics": export.resource_metrics.iter().map(of_resource).collect::<Value>() })
        .to_string()
}
