use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Gauge, Histogram, Metric, ResourceMetrics, ScopeMetrics};

use super::number_data_point::Value::{AsDouble, AsInt};
use super::*;

const AT: u64 = 1_788_170_060_000_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(1_788_170_100).unwrap()
}

fn string(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

fn pairs(pairs: &[(&str, Value)]) -> Vec<KeyValue> {
    let pair = |(key, value): &(&str, Value)| KeyValue {
        key: (*key).to_owned(),
        value: Some(AnyValue { value: Some(value.clone()) }),
        ..KeyValue::default()
    };
    pairs.iter().map(pair).collect()
}

/// What a proper event has, with some of it replaced.
fn event(replaced: &[(&str, Value)]) -> LogRecord {
    let proper = [
        ("event.name", string("api_request")),
        ("session.id", string("s-1")),
        ("model", string("claude-opus-5")),
        ("request_id", string("req_1")),
        ("client_request_id", string("c-1")),
        ("input_tokens", Value::IntValue(10)),
        ("output_tokens", Value::IntValue(20)),
        ("cache_read_tokens", Value::IntValue(30)),
        ("cache_creation_tokens", Value::IntValue(40)),
        ("cost_usd", Value::DoubleValue(0.0123)),
    ];
    let kept = proper.into_iter().filter(|(key, _)| !replaced.iter().any(|(name, _)| name == key));
    let all: Vec<_> = kept.chain(replaced.iter().cloned()).collect();
    let body = Some(AnyValue { value: Some(string("claude_code.api_request")) });
    LogRecord { time_unix_nano: AT, body, attributes: pairs(&all), ..LogRecord::default() }
}

fn logs_of(service: &str, records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    let resource =
        Resource { attributes: pairs(&[("service.name", string(service))]), ..Resource::default() };
    let scope_logs = vec![ScopeLogs { log_records: records, ..ScopeLogs::default() }];
    let resource_logs =
        vec![ResourceLogs { resource: Some(resource), scope_logs, ..ResourceLogs::default() }];
    ExportLogsServiceRequest { resource_logs }
}

fn read(record: LogRecord) -> Result<CallTold, Option<&'static str>> {
    let mut reading = logs(&logs_of("claude-code", vec![record]), now());
    assert_eq!(reading.rejected, u64::from(reading.reason.is_some()));
    reading.export.calls.pop().ok_or(reading.reason)
}

#[test]
fn an_event_is_read_however_its_numbers_are_written() {
    for numbers in [
        [Value::IntValue(10), Value::IntValue(20), Value::IntValue(30), Value::IntValue(40)],
        [
            Value::DoubleValue(10.0),
            Value::DoubleValue(20.0),
            Value::DoubleValue(30.0),
            Value::DoubleValue(40.0),
        ],
        [string("10"), string(" 20 "), string("30.0"), string("4e1")],
    ] {
        let [input, output, cache_read, cache_creation] = numbers;
        let call = read(event(&[
            ("input_tokens", input),
            ("output_tokens", output),
            ("cache_read_tokens", cache_read),
            ("cache_creation_tokens", cache_creation),
        ]))
        .unwrap();
        let expected =
            Tokens { input: 10, output: 20, cache_read: 30, cache_write_5m: 40, ..Tokens::default() };
        assert_eq!(call.usage.tokens, expected);
        assert_eq!((&*call.usage.key.request_id, &*call.usage.key.message_id), ("req_1", ""));
        assert_eq!((&*call.usage.session, &*call.usage.model), ("s-1", "claude-opus-5"));
        assert_eq!(call.usage.occurred_at.as_second(), 1_788_170_060);
        assert_eq!(call.told_cost, Some(Picodollars(12_300_000_000)));
    }
}

