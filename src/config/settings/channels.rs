//! The channels by which a person is told.

use std::num::NonZeroU16;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::private::{EmailAddress, Login, PrivateUrl};
use crate::config::secret::{BaseUrl, Phone, Secret};

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
    /// Where Twilio reaches us, for its callbacks: the address of the proxy before `listen`. Signatures are
    /// checked against it and not against what a request says of itself.
    pub public_url: Option<BaseUrl>,
    /// Where the API is.
    pub api_base: BaseUrl,
}

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

/// Mail by SMTP.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Email {
    /// The mail server's name.
    pub server: Option<String>,
    /// Its port; where absent 465, 587 or 25, as `tls` says.
    pub port: Option<NonZeroU16>,
    /// See [`EmailTls`].
    pub tls: EmailTls,
    /// Who logs in; where absent nobody does.
    pub username: Option<Login>,
    /// The password; most providers want one made for this program.
    pub password: Option<Secret>,
    /// A file that holds it.
    pub password_file: Option<PathBuf>,
    /// Whom the mail is from.
    pub from: Option<EmailAddress>,
    /// The person's address.
    pub to: Option<EmailAddress>,
}

/// How the way to the mail server is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EmailTls {
    /// From the first byte on, on port 465 (RFC 8314, section 3).
    Implicit,
    /// By STARTTLS, on port 587; a server that does not offer it is not used.
    #[default]
    StartTls,
    /// Not at all, on port 25; only for a server on this machine where there is a password.
    None,
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
            public_url: None,
            api_base: super::address("https://api.twilio.com/"),
        }
    }
}
