//! Where the program's own traces, log records and metrics go.

use std::borrow::Cow;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::forms::Form;
use crate::config::secret::{BaseUrl, Secret};

use super::keys::{Key, Section};

/// Export by OTLP. OpenTelemetry's own variables come before what the file says of the same. Read at the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// Where a collector listens, such as `http://127.0.0.1:4317`; without it, and without the variables, nothing is
    /// exported.
    pub endpoint: Option<BaseUrl>,
    /// See [`OtlpProtocol`].
    pub protocol: OtlpProtocol,
    /// What each export carries, such as `authorization=Bearer 0000`; commas between several.
    pub headers: Option<Secret>,
    /// A file that holds it.
    pub headers_file: Option<PathBuf>,
    /// Whether traces are exported.
    pub traces: bool,
    /// Whether log lines are.
    pub logs: bool,
    /// Whether metrics are; Prometheus can read them at any rate.
    pub metrics: bool,
    /// Which share of the traces that begin here is kept, in percent; whoever calls with a trace decides for their own.
    pub sample_percent: Percent,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            endpoint: None,
            protocol: OtlpProtocol::default(),
            headers: None,
            headers_file: None,
            traces: true,
            logs: true,
            metrics: true,
            sample_percent: Percent::WHOLE,
        }
    }
}

pub(super) const SECTION: Section = Section::of(&[
    Key::secret("telemetry.headers", |config| config.telemetry.headers.as_ref(), Form::Headers),
    Key::receiver("telemetry.endpoint", |config| {
        let telemetry = &config.telemetry;
        telemetry.headers.as_ref().and(telemetry.endpoint.as_ref()).map(BaseUrl::url)
    }),
]);

/// How OTLP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum OtlpProtocol {
    /// gRPC; a collector's port is 4317 by convention.
    #[default]
    #[serde(rename = "grpc")]
    Grpc,
    /// Protocol Buffers over HTTP; by convention at port 4318.
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
}

/// A share from 0 to 100 percent, exact to a millionth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent {
    millionths: u32,
}

impl Percent {
    /// All of it.
    pub const WHOLE: Self = Self { millionths: 1_000_000 };

    /// From 0 to 1.
    #[must_use]
    pub fn ratio(self) -> f64 {
        f64::from(self.millionths) / 1e6
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.millionths.is_multiple_of(10_000) {
            serializer.serialize_u32(self.millionths / 10_000)
        } else {
            serializer.serialize_f64(self.ratio() * 100.0)
        }
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let percent = f64::deserialize(deserializer)?;
        if !(0.0..=100.0).contains(&percent) {
            return Err(serde::de::Error::custom(format!("{percent} is not between 0 and 100")));
        }
        Ok(Self { millionths: (percent * 1e4).round() as u32 })
    }
}

impl JsonSchema for Percent {
    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "minimum": 0, "maximum": 100 })
    }
}
