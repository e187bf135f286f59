//! The Obsidian vault.

use std::num::NonZeroU64;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::vault::Goals;

use super::seconds;

/// An Obsidian vault: its tasks, goals and daily notes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Vault {
    /// The vault's folder.
    pub path: Option<PathBuf>,
    /// How often it is looked at where the system does not tell of changes, in seconds.
    pub poll_seconds: NonZeroU64,
    /// Whether events hold the words and notes of tasks; without it they hold digests.
    pub record_text: bool,
    /// Notes with this tag, or one below it, are goals; empty for none.
    pub goal_tag: String,
    /// Notes below this folder of the vault are goals too.
    pub goal_folder: Option<String>,
    /// Below which heading of a daily note sessions are written.
    pub log_heading: String,
    /// Whether weeks in the names of notes begin on Monday, where their format leaves it to the language.
    pub iso_weeks: bool,
}

impl Default for Vault {
    fn default() -> Self {
        Self {
            path: None,
            poll_seconds: seconds(10),
            record_text: false,
            goal_tag: "goal".to_owned(),
            goal_folder: None,
            log_heading: "Mecris".to_owned(),
            iso_weeks: false,
        }
    }
}

impl From<&Vault> for Goals {
    fn from(vault: &Vault) -> Self {
        let tag = vault.goal_tag.trim().trim_start_matches('#').trim_end_matches('/').to_lowercase();
        let folder = vault.goal_folder.as_deref().map(|folder| folder.trim_matches('/').to_owned());
        Self {
            tag: Some(tag).filter(|tag| !tag.is_empty()),
            folder: folder.filter(|folder| !folder.is_empty()),
        }
    }
}
