//! The export plan: from OpenTelemetry's own variables, and from the settings if those are unset.
//!
//! ```text
//! settings' defaults < configuration file < OTEL_… < MECRIS_TELEMETRY__…
//! ```
//!
//! The variables are those of the specification
//! (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/> and
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>); the SDK itself reads
//! those for timeouts, queues and compression. An empty variable counts as unset.

use opentelemetry_sdk::trace::Sampler;
use reqwest::Url;
use reqwest::header::HeaderMap;

use crate::config::forms::headers_of;
use crate::config::secret::may_carry_secrets;
use crate::config::{Loaded, Origin, OtlpProtocol};

use super::TelemetryError;

/// A telemetry signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Log lines, as log records.
    Logs,
    /// Metrics.
    Metrics,
}

/// The target of a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The collector's address; over HTTP including the signal's path.
    pub endpoint: Url,
    /// OTLP over gRPC or over HTTP.
    pub protocol: OtlpProtocol,
    /// Headers of each export, in addition to `OTEL_EXPORTER_OTLP_HEADERS`.
    pub headers: HeaderMap,
}

/// The plan.
#[derive(Debug, Default)]
pub struct Plan {
    /// Whether measuring itself is switched off.
    pub is_disabled: bool,
    /// Spans.
    pub traces: Option<Target>,
    /// Log lines.
    pub logs: Option<Target>,
    /// Metrics.
    pub metrics: Option<Target>,
    /// The sampler; if none, the SDK's own variables decide, and without them all traces are kept.
    pub sampler: Option<Sampler>,
}

impl Signal {
    /// The name in settings and URL paths; upper case in variables.
    fn key(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }

    fn capitals(self) -> String {
        self.key().to_uppercase()
    }
}

/// The settings, and a reader of environment variables.
struct Sources<'a, V: Fn(&str) -> Option<String>> {
    loaded: &'a Loaded,
    variable: V,
}

impl Plan {
    /// The plan for the settings and this process's environment.
    ///
    /// # Errors
    /// [`TelemetryError::Exporter`] names the variable and the fix.
    pub fn of(loaded: &Loaded) -> Result<Self, TelemetryError> {
        Self::with(loaded, |name| std::env::var(name).ok())
    }

    /// The same with other variables than the process's own.
    ///
    /// # Errors
    /// As [`Plan::of`].
    pub fn with(loaded: &Loaded, variable: impl Fn(&str) -> Option<String>) -> Result<Self, TelemetryError> {
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let sources = Sources { loaded, variable };
        let is_disabled =
            (sources.variable)("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if is_disabled {
            return Ok(Self { is_disabled, ..Self::default() });
        }
        Ok(Self {
            is_disabled,
            traces: sources.target(Signal::Traces)?,
            logs: sources.target(Signal::Logs)?,
            metrics: sources.target(Signal::Metrics)?,
            sampler: sources.sampler(),
        })
    }

    /// Whether anything is exported.
    #[must_use]
    pub fn exports(&self) -> bool {
        self.traces.is_some() || self.logs.is_some() || self.metrics.is_some()
    }
}

