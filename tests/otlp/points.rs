//! Points of metrics: cumulative ones without a start time, mixed ones, and those that are not taken, which are counted as points.

use opentelemetry_proto::tonic::metrics::v1::{Histogram, HistogramDataPoint, metric};

use super::*;

const NANO: u64 = 1_000_000_000;
const BEGUN: u64 = 1_795_200_000 * NANO;

/// An export of one counter: minutes after the beginning, and the value.
fn told(session: &str, is_delta: bool, start: u64, minute: u64, value: u64) -> ExportMetricsServiceRequest {
    let values = BTreeMap::from([(("claude-opus-5", "output"), value)]);
    counters(session, &values, is_delta, start, BEGUN + minute * 60 * NANO)
}

/// The same without the field.
fn without_start(export: &ExportMetricsServiceRequest) -> String {
    let mut json: Value = serde_json::from_str(&metrics_json(export)).unwrap();
    for metric in json["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array_mut().unwrap() {
        for point in metric["sum"]["dataPoints"].as_array_mut().unwrap() {
            assert!(point.as_object_mut().unwrap().remove("startTimeUnixNano").is_some());
        }
    }
    json.to_string()
}

#[test]
fn cumulative_points_without_a_start_time_count_by_their_growth() {
    let mut world = World::start();
    let grown = [(1, 100), (2, 110), (3, 135)];
    let mut sessions = Vec::new();
    for way in [Way::Protobuf, Way::Json, Way::Grpc] {
        // Absent, the point's own time, and the first point's.
        for form in ["absent", "own", "first"] {
            let session = format!("s-{way:?}-{form}");
            for (minute, value) in grown {
                let start = match form {
                    "absent" => 0,
                    "own" => BEGUN + minute * 60 * NANO,
                    _ => BEGUN + 60 * NANO,
                };
                let export = told(&session, false, start, minute, value);
                for _ in 0..2 {
                    if way == Way::Json && form == "absent" {
                        accepted(&world.json("/v1/metrics", &without_start(&export)), way);
                    } else {
                        world.metrics(way, &export);
                    }
                }
            }
            sessions.push(session);
            // What is known of a counter outlives the program.
            if way == Way::Protobuf {
                world = world.kill_and_start();
            }
            // What comes late tells nothing new.
            world.metrics(way, &told(&sessions[sessions.len() - 1], false, 0, 2, 110));
        }
    }
    let sums = world.end();
    for session in sessions {
        assert_eq!(sums[&session].output_tokens, 135, "{session}");
    }
}

#[test]
fn deltas_and_cumulative_points_of_one_counter_count_once_across_a_restart() {
    let mut world = World::start();
    let exports = [
        told("s", true, BEGUN, 1, 60),
        told("s", false, BEGUN, 2, 100),
        // It begins before the last point, and tells of ten that are new.
        told("s", true, BEGUN + 60 * NANO, 3, 50),
        told("s", false, BEGUN, 4, 135),
    ];
    for export in &exports {
        world.metrics(Way::Protobuf, export);
        world.metrics(Way::Json, export);
        world = world.kill_and_start();
    }
    assert_eq!(world.end()["s"].output_tokens, 135);
}

#[test]
fn what_is_not_taken_is_counted_by_points() {
    let world = World::start();
    let point = r#"{"timeUnixNano":"1795200000000000000","asInt":"3"}"#;
    let gauge = |count: usize| {
        let points = vec![point; count].join(",");
        format!(
            r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"claude_code.token.usage","gauge":{{"dataPoints":[{points}]}}}}]}}]}}]}}"#
        )
    };
    for count in [1, 3] {
        let answer = world.json("/v1/metrics", &gauge(count));
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body["partialSuccess"]["rejectedDataPoints"], count.to_string(), "{body}");
    }
    let mut export = told("s", false, BEGUN, 1, 5);
    let tokens = &mut export.resource_metrics[0].scope_metrics[0].metrics[0];
    let data_points = vec![HistogramDataPoint::default(); 2];
    tokens.data = Some(metric::Data::Histogram(Histogram { data_points, ..Histogram::default() }));
    let answer = world.protobuf("/v1/metrics", export.encode_to_vec());
    let read = ExportMetricsServiceResponse::decode(answer.body.as_slice()).unwrap();
    assert_eq!(read.partial_success.unwrap().rejected_data_points, 2);
    assert_eq!(world.end(), Sums::new());
}
