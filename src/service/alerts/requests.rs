//! Requests and responses about alerts and consent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::forms::is_e164;
use crate::config::{Config, Phone};
use crate::domain::alert::Kind;
use crate::domain::alert::step::HoldReason;
use crate::domain::consent::{By, ConsentCommand, Consents};
use crate::integration::twilio::Credentials;
use crate::view::alerts::{AlertLine, AttemptLine};

use super::contacts::{Contacts, ContactsError};

/// The alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertsShown {
    /// Open alerts, worst first; then, if all were requested, resolved ones.
    pub alerts: Vec<AlertLine>,
}

/// Which contacts may be messaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsentsShown {
    /// By reference.
    pub contacts: Vec<ConsentLine>,
}

/// A number and the latest consent decision about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsentLine {
    /// The reference that events use for the number.
    pub contact: String,
    /// The last two digits; null if the number was deleted.
    #[schema(example = "…10")]
    pub number: Option<String>,
    /// Whether it may be messaged.
    pub is_granted: bool,
    /// Origin of the decision: `person`, `message` or `carrier`.
    #[schema(value_type = String)]
    pub by: By,
    /// When the decision was made.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// A consent decision about a number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentBody {
    /// E.164 form; the configured number if absent.
    #[serde(default)]
    #[schema(value_type = Option<crate::service::runtime::forms::PhoneNumber>)]
    pub number: Option<String>,
    /// Whether the number may be messaged.
    pub grant: bool,
}

/// Hides the number.
impl std::fmt::Debug for ConsentBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsentBody").field("grant", &self.grant).finish_non_exhaustive()
    }
}

impl ConsentBody {
    /// The number, and the command.
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

    /// Validates the request without reading the log. The command line calls this before it contacts a supervisor, so
    /// that the error is the same with one and without.
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

/// Consent by contact. Blocks.
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

/// What an alert waits for, in words. Where it has no channel: consent if that is all that is missing, or another channel if
/// every one that is there has failed.
#[must_use]
pub fn waits_for(alert: &AlertLine, hold: HoldReason, config: &Config, consents: &Consents) -> String {
    let has_failed = |attempt: &AttemptLine| matches!(attempt.state.as_str(), "refused" | "undelivered");
    let all_failed = !alert.attempts.is_empty() && alert.attempts.iter().all(has_failed);
    let has_telephone = Credentials::of(&config.twilio).is_some() && config.twilio.to_number.is_some();
    let has_consent = consents.iter().any(|(_, consent)| consent.is_granted);
    match hold {
        HoldReason::NoChannel if alert.kind == Kind::Channel => {
            "a channel: none but the one that failed is set up and allowed; set up another one".to_owned()
        }
        HoldReason::NoChannel if has_telephone && !has_consent => {
            "a channel: messages to your number wait for consent, which `mecris consent grant` gives"
                .to_owned()
        }
        HoldReason::NoChannel if all_failed => {
            "another channel: every one that is set up failed; mend one, or set up another one".to_owned()
        }
        other => words(other),
    }
}

/// Why an alert waits, in words.
#[must_use]
pub fn words(hold: HoldReason) -> String {
    match hold {
        HoldReason::Quiet(until) => format!("quiet hours, until {until}"),
        HoldReason::Throttled(until) => format!("told today already, until {until}"),
        HoldReason::Limited(until) => format!("the limit of messages, until {until}"),
        HoldReason::Waiting(until) => format!("the next try, at {until}"),
        HoldReason::NoChannel => {
            "a channel: none is set up and allowed; see `mecris doctor`, `mecris consent`".into()
        }
        HoldReason::Unknown => "news: whether it still is so is not known".into(),
    }
}
