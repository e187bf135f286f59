//! The forms that keys, ids and numbers have. A value of the wrong form starts nothing and stops nothing: the
//! part that needs it is not configured, and `mecris doctor` says what is wrong.
//!
//! Sources: Twilio's API reference (SIDs are two letters and 32 hexadecimal digits), ITU-T E.164,
//! Anthropic's console (`sk-ant-api…`, `sk-ant-admin…`), Beeminder's API reference.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::secret::may_carry_secrets;
use super::{BaseUrl, Config, EmailAddress, Login, Phone, PrivateUrl, Secret};

/// Reads a secret from the settings.
pub type SecretOf = fn(&Config) -> Option<&Secret>;

/// Every secret, by its key.
pub const SECRETS: &[(&str, SecretOf)] = &[
    ("telemetry.headers", |config| config.telemetry.headers.as_ref()),
    ("beeminder.token", |config| config.beeminder.token.as_ref()),
    ("twilio.auth_token", |config| config.twilio.auth_token.as_ref()),
    ("twilio.api_key_secret", |config| config.twilio.api_key_secret.as_ref()),
    ("ntfy.token", |config| config.ntfy.token.as_ref()),
    ("webhook.secret", |config| config.webhook.secret.as_ref()),
    ("email.password", |config| config.email.password.as_ref()),
    ("anthropic.api_key", |config| config.anthropic.api_key.as_ref()),
    ("anthropic.admin_key", |config| config.anthropic.admin_key.as_ref()),
    ("openai.admin_key", |config| config.openai.admin_key.as_ref()),
    ("openrouter.api_key", |config| config.openrouter.api_key.as_ref()),
    ("deepseek.api_key", |config| config.deepseek.api_key.as_ref()),
    ("moonshot.api_key", |config| config.moonshot.api_key.as_ref()),
];

/// Reads a telephone number from the settings.
pub type PhoneOf = fn(&Config) -> Option<&Phone>;

/// Every telephone number, by its key.
pub const PHONES: &[(&str, PhoneOf)] = &[
    ("twilio.from_number", |config| config.twilio.from_number.as_ref()),
    ("twilio.to_number", |config| config.twilio.to_number.as_ref()),
    ("twilio.whatsapp_from", |config| config.twilio.whatsapp_from.as_ref()),
];

/// A value of the wrong form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongForm {
    /// The key.
    pub key: &'static str,
    /// What is wrong, without the value: it may be a secret in the wrong place.
    pub detail: String,
    /// The mend.
    pub fix: &'static str,
}

/// Every value that has not the form it must have.
#[must_use]
pub fn wrong_forms(config: &Config) -> Vec<WrongForm> {
    let mut wrong = Vec::new();
    let mut hold = |key, value: Option<&str>, form: Form| {
        if let Some(value) = value
            && let Err(detail) = form.check(value)
        {
            wrong.push(WrongForm { key, detail, fix: form.fix() });
        }
    };
    let (twilio, anthropic) = (&config.twilio, &config.anthropic);
    let secret = |secret: &'_ Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
    hold("telemetry.headers", secret(&config.telemetry.headers).as_deref(), Form::Headers);
    hold("beeminder.token", secret(&config.beeminder.token).as_deref(), Form::BeeminderToken);
    hold("beeminder.username", Some(&config.beeminder.username), Form::Username);
    hold("twilio.account_sid", twilio.account_sid.as_deref(), Form::Sid("AC"));
    hold("twilio.auth_token", secret(&twilio.auth_token).as_deref(), Form::Hex32);
    hold("twilio.api_key_sid", twilio.api_key_sid.as_deref(), Form::Sid("SK"));
    hold("twilio.api_key_secret", secret(&twilio.api_key_secret).as_deref(), Form::Word);
    hold("twilio.messaging_service_sid", twilio.messaging_service_sid.as_deref(), Form::Sid("MG"));
    for (key, phone) in PHONES {
        hold(key, phone(config).map(Phone::expose), Form::E164);
    }
    let url = |url: &'_ Option<PrivateUrl>| url.as_ref().map(|url| url.expose().path().to_owned());
    hold("ntfy.url", url(&config.ntfy.url).as_deref(), Form::Topic);
    hold("ntfy.token", secret(&config.ntfy.token).as_deref(), Form::NtfyToken);
    hold("webhook.secret", secret(&config.webhook.secret).as_deref(), Form::SigningSecret);
    let email = &config.email;
    hold("email.server", email.server.as_deref(), Form::Host);
    hold("email.username", email.username.as_ref().map(Login::expose), Form::Line);
    hold("email.password", secret(&email.password).as_deref(), Form::Line);
    hold("email.from", email.from.as_ref().map(EmailAddress::expose), Form::Email);
    hold("email.to", email.to.as_ref().map(EmailAddress::expose), Form::Email);
    hold("anthropic.api_key", secret(&anthropic.api_key).as_deref(), Form::AnthropicKey);
    hold("anthropic.admin_key", secret(&anthropic.admin_key).as_deref(), Form::AnthropicAdminKey);
    hold("openai.admin_key", secret(&config.openai.admin_key).as_deref(), Form::OpenAiAdminKey);
    hold("openrouter.api_key", secret(&config.openrouter.api_key).as_deref(), Form::Key("sk-or-"));
    hold("deepseek.api_key", secret(&config.deepseek.api_key).as_deref(), Form::Key("sk-"));
    hold("moonshot.api_key", secret(&config.moonshot.api_key).as_deref(), Form::Key("sk-"));
    wrong.extend(open_ways(config));
    wrong
}

