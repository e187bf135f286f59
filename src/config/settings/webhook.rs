//! A webhook of the person's own.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::forms::Form;
use crate::config::private::PrivateUrl;
use crate::config::secret::Secret;

use super::keys::{Key, Section};

/// Signed JSON to an address of one's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Webhook {
    /// Where it is posted to.
    pub url: Option<PrivateUrl>,
    /// What the receiver checks the signature with: at least 16 characters.
    pub secret: Option<Secret>,
    /// A file that holds it.
    pub secret_file: Option<PathBuf>,
}

pub(super) const SECTION: Section = Section::of(&[
    Key::secret("webhook.secret", |config| config.webhook.secret.as_ref(), Form::SigningSecret),
    Key::private("webhook.url", |config| config.webhook.url.as_ref(), None),
])
.with(|config| {
    let (has_url, has_secret) = (config.webhook.url.is_some(), config.webhook.secret.is_some());
    vec![
        (has_secret && !has_url, "webhook.url", "there is a secret, and no address"),
        (has_url && !has_secret, "webhook.secret", "there is an address, and nothing to sign with"),
    ]
});