#[test]
fn names_of_events_table() {
    let named = |name: &str, body: &str, field: &str, service: &str| {
        let mut record = event(&[("event.name", string(name))]);
        if name.is_empty() {
            record.attributes.retain(|attribute| attribute.key != "event.name");
        }
        record.body = Some(AnyValue { value: Some(string(body)) });
        field.clone_into(&mut record.event_name);
        let reading = logs(&logs_of(service, vec![record]), now());
        assert_eq!(reading.rejected, 0, "what is of no interest is not rejected");
        reading.export.calls.len()
    };
    for (name, body, field, service, expected) in [
        ("api_request", "claude_code.api_request", "", "claude-code", 1),
        ("claude_code.api_request", "", "", "elsewhere", 1),
        ("api_request", "", "", "claude-code-desktop", 1),
        ("api_request", "claude_code.api_request", "", "elsewhere", 1),
        ("", "claude_code.api_request", "", "elsewhere", 1),
        ("", "", "claude_code.api_request", "elsewhere", 1),
        ("api_request", "", "", "elsewhere", 0),
        ("codex.api_request", "", "", "codex_cli_rs", 0),
        ("claude_code.api_error", "claude_code.api_request", "", "claude-code", 0),
        ("user_prompt", "claude_code.user_prompt", "", "claude-code", 0),
        ("", "", "", "claude-code", 0),
    ] {
        assert_eq!(named(name, body, field, service), expected, "{name} {body} {field} {service}");
    }
}

#[test]
fn an_event_that_cannot_be_what_it_says_is_rejected_by_name() {
    const NOT_A_COUNT: &str = "a token count is not a whole number of 0 or more";
    let without = |name: &str| {
        let mut record = event(&[]);
        record.attributes.retain(|attribute| attribute.key != name);
        record
    };
    let at = |nanoseconds: u64| LogRecord { time_unix_nano: nanoseconds, ..event(&[]) };
    let long = "x".repeat(NAME_MAX + 1);
    for (record, reason) in [
        (event(&[("input_tokens", Value::IntValue(-1))]), NOT_A_COUNT),
        (event(&[("input_tokens", Value::DoubleValue(0.5))]), NOT_A_COUNT),
        (event(&[("input_tokens", Value::DoubleValue(f64::NAN))]), NOT_A_COUNT),
        (event(&[("input_tokens", Value::BoolValue(true))]), NOT_A_COUNT),
        (event(&[("input_tokens", string("many"))]), NOT_A_COUNT),
        (event(&[("output_tokens", Value::IntValue(i64::MAX))]), "a token count is over 1,000,000,000,000"),
        (event(&[("output_tokens", Value::DoubleValue(1e300))]), "a token count is over 1,000,000,000,000"),
        (event(&[("model", string(""))]), "there is no model"),
        (without("model"), "there is no model"),
        (event(&[("request_id", string(&long))]), "an id or a name is too long, or is not text"),
        (event(&[("session.id", string("a\u{7}"))]), "an id or a name is too long, or is not text"),
        (at(u64::MAX), "a time is in the future; set the clock of the machine that sent it"),
        (at(AT + 7_200_000_000_000), "a time is in the future; set the clock of the machine that sent it"),
        (at(1), "a time is before 2020; set the clock of the machine that sent it"),
    ] {
        assert_eq!(read(record), Err(Some(reason)));
    }
    let mut bare = event(&[]);
    bare.attributes.retain(|attribute| !attribute.key.ends_with("_tokens"));
    assert_eq!(read(bare), Err(Some("an api_request has no token counts")));
}

#[test]
fn what_is_missing_of_an_event_is_made_up_for() {
    let timeless = LogRecord { time_unix_nano: 0, ..event(&[]) };
    assert_eq!(read(timeless.clone()).unwrap().usage.occurred_at, now());
    let observed = LogRecord { observed_time_unix_nano: AT, ..timeless };
    assert_eq!(read(observed).unwrap().usage.occurred_at.as_second(), 1_788_170_060);
    let mut told = event(&[("event.timestamp", string("2026-08-31T10:00:00.000Z"))]);
    told.time_unix_nano = 0;
    assert_eq!(read(told).unwrap().usage.occurred_at.to_string(), "2026-08-31T10:00:00Z");
    let call = read(event(&[("cost_usd_micros", string("12300"))])).unwrap();
    assert_eq!(call.told_cost, Some(Picodollars(12_300_000_000)));
    let call = read(event(&[("model", string("claude-sonnet-5[1m]")), ("speed", string("fast"))])).unwrap();
    assert_eq!((&*call.usage.model, call.usage.speed), ("claude-sonnet-5[1m]", Speed::Fast));
    // Without ids, events of one session are told apart by what they say.
    let nameless = [("request_id", string("")), ("client_request_id", string(""))];
    let one = read(event(&nameless)).unwrap();
    let again = read(event(&nameless)).unwrap();
    let other = read(event(&[&nameless[..], &[("event.sequence", Value::IntValue(8))]].concat())).unwrap();
    assert_eq!(one.key(), again.key());
    assert_ne!(one.key(), other.key());
}

