//! SMS and WhatsApp, by Twilio.

use std::num::NonZeroU32;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::forms::Form;
use crate::config::secret::{BaseUrl, Phone, Secret};

use super::Config;
use super::keys::{Key, Need, Section};
use super::templates::WhatsappTemplates;

/// SMS and WhatsApp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Twilio {
    /// `AC` and 32 hexadecimal digits.
    pub account_sid: Option<String>,
    /// The account's token, which also signs webhooks.
    pub auth_token: Option<Secret>,
    /// A file that holds it.
    pub auth_token_file: Option<PathBuf>,
    /// `SK` and 32 hexadecimal digits: an API key in place of the token.
    pub api_key_sid: Option<String>,
    /// The API key's secret.
    pub api_key_secret: Option<Secret>,
    /// A file that holds it.
    pub api_key_secret_file: Option<PathBuf>,
    /// The number that messages come from, in E.164 form (`+15558675310`).
    pub from_number: Option<Phone>,
    /// `MG` and 32 hexadecimal digits, in place of a number.
    pub messaging_service_sid: Option<String>,
    /// The person's number.
    pub to_number: Option<Phone>,
    /// The WhatsApp sender's number.
    pub whatsapp_from: Option<Phone>,
    /// WhatsApp's approved templates, by kind of alert; without one a message arrives only within 24 hours of the person's
    /// last one.
    pub whatsapp_templates: WhatsappTemplates,
    /// How long an SMS may wait at Twilio before it is given up and the next channel is used, in seconds: at most 36,000,
    /// which it is where absent.
    pub validity_seconds: Option<NonZeroU32>,
    /// Where Twilio reaches us, for its callbacks: the address of the proxy before `listen`. Signatures are
    /// checked against it and not against what a request says of itself.
    pub public_url: Option<BaseUrl>,
    /// Where the API is.
    pub api_base: BaseUrl,
}

impl Default for Twilio {
    fn default() -> Self {
        Self {
            account_sid: None,
            auth_token: None,
            auth_token_file: None,
            api_key_sid: None,
            api_key_secret: None,
            api_key_secret_file: None,
            from_number: None,
            messaging_service_sid: None,
            to_number: None,
            whatsapp_from: None,
            whatsapp_templates: WhatsappTemplates::default(),
            validity_seconds: None,
            public_url: None,
            api_base: super::address("https://api.twilio.com/"),
        }
    }
}

pub(super) const SECTION: Section = Section::of(&[
    Key::text("twilio.account_sid", |config| config.twilio.account_sid.as_deref(), Form::Sid("AC"))
        .usual("TWILIO_ACCOUNT_SID"),
    Key::secret("twilio.auth_token", |config| config.twilio.auth_token.as_ref(), Form::Hex32)
        .usual("TWILIO_AUTH_TOKEN"),
    Key::text("twilio.api_key_sid", |config| config.twilio.api_key_sid.as_deref(), Form::Sid("SK"))
        .usual("TWILIO_API_KEY_SID"),
    Key::secret("twilio.api_key_secret", |config| config.twilio.api_key_secret.as_ref(), Form::Word)
        .usual("TWILIO_API_KEY_SECRET"),
    Key::text(
        "twilio.messaging_service_sid",
        |config| config.twilio.messaging_service_sid.as_deref(),
        Form::Sid("MG"),
    )
    .usual("TWILIO_MESSAGING_SERVICE_SID"),
    Key::phone("twilio.from_number", |config| config.twilio.from_number.as_ref()).usual("TWILIO_FROM_NUMBER"),
    Key::phone("twilio.to_number", |config| config.twilio.to_number.as_ref()).usual("TWILIO_TO_NUMBER"),
    Key::phone("twilio.whatsapp_from", |config| config.twilio.whatsapp_from.as_ref()),
    Key::receiver("twilio.api_base", |config| {
        let twilio = &config.twilio;
        let has_secret = twilio.auth_token.is_some() || twilio.api_key_secret.is_some();
        has_secret.then(|| twilio.api_base.url())
    })
    .usual("TWILIO_API_BASE"),
])
.with(needs);

fn needs(config: &Config) -> Vec<Need> {
    let twilio = &config.twilio;
    let has_account = twilio.account_sid.is_some();
    let has_key = twilio.api_key_sid.is_some() || twilio.api_key_secret.is_some();
    let has_secret = twilio.auth_token.is_some() || has_key;
    let has_sender = twilio.from_number.is_some() || twilio.messaging_service_sid.is_some();
    vec![
        (has_secret && !has_account, "twilio.account_sid", "there is a token or an API key, and no account"),
        (has_account && !has_secret, "twilio.auth_token", "there is an account, and no token or API key"),
        (
            twilio.api_key_sid.is_some() != twilio.api_key_secret.is_some(),
            "twilio.api_key_secret",
            "one half of an API key is set and not the other",
        ),
        (has_account && !has_sender, "twilio.from_number", "there is nothing that messages could come from"),
        (
            !twilio.whatsapp_templates.is_empty() && twilio.whatsapp_from.is_none(),
            "twilio.whatsapp_from",
            "there are templates for WhatsApp, and no sender",
        ),
        (
            has_account && twilio.to_number.is_none(),
            "twilio.to_number",
            "there is nobody to send messages to",
        ),
        (
            twilio.public_url.is_some() && has_account && twilio.auth_token.is_none(),
            "twilio.auth_token",
            "callbacks are signed with the account's token, and there is only an API key",
        ),
    ]
}
