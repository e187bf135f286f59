//! The aggregate of consent: which contacts may be messaged.

use std::convert::Infallible;

use jiff::Timestamp;

use crate::domain::code::{Code, Coded};
use crate::domain::consent::{By, ConsentChange, ConsentCommand, Consents, decide};
use crate::event::Event;
use crate::event::payload::ConsentChanged;
use crate::service::aggregate::repository::{Aggregate, CommandError, Fact, Next};

use super::contacts::ContactsError;

/// Why a consent decision was not recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConsentFailure {
    /// The number, or the contacts file.
    #[error(transparent)]
    Contacts(#[from] ContactsError),
    /// The command failed.
    #[error(transparent)]
    Command(#[from] CommandError<Infallible>),
}

impl Coded for ConsentFailure {
    fn code(&self) -> Code {
        match self {
            Self::Contacts(error) => error.code(),
            Self::Command(error) => error.code(),
        }
    }
}

/// Which of a tenant's contacts may be messaged.
pub struct ConsentAggregate;

impl Aggregate for ConsentAggregate {
    const STREAM: &'static str = "consent";
    const ACTOR: &'static str = "consent";

    type State = Consents;
    /// A contact's reference, the decision, and its origin.
    type Command = (String, ConsentCommand, By);
    type Change = ConsentChange;
    type Error = Infallible;

    fn decide(
        consents: &Consents,
        (contact, command, by): Self::Command,
        _: Timestamp,
    ) -> Result<Vec<ConsentChange>, Infallible> {
        Ok(decide(consents, &contact, command, by).into_iter().collect())
    }

    fn event(_: &Consents, change: &ConsentChange, next: &Next<'_>) -> Fact {
        next.fact(Event::ConsentChanged(ConsentChanged::from(change)))
    }

    fn label((_, command, _): &Self::Command) -> &'static str {
        match command {
            ConsentCommand::Grant => "grant-consent",
            ConsentCommand::Revoke => "revoke-consent",
        }
    }
}
