//! What the faces send in and get back about alerts and consent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::forms::is_e164;
use crate::config::{Config, Phone};
use crate::domain::alert::step::Hold;
use crate::domain::consent::{By, ConsentCommand, Consents};
use crate::view::alerts::AlertLine;

use super::contacts::{Contacts, ContactsError};

/// The alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertsShown {
    /// The worst of those that last first; then, where all were asked for, those that are over.
    pub alerts: Vec<AlertLine>,
}

/// Who may be written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsentsShown {
    /// By reference.
    pub contacts: Vec<ConsentLine>,
}

/// A number and what was decided about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsentLine {
    /// The reference by which events name it.
    pub contact: String,
    /// The number's last two digits; null where the number was removed.
    #[schema(example = "…10")]
    pub number: Option<String>,
    /// Whether it may be written to.
    pub is_granted: bool,
    /// Who decided: `person`, `message` or `carrier`.
    #[schema(value_type = String)]
    pub by: By,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// A decision about a number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentBody {
    /// In E.164 form; the configured one where absent.
    #[serde(default)]
    #[schema(value_type = Option<crate::service::runtime::forms::PhoneNumber>)]
    pub number: Option<String>,
    /// Whether it may be written to.
    pub grant: bool,
}

/// Without the number.
impl std::fmt::Debug for ConsentBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsentBody").field("grant", &self.grant).finish_non_exhaustive()
    }
}

impl ConsentBody {
    /// The number that is meant, and the command.
    ///
    /// # Errors
    /// [`ContactsError::NoNumber`], [`ContactsError::Form`].
    pub fn resolve(&self, config: &Config) -> Result<(Phone, ConsentCommand), ContactsError> {
        let command = if self.grant { ConsentCommand::Grant } else { ConsentCommand::Revoke };
        let named = self.number.as_deref().map(Phone::new);
        let number = named.or_else(|| config.twilio.to_number.clone()).ok_or(ContactsError::NoNumber)?;
        check_number(&number)?;
        Ok((number, command))
    }

    /// Whether it makes sense, whatever is recorded: the command line asks this before it asks a supervisor, so that a mistake is
    /// told in the same words with one and without.
    ///
    /// # Errors
    /// [`ContactsError::Form`].
    pub fn check(&self) -> Result<(), ContactsError> {
        self.number.as_deref().map_or(Ok(()), |number| check_number(&Phone::new(number)))
    }
}

fn check_number(number: &Phone) -> Result<(), ContactsError> {
    if is_e164(number.expose()) { Ok(()) } else { Err(ContactsError::Form(number.masked())) }
}

/// Who may be written to. Blocks.
///
/// # Errors
/// [`ContactsError::File`].
pub fn consents_shown(consents: &Consents, contacts: &Contacts) -> Result<ConsentsShown, ContactsError> {
    let numbers = contacts.all()?;
    let line = |(contact, consent): (&String, &crate::domain::consent::Consent)| ConsentLine {
        contact: contact.clone(),
        number: numbers.get(contact).map(Phone::masked),
        is_granted: consent.is_granted,
        by: consent.by,
        at: consent.at,
    };
    Ok(ConsentsShown { contacts: consents.iter().map(line).collect() })
}

/// What an alert waits for, in words.
#[must_use]
pub fn words(hold: Hold) -> String {
    match hold {
        Hold::Quiet(until) => format!("quiet hours, until {until}"),
        Hold::Throttled(until) => format!("told today already, until {until}"),
        Hold::Limited(until) => format!("the limit of messages, until {until}"),
        Hold::Waiting(until) => format!("the next try, at {until}"),
        Hold::NoChannel => {
            "a channel: none is set up and allowed; see `mecris doctor`, `mecris consent`".into()
        }
        Hold::Unknown => "news: whether it still is so is not known".into(),
    }
}
