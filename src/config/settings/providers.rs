//! How often the providers' official interfaces are read.

use std::num::NonZeroU64;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::seconds;

/// How often providers' balances and reports are read, and how far back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Providers {
    /// How often they are read, in seconds; never more often than once a minute.
    pub poll_seconds: NonZeroU64,
    /// How many days of reports are read at first.
    pub backfill_days: u32,
}

impl Default for Providers {
    fn default() -> Self {
        Self { poll_seconds: seconds(900), backfill_days: 31 }
    }
}
