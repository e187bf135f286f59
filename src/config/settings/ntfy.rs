//! Notifications by ntfy.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::forms::Form;
use crate::config::private::PrivateUrl;
use crate::config::secret::Secret;

use super::keys::{Key, Section};

/// Notifications by an ntfy server, ntfy.sh or one's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ntfy {
    /// The topic's address, such as `https://ntfy.sh/mecris-9f3k2`. Whoever knows a topic can read it.
    pub url: Option<PrivateUrl>,
    /// An access token, `tk_…`, where the server wants one.
    pub token: Option<Secret>,
    /// A file that holds it.
    pub token_file: Option<PathBuf>,
}

pub(super) const SECTION: Section = Section::of(&[
    Key::private("ntfy.url", |config| config.ntfy.url.as_ref(), Some(Form::Topic)),
    Key::secret("ntfy.token", |config| config.ntfy.token.as_ref(), Form::NtfyToken),
])
.with(|config| {
    let ntfy = &config.ntfy;
    vec![(ntfy.token.is_some() && ntfy.url.is_none(), "ntfy.url", "there is a token, and no topic")]
});
