//! OpenAI's API.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::forms::Form;
use crate::config::secret::{BaseUrl, Secret};

use super::address;
use super::keys::{Key, Section};

/// OpenAI's organisation: its costs and usage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OpenAi {
    /// An organisation's admin key, `sk-admin-…`.
    pub admin_key: Option<Secret>,
    /// A file that holds it.
    pub admin_key_file: Option<PathBuf>,
    /// Where the API is.
    pub api_base: BaseUrl,
}

impl Default for OpenAi {
    fn default() -> Self {
        Self { admin_key: None, admin_key_file: None, api_base: address("https://api.openai.com/v1/") }
    }
}

pub(super) const SECTION: Section = Section::of(&[
    Key::secret("openai.admin_key", |config| config.openai.admin_key.as_ref(), Form::OpenAiAdminKey)
        .usual("OPENAI_ADMIN_KEY"),
    Key::receiver("openai.api_base", |config| {
        config.openai.admin_key.as_ref().map(|_| config.openai.api_base.url())
    })
    .usual("OPENAI_API_BASE"),
]);
