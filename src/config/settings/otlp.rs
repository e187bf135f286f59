//! Where Claude Code's telemetry is taken.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Usage by OTLP, from machines whose transcripts are not here. Every export needs the API's token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Otlp {
    /// Whether it is taken: over HTTP where the API listens, and at the addresses below.
    pub enabled: bool,
    /// Another address for OTLP over HTTP alone; by convention its port is 4318.
    pub listen: Option<SocketAddr>,
    /// Where OTLP over gRPC is served; by convention its port is 4317. Without it there is no gRPC.
    pub grpc_listen: Option<SocketAddr>,
}

impl Default for Otlp {
    fn default() -> Self {
        Self { enabled: true, listen: None, grpc_listen: None }
    }
}
