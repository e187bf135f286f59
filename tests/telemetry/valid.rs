//! What a collector may refuse of an export, by the OTLP specification and the data model
//! (<https://opentelemetry.io/docs/specs/otel/>, <https://github.com/open-telemetry/opentelemetry-proto>).

use std::collections::HashSet;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, Metric, NumberDataPoint};
use opentelemetry_proto::tonic::trace::v1::Span;

/// Complaints about attributes: a key is a name, once, and has a value.
fn attributes(of: &str, attributes: &[KeyValue], complaints: &mut Vec<String>) {
    let mut keys = HashSet::new();
    for attribute in attributes {
        let has_value = attribute.value.as_ref().is_some_and(|value| value.value.is_some());
        if attribute.key.is_empty() || !keys.insert(&attribute.key) || !has_value {
            complaints.push(format!("{of}: attribute '{}'", attribute.key));
        }
    }
}

fn is_id(bytes: &[u8], length: usize) -> bool {
    bytes.len() == length && bytes.iter().any(|byte| *byte != 0)
}

fn span(span: &Span, complaints: &mut Vec<String>) {
    let mut hold = |is_so: bool, what: &str| {
        if !is_so {
            complaints.push(format!("span '{}': {what}", span.name));
        }
    };
    hold(!span.name.is_empty(), "no name");
    hold(is_id(&span.trace_id, 16) && is_id(&span.span_id, 8), "ids");
    hold(span.parent_span_id.is_empty() || is_id(&span.parent_span_id, 8), "parent");
    hold(span.parent_span_id != span.span_id, "its own parent");
    hold(0 < span.start_time_unix_nano && span.start_time_unix_nano <= span.end_time_unix_nano, "times");
    hold((1..=5).contains(&span.kind), "kind");
    hold(span.links.iter().all(|link| is_id(&link.trace_id, 16) && is_id(&link.span_id, 8)), "links");
    hold(span.events.iter().all(|event| !event.name.is_empty() && event.time_unix_nano > 0), "events");
    hold(span.dropped_attributes_count == 0 && span.dropped_links_count == 0, "something was dropped");
    attributes(&span.name, &span.attributes, complaints);
}

/// What is wrong with spans.
pub fn traces(request: &ExportTraceServiceRequest) -> Vec<String> {
    let mut complaints = Vec::new();
    for of_one in &request.resource_spans {
        attributes("resource", &of_one.resource.as_ref().unwrap().attributes, &mut complaints);
        of_one.scope_spans.iter().flat_map(|scope| &scope.spans).for_each(|one| span(one, &mut complaints));
    }
    complaints
}

/// What is wrong with records.
pub fn logs(request: &ExportLogsServiceRequest) -> Vec<String> {
    let mut complaints = Vec::new();
    for of_one in &request.resource_logs {
        attributes("resource", &of_one.resource.as_ref().unwrap().attributes, &mut complaints);
        for record in of_one.scope_logs.iter().flat_map(|scope| &scope.log_records) {
            let ids = (record.trace_id.is_empty() && record.span_id.is_empty())
                || (is_id(&record.trace_id, 16) && is_id(&record.span_id, 8));
            let is_told = record.time_unix_nano > 0 || record.observed_time_unix_nano > 0;
            if !ids || !is_told || !(1..=24).contains(&record.severity_number) {
                complaints.push(format!("{record:?}"));
            }
            attributes("record", &record.attributes, &mut complaints);
        }
    }
    complaints
}

fn numbers(points: &[NumberDataPoint], has_start: bool) -> bool {
    points.iter().all(|point| {
        let is_number = match point.value {
            Some(Value::AsDouble(number)) => number.is_finite(),
            Some(Value::AsInt(_)) => true,
            None => false,
        };
        let is_ordered = !has_start || (1..=point.time_unix_nano).contains(&point.start_time_unix_nano);
        is_number && is_ordered && point.time_unix_nano > 0
    })
}

fn metric(metric: &Metric, complaints: &mut Vec<String>) {
    let cumulative = AggregationTemporality::Cumulative as i32;
    let (is_fit, all): (bool, Vec<&[KeyValue]>) = match metric.data.as_ref() {
        Some(Data::Gauge(gauge)) => (
            numbers(&gauge.data_points, false),
            gauge.data_points.iter().map(|point| &point.attributes[..]).collect(),
        ),
        Some(Data::Sum(sum)) => (
            sum.aggregation_temporality == cumulative && numbers(&sum.data_points, true),
            sum.data_points.iter().map(|point| &point.attributes[..]).collect(),
        ),
        Some(Data::Histogram(histogram)) => {
            let is_whole = histogram.data_points.iter().all(|point| {
                point.bucket_counts.len() == point.explicit_bounds.len() + 1
                    && point.bucket_counts.iter().sum::<u64>() == point.count
                    && point.explicit_bounds.is_sorted()
                    && (1..=point.time_unix_nano).contains(&point.start_time_unix_nano)
            });
            (
                histogram.aggregation_temporality == cumulative && is_whole,
                histogram.data_points.iter().map(|point| &point.attributes[..]).collect(),
            )
        }
        _ => (false, Vec::new()),
    };
    if metric.name.is_empty() || !is_fit {
        complaints.push(format!("{metric:?}"));
    }
    let mut seen = HashSet::new();
    for of_point in all {
        attributes(&metric.name, of_point, complaints);
        let mut names: Vec<String> = of_point.iter().map(|attribute| format!("{attribute:?}")).collect();
        names.sort();
        if !seen.insert(names) {
            complaints.push(format!("{}: two points of one series", metric.name));
        }
    }
}

/// What is wrong with metrics.
pub fn metrics(request: &ExportMetricsServiceRequest) -> Vec<String> {
    let mut complaints = Vec::new();
    for of_one in &request.resource_metrics {
        attributes("resource", &of_one.resource.as_ref().unwrap().attributes, &mut complaints);
        let mut names = HashSet::new();
        for one in of_one.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            if !names.insert(&one.name) {
                complaints.push(format!("{} is there twice", one.name));
            }
            metric(one, &mut complaints);
        }
    }
    complaints
}
