//! Carries messages out of the house, and looks for those of which nothing is known.
//!
//! Twilio knows no idempotency key, so a message whose outcome is not known is looked for. The others are given
//! one for each round of telling, so that their receivers can tell the same thing told twice, and are told again.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::config::{Loaded, Phone};
use crate::domain::alert::step::{Sending, digest};
use crate::domain::alert::{Channel, Delivery, Outcome, Severity};
use crate::event::{EventId, TenantId};
use crate::integration::email::{self, Email, Letter};
use crate::integration::ntfy::{self, Notification, Ntfy, Priority};
use crate::integration::resilience::{Class, OutsideError, Policy};
use crate::integration::twilio::webhook::STATUS_PATH;
use crate::integration::twilio::{
    self, Credentials, Message, MessageStatus, Outgoing, Sender, Twilio, codes,
};
use crate::integration::webhook::{self, Webhook};
use crate::service::runtime::poller::{breaker_listener, policy, state_after, wrong_settings};
use crate::service::runtime::sources::{SourceState, Sources};

/// Channels are asked when there is something to tell: their last answer is never too old.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(24 * 365 * 10);

/// So far may Twilio's clock be behind ours: a message that it took after ours began may seem older than that.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(30);

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
pub enum LookupResult {
    /// It was taken, under this id.
    Found(String),
    /// It was not, or may be sent again under the same key.
    NotThere,
    /// It could not be looked for.
    Unknown,
}

/// The clients that the settings name; cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    tenant: TenantId,
    sources: Sources,
    twilio: Option<Twilio>,
    sms_from: Option<Sender>,
    whatsapp_from: Option<Sender>,
    status_callback: Option<String>,
    ntfy: Option<Ntfy>,
    webhook: Option<Webhook>,
    email: Option<Email>,
}

impl Dispatcher {
    /// The clients that the settings name.
    #[must_use]
    pub fn new(loaded: &Loaded, tenant: TenantId, sources: &Sources) -> Self {
        let config = &loaded.config;
        let twilio = &config.twilio;
        let right = |prefix: &str| wrong_settings(loaded, prefix).is_none();
        let listener = || breaker_listener(sources);
        // One try each: whether there is another one is decided anew, on what is true then.
        let policy = Policy { tries: 1, ..policy(loaded) };
        let client = Credentials::of(twilio)
            .filter(|_| right("twilio."))
            .and_then(|credentials| Twilio::new(twilio, credentials, policy, listener()).ok());
        let number = |phone: &Phone| Sender::Number(phone.expose().to_owned());
        let dispatcher = Self {
            tenant,
            sources: sources.clone(),
            twilio: client,
            sms_from: twilio
                .messaging_service_sid
                .clone()
                .map(Sender::Service)
                .or_else(|| twilio.from_number.as_ref().map(number)),
            whatsapp_from: twilio
                .whatsapp_from
                .as_ref()
                .map(|phone| Sender::Number(twilio::on_whatsapp(phone.expose()))),
            // Without the token a callback could not be told from a forged one.
            status_callback: twilio
                .public_url
                .as_ref()
                .filter(|_| twilio.auth_token.is_some())
                .map(|url| url.at(STATUS_PATH).to_string()),
            ntfy: Ntfy::of(&config.ntfy, policy, listener()).ok().flatten().filter(|_| right("ntfy.")),
            webhook: Webhook::of(&config.webhook, policy, listener())
                .ok()
                .flatten()
                .filter(|_| right("webhook.")),
            email: Email::of(&config.email, policy, listener()).ok().flatten().filter(|_| right("email.")),
        };
        for channel in [Channel::Ntfy, Channel::Webhook, Channel::Email] {
            if dispatcher.has(channel) {
                sources.declare(system(channel), SourceState::Waiting, "nothing sent yet", FRESH_FOR);
            }
        }
        dispatcher
    }

    /// Whether a channel is set up.
    #[must_use]
    pub fn has(&self, channel: Channel) -> bool {
        match channel {
            Channel::Sms => self.twilio.is_some() && self.sms_from.is_some(),
            Channel::Whatsapp => self.twilio.is_some() && self.whatsapp_from.is_some(),
            Channel::Ntfy => self.ntfy.is_some(),
            Channel::Webhook => self.webhook.is_some(),
            Channel::Email => self.email.is_some(),
        }
    }

    /// Sends a message, once.
    pub async fn send(&self, sending: &Sending, number: Option<&Phone>) -> Report {
        let sent = match sending.channel {
            Channel::Sms | Channel::Whatsapp => self.by_telephone(sending, number).await,
            Channel::Ntfy => self.by_ntfy(sending).await,
            Channel::Webhook => self.by_webhook(sending).await,
            Channel::Email => self.by_email(sending).await,
        };
        let Some(sent) = sent else { return unsent("the channel is not set up any more", None) };
        match sent {
            Ok(id) => {
                self.answered(system(sending.channel));
                Report::Ended(Outcome::Accepted { id })
            }
            Err(error) => self.failed(sending.channel, &error),
        }
    }

    async fn by_telephone(
        &self,
        sending: &Sending,
        number: Option<&Phone>,
    ) -> Option<Result<String, OutsideError>> {
        let from = match sending.channel {
            Channel::Whatsapp => self.whatsapp_from.clone()?,
            _ => self.sms_from.clone()?,
        };
        let message = Outgoing {
            to: address(sending.channel, number?),
            from,
            body: sending.text.clone(),
            status_callback: self.status_callback.clone(),
        };
        Some(self.twilio.as_ref()?.send(&message).await.map(|message| message.sid))
    }

