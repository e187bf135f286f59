//! Moonshot's API.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::forms::Form;
use crate::config::secret::{BaseUrl, Secret};
use crate::domain::currency::Currency;

use super::address;
use super::keys::{Key, Section};

/// Moonshot's balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Moonshot {
    /// A key, `sk-…`.
    pub api_key: Option<Secret>,
    /// A file that holds it.
    pub api_key_file: Option<PathBuf>,
    /// Where the API is; `https://api.moonshot.cn/v1/` for accounts there.
    pub api_base: BaseUrl,
    /// In which currency the account is, which the API does not say: `USD`, or `CNY` at `api.moonshot.cn`.
    #[schemars(with = "String")]
    pub currency: Currency,
}

impl Default for Moonshot {
    fn default() -> Self {
        Self {
            api_key: None,
            api_key_file: None,
            api_base: address("https://api.moonshot.ai/v1/"),
            currency: Currency::USD,
        }
    }
}

pub(super) const SECTION: Section = Section::of(&[
    Key::secret("moonshot.api_key", |config| config.moonshot.api_key.as_ref(), Form::Key("sk-"))
        .usual("MOONSHOT_API_KEY"),
    Key::receiver("moonshot.api_base", |config| {
        config.moonshot.api_key.as_ref().map(|_| config.moonshot.api_base.url())
    })
    .usual("MOONSHOT_API_BASE"),
]);
