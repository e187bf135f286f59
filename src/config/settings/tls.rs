//! TLS, for addresses that other machines reach.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What encrypts the way to addresses off loopback (`listen`, `otlp.listen`, `otlp.grpc_listen`). Who asks from this machine
/// over loopback may speak plainly.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// A file with the certificate and those between it and its root, in PEM; where absent, a certificate of our own is made.
    pub certificate: Option<PathBuf>,
    /// A file with its private key, in PEM, which nobody else may read.
    pub key: Option<PathBuf>,
    /// By which names and addresses others call this machine: they stand in a certificate of our own, and requests may be
    /// meant for them.
    pub names: Vec<String>,
    /// Whether others may speak plainly: only where a proxy in front encrypts, or nothing but a container's own network reaches us.
    pub plain: bool,
}
