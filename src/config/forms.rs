//! The forms that keys, ids and numbers have. A value of the wrong form starts nothing and stops nothing: the
//! part that needs it is not configured, and `mecris doctor` says what is wrong.
//!
//! Sources: Twilio's API reference (SIDs are two letters and 32 hexadecimal digits), ITU-T E.164,
//! Anthropic's console (`sk-ant-api…`, `sk-ant-admin…`), Beeminder's API reference.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// What a text must look like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Headers,
    BeeminderToken,
    Username,
    Sid(&'static str),
    Hex32,
    Word,
    E164,
    Topic,
    NtfyToken,
    SigningSecret,
    Host,
    Line,
    Email,
    AnthropicKey,
    AnthropicAdminKey,
    OpenAiAdminKey,
    Key(&'static str),
}

impl Form {
    /// Holds a text against it; what is wrong is said without the text.
    pub(super) fn check(self, value: &str) -> Result<(), String> {
        let is_hex = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_word = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let length = value.chars().count();
        match self {
            Self::Headers if headers_of(value).is_none() => {
                Err("it must be name=value, and commas between several".into())
            }
            Self::BeeminderToken if !is_word(value) || length < 8 => {
                Err(format!("a token is one word of letters and digits; this has {length} characters"))
            }
            Self::Username if !is_word(value) => Err("a user name is one word".into()),
            Self::Sid(prefix) if !value.strip_prefix(prefix).is_some_and(is_hex) => {
                Err(format!("it must be {prefix} and 32 hexadecimal digits; this has {length} characters"))
            }
            Self::Hex32 if !is_hex(value) => {
                Err(format!("it must be 32 hexadecimal digits; this has {length} characters"))
            }
            Self::Word if !is_word(value) => Err("it must be one word of letters and digits".into()),
            Self::E164 if !is_e164(value) => {
                Err("it must be '+', the country and the number: 8 to 15 digits and nothing else".into())
            }
            Self::Topic if topic_of(value).is_none() => {
                Err("it must end in a topic: up to 64 letters, digits, '-' and '_'".into())
            }
            Self::NtfyToken if !value.starts_with("tk_") || !is_word(value) => {
                Err("an access token begins with tk_".into())
            }
            Self::SigningSecret if length < SIGNING_SECRET_MIN => {
                Err(format!("it must have at least {SIGNING_SECRET_MIN} characters; this has {length}"))
            }
            Self::Host if !is_host(value) => {
                Err("it must be a name or an address, without a scheme or a port".into())
            }
            Self::Line if value.is_empty() || value.chars().any(char::is_control) => {
                Err("it must be one line of text".into())
            }
            Self::Email if value.parse::<lettre::Address>().is_err() => {
                Err("it must be a name, '@' and a domain, and nothing else".into())
            }
            Self::AnthropicKey if value.starts_with("sk-ant-admin") => Err("this is an admin key".into()),
            Self::AnthropicKey if !value.starts_with("sk-ant-") => Err("keys begin with sk-ant-".into()),
            Self::AnthropicAdminKey if !value.starts_with("sk-ant-admin") => Err(
                "admin keys begin with sk-ant-admin; an ordinary key cannot read an organisation's reports"
                    .into(),
            ),
            Self::OpenAiAdminKey if !value.starts_with("sk-admin-") || !is_word(value) => {
                Err("admin keys begin with sk-admin-; a project's key cannot read an organisation's costs"
                    .into())
            }
            Self::Key(prefix) if !value.starts_with(prefix) || !is_word(value) => {
                Err(format!("its keys begin with {prefix} and are one word"))
            }
            _ => Ok(()),
        }
    }

    /// The mend.
    pub(super) fn fix(self) -> &'static str {
        match self {
            Self::Headers => "write it as authorization=Bearer 0000, or as the collector's provider says",
            Self::BeeminderToken => "copy auth_token from https://www.beeminder.com/api/v1/auth_token.json",
            Self::Username => "use your Beeminder user name, or 'me'",
            Self::Sid("AC") | Self::Hex32 => "copy it from the account's page at https://console.twilio.com",
            Self::Sid("SK") | Self::Word => {
                "make an API key at https://console.twilio.com and copy both parts"
            }
            Self::Sid(_) => "copy it from Messaging > Services at https://console.twilio.com",
            Self::E164 => "write it as +15558675310",
            Self::Topic => "write it as https://ntfy.sh/a-topic-nobody-guesses",
            Self::NtfyToken => "make one under Account, Access tokens, in the server's web app",
            Self::SigningSecret => "make one with: openssl rand -hex 32",
            Self::Host => "write it as smtp.example.com, and the port in email.port",
            Self::Line => "copy it anew from your mail provider's settings",
            Self::Email => "write it as ada@example.com",
            Self::AnthropicKey => "put admin keys into anthropic.admin_key, ordinary ones here",
            Self::AnthropicAdminKey => {
                "put ordinary keys into anthropic.api_key; organisations make admin keys in their console"
            }
            Self::OpenAiAdminKey => {
                "an owner makes one at https://platform.openai.com/settings/organization/admin-keys"
            }
            Self::Key(_) => "copy it anew from the provider's page of keys",
        }
    }
}

/// Fewer characters can be guessed.
const SIGNING_SECRET_MIN: usize = 16;

/// The topic at the end of an ntfy address's path (`^[-_A-Za-z0-9]{1,64}$` in ntfy's server).
#[must_use]
pub fn topic_of(path: &str) -> Option<&str> {
    let topic = path.rsplit('/').next().unwrap_or_default();
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    ((1..=64).contains(&topic.len()) && topic.bytes().all(is_fit)).then_some(topic)
}

/// The headers that a text of names and values is; none where it is no such text.
#[must_use]
pub fn headers_of(text: &str) -> Option<HeaderMap> {
    let header = |part: &str| {
        let (name, value) = part.split_once('=')?;
        let mut value = HeaderValue::from_str(value.trim()).ok().filter(|value| !value.is_empty())?;
        value.set_sensitive(true);
        Some((name.trim().parse::<HeaderName>().ok()?, value))
    };
    text.split(',').map(header).collect()
}

fn is_host(text: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_address = text.parse::<std::net::IpAddr>().is_ok();
    is_address || (!text.is_empty() && text.len() <= 253 && text.bytes().all(is_fit))
}

/// Whether a text is a telephone number in E.164 form: `+`, then 8 to 15 digits, the first not 0.
#[must_use]
pub fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (8..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}
