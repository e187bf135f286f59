//! OTLP's JSON, read as its rules want it: names in lowerCamelCase, unknown ones passed over, what is absent or null is
//! empty, and 64-bit numbers are decimal strings or numbers.
//!
//! Read by types of our own and not by those of the protocol's crate: these stop at an attribute of a kind that they do
//! not know, and want numbers in one form.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use serde::de::{Deserializer, Error, IgnoredAny, Visitor};
use serde::{Deserialize, de};

use super::WireError;

pub(super) fn logs(body: &[u8]) -> Result<ExportLogsServiceRequest, WireError> {
    let read: Logs = object(body)?;
    Ok(ExportLogsServiceRequest { resource_logs: read.resource_logs.into_iter().map(Into::into).collect() })
}

pub(super) fn metrics(body: &[u8]) -> Result<ExportMetricsServiceRequest, WireError> {
    let read: Metrics = object(body)?;
    let resource_metrics = read.resource_metrics.into_iter().map(Into::into).collect();
    Ok(ExportMetricsServiceRequest { resource_metrics })
}

pub(super) fn any(body: &[u8]) -> Result<(), WireError> {
    object::<IgnoredAny>(body).map(drop)
}

/// What is derived would take a list for an object too.
fn object<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, WireError> {
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(WireError::NotJson);
    }
    serde_json::from_slice(body).map_err(|_| WireError::NotJson)
}

/// Null is as absent.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

macro_rules! message {
    ($(struct $name:ident { $($field:ident: $kind:ty),* $(,)? })*) => {
        $(
            #[derive(Deserialize, Default)]
            #[serde(rename_all = "camelCase", default)]
            // The protocol's names.
            #[allow(clippy::struct_field_names)]
            struct $name {
                $(#[serde(deserialize_with = "nullable")] $field: $kind,)*
            }
        )*
    };
}

message! {
    struct Logs { resource_logs: Vec<OfResource<LogsOfScope>> }
    struct Metrics { resource_metrics: Vec<OfResource<MetricsOfScope>> }
    struct ResourceRead { attributes: Vec<Attribute> }
    struct ScopeRead { name: String }
    struct Attribute { key: String, value: Option<Any> }
    struct Any {
        string_value: Option<String>,
        bool_value: Option<bool>,
        int_value: Option<Number<i64>>,
        double_value: Option<Number<f64>>,
    }
    struct LogsOfScope { scope: Option<ScopeRead>, log_records: Vec<RecordRead> }
    struct RecordRead {
        time_unix_nano: Number<u64>,
        observed_time_unix_nano: Number<u64>,
        body: Option<Any>,
        attributes: Vec<Attribute>,
        event_name: String,
    }
    struct MetricsOfScope { scope: Option<ScopeRead>, metrics: Vec<MetricRead> }
    struct MetricRead {
        name: String,
        sum: Option<SumRead>,
        gauge: Option<Points>,
        histogram: Option<Points>,
        exponential_histogram: Option<Points>,
        summary: Option<Points>,
    }
    struct Points { data_points: Vec<PointRead> }
    struct SumRead { data_points: Vec<PointRead>, aggregation_temporality: Temporality, is_monotonic: bool }
    struct PointRead {
        attributes: Vec<Attribute>,
        start_time_unix_nano: Number<u64>,
        time_unix_nano: Number<u64>,
        as_int: Option<Number<i64>>,
        as_double: Option<Number<f64>>,
        flags: u32,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default, bound = "T: Deserialize<'de>")]
struct OfResource<T> {
    #[serde(deserialize_with = "nullable")]
    resource: Option<ResourceRead>,
    /// One name or the other, by the signal.
    #[serde(alias = "scopeLogs", alias = "scopeMetrics", deserialize_with = "nullable")]
    scopes: Vec<T>,
}

impl<T> Default for OfResource<T> {
    fn default() -> Self {
        Self { resource: None, scopes: Vec::new() }
    }
}

/// A number, or a string that is one.
#[derive(Default, Clone, Copy)]
struct Number<T>(T);

impl<'de, T: std::str::FromStr + TryFromJson> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(std::marker::PhantomData<T>);
        impl<T: std::str::FromStr + TryFromJson> Visitor<'_> for Either<T> {
            type Value = Number<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number, or a string that is one")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                T::of_u64(number).map(Number).ok_or_else(|| E::custom("a number is out of its range"))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                T::of_i64(number).map(Number).ok_or_else(|| E::custom("a number is out of its range"))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
                T::of_f64(number).map(Number).ok_or_else(|| E::custom("a number is not a whole one"))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                text.parse().map(Number).map_err(|_| E::custom("a string is not a number"))
            }
        }
        deserializer.deserialize_any(Either(std::marker::PhantomData))
    }
}

trait TryFromJson: Sized {
    fn of_u64(number: u64) -> Option<Self>;
    fn of_i64(number: i64) -> Option<Self>;
    fn of_f64(number: f64) -> Option<Self>;
}

impl TryFromJson for u64 {
    fn of_u64(number: u64) -> Option<Self> {
        Some(number)
    }
    fn of_i64(number: i64) -> Option<Self> {
        number.try_into().ok()
    }
    fn of_f64(_: f64) -> Option<Self> {
        None
    }
}

