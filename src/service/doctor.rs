//! `mecris doctor`: looks at everything that can stand in the way, and says what mends it.
//!
//! [`local`] looks at this machine and asks nobody; [`online`] asks each outside system that is
//! configured one cheap question with its own key. Neither needs a running supervisor, neither changes
//! anything.

mod addresses;
mod console;
pub mod local;
pub mod online;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::{Inspection, settings_of};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is as it should be.
    Ok,
    /// Nobody asked for it, or it was not looked at.
    Skipped,
    /// It works, but not as well as it could.
    Warning,
    /// It does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// What: a setting's key or a part.
    #[schema(example = "twilio.account_sid")]
    pub name: String,
    /// How it came out.
    pub verdict: Verdict,
    /// What was found.
    pub detail: String,
    /// The mend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Check {
    /// All is well.
    pub fn ok(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Ok, detail: detail.into(), fix: None }
    }

    /// Not asked for, with what switches it on.
    pub fn skipped(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Skipped, detail: detail.into(), fix: None }
    }

    /// It works, but.
    pub fn warning(name: impl Into<String>, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Warning, detail: detail.into(), fix: Some(fix.into()) }
    }

    /// It does not work.
    pub fn problem(name: impl Into<String>, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Problem, detail: detail.into(), fix: Some(fix.into()) }
    }
}

/// A setting, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingShown {
    /// The key.
    pub key: String,
    /// Its value; `(hidden)` for a secret, null where there is none.
    #[schema(value_type = serde_json::Value)]
    pub value: serde_json::Value,
    /// `default`, the file and the line, or the variable.
    pub origin: String,
}

/// All that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Diagnosis {
    /// How the worst check came out.
    pub worst: Verdict,
    /// The checks, in the order in which a person would mend them.
    pub checks: Vec<Check>,
    /// Every setting.
    pub settings: Vec<SettingShown>,
}

impl Diagnosis {
    /// Of these settings and checks.
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