impl<V: Fn(&str) -> Option<String>> Sources<'_, V> {
    /// Whether a setting comes from one of our variables, which have priority over OpenTelemetry's.
    fn is_ours(&self, key: &str) -> bool {
        matches!(self.loaded.origin(&format!("telemetry.{key}")), Origin::Variable { .. })
    }

    /// A signal's own variable, else the general one.
    fn otlp(&self, signal: Signal, what: &str) -> Option<(String, String)> {
        [format!("OTEL_EXPORTER_OTLP_{}_{what}", signal.capitals()), format!("OTEL_EXPORTER_OTLP_{what}")]
            .into_iter()
            .find_map(|name| (self.variable)(&name).map(|value| (name, value)))
    }

    fn target(&self, signal: Signal) -> Result<Option<Target>, TelemetryError> {
        let protocol = self.protocol(signal)?;
        let endpoint = self.endpoint(signal, protocol)?;
        let settings = &self.loaded.config.telemetry;
        let is_set = match signal {
            Signal::Traces => settings.traces,
            Signal::Logs => settings.logs,
            Signal::Metrics => settings.metrics,
        };
        // If a signal's exporters are listed, OTLP must be among them; Prometheus can always scrape
        // `/metrics`.
        let named = (self.variable)(&format!("OTEL_{}_EXPORTER", signal.capitals()));
        let endpoint = match named.filter(|_| !self.is_ours(signal.key())) {
            None if is_set => endpoint,
            Some(named) if named.split(',').any(|name| name.trim().eq_ignore_ascii_case("otlp")) => {
                endpoint.or_else(|| conventional(signal, protocol))
            }
            _ => None,
        };
        let headers = if self.is_ours("headers") || self.otlp(signal, "HEADERS").is_none() {
            settings.headers.as_ref().and_then(|text| headers_of(text.expose())).unwrap_or_default()
        } else {
            HeaderMap::new()
        };
        if protocol == OtlpProtocol::Grpc && endpoint.as_ref().is_some_and(|url| url.scheme() == "https") {
            let reason = "gRPC is spoken without TLS here; use protocol http/protobuf for an https address";
            return Err(TelemetryError::Exporter { reason: reason.into() });
        }
        let carries = !headers.is_empty() || self.otlp(signal, "HEADERS").is_some();
        if carries && endpoint.as_ref().is_some_and(|url| !may_carry_secrets(url)) {
            let reason = "its headers would cross the network without encryption; use an https address with protocol http/protobuf, a collector on this machine, or no headers";
            return Err(TelemetryError::Exporter { reason: reason.into() });
        }
        Ok(endpoint.map(|endpoint| Target { endpoint, protocol, headers }))
    }

    fn protocol(&self, signal: Signal) -> Result<OtlpProtocol, TelemetryError> {
        let set = self.loaded.config.telemetry.protocol;
        match self.otlp(signal, "PROTOCOL").filter(|_| !self.is_ours("protocol")) {
            None => Ok(set),
            Some((_, value)) if value == "grpc" => Ok(OtlpProtocol::Grpc),
            Some((_, value)) if value == "http/protobuf" => Ok(OtlpProtocol::HttpProtobuf),
            Some((name, value)) => Err(TelemetryError::Exporter {
                reason: format!("{name}: protocol '{value}' is not supported, use grpc or http/protobuf"),
            }),
        }
    }

    fn endpoint(&self, signal: Signal, protocol: OtlpProtocol) -> Result<Option<Url>, TelemetryError> {
        let set = self.loaded.config.telemetry.endpoint.as_ref();
        let is_ours = set.is_some() && self.is_ours("endpoint");
        match self.otlp(signal, "ENDPOINT").filter(|_| !is_ours) {
            None => Ok(set.map(|set| below(&set.at(""), signal, protocol))),
            Some((name, value)) => {
                let url = parse(&name, &value)?;
                // A signal's own variable has the complete URL.
                let is_whole = name.contains(&signal.capitals());
                Ok(Some(if is_whole { url } else { below(&url, signal, protocol) }))
            }
        }
    }

    fn sampler(&self) -> Option<Sampler> {
        let share = self.loaded.config.telemetry.sample_percent;
        let is_silent = (self.variable)("OTEL_TRACES_SAMPLER").is_none();
        let says = self.is_ours("sample_percent") || is_silent;
        says.then(|| Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share.ratio()))))
    }
}

fn parse(name: &str, value: &str) -> Result<Url, TelemetryError> {
    let is_fit = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    // The URL itself is left out: some contain a key.
    Url::parse(value).ok().filter(is_fit).ok_or_else(|| TelemetryError::Exporter {
        reason: format!("{name} is not an address; write it as http://localhost:4317"),
    })
}

/// A signal's own URL: over gRPC the method identifies it.
fn below(base: &Url, signal: Signal, protocol: OtlpProtocol) -> Url {
    let mut url = base.clone();
    if protocol == OtlpProtocol::HttpProtobuf {
        url.set_path(&format!("{}/v1/{}", url.path().trim_end_matches('/'), signal.key()));
    }
    url
}

