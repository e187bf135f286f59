//! Several tenants in one program.

use std::num::NonZeroU64;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tenants beside the person's own, which is always awake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tenants {
    /// A tenant that nobody asks for so long, and that follows nothing by itself, sleeps until somebody asks, in seconds; at
    /// least 1.
    pub idle_seconds: NonZeroU64,
}

impl Default for Tenants {
    fn default() -> Self {
        Self { idle_seconds: super::seconds(30 * 60) }
    }
}
