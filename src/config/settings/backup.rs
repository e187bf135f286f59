//! Backups that a running supervisor is asked for.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where backups go that are asked for over HTTP. `mecris backup DIR`, by the owner at this machine, goes to any
/// directory of theirs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    /// The directory below which they lie; where absent, `backups` in the data directory.
    pub root: Option<PathBuf>,
}
