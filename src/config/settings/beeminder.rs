//! Beeminder's goals.

use std::num::NonZeroU64;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::forms::Form;
use crate::config::secret::{BaseUrl, Secret};

use super::keys::{Key, Section};
use super::{address, seconds};

/// Beeminder's goals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Beeminder {
    /// The personal token of <https://www.beeminder.com/api/v1/auth_token.json>.
    pub token: Option<Secret>,
    /// A file that holds it.
    pub token_file: Option<PathBuf>,
    /// Whose goals; `me` is the token's owner.
    pub username: String,
    /// Where the API is.
    pub api_base: BaseUrl,
    /// How often goals are looked at, in seconds; more often when one is close to its deadline.
    pub poll_seconds: NonZeroU64,
}

impl Default for Beeminder {
    fn default() -> Self {
        Self {
            token: None,
            token_file: None,
            username: "me".to_owned(),
            api_base: address("https://www.beeminder.com/api/v1/"),
            poll_seconds: seconds(300),
        }
    }
}

pub(super) const SECTION: Section = Section::of(&[
    Key::secret("beeminder.token", |config| config.beeminder.token.as_ref(), Form::BeeminderToken)
        .usual("BEEMINDER_AUTH_TOKEN"),
    Key::text("beeminder.username", |config| Some(&config.beeminder.username), Form::Username)
        .usual("BEEMINDER_USERNAME"),
    Key::receiver("beeminder.api_base", |config| {
        config.beeminder.token.as_ref().map(|_| config.beeminder.api_base.url())
    })
    .usual("BEEMINDER_API_BASE"),
]);