impl TryFromJson for i64 {
    fn of_u64(number: u64) -> Option<Self> {
        number.try_into().ok()
    }
    fn of_i64(number: i64) -> Option<Self> {
        Some(number)
    }
    fn of_f64(_: f64) -> Option<Self> {
        None
    }
}

impl TryFromJson for f64 {
    fn of_u64(number: u64) -> Option<Self> {
        Some(number as Self)
    }
    fn of_i64(number: i64) -> Option<Self> {
        Some(number as Self)
    }
    fn of_f64(number: f64) -> Option<Self> {
        Some(number)
    }
}

/// The number of the enumeration; its name is taken too.
#[derive(Default)]
struct Temporality(i32);

impl<'de> Deserialize<'de> for Temporality {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(i32),
            Name(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(number) => Ok(Self(number)),
            Either::Name(name) => match name.as_str() {
                "AGGREGATION_TEMPORALITY_DELTA" => Ok(Self(1)),
                "AGGREGATION_TEMPORALITY_CUMULATIVE" => Ok(Self(2)),
                "AGGREGATION_TEMPORALITY_UNSPECIFIED" => Ok(Self(0)),
                _ => Err(D::Error::custom("a temporality that is none")),
            },
        }
    }
}

impl From<Any> for AnyValue {
    fn from(any: Any) -> Self {
        use any_value::Value;
        let value = any
            .string_value
            .map(Value::StringValue)
            .or(any.bool_value.map(Value::BoolValue))
            .or(any.int_value.map(|number| Value::IntValue(number.0)))
            .or(any.double_value.map(|number| Value::DoubleValue(number.0)));
        Self { value }
    }
}

impl From<Attribute> for KeyValue {
    fn from(Attribute { key, value }: Attribute) -> Self {
        Self { key, value: value.map(Into::into), ..Self::default() }
    }
}

fn attributes(read: Vec<Attribute>) -> Vec<KeyValue> {
    read.into_iter().map(Into::into).collect()
}

impl From<ResourceRead> for Resource {
    fn from(read: ResourceRead) -> Self {
        Self { attributes: attributes(read.attributes), ..Self::default() }
    }
}

impl From<ScopeRead> for InstrumentationScope {
    fn from(read: ScopeRead) -> Self {
        Self { name: read.name, ..Self::default() }
    }
}

impl From<OfResource<LogsOfScope>> for ResourceLogs {
    fn from(read: OfResource<LogsOfScope>) -> Self {
        let scope_logs = read.scopes.into_iter().map(|scope| ScopeLogs {
            scope: scope.scope.map(Into::into),
            log_records: scope.log_records.into_iter().map(Into::into).collect(),
            ..ScopeLogs::default()
        });
        Self { resource: read.resource.map(Into::into), scope_logs: scope_logs.collect(), ..Self::default() }
    }
}

impl From<RecordRead> for LogRecord {
    fn from(read: RecordRead) -> Self {
        Self {
            time_unix_nano: read.time_unix_nano.0,
            observed_time_unix_nano: read.observed_time_unix_nano.0,
            body: read.body.map(Into::into),
            attributes: attributes(read.attributes),
            event_name: read.event_name,
            ..Self::default()
        }
    }
}

impl From<OfResource<MetricsOfScope>> for ResourceMetrics {
    fn from(read: OfResource<MetricsOfScope>) -> Self {
        let scope_metrics = read.scopes.into_iter().map(|scope| ScopeMetrics {
            scope: scope.scope.map(Into::into),
            metrics: scope.metrics.into_iter().map(Into::into).collect(),
            ..ScopeMetrics::default()
        });
        let scope_metrics = scope_metrics.collect();
        Self { resource: read.resource.map(Into::into), scope_metrics, ..Self::default() }
    }
}

impl From<MetricRead> for Metric {
    fn from(read: MetricRead) -> Self {
        let sum = read.sum.map(|sum| Sum {
            data_points: sum.data_points.into_iter().map(Into::into).collect(),
            aggregation_temporality: sum.aggregation_temporality.0,
            is_monotonic: sum.is_monotonic,
        });
        // Of what is no sum only the number of points is of interest, for none of them is taken.
        let others = [read.gauge, read.histogram, read.exponential_histogram, read.summary];
        let other =
            others.into_iter().flatten().next().map(|points| Gauge {
                data_points: points.data_points.into_iter().map(Into::into).collect(),
            });
        let data = sum.map(metric::Data::Sum).or(other.map(metric::Data::Gauge));
        Self { name: read.name, data, ..Self::default() }
    }
}

impl From<PointRead> for NumberDataPoint {
    fn from(read: PointRead) -> Self {
        use number_data_point::Value;
        let int = read.as_int.map(|number| Value::AsInt(number.0));
        Self {
            attributes: attributes(read.attributes),
            start_time_unix_nano: read.start_time_unix_nano.0,
            time_unix_nano: read.time_unix_nano.0,
            flags: read.flags,
            value: int.or(read.as_double.map(|number| Value::AsDouble(number.0))),
            ..Self::default()
        }
    }
}
