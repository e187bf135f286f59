//! DeepSeek's API.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::forms::Form;
use crate::config::secret::{BaseUrl, Secret};

use super::address;
use super::keys::{Key, Section};

/// DeepSeek's balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeepSeek {
    /// A key, `sk-…`.
    pub api_key: Option<Secret>,
    /// A file that holds it.
    pub api_key_file: Option<PathBuf>,
    /// Where the API is.
    pub api_base: BaseUrl,
}

impl Default for DeepSeek {
    fn default() -> Self {
        Self { api_key: None, api_key_file: None, api_base: address("https://api.deepseek.com/") }
    }
}

pub(super) const SECTION: Section = Section::of(&[
    Key::secret("deepseek.api_key", |config| config.deepseek.api_key.as_ref(), Form::Key("sk-"))
        .usual("DEEPSEEK_API_KEY"),
    Key::receiver("deepseek.api_base", |config| {
        config.deepseek.api_key.as_ref().map(|_| config.deepseek.api_base.url())
    })
    .usual("DEEPSEEK_API_BASE"),
]);