/// The conventional address of a collector on this machine.
fn conventional(signal: Signal, protocol: OtlpProtocol) -> Option<Url> {
    let base = match protocol {
        OtlpProtocol::Grpc => "http://localhost:4317",
        OtlpProtocol::HttpProtobuf => "http://localhost:4318",
    };
    Url::parse(base).ok().map(|base| below(&base, signal, protocol))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::inspect_with;

    const FILE: &str =
        "[telemetry]\nendpoint = \"http://127.0.0.1:4317\"\nheaders = \"authorization=marked\"\n";

    fn plan(file: &str, variables: &[(&str, &str)]) -> Result<Plan, TelemetryError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, file).unwrap();
        let own = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let inspection = inspect_with(Some(&path), &own.collect::<Vec<_>>());
        assert!(inspection.problems.is_empty(), "{:?}", inspection.problems);
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name);
        Plan::with(&inspection.loaded, |name| value(name).map(|(_, value)| (*value).to_owned()))
    }

    /// `protocol endpoint`, by signal.
    fn targets(file: &str, variables: &[(&str, &str)]) -> [String; 3] {
        let plan = plan(file, variables).unwrap();
        [&plan.traces, &plan.logs, &plan.metrics].map(|target| match target {
            None => "-".to_owned(),
            Some(target) => {
                let protocol = if target.protocol == OtlpProtocol::Grpc { "grpc" } else { "http" };
                format!("{protocol} {}", target.endpoint)
            }
        })
    }

    #[test]
    fn the_settings_are_taken_where_the_variables_are_silent() {
        let nothing = ["-", "-", "-"];
        assert_eq!(targets("", &[]), nothing);
        assert!(!plan("", &[]).unwrap().exports());
        assert_eq!(targets(FILE, &[]), ["grpc http://127.0.0.1:4317/"; 3]);
        let http = format!("{FILE}protocol = \"http/protobuf\"\nlogs = false");
        assert_eq!(
            targets(&http, &[]),
            ["http http://127.0.0.1:4317/v1/traces", "-", "http http://127.0.0.1:4317/v1/metrics"]
        );
        // OpenTelemetry's variables have priority over the file, and ours over those.
        let theirs = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.2:4317");
        assert_eq!(targets(FILE, &[theirs]), ["grpc http://127.0.0.2:4317/"; 3]);
        let ours = ("MECRIS_TELEMETRY__ENDPOINT", "http://127.0.0.3:4317");
        assert_eq!(targets(FILE, &[theirs, ours]), ["grpc http://127.0.0.3:4317/"; 3]);
        // An empty variable counts as unset.
        assert_eq!(targets(FILE, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), ["grpc http://127.0.0.1:4317/"; 3]);
        // Signals, by their variables and by ours.
        let none = ("OTEL_LOGS_EXPORTER", "none");
        assert_eq!(targets(FILE, &[none])[1], "-");
        assert_eq!(
            targets(FILE, &[none, ("MECRIS_TELEMETRY__LOGS", "true")])[1],
            "grpc http://127.0.0.1:4317/"
        );
        assert_eq!(targets(FILE, &[("OTEL_SDK_DISABLED", "true")]), nothing);
        assert!(plan(FILE, &[("OTEL_SDK_DISABLED", "TRUE")]).unwrap().is_disabled);
    }

    #[test]
    fn a_signal_may_have_its_own_address_and_protocol() {
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.4/base/"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://127.0.0.5:1/as/it/is"),
            ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc"),
        ];
        let said = [
            "http http://127.0.0.4/base/v1/traces",
            "http http://127.0.0.5:1/as/it/is",
            "grpc http://127.0.0.4/base/",
        ];
        assert_eq!(targets("", &variables), said);
        // Enabled without an address: the conventional one.
        let asked = [("OTEL_TRACES_EXPORTER", "console, otlp"), ("OTEL_METRICS_EXPORTER", "prometheus")];
        assert_eq!(targets("", &asked), ["grpc http://localhost:4317/", "-", "-"]);
        let http = [("OTEL_LOGS_EXPORTER", "otlp"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")];
        assert_eq!(targets("", &http)[1], "http http://localhost:4318/v1/logs");
    }

    #[test]
    fn headers_go_with_the_settings_and_are_not_shown() {
        let traces = |variables: &[(&str, &str)]| plan(FILE, variables).unwrap().traces.unwrap();
        assert_eq!(traces(&[]).headers["authorization"], "marked");
        assert!(!format!("{:?}", traces(&[])).contains("marked"));
        let theirs = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-team=theirs");
        assert!(traces(&[theirs]).headers.is_empty(), "the SDK reads its own");
        assert_eq!(traces(&[theirs, ("MECRIS_TELEMETRY__HEADERS", "x-team=ours")]).headers["x-team"], "ours");
    }

    #[test]
    fn headers_leave_this_machine_only_encrypted() {
        let settings = FILE.replace("127.0.0.1", "collector.example");
        let theirs = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=marked"),
        ];
        for error in [plan(&settings, &[]), plan("", &theirs)] {
            let said = error.unwrap_err().to_string();
            assert!(said.contains("without encryption") && !said.contains("marked"), "{said}");
        }
        let https = settings.replace("http://", "https://") + "protocol = \"http/protobuf\"\n";
        assert!(plan(&https, &[]).unwrap().exports());
        // Without headers it contains no secret.
        assert!(plan("", &theirs[..1]).unwrap().exports());
    }

    #[test]
    fn the_share_of_traces_is_the_settings_unless_a_sampler_is_named() {
        let kept = |file: &str, variables: &[(&str, &str)]| {
            plan(file, variables).unwrap().sampler.map(|sampler| format!("{sampler:?}"))
        };
        let share = |ratio: &str| Some(format!("ParentBased(TraceIdRatioBased({ratio}))"));
        assert_eq!(kept("", &[]), share("1.0"));
        let file = "[telemetry]\nsample_percent = 0.5";
        assert_eq!(kept(file, &[]), share("0.005"));
        let theirs = ("OTEL_TRACES_SAMPLER", "always_off");
        assert_eq!(kept(file, &[theirs]), None);
        assert_eq!(kept(file, &[theirs, ("MECRIS_TELEMETRY__SAMPLE_PERCENT", "25")]), share("0.25"));
    }

    #[test]
    fn what_makes_no_sense_names_the_variable_and_not_its_value() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "marked:4317"),
            ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "ftp://marked"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ] {
            let error = plan("", &[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains("marked"), "{error}");
        }
        let error = plan("", &[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://marked")]).unwrap_err().to_string();
        assert!(error.contains("use protocol http/protobuf") && !error.contains("marked"), "{error}");
    }
}
