//! Anthropic's API.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::forms::Form;
use crate::config::secret::{BaseUrl, Secret};

use super::address;
use super::keys::{Key, Section};

/// Anthropic's API: an ordinary key is verified, an admin key reads the organisation's reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Anthropic {
    /// An ordinary key, `sk-ant-api…`.
    pub api_key: Option<Secret>,
    /// A file that holds it.
    pub api_key_file: Option<PathBuf>,
    /// An organisation's admin key, `sk-ant-admin…`.
    pub admin_key: Option<Secret>,
    /// A file that holds it.
    pub admin_key_file: Option<PathBuf>,
    /// Where the API is.
    pub api_base: BaseUrl,
}

impl Default for Anthropic {
    fn default() -> Self {
        Self {
            api_key: None,
            api_key_file: None,
            admin_key: None,
            admin_key_file: None,
            api_base: address("https://api.anthropic.com/"),
        }
    }
}

pub(super) const SECTION: Section = Section::of(&[
    Key::secret("anthropic.api_key", |config| config.anthropic.api_key.as_ref(), Form::AnthropicKey)
        .usual("ANTHROPIC_API_KEY"),
    Key::secret("anthropic.admin_key", |config| config.anthropic.admin_key.as_ref(), Form::AnthropicAdminKey)
        .usual("ANTHROPIC_ADMIN_KEY"),
    Key::receiver("anthropic.api_base", |config| {
        let anthropic = &config.anthropic;
        (anthropic.api_key.is_some() || anthropic.admin_key.is_some()).then(|| anthropic.api_base.url())
    })
    .usual("ANTHROPIC_API_BASE"),
]);