/// Every address to which a secret would go, or that is one itself, where others could read it on its way.
fn open_ways(config: &Config) -> impl Iterator<Item = WrongForm> {
    let twilio = config.twilio.auth_token.is_some() || config.twilio.api_key_secret.is_some();
    let anthropic = config.anthropic.api_key.is_some() || config.anthropic.admin_key.is_some();
    let base = |base: &BaseUrl| Some(base.url().clone());
    let private = |url: &Option<PrivateUrl>| url.as_ref().map(|url| url.expose().clone());
    let endpoint = config.telemetry.endpoint.as_ref().map(|endpoint| endpoint.url().clone());
    let ways = [
        ("beeminder.api_base", config.beeminder.token.is_some(), base(&config.beeminder.api_base)),
        ("twilio.api_base", twilio, base(&config.twilio.api_base)),
        ("anthropic.api_base", anthropic, base(&config.anthropic.api_base)),
        ("openai.api_base", config.openai.admin_key.is_some(), base(&config.openai.api_base)),
        ("openrouter.api_base", config.openrouter.api_key.is_some(), base(&config.openrouter.api_base)),
        ("deepseek.api_base", config.deepseek.api_key.is_some(), base(&config.deepseek.api_base)),
        ("moonshot.api_base", config.moonshot.api_key.is_some(), base(&config.moonshot.api_base)),
        ("telemetry.endpoint", config.telemetry.headers.is_some(), endpoint),
        // Whoever knows these addresses may write there.
        ("ntfy.url", true, private(&config.ntfy.url)),
        ("webhook.url", true, private(&config.webhook.url)),
    ];
    ways.into_iter().filter(|(_, has_secret, url)| {
        *has_secret && url.as_ref().is_some_and(|url| !may_carry_secrets(url))
    }).map(|(key, ..)| WrongForm {
        key,
        detail: "a secret would cross the network without encryption, so nothing is sent there".to_owned(),
        fix: "use an address that begins with https://, or one of this machine such as http://127.0.0.1:8080",
    })
}

#[derive(Debug, Clone, Copy)]
enum Form {
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
    fn check(self, value: &str) -> Result<(), String> {
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

    fn fix(self) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_form_is_named_and_no_value_is_shown() {
        let mut config = Config::default();
        assert_eq!(wrong_forms(&config), []);
        let secret = |text: &str| Some(Secret::new(text));
        config.beeminder.token = secret("two words here");
        config.beeminder.username = "a b".into();
        config.twilio.account_sid = Some("AC123".into());
        config.twilio.auth_token = secret("0123456789");
        config.twilio.api_key_sid = Some(format!("AC{}", "0".repeat(32)));
        config.twilio.api_key_secret = secret("x y");
        config.twilio.messaging_service_sid = Some("MG".into());
        config.twilio.from_number = Some(Phone::new("015558675310"));
        config.twilio.to_number = Some(Phone::new("+1 555 867 5310"));
        config.twilio.whatsapp_from = Some(Phone::new("+0123456789"));
        config.anthropic.api_key = secret("sk-ant-admin01-abcdefgh");
        config.anthropic.admin_key = secret("sk-ant-api03-abcdefgh");
        config.openai.admin_key = secret("sk-proj-marked");
        config.openrouter.api_key = secret("sk-marked");
        config.deepseek.api_key = secret("marked");
        config.moonshot.api_key = secret("sk-marked two");
        config.ntfy.url = Some(PrivateUrl::parse("https://ntfy.sh/a.topic").unwrap());
        config.ntfy.token = secret("marked-token");
        config.webhook.secret = secret("marked-short");
        config.email.server = Some("smtp://marked:25".into());
        config.email.username = Some(Login::new("marked\nname"));
        config.email.password = secret("marked\nword");
        config.email.from = Some(EmailAddress::new("marked at home"));
        config.email.to = Some(EmailAddress::new("Ada <marked@example.com>"));
        config.telemetry.headers = secret("marked");
        let wrong = wrong_forms(&config);
        assert_eq!(wrong.len(), 25, "{wrong:?}");
        let said = format!("{wrong:?}");
        for value in ["two words", "0123456789", "8675310", "abcdefgh", "marked", "a.topic"] {
            let in_a_fix = wrong.iter().filter(|wrong| wrong.fix.contains(value)).count();
            assert_eq!(said.matches(value).count(), in_a_fix, "{value}: {said}");
        }
    }

    #[test]
    fn right_forms_are_taken() {
        let mut config = Config::default();
        config.beeminder.token = Some(Secret::new("abcdefghijklmnopqrst"));
        config.twilio.account_sid = Some(format!("AC{}", "0a".repeat(16)));
        config.twilio.auth_token = Some(Secret::new(&"0a".repeat(16)));
        config.twilio.from_number = Some(Phone::new("+15005550006"));
        config.ntfy.url = Some(PrivateUrl::parse("https://ntfy.sh/mecris-9f3k2").unwrap());
        config.ntfy.token = Some(Secret::new("tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2"));
        config.webhook.secret = Some(Secret::new("0123456789abcdef"));
        config.email.server = Some("smtp.example.com".into());
        config.email.from = Some(EmailAddress::new("mecris@localhost"));
        config.email.to = Some(EmailAddress::new("ada+mecris@example.com"));
        config.anthropic.api_key = Some(Secret::new("sk-ant-api03-x"));
        config.anthropic.admin_key = Some(Secret::new("sk-ant-admin01-x"));
        config.openai.admin_key = Some(Secret::new("sk-admin-x_y"));
        config.openrouter.api_key = Some(Secret::new("sk-or-v1-0e6f"));
        config.deepseek.api_key = Some(Secret::new("sk-0e6f"));
        config.moonshot.api_key = Some(Secret::new("sk-0e6f"));
        config.telemetry.headers = Some(Secret::new("authorization=Basic YTpi==, x-team = mine"));
        assert_eq!(wrong_forms(&config), []);
    }
}