    async fn by_ntfy(&self, sending: &Sending) -> Option<Result<String, OutsideError>> {
        let notification = Notification {
            id: self.key(sending),
            title: title(sending),
            message: sending.text.clone(),
            priority: match sending.severity {
                Severity::Info => Priority::Low,
                Severity::Warning => Priority::Default,
                Severity::Critical => Priority::High,
                Severity::Immediate => Priority::Max,
            },
            tags: Vec::new(),
        };
        Some(self.ntfy.as_ref()?.publish(&notification).await.map(|published| published.id))
    }

    async fn by_webhook(&self, sending: &Sending) -> Option<Result<String, OutsideError>> {
        let key = self.key(sending);
        let body = serde_json::json!({
            "alert": sending.id.0,
            "telling": sending.telling,
            "kind": sending.key.kind,
            "subject": sending.key.subject,
            "severity": sending.severity,
            "raised_at": sending.raised_at,
            "text": sending.text,
        });
        Some(self.webhook.as_ref()?.post(&key, &body).await.map(|()| key))
    }

    async fn by_email(&self, sending: &Sending) -> Option<Result<String, OutsideError>> {
        let id = self.key(sending);
        let letter = Letter { id: id.clone(), subject: title(sending), text: sending.text.clone() };
        Some(self.email.as_ref()?.send(&letter).await.map(|()| id))
    }

    /// The same for every try of one round on one channel, and no other: also of another installation.
    fn key(&self, sending: &Sending) -> String {
        let parts = [
            self.tenant.as_str(),
            &sending.id.to_string(),
            &sending.raised_at.as_microsecond().to_string(),
            &sending.telling.to_string(),
            sending.channel.name(),
        ];
        EventId::derive("telling", &parts).to_string()
    }

    fn answered(&self, system: &'static str) {
        if self.sources.state(system) != Some(SourceState::Ok) {
            self.sources.succeeded(system, "it took a message", Timestamp::now(), None);
        }
    }

    fn failed(&self, channel: Channel, error: &OutsideError) -> Report {
        let system = system(channel);
        if error.is_refused_key() || error.is_failure_of_the_system() {
            self.sources.failed(system, state_after(error), &error.to_string(), None);
        }
        let code = codes::code_of(error);
        let class = if channel.needs_consent() { codes::class(error) } else { error.class() };
        match class {
            Class::MaybeDelivered if channel.needs_consent() => Report::Unknown,
            Class::MaybeDelivered | Class::Later | Class::NotDelivered => unsent(error.kind(), code),
            // Once the key is mended it can be sent.
            Class::Permanent if error.is_refused_key() && channel.needs_consent() => {
                unsent(error.kind(), code)
            }
            Class::Permanent => {
                let outcome = Outcome::Refused { reason: error.kind().to_owned(), code };
                let is_opt_out = channel.needs_consent() && code == Some(codes::OPTED_OUT);
                if is_opt_out { Report::OptedOut(outcome) } else { Report::Ended(outcome) }
            }
        }
    }

    /// Looks for the message of an attempt that began at `since`, by its recipient and its text's digest. Those
    /// that are `known` are other attempts'.
    pub async fn look_for(
        &self,
        channel: Channel,
        number: Option<&Phone>,
        sent: [u8; 8],
        since: Timestamp,
        known: &BTreeSet<String>,
    ) -> LookupResult {
        if !channel.needs_consent() {
            return LookupResult::NotThere;
        }
        let (Some(client), Some(number)) = (&self.twilio, number) else { return LookupResult::Unknown };
        let since = since.saturating_sub(CLOCKS_APART).unwrap_or(Timestamp::MIN);
        let Ok(found) = client.sent_to(&address(channel, number), since).await else {
            return LookupResult::Unknown;
        };
        let is_it = |message: &Message| digest(message.text()) == sent && !known.contains(&message.sid);
        match found.messages.into_iter().find(is_it) {
            Some(message) => LookupResult::Found(message.sid),
            None if found.is_complete => LookupResult::NotThere,
            None => LookupResult::Unknown,
        }
    }

    /// What became of a message that was taken; none where that is not settled, or cannot be told.
    pub async fn delivery(&self, id: &str) -> Option<Delivery> {
        let message = self.twilio.as_ref()?.message(id).await.ok()?;
        delivery_of(&message.status, message.error_code)
    }
}

/// What a message's status says of its arrival; none where it is still on its way.
#[must_use]
pub fn delivery_of(status: &MessageStatus, code: Option<u32>) -> Option<Delivery> {
    if status.is_failure() {
        let may_retry = matches!(codes::class_of(code), Class::Later | Class::NotDelivered);
        return Some(Delivery::Undelivered { code, may_retry });
    }
    status.is_delivery().then_some(Delivery::Delivered)
}

fn system(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms | Channel::Whatsapp => twilio::SYSTEM,
        Channel::Ntfy => ntfy::SYSTEM,
        Channel::Webhook => webhook::SYSTEM,
        Channel::Email => email::SYSTEM,
    }
}

fn title(sending: &Sending) -> String {
    format!("Mecris: {} {}", sending.key.kind.name(), sending.key.subject)
}

fn address(channel: Channel, number: &Phone) -> String {
    match channel {
        Channel::Whatsapp => twilio::on_whatsapp(number.expose()),
        _ => number.expose().to_owned(),
    }
}

fn unsent(reason: &str, code: Option<u32>) -> Report {
    Report::Ended(Outcome::Unsent { reason: reason.to_owned(), code })
}
