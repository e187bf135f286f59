//! What Claude Code's telemetry says of usage: the `api_request` event, and the counters `claude_code.token.usage` and
//! `claude_code.cost.usage` (<https://code.claude.com/docs/en/monitoring-usage>).
//!
//! Everything else is passed over, and of these only ids, numbers, the model's name and times are taken: no prompt, no
//! name of a person or an account. Versions differ in where they write an event's name, and in whether a number is an
//! integer, a double or a string: all are read.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::{NumberDataPoint, Sum, metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use crate::domain::money::Picodollars;
use crate::domain::telemetry_usage::counter::Point;
use crate::domain::telemetry_usage::{CallTold, Export, Fingerprint, Measure, PointTold, unplaced};
use crate::domain::tokens::{MAX_COUNT, Tokens};
use crate::domain::usage::Speed;

/// What events' and metrics' own names begin with.
const PREFIX: &str = "claude_code.";
/// Clocks of two machines may differ; what is further ahead than this is not believed.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);
/// Before this nothing of the kind was told: a time below it is a clock that is not set (2020-01-01).
const FIRST_SECOND: i64 = 1_577_836_800;
/// Ids and names are no longer.
const NAME_MAX: usize = 200;
/// What a resource says of itself is no longer, in bytes.
const RESOURCE_MAX: usize = 64 * 1024;

/// What an export says.
#[derive(Debug, Default)]
pub struct Reading {
    /// What was understood.
    pub export: Export,
    /// Records or points of usage that cannot be what they say.
    pub rejected: u64,
    /// Why the first of them cannot; it quotes nothing.
    pub reason: Option<&'static str>,
}

impl Reading {
    fn reject(&mut self, reason: &'static str) {
        self.reject_many(1, reason);
    }

    fn reject_many(&mut self, count: usize, reason: &'static str) {
        self.rejected += count as u64;
        self.reason.get_or_insert(reason);
    }
}

type Attributes<'a> = BTreeMap<&'a str, &'a Value>;

fn attributes(list: &[KeyValue]) -> Attributes<'_> {
    let told = list
        .iter()
        .filter_map(|KeyValue { key, value, .. }| Some((key.as_str(), value.as_ref()?.value.as_ref()?)));
    told.collect()
}

fn of_resource(resource: Option<&Resource>) -> Attributes<'_> {
    resource.map_or_else(BTreeMap::new, |resource| attributes(&resource.attributes))
}

fn text<'a>(attributes: &Attributes<'a>, name: &str) -> &'a str {
    match attributes.get(name) {
        Some(Value::StringValue(text)) => text,
        _ => "",
    }
}

/// An id or a name: short and without control characters, or it is none.
fn name<'a>(attributes: &Attributes<'a>, key: &str) -> Result<&'a str, &'static str> {
    let text = text(attributes, key);
    let is_name = text.len() <= NAME_MAX && !text.chars().any(char::is_control);
    if is_name { Ok(text) } else { Err("an id or a name is too long, or is not text") }
}

/// A count of tokens, however it is written.
fn count(value: &Value) -> Result<u64, &'static str> {
    const NOT_A_COUNT: &str = "a token count is not a whole number of 0 or more";
    let count = match value {
        Value::IntValue(number) => u64::try_from(*number).map_err(|_| NOT_A_COUNT)?,
        Value::DoubleValue(number) => whole(*number).ok_or(NOT_A_COUNT)?,
        Value::StringValue(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| text.parse().ok().and_then(whole)).ok_or(NOT_A_COUNT)?
        }
        _ => return Err(NOT_A_COUNT),
    };
    if count > MAX_COUNT { Err("a token count is over 1,000,000,000,000") } else { Ok(count) }
}

fn whole(number: f64) -> Option<u64> {
    // The limit is far below the numbers that a double cannot hold exactly.
    let is_count = number.is_finite() && number >= 0.0 && number.fract() == 0.0;
    is_count.then_some(number.min(1e15) as u64)
}

/// An amount in USD, from the double that telemetry tells: rounded once, to picodollars.
fn usd(number: f64) -> Option<Picodollars> {
    let is_amount = number.is_finite() && (0.0..=1e9).contains(&number);
    is_amount.then(|| Picodollars::parse(&format!("{number:.12}")).ok()).flatten()
}

fn told_cost(attributes: &Attributes<'_>) -> Option<Picodollars> {
    if let Some(Ok(micros)) = attributes.get("cost_usd_micros").map(|value| count(value)) {
        return Some(Picodollars(i128::from(micros) * 1_000_000));
    }
    match attributes.get("cost_usd")? {
        Value::DoubleValue(number) => usd(*number),
        Value::IntValue(number) => usd(*number as f64),
        Value::StringValue(text) => text.trim().parse().ok().and_then(usd),
        _ => None,
    }
}

