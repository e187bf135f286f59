//! What is known of single keys beyond their types: which are secrets, which form they must have, and under which name
//! other programs look for them. Each section of the settings says so of its own keys; [`SECTIONS`](super::SECTIONS)
//! lists the sections.

use reqwest::Url;

use crate::config::forms::Form;
use crate::config::private::PrivateUrl;
use crate::config::secret::{Phone, Secret, may_carry_secrets};

use super::{Config, SECTIONS};

/// What a section says of its keys.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    keys: &'static [Key],
    needs: fn(&Config) -> Vec<Need>,
}

/// Whether a key is missing, which, and what there is without it.
pub type Need = (bool, &'static str, &'static str);

impl Section {
    /// A section with these keys.
    pub(super) const fn of(keys: &'static [Key]) -> Self {
        Self { keys, needs: |_| Vec::new() }
    }

    /// The same, with keys that need each other.
    pub(super) const fn with(self, needs: fn(&Config) -> Vec<Need>) -> Self {
        Self { needs, ..self }
    }
}

/// A key of which more is known than its type.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Such as `beeminder.token`.
    pub name: &'static str,
    usual: Option<&'static str>,
    value: Value,
    form: Option<Form>,
}

/// How a key's value is read from the settings.
#[derive(Debug, Clone, Copy)]
enum Value {
    Text(fn(&Config) -> Option<&str>),
    Secret(fn(&Config) -> Option<&Secret>),
    Phone(fn(&Config) -> Option<&Phone>),
    /// An address that lets in whoever knows it; its form is that of its path.
    Private(fn(&Config) -> Option<&PrivateUrl>),
    /// An address, where a secret is sent to it.
    Receiver(fn(&Config) -> Option<&Url>),
}

impl Key {
    const fn new(name: &'static str, value: Value, form: Option<Form>) -> Self {
        Self { name, usual: None, value, form }
    }

    /// A text of this form.
    pub(super) const fn text(name: &'static str, value: fn(&Config) -> Option<&str>, form: Form) -> Self {
        Self::new(name, Value::Text(value), Some(form))
    }

    /// A secret of this form; `NAME_file` is a file that holds it.
    pub(super) const fn secret(
        name: &'static str,
        value: fn(&Config) -> Option<&Secret>,
        form: Form,
    ) -> Self {
        Self::new(name, Value::Secret(value), Some(form))
    }

    /// A telephone number.
    pub(super) const fn phone(name: &'static str, value: fn(&Config) -> Option<&Phone>) -> Self {
        Self::new(name, Value::Phone(value), Some(Form::E164))
    }

    /// An address that is as good as a secret.
    pub(super) const fn private(
        name: &'static str,
        value: fn(&Config) -> Option<&PrivateUrl>,
        form: Option<Form>,
    ) -> Self {
        Self::new(name, Value::Private(value), form)
    }

    /// An address that the section's secrets are sent to; none where none is set.
    pub(super) const fn receiver(name: &'static str, value: fn(&Config) -> Option<&Url>) -> Self {
        Self::new(name, Value::Receiver(value), None)
    }

    /// Other programs look for it in this variable.
    pub(super) const fn usual(self, variable: &'static str) -> Self {
        Self { usual: Some(variable), ..self }
    }

    /// Whether it is a secret.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        matches!(self.value, Value::Secret(_))
    }

    /// Whether it has a value.
    #[must_use]
    pub fn is_set(&self, config: &Config) -> bool {
        match self.value {
            Value::Receiver(address) => address(config).is_some(),
            _ => self.read(config).is_some(),
        }
    }

    /// Whether its values differ, also where both are shown alike because they are hidden.
    #[must_use]
    pub fn differs(&self, one: &Config, other: &Config) -> bool {
        match self.value {
            Value::Private(address) => address(one) != address(other),
            _ => self.read(one) != self.read(other),
        }
    }

    /// What its form is of.
    fn read<'a>(&self, config: &'a Config) -> Option<&'a str> {
        match self.value {
            Value::Text(text) => text(config),
            Value::Secret(secret) => secret(config).map(Secret::expose),
            Value::Phone(phone) => phone(config).map(Phone::expose),
            Value::Private(address) => address(config).map(|address| address.expose().path()),
            Value::Receiver(_) => None,
        }
    }

    /// The address to which a secret would go, or that is one itself.
    fn secret_goes_to<'a>(&self, config: &'a Config) -> Option<&'a Url> {
        match self.value {
            Value::Private(address) => address(config).map(PrivateUrl::expose),
            Value::Receiver(address) => address(config),
            _ => None,
        }
    }
}

/// All keys of which more is known.
pub fn all() -> impl Iterator<Item = &'static Key> {
    SECTIONS.iter().flat_map(|section| section.keys)
}

/// Where other programs look for the same things: a variable, and the key.
pub fn usual_names() -> impl Iterator<Item = (String, String)> {
    all().filter_map(|key| Some((key, key.usual?))).flat_map(|(key, variable)| {
        let file = key.is_secret().then(|| (format!("{variable}_FILE"), format!("{}_file", key.name)));
        std::iter::once((variable.to_owned(), key.name.to_owned())).chain(file)
    })
}

/// The keys that are missing beside others that are set: which, and what there is without it.
#[must_use]
pub fn missing(config: &Config) -> Vec<(&'static str, &'static str)> {
    let needs = SECTIONS.iter().flat_map(|section| (section.needs)(config));
    needs.filter(|(is_missing, ..)| *is_missing).map(|(_, key, there)| (key, there)).collect()
}

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

/// Every value that has not the form it must have, and every address where others could read a secret on its way.
#[must_use]
pub fn wrong_forms(config: &Config) -> Vec<WrongForm> {
    let wrong = |key: &'static Key| {
        let form = key.form?;
        let detail = form.check(key.read(config)?).err()?;
        Some(WrongForm { key: key.name, detail, fix: form.fix() })
    };
    let open = |key: &'static Key| {
        key.secret_goes_to(config).filter(|url| !may_carry_secrets(url)).map(|_| WrongForm {
            key: key.name,
            detail: "a secret would cross the network without encryption, so nothing is sent there".to_owned(),
            fix: "use an address that begins with https://, or one of this machine such as http://127.0.0.1:8080",
        })
    };
    all().filter_map(wrong).chain(all().filter_map(open)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::private::{EmailAddress, Login};

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
