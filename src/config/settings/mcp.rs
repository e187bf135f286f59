//! Settings of the MCP face.

use std::num::NonZeroU64;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The Model Context Protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mcp {
    /// A session of a protocol version before 2026-07-28 that says nothing for so long is over, in seconds; the client
    /// then begins another. At least 1.
    pub session_seconds: NonZeroU64,
}

impl Default for Mcp {
    fn default() -> Self {
        // A working day: an assistant that waits for its person overnight begins anew.
        Self { session_seconds: super::seconds(12 * 3600) }
    }
}