/// A moment, where it can be one.
fn moment(nanoseconds: u64, now: Timestamp) -> Result<Timestamp, &'static str> {
    let at =
        i64::try_from(nanoseconds / 1_000).ok().and_then(|micros| Timestamp::from_microsecond(micros).ok());
    let at = at.ok_or("a time is none")?;
    believable(at, now)
}

fn believable(at: Timestamp, now: Timestamp) -> Result<Timestamp, &'static str> {
    if at > now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX) {
        return Err("a time is in the future; set the clock of the machine that sent it");
    }
    if at.as_second() < FIRST_SECOND {
        return Err("a time is before 2020; set the clock of the machine that sent it");
    }
    Ok(at)
}

fn speed(attributes: &Attributes<'_>) -> Speed {
    let word = text(attributes, "speed");
    Speed::of(&word[..word.floor_char_boundary(64)])
}

/// The model as it was written.
fn model<'a>(attributes: &Attributes<'a>) -> Result<&'a str, &'static str> {
    let model = name(attributes, "model")?.trim();
    if model.is_empty() { Err("there is no model") } else { Ok(model) }
}

fn session<'a>(own: &Attributes<'a>, resource: &Attributes<'a>) -> Result<&'a str, &'static str> {
    let session = name(own, "session.id")?;
    if session.is_empty() { name(resource, "session.id") } else { Ok(session) }
}

fn is_subagent(attributes: &Attributes<'_>) -> bool {
    text(attributes, "query_source") == "subagent"
}

/// Whether this is Claude Code's own telemetry, where a name without its prefix could be anybody's.
fn is_claude_code(resource: &Attributes<'_>, scope: Option<&InstrumentationScope>) -> bool {
    text(resource, "service.name").starts_with("claude-code")
        || scope.is_some_and(|scope| scope.name.starts_with("com.anthropic.claude_code"))
}

/// Reads an export of log records at `now`.
#[must_use]
pub fn logs(request: &ExportLogsServiceRequest, now: Timestamp) -> Reading {
    let mut reading = Reading::default();
    for of_one in &request.resource_logs {
        let resource = of_resource(of_one.resource.as_ref());
        for scope in &of_one.scope_logs {
            let is_ours = is_claude_code(&resource, scope.scope.as_ref());
            for record in &scope.log_records {
                let own = attributes(&record.attributes);
                if !is_api_request(record, &own, is_ours) {
                    continue;
                }
                match call(record, &own, &resource, now) {
                    Ok(call) => reading.export.calls.push(call),
                    Err(reason) => reading.reject(reason),
                }
            }
        }
    }
    reading
}

fn is_api_request(record: &LogRecord, own: &Attributes<'_>, is_ours: bool) -> bool {
    let body = match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(Value::StringValue(body)) => body.as_str(),
        _ => "",
    };
    let names = [text(own, "event.name"), record.event_name.as_str(), body];
    let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    match name.strip_prefix(PREFIX) {
        Some(name) => name == "api_request",
        None => name == "api_request" && (is_ours || body.starts_with(PREFIX)),
    }
}

fn call(
    record: &LogRecord,
    own: &Attributes<'_>,
    resource: &Attributes<'_>,
    now: Timestamp,
) -> Result<CallTold, &'static str> {
    const COUNTS: [&str; 4] = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"];
    if !COUNTS.iter().any(|name| own.contains_key(name)) {
        return Err("an api_request has no token counts");
    }
    let count_of = |name: &str| own.get(name).map_or(Ok(0), |value| count(value));
    let [input, output, cache_read, cache_write_5m] = COUNTS.map(count_of);
    let tokens = Tokens {
        input: input?,
        output: output?,
        cache_read: cache_read?,
        cache_write_5m: cache_write_5m?,
        ..Tokens::default()
    };
    let session = session(own, resource)?;
    let sequence = own.get("event.sequence").map(|value| encoded(value)).unwrap_or_default();
    let at = occurred_at(record, own, now)?;
    let mut usage = unplaced(model(own)?, tokens, at);
    usage.key.request_id = name(own, "request_id")?.into();
    usage.session = session.into();
    usage.speed = speed(own);
    usage.sidechain = is_subagent(own);
    let counts =
        [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write_5m].map(u64::to_le_bytes);
    let time = at.as_microsecond().to_le_bytes();
    let own_key = Fingerprint::of(
        "api-request",
        &[session.as_bytes(), &time, &sequence, usage.model.as_bytes(), counts.as_flattened()],
    );
    Ok(CallTold {
        client_request_id: name(own, "client_request_id")?.into(),
        own: own_key,
        told_cost: told_cost(own),
        usage,
    })
}

fn encoded(value: &Value) -> Vec<u8> {
    AnyValue { value: Some(value.clone()) }.encode_to_vec()
}