fn points(attributes: &[(&str, Value)], sum: &Sum, point: NumberDataPoint) -> Reading {
    let point = NumberDataPoint { attributes: pairs(attributes), ..point };
    let sum = Sum { data_points: vec![point], ..sum.clone() };
    let metric = Metric {
        name: "claude_code.token.usage".to_owned(),
        data: Some(metric::Data::Sum(sum)),
        ..Metric::default()
    };
    metrics(&of_metric(metric), now())
}

fn of_metric(metric: Metric) -> ExportMetricsServiceRequest {
    let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() }];
    let resource_metrics = vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }];
    ExportMetricsServiceRequest { resource_metrics }
}

#[test]
fn a_point_that_cannot_be_what_it_says_is_rejected_by_name() {
    let delta = || Sum { aggregation_temporality: 1, is_monotonic: true, ..Sum::default() };
    let proper = || NumberDataPoint {
        start_time_unix_nano: AT - 60,
        time_unix_nano: AT,
        value: Some(number_data_point::Value::AsDouble(12.0)),
        ..NumberDataPoint::default()
    };
    let named = |kind: &str, model: &str| {
        vec![("session.id", string("s-1")), ("type", string(kind)), ("model", string(model))]
    };
    let attributes = named("output", "claude-opus-5");
    let good = points(&attributes, &delta(), proper());
    assert_eq!(good.rejected, 0);
    assert_eq!((good.export.points[0].measure, good.export.points[0].point.value), (Measure::Output, 12));
    let value = |value| NumberDataPoint { value: Some(value), ..proper() };
    for (reading, reason) in [
        (points(&attributes, &delta(), value(AsInt(-5))), "a token count is not a whole number of 0 or more"),
        (
            points(&attributes, &delta(), value(AsDouble(0.1))),
            "a token count is not a whole number of 0 or more",
        ),
        (points(&attributes, &delta(), NumberDataPoint { value: None, ..proper() }), "a point has no value"),
        (
            points(&attributes, &delta(), NumberDataPoint { start_time_unix_nano: AT + 1, ..proper() }),
            "a point begins after it ends",
        ),
        (
            points(
                &attributes,
                &delta(),
                NumberDataPoint { time_unix_nano: 0, start_time_unix_nano: 0, ..proper() },
            ),
            "a time is before 2020; set the clock of the machine that sent it",
        ),
        (
            points(&attributes, &Sum { is_monotonic: false, ..delta() }, proper()),
            "a counter of usage may fall",
        ),
        (
            points(&attributes, &Sum { aggregation_temporality: 0, ..delta() }, proper()),
            "a counter of usage has no temporality",
        ),
        (
            points(&named("dreams", "claude-opus-5"), &delta(), proper()),
            "a type of tokens that this mecris does not know; use a newer one",
        ),
        (points(&named("output", ""), &delta(), proper()), "there is no model"),
    ] {
        assert_eq!((reading.rejected, reading.reason), (1, Some(reason)));
        assert!(reading.export.is_empty());
    }
    let absent = points(&attributes, &delta(), NumberDataPoint { flags: 1, ..proper() });
    assert_eq!((absent.rejected, absent.export.is_empty()), (0, true));
    // What is not taken is counted by points and not by metrics.
    for count in [0, 1, 3] {
        let data = |points| match count {
            0 => metric::Data::Histogram(Histogram::default()),
            _ => metric::Data::Gauge(Gauge { data_points: points }),
        };
        let gauge = Metric {
            name: "claude_code.cost.usage".to_owned(),
            data: Some(data(vec![NumberDataPoint::default(); count])),
            ..Metric::default()
        };
        let reading = metrics(&of_metric(gauge), now());
        let expected = (count as u64, Some("a counter of usage is not a sum"));
        assert_eq!((reading.rejected, reading.reason), expected);
    }
    let other = Metric { name: "claude_code.session.count".to_owned(), ..Metric::default() };
    assert_eq!(metrics(&of_metric(other), now()).rejected, 0);
}
