//! Carries messages out of the house, and looks for those of which nothing is known.

use jiff::Timestamp;

use crate::config::{Loaded, Phone};
use crate::domain::alert::step::{Sending, digest};
use crate::domain::alert::{Channel, Delivery, Outcome};
use crate::integration::resilience::OutsideError;
use crate::integration::twilio::{Credentials, Outgoing, Sender, Twilio};
use crate::service::pacemaker::{breaker_listener, policy, state_after, wrong_settings};
use crate::service::sources::Sources;

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

/// What came of looking for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// It was taken, under this id.
    Found(String),
    /// It was not.
    NotThere,
    /// It could not be looked for.
    Unknown,
}

/// The clients that the settings name; cheap to clone.
#[derive(Clone)]
pub struct Courier {
    twilio: Option<Twilio>,
    sms_from: Option<Sender>,
    whatsapp_from: Option<Sender>,
    sources: Sources,
}

impl Courier {
    /// The clients that the settings name.
    #[must_use]
    pub fn new(loaded: &Loaded, sources: &Sources) -> Self {
        let twilio = &loaded.config.twilio;
        let client = Credentials::of(twilio)
            .filter(|_| wrong_settings(loaded, "twilio.").is_none())
            .and_then(|credentials| {
                Twilio::new(twilio, credentials, policy(loaded), breaker_listener(sources)).ok()
            });
        let number = |phone: &Phone| Sender::Number(phone.expose().to_owned());
        Self {
            twilio: client,
            sms_from: twilio
                .messaging_service_sid
                .clone()
                .map(Sender::Service)
                .or_else(|| twilio.from_number.as_ref().map(number)),
            whatsapp_from: twilio
                .whatsapp_from
                .as_ref()
                .map(|phone| Sender::Number(format!("whatsapp:{}", phone.expose()))),
            sources: sources.clone(),
        }
    }

    /// Sends a message, once.
    pub async fn send(&self, sending: &Sending, number: Option<&Phone>) -> Report {
        let from = match sending.channel {
            Channel::Sms => self.sms_from.clone(),
            Channel::Whatsapp => self.whatsapp_from.clone(),
            Channel::Ntfy | Channel::Webhook | Channel::Email => None,
        };
        let (Some(client), Some(from), Some(number)) = (&self.twilio, from, number) else {
            return unsent("the channel is not set up any more", None);
        };
        let message = Outgoing {
            to: address(sending.channel, number),
            from,
            body: sending.text.clone(),
            status_callback: None,
        };
        match client.send(&message).await {
            Ok(message) => Report::Ended(Outcome::Accepted { id: message.sid }),
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&self, error: &OutsideError) -> Report {
        if error.is_refused_key() {
            let system = crate::integration::twilio::SYSTEM;
            self.sources.failed(system, state_after(error), &error.to_string(), None);
        }
        match error {
            error if error.may_have_been_sent() => Report::Unknown,
            OutsideError::Rejected { code, .. } => {
                let outcome = Outcome::Refused { reason: error.kind().to_owned(), code: *code };
                if *code == Some(21_610) { Report::OptedOut(outcome) } else { Report::Ended(outcome) }
            }
            OutsideError::NotFound { .. } | OutsideError::Invalid { .. } => {
                Report::Ended(Outcome::Refused { reason: error.kind().to_owned(), code: None })
            }
            error => unsent(error.kind(), None),
        }
    }

    /// Looks for the message of an attempt that began at `since`, by its recipient and its text's digest.
    pub async fn look_for(
        &self,
        channel: Channel,
        number: Option<&Phone>,
        sent: [u8; 8],
        since: Timestamp,
    ) -> Sought {
        let (Some(client), Some(number)) = (&self.twilio, number) else { return Sought::Unknown };
        match client.sent_to(&address(channel, number), since).await {
            Ok(messages) => {
                let found = messages.into_iter().find(|message| digest(&message.body) == sent);
                found.map_or(Sought::NotThere, |message| Sought::Found(message.sid))
            }
            Err(_) => Sought::Unknown,
        }
    }

    /// What became of a message that was taken; none where that is not settled, or cannot be told.
    pub async fn delivery(&self, id: &str) -> Option<Delivery> {
        let message = self.twilio.as_ref()?.message(id).await.ok()?;
        match message.status.as_str() {
            "delivered" | "read" => Some(Delivery::Delivered),
            "undelivered" | "failed" | "canceled" => {
                Some(Delivery::Undelivered { code: message.error_code, may_retry: false })
            }
            _ => None,
        }
    }
}

fn address(channel: Channel, number: &Phone) -> String {
    match channel {
        Channel::Whatsapp => format!("whatsapp:{}", number.expose()),
        _ => number.expose().to_owned(),
    }
}

fn unsent(reason: &str, code: Option<u32>) -> Report {
    Report::Ended(Outcome::Unsent { reason: reason.to_owned(), code })
}
