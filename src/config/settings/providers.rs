//! The providers' official interfaces.

use std::num::NonZeroU64;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::secret::{BaseUrl, Secret};
use crate::domain::currency::Currency;

use super::{address, seconds};

/// How often providers' balances and reports are read, and how far back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Providers {
    /// How often they are read, in seconds; never more often than once a minute.
    pub poll_seconds: NonZeroU64,
    /// How many days of reports are read at first.
    pub backfill_days: u32,
}

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

impl Default for Providers {
    fn default() -> Self {
        Self { poll_seconds: seconds(900), backfill_days: 31 }
    }
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

impl Default for OpenAi {
    fn default() -> Self {
        Self { admin_key: None, admin_key_file: None, api_base: address("https://api.openai.com/v1/") }
    }
}

impl Default for OpenRouter {
    fn default() -> Self {
        Self { api_key: None, api_key_file: None, api_base: address("https://openrouter.ai/api/v1/") }
    }
}

impl Default for DeepSeek {
    fn default() -> Self {
        Self { api_key: None, api_key_file: None, api_base: address("https://api.deepseek.com/") }
    }
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
