//! What is shown of other people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What `mecris people` shows of an organisation's people. Whose law asks for it agrees with them first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct People {
    /// Whether lines, commits and pull requests are shown: they tell of somebody's work and not of what it costs.
    pub activity: bool,
}