/// The record's own time; else the event's, when it was observed, or now.
fn occurred_at(record: &LogRecord, own: &Attributes<'_>, now: Timestamp) -> Result<Timestamp, &'static str> {
    if record.time_unix_nano != 0 {
        return moment(record.time_unix_nano, now);
    }
    if let Ok(at) = text(own, "event.timestamp").parse() {
        return believable(at, now);
    }
    if record.observed_time_unix_nano != 0 { moment(record.observed_time_unix_nano, now) } else { Ok(now) }
}

/// Reads an export of metrics at `now`.
#[must_use]
pub fn metrics(request: &ExportMetricsServiceRequest, now: Timestamp) -> Reading {
    let mut reading = Reading::default();
    for of_one in &request.resource_metrics {
        let resource = of_resource(of_one.resource.as_ref());
        // They are a part of each point's series: many points would have many of them read.
        let is_long = of_one.resource.as_ref().is_some_and(|resource| resource.encoded_len() > RESOURCE_MAX);
        for metric in of_one.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            let is_cost = match metric.name.strip_prefix(PREFIX) {
                Some("token.usage") => false,
                Some("cost.usage") => true,
                _ => continue,
            };
            let Some(metric::Data::Sum(sum)) = &metric.data else {
                let count = metric.data.as_ref().map_or(0, points_of);
                reading.reject_many(count, "a counter of usage is not a sum");
                continue;
            };
            for point in &sum.data_points {
                if is_long {
                    reading.reject("a resource has more than 64 KiB of attributes");
                    continue;
                }
                match read_point(point, sum, is_cost, &resource, now) {
                    Ok(Some(point)) => reading.export.points.push(point),
                    Ok(None) => {}
                    Err(reason) => reading.reject(reason),
                }
            }
        }
    }
    reading
}

/// How many points a metric has: exporters count what is not taken by these.
fn points_of(data: &metric::Data) -> usize {
    match data {
        metric::Data::Gauge(gauge) => gauge.data_points.len(),
        metric::Data::Sum(sum) => sum.data_points.len(),
        metric::Data::Histogram(histogram) => histogram.data_points.len(),
        metric::Data::ExponentialHistogram(histogram) => histogram.data_points.len(),
        metric::Data::Summary(summary) => summary.data_points.len(),
    }
}

fn read_point(
    point: &NumberDataPoint,
    sum: &Sum,
    is_cost: bool,
    resource: &Attributes<'_>,
    now: Timestamp,
) -> Result<Option<PointTold>, &'static str> {
    // By the data model: this point says that there is no value.
    if point.flags & 1 == 1 {
        return Ok(None);
    }
    let is_cumulative = match (sum.is_monotonic, sum.aggregation_temporality) {
        (true, 1) => false,
        (true, 2) => true,
        (false, _) => return Err("a counter of usage may fall"),
        _ => return Err("a counter of usage has no temporality"),
    };
    let own = attributes(&point.attributes);
    let measure = match (is_cost, text(&own, "type")) {
        (true, _) => Measure::Cost,
        (false, "input") => Measure::Input,
        (false, "output") => Measure::Output,
        (false, "cacheRead") => Measure::CacheRead,
        (false, "cacheCreation") => Measure::CacheCreation,
        _ => return Err("a type of tokens that this mecris does not know; use a newer one"),
    };
    let value = value_of(point, is_cost)?;
    let (start_ns, time_ns) = (point.start_time_unix_nano, point.time_unix_nano);
    if start_ns > time_ns {
        return Err("a point begins after it ends");
    }
    let session = session(&own, resource)?;
    Ok(Some(PointTold {
        session: session.into(),
        model: model(&own)?.into(),
        speed: speed(&own),
        sidechain: is_subagent(&own),
        measure,
        series: series(is_cost, &own, resource),
        point: Point { start_ns, time_ns, value, is_cumulative },
        at: moment(time_ns, now)?,
    }))
}

fn value_of(point: &NumberDataPoint, is_cost: bool) -> Result<i128, &'static str> {
    let value = match point.value.ok_or("a point has no value")? {
        number_data_point::Value::AsInt(number) => Value::IntValue(number),
        number_data_point::Value::AsDouble(number) => Value::DoubleValue(number),
    };
    if !is_cost {
        return Ok(i128::from(count(&value)?));
    }
    let amount = match value {
        Value::DoubleValue(number) => usd(number),
        Value::IntValue(number) => usd(number as f64),
        _ => None,
    };
    amount.map(|amount| amount.0).ok_or("a cost is not an amount of 0 or more")
}

/// Points with the same attributes are of one counter. Only a hash of them is kept.
fn series(is_cost: bool, own: &Attributes<'_>, resource: &Attributes<'_>) -> Fingerprint {
    let mut parts = vec![vec![u8::from(is_cost)]];
    for (key, value) in own.iter().chain(resource) {
        parts.push(key.as_bytes().to_vec());
        parts.push(encoded(value));
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    Fingerprint::of("series", &parts)
}

#[cfg(test)]
mod tests;
