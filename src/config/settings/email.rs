//! Mail by SMTP.

use std::num::NonZeroU16;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::forms::Form;
use crate::config::private::{EmailAddress, Login};
use crate::config::secret::{Secret, is_on_this_machine};

use super::Config;
use super::keys::{Key, Need, Section};

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

pub(super) const SECTION: Section = Section::of(&[
    Key::text("email.server", |config| config.email.server.as_deref(), Form::Host),
    Key::text("email.username", |config| config.email.username.as_ref().map(Login::expose), Form::Line),
    Key::secret("email.password", |config| config.email.password.as_ref(), Form::Line),
    Key::text("email.from", |config| config.email.from.as_ref().map(EmailAddress::expose), Form::Email),
    Key::text("email.to", |config| config.email.to.as_ref().map(EmailAddress::expose), Form::Email),
])
.with(needs);

fn needs(config: &Config) -> Vec<Need> {
    let email = &config.email;
    let has_server = email.server.is_some();
    let crosses_network = email.server.as_deref().is_some_and(|server| !is_on_this_machine(server));
    vec![
        (
            !has_server && (email.to.is_some() || email.username.is_some() || email.password.is_some()),
            "email.server",
            "there is an address or a login, and no mail server",
        ),
        (has_server && email.from.is_none(), "email.from", "there is nobody that mail could come from"),
        (has_server && email.to.is_none(), "email.to", "there is nobody to send mail to"),
        (
            email.username.is_some() && email.password.is_none(),
            "email.password",
            "there is a user name, and no password",
        ),
        (
            email.password.is_some() && email.username.is_none(),
            "email.username",
            "there is a password, and no user name",
        ),
        (
            email.tls == EmailTls::None && email.password.is_some() && crosses_network,
            "email.tls",
            "the password would cross the network without encryption",
        ),
    ]
}
