//! `mecris doctor`: checks the settings and systems, and says how to fix what is wrong.
//!
//! [`local`] checks this machine and asks no other system; [`online`] makes one cheap request to each
//! configured system with its own key. Neither needs a running supervisor, and neither changes anything.

mod addresses;
mod console;
pub mod local;
pub mod messages;
pub mod online;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::{Inspection, settings_of};

/// Result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Working as intended.
    Ok,
    /// Not configured, or not checked.
    Skipped,
    /// It works, but not as well as it could.
    Warning,
    /// It does not work.
    Problem,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// A setting's key, or a part of the system.
    #[schema(example = "twilio.account_sid")]
    pub name: String,
    /// Its result.
    pub verdict: Verdict,
    /// What was found.
    pub detail: String,
    /// How to fix it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Check {
    pub fn ok(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Ok, detail: detail.into(), fix: None }
    }

    /// Not configured, with what switches it on.
    pub fn skipped(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Skipped, detail: detail.into(), fix: None }
    }

    pub fn warning(name: impl Into<String>, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Warning, detail: detail.into(), fix: Some(fix.into()) }
    }

    pub fn problem(name: impl Into<String>, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Problem, detail: detail.into(), fix: Some(fix.into()) }
    }
}

/// A setting and its origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingShown {
    /// The key.
    pub key: String,
    /// Its value; `(hidden)` for a secret, null if unset.
    #[schema(value_type = serde_json::Value)]
    pub value: serde_json::Value,
    /// `default`, the file and line, or the environment variable.
    pub origin: String,
}

/// All checks and settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Diagnosis {
    /// The worst result.
    pub worst: Verdict,
    /// The checks, in the order in which to fix them.
    pub checks: Vec<Check>,
    /// Every setting.
    pub settings: Vec<SettingShown>,
}

impl Diagnosis {
    #[must_use]
    pub fn new(inspection: &Inspection, checks: Vec<Check>) -> Self {
        let worst = checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok);
        let loaded = &inspection.loaded;
        let shown = |(key, value): (String, serde_json::Value)| SettingShown {
            origin: loaded.origin(&key).to_string(),
            key,
            value,
        };
        Self { worst, checks, settings: settings_of(&loaded.config).into_iter().map(shown).collect() }
    }
}
