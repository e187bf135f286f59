//! What an alert channel is. Each channel's own file says how it is made of the settings, how it sends, and how it is
//! asked whether it works; [`CHANNELS`](super::CHANNELS) lists them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::config::{Config, Phone};
use crate::domain::alert::step::OutgoingMessage;
use crate::domain::alert::{Channel, Delivery, Outcome};

pub use super::finding::{Finding, Verified};
use super::official::Asking;
use super::resilience::{Class, OnBreaker, OutsideError, Policy};

/// A system that carries alerts to the person.
#[derive(Debug)]
pub struct ChannelKind {
    /// The system's name in sources, spans and errors, and of its table in the settings.
    pub system: &'static str,
    /// The channels that it serves.
    pub channels: &'static [Channel],
    /// The settings that switch it on, for people.
    pub configure: &'static str,
    /// Whether an actor of its own asks it now and then; else what it last answered is its state.
    pub is_polled: bool,
    /// Makes it of the settings, if they name it.
    pub client: fn(&Config, Policy, OnBreaker) -> Option<Made>,
}

/// A channel's client, or why it cannot be made.
pub type Made = Result<Box<dyn AlertChannel>, OutsideError>;

/// A channel with its settings.
pub trait AlertChannel: Send + Sync {
    /// Whether it can send on this one of its kind's channels.
    fn serves(&self, _channel: Channel) -> bool {
        true
    }

    /// Sends a message, once: under which id the channel took it. None where it cannot send this one.
    fn send<'a>(&'a self, letter: &'a Outbound<'a>) -> Asking<'a, Option<Result<String, OutsideError>>>;

    /// What is known of a message whose sending ended like this.
    fn after(&self, error: &OutsideError) -> Report {
        match error.class() {
            Class::Permanent => Report::refused(error),
            _ => Report::unsent(error.kind(), error.code()),
        }
    }

    /// Looks for a message whose outcome is not known. A channel that takes an idempotency key has nothing to look for:
    /// the message is sent again under the same one.
    fn look_for<'a>(&'a self, _lost: &'a Lost<'a>) -> Asking<'a, LookupResult> {
        Box::pin(std::future::ready(LookupResult::NotThere))
    }

    /// What became of a message that was taken; none where that is not settled, or cannot be told.
    fn delivery<'a>(&'a self, _id: &'a str) -> Asking<'a, Option<Delivery>> {
        Box::pin(std::future::ready(None))
    }

    /// Asks one cheap question; none where it answers nothing but a message.
    fn verify(&self) -> Option<Asking<'_, Verified>> {
        None
    }
}

/// A message on its way out.
#[derive(Debug)]
pub struct Outbound<'a> {
    /// What is sent.
    pub sending: &'a OutgoingMessage,
    /// The idempotency key: the same for every try of one round on one channel, and no other.
    pub key: String,
    /// Its recipient's number, where there is one.
    pub number: Option<&'a Phone>,
}

impl Outbound<'_> {
    /// One line for people.
    #[must_use]
    pub fn title(&self) -> String {
        format!("Mecris: {} {}", self.sending.key.kind.word(), self.sending.key.subject)
    }
}

/// A message of which it is not known whether it was sent.
#[derive(Debug)]
pub struct Lost<'a> {
    /// On which channel.
    pub channel: Channel,
    /// To whom.
    pub number: Option<&'a Phone>,
    /// The first bytes of its text's hash.
    pub digest: [u8; 8],
    /// How its text ends: the alert's number and round.
    pub reference: &'a str,
    /// When its attempt began.
    pub since: Timestamp,
    /// The ids of other attempts' messages.
    pub known: &'a BTreeSet<String>,
}

/// What is known of a message after a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// Its end.
    Ended(Outcome),
    /// It was refused because the number's owner has opted out.
    OptedOut(Outcome),
    /// Whether it was sent is not known.
    Unknown,
}

impl Report {
    /// It was not sent, and may be sent again.
    #[must_use]
    pub fn unsent(reason: &str, code: Option<u32>) -> Self {
        Self::Ended(Outcome::Unsent { reason: reason.to_owned(), code })
    }

    /// It was refused for good.
    #[must_use]
    pub fn refused(error: &OutsideError) -> Self {
        Self::Ended(Outcome::Refused { reason: error.kind().to_owned(), code: error.code() })
    }
}

/// What came of looking for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupResult {
    /// It was taken, under this id.
    Found(String),
    /// It was not, or may be sent again under the same key.
    NotThere,
    /// It could not be looked for.
    Unknown,
}

/// A client of its own type as any channel's.
pub(super) fn boxed<T: AlertChannel + 'static>(made: Result<Option<T>, OutsideError>) -> Option<Made> {
    made.transpose().map(|made| made.map(|client| Box::new(client) as Box<dyn AlertChannel>))
}
