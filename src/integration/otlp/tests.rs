use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn content_types_table() {
    for (text, expected) in [
        ("application/x-protobuf", Some(Encoding::Protobuf)),
        ("Application/X-Protobuf", Some(Encoding::Protobuf)),
        ("application/json; charset=utf-8", Some(Encoding::Json)),
        ("application/protobuf", None),
        ("text/plain", None),
        ("", None),
    ] {
        assert_eq!(Encoding::of(text), expected, "{text}");
    }
}

#[test]
fn compression_has_a_limit_on_both_sides() {
    assert_eq!(gunzip(&gzip(b"one")), Ok(b"one".to_vec()));
    assert_eq!(
        gunzip(&[gzip(b"one"), gzip(b"two")].concat()),
        Ok(b"onetwo".to_vec()),
        "members follow each other"
    );
    assert_eq!(gunzip(b"one"), Err(WireError::NotGzip));
    let whole = gzip(b"a longer text that is cut");
    assert_eq!(gunzip(&whole[..whole.len() - 9]), Err(WireError::NotGzip));
    assert_eq!(gunzip(&gzip(&vec![0; BYTES_MAX])).map(|plain| plain.len()), Ok(BYTES_MAX));
    assert_eq!(gunzip(&gzip(&vec![0; BYTES_MAX + 1])), Err(WireError::TooLong));
}

#[test]
fn json_is_read_as_its_rules_want_it() {
    let both = |value: &str| {
        format!(
            r#"{{"resourceMetrics":[{{"resource":null,"scopeMetrics":[{{"metrics":[{{"name":"m","unknown":[1],"sum":
            {{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{{"attributes":[{{"key":"a","value":
            {{"arrayValue":{{"values":[]}}}}}}],"timeUnixNano":{value}}}]}}}}]}}]}}]}}"#
        )
    };
    for text in [r#""1788170060000000000""#, "1788170060000000000"] {
        let read = metrics(Encoding::Json, both(text).as_bytes()).unwrap();
        let metric = &read.resource_metrics[0].scope_metrics[0].metrics[0];
        let Some(opentelemetry_proto::tonic::metrics::v1::metric::Data::Sum(sum)) = &metric.data else {
            panic!()
        };
        assert_eq!(
            (sum.aggregation_temporality, sum.data_points[0].time_unix_nano),
            (2, 1_788_170_060_000_000_000)
        );
    }
    for text in ["true", "-1", "1.5", "[]", r#""ten""#, r#""18446744073709551616""#] {
        assert_eq!(metrics(Encoding::Json, both(text).as_bytes()), Err(WireError::NotJson), "{text}");
    }
    for body in ["", "{", "[]", "null", "3", r#"{"resourceLogs":{}}"#, "\u{1}"] {
        assert_eq!(logs(Encoding::Json, body.as_bytes()), Err(WireError::NotJson), "{body}");
    }
    for body in
        ["{}", r#"{"resourceLogs":null}"#, r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}"#]
    {
        assert!(logs(Encoding::Json, body.as_bytes()).is_ok(), "{body}");
        assert_eq!(traces(Encoding::Json, body.as_bytes()), Ok(()));
    }
    assert_eq!(traces(Encoding::Json, b"[]"), Err(WireError::NotJson));
}

#[test]
fn protobuf_that_is_none_is_refused() {
    for body in [&b"\xff\xff\xff"[..], b"\x0a\x05ab", b"{}"] {
        assert_eq!(logs(Encoding::Protobuf, body), Err(WireError::NotProtobuf), "{body:?}");
        assert_eq!(metrics(Encoding::Protobuf, body), Err(WireError::NotProtobuf), "{body:?}");
        assert_eq!(traces(Encoding::Protobuf, body), Err(WireError::NotProtobuf), "{body:?}");
    }
    assert!(logs(Encoding::Protobuf, b"").is_ok(), "an empty message is one");
}
