//! OpenRouter's API.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::forms::Form;
use crate::config::secret::{BaseUrl, Secret};

use super::address;
use super::keys::{Key, Section};

/// OpenRouter's credits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OpenRouter {
    /// A management key, `sk-or-…`; another key is only verified.
    pub api_key: Option<Secret>,
    /// A file that holds it.
    pub api_key_file: Option<PathBuf>,
    /// Where the API is.
    pub api_base: BaseUrl,
}

impl Default for OpenRouter {
    fn default() -> Self {
        Self { api_key: None, api_key_file: None, api_base: address("https://openrouter.ai/api/v1/") }
    }
}

pub(super) const SECTION: Section = Section::of(&[
    Key::secret("openrouter.api_key", |config| config.openrouter.api_key.as_ref(), Form::Key("sk-or-"))
        .usual("OPENROUTER_API_KEY"),
    Key::receiver("openrouter.api_base", |config| {
        config.openrouter.api_key.as_ref().map(|_| config.openrouter.api_base.url())
    })
    .usual("OPENROUTER_API_BASE"),
]);
