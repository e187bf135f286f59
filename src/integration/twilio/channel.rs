//! SMS and WhatsApp as alert channels. Twilio knows no idempotency key, so a message whose outcome is not known is looked
//! for by its recipient and its text.

use jiff::{SignedDuration, Timestamp};

use crate::config::{Config, Phone, WhatsappTemplates};
use crate::domain::alert::step::{OutgoingMessage, digest};
use crate::domain::alert::{Channel, Delivery};
use crate::integration::channel::{
    AlertChannel, ChannelKind, Finding, LookupResult, Lost, Outbound, Report, Verified, boxed,
};
use crate::integration::official::Asking;
use crate::integration::resilience::{Class, OnBreaker, OutsideError, Policy};

use super::webhook::STATUS_PATH;
use super::{
    Content, Credentials, Message, MessageStatus, Outgoing, SYSTEM, Sender, Twilio, codes, on_whatsapp,
};

/// Twilio as alert channels.
pub const CHANNEL: ChannelKind = ChannelKind {
    system: SYSTEM,
    channels: &[Channel::Sms, Channel::Whatsapp],
    configure: "twilio.account_sid and twilio.auth_token",
    is_polled: true,
    client: |config, policy, on_breaker| boxed(Telephone::of(config, policy, on_breaker)),
};

/// So far may Twilio's clock be behind ours: a message that it took after ours began may seem older than that.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(30);

/// A message that still waits at Twilio after this is not sent any more.
const EXPIRES: SignedDuration = SignedDuration::from_secs(super::VALIDITY_MAX as i64);

/// An account with its senders.
struct Telephone {
    client: Twilio,
    sms_from: Option<Sender>,
    whatsapp_from: Option<Sender>,
    status_callback: Option<String>,
    templates: WhatsappTemplates,
}

impl Telephone {
    fn of(config: &Config, policy: Policy, on_breaker: OnBreaker) -> Result<Option<Self>, OutsideError> {
        let settings = &config.twilio;
        let Some(credentials) = Credentials::of(settings) else { return Ok(None) };
        let number = |phone: &Phone| Sender::Number(phone.expose().to_owned());
        let service = settings.messaging_service_sid.clone().map(Sender::Service);
        let on_whatsapp = |phone: &Phone| Sender::Number(on_whatsapp(phone.expose()));
        // Without the token a callback could not be told from a forged one.
        let public = settings.public_url.as_ref().filter(|_| settings.auth_token.is_some());
        Ok(Some(Self {
            client: Twilio::new(settings, credentials, policy, on_breaker)?,
            sms_from: service.or_else(|| settings.from_number.as_ref().map(number)),
            whatsapp_from: settings.whatsapp_from.as_ref().map(on_whatsapp),
            status_callback: public.map(|url| url.at(STATUS_PATH).to_string()),
            templates: settings.whatsapp_templates.clone(),
        }))
    }

    /// The template for a message on WhatsApp, if there is one for its kind.
    fn template(&self, sending: &OutgoingMessage) -> Option<Content> {
        let OutgoingMessage { channel, key, severity, text, .. } = sending;
        let template = self.templates.of(key.kind).filter(|_| *channel == Channel::Whatsapp)?;
        let values = [
            ("text", text.as_str()),
            ("kind", key.kind.word()),
            ("subject", key.subject.as_str()),
            ("severity", severity.word()),
        ];
        Some(Content { sid: template.content_sid.clone(), variables: template.filled(&values) })
    }

    fn sender(&self, channel: Channel) -> Option<&Sender> {
        if channel == Channel::Whatsapp { self.whatsapp_from.as_ref() } else { self.sms_from.as_ref() }
    }
}

impl AlertChannel for Telephone {
    fn serves(&self, channel: Channel) -> bool {
        self.sender(channel).is_some()
    }

    fn send<'a>(&'a self, letter: &'a Outbound<'a>) -> Asking<'a, Option<Result<String, OutsideError>>> {
        Box::pin(async move {
            let channel = letter.sending.channel;
            let message = Outgoing {
                to: address(channel, letter.number?),
                from: self.sender(channel)?.clone(),
                body: letter.sending.text.clone(),
                status_callback: self.status_callback.clone(),
            };
            let template = self.template(letter.sending);
            Some(self.client.send_as(&message, template.as_ref()).await.map(|message| message.sid))
        })
    }

    fn after(&self, error: &OutsideError) -> Report {
        match codes::class(error) {
            Class::MaybeDelivered => Report::Unknown,
            Class::Later | Class::NotDelivered => Report::unsent(error.kind(), error.code()),
            // Once the key is mended it can be sent.
            Class::Permanent if error.is_refused_key() => Report::unsent(error.kind(), error.code()),
            Class::Permanent => match Report::refused(error) {
                Report::Ended(outcome) if error.code() == Some(codes::OPTED_OUT) => Report::OptedOut(outcome),
                report => report,
            },
        }
    }

    fn look_for<'a>(&'a self, lost: &'a Lost<'a>) -> Asking<'a, LookupResult> {
        Box::pin(async move {
            let Some(number) = lost.number else { return LookupResult::Unknown };
            let since = lost.since.saturating_sub(CLOCKS_APART).unwrap_or(Timestamp::MIN);
            let Ok(found) = self.client.sent_to(&address(lost.channel, number), since).await else {
                return LookupResult::Unknown;
            };
            let is_it = |message: &Message| {
                // Of a template the text stands within others' words.
                let is_within = lost.channel == Channel::Whatsapp
                    && !self.templates.is_empty()
                    && holds(message.text(), lost.reference);
                (digest(message.text()) == lost.digest || is_within) && !lost.known.contains(&message.sid)
            };
            match found.messages.into_iter().find(is_it) {
                Some(message) => LookupResult::Found(message.sid),
                None if found.is_complete => LookupResult::NotThere,
                None => LookupResult::Unknown,
            }
        })
    }

    fn delivery<'a>(&'a self, id: &'a str) -> Asking<'a, Option<Delivery>> {
        Box::pin(async move {
            let message = self.client.message(id).await.ok()?;
            let is_late = |at: Timestamp| Timestamp::now().duration_since(at) > EXPIRES + CLOCKS_APART;
            if message.status.is_waiting() && message.created_at().is_some_and(is_late) {
                return Some(Delivery::Undelivered { code: Some(codes::EXPIRED), may_retry: false });
            }
            delivery_of(&message.status, message.error_code)
        })
    }

    fn verify(&self) -> Option<Asking<'_, Verified>> {
        Some(Box::pin(async move {
            let (account, ahead) = self.client.account().await?;
            let finding = if account.status != "active" {
                let detail = "it takes the credentials, but the account is not active";
                Finding::Broken(detail.to_owned(), "look at https://console.twilio.com")
            } else if account.kind.as_deref() == Some("Trial") {
                let fix = "verify your number there, or upgrade the account";
                Finding::Weak("a trial account sends to verified numbers only".to_owned(), fix)
            } else {
                Finding::Works("it takes the credentials; the account is active".to_owned())
            };
            Ok((finding, ahead))
        }))
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

/// Whether a text holds a message's reference, and not one of which it is the beginning.
fn holds(text: &str, reference: &str) -> bool {
    let goes_on = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit() || c == '/');
    text.match_indices(reference).any(|(at, found)| !goes_on(&text[at + found.len()..]))
}

fn address(channel: Channel, number: &Phone) -> String {
    if channel == Channel::Whatsapp { on_whatsapp(number.expose()) } else { number.expose().to_owned() }
}
