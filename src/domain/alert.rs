//! Alerts: how much one matters.

use serde::{Deserialize, Serialize};

/// How much an alert matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something should be done soon.
    Warning,
    /// Something is being lost.
    Critical,
    /// A goal is lost today: may break quiet hours, if the person said so.
    Immediate,
}

impl Severity {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Critical, Self::Immediate];

    /// As it stands in events and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Immediate => "immediate",
        }
    }

    /// The severity of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name() == name)
    }
}
