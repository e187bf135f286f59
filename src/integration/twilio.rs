//! Twilio's Programmable Messaging: messages are sent, looked for and followed.
//!
//! Sources: <https://www.twilio.com/docs/messaging/api/message-resource>,
//! <https://www.twilio.com/docs/api/errors>. There is no idempotency key: a request whose outcome is not
//! known is looked for by [`Twilio::sent_to`] before it is sent again.

pub mod channel;
pub mod codes;
pub mod webhook;
pub mod wire;

use jiff::Timestamp;
use secrecy::SecretString;

use super::resilience::{Answer, Ask, Auth, OnBreaker, Outside, OutsideError, Policy, Repeat};
pub use wire::{
    Account, Balance, Content, Message, MessageStatus, Outgoing, Sender, Sent, is_on_whatsapp, on_whatsapp,
};

/// The name of this system in spans, events and errors.
pub const SYSTEM: &str = "twilio";
const FIX: &str = "copy the account SID and its auth token, or an API key, from https://console.twilio.com";
/// A message waits no longer than this at Twilio, in seconds.
pub const VALIDITY_MAX: u32 = 36_000;
/// Messages of a page.
const PAGE: &str = "100";
/// Pages of a list that are read at most.
const PAGES_MAX: usize = 20;

/// A client for one account; cheap to clone.
#[derive(Debug, Clone)]
pub struct Twilio {
    outside: Outside,
    account: String,
    /// How long an SMS may wait there, in seconds.
    validity: Option<u32>,
}

/// What is needed to speak for an account.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// `AC…`
    pub account_sid: String,
    /// The account's SID or an API key's.
    pub user: String,
    /// The auth token or the API key's secret.
    pub secret: SecretString,
}

impl Credentials {
    /// From the settings, where they are complete: an API key goes before the auth token.
    #[must_use]
    pub fn of(settings: &crate::config::Twilio) -> Option<Self> {
        let account_sid = settings.account_sid.clone()?;
        let (user, secret) = match (&settings.api_key_sid, &settings.api_key_secret, &settings.auth_token) {
            (Some(sid), Some(secret), _) => (sid.clone(), secret),
            (_, _, Some(token)) => (account_sid.clone(), token),
            _ => return None,
        };
        Some(Self { account_sid, user, secret: secret.to_secret() })
    }
}

impl Twilio {
    /// A client.
    ///
    /// # Errors
    /// [`OutsideError::Invalid`].
    pub fn new(
        settings: &crate::config::Twilio,
        credentials: Credentials,
        policy: Policy,
        on_breaker: OnBreaker,
    ) -> Result<Self, OutsideError> {
        let Credentials { account_sid, user, secret } = credentials;
        let auth = Auth::Basic(user, secret);
        let base = settings.api_base.without_path("/2010-04-01");
        let outside =
            Outside::with_codes(SYSTEM, FIX, &base, Some(auth), policy, on_breaker, codes::of_refusal)?;
        let validity = settings.validity_seconds.map(|seconds| seconds.get().min(VALIDITY_MAX));
        Ok(Self { outside, account: account_sid, validity })
    }

    /// The connection, for its breaker.
    #[must_use]
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Verifies the credentials, at no cost. Also how far the server's clock is ahead of ours, in seconds.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn account(&self) -> Result<(Account, Option<i64>), OutsideError> {
        let ask = Ask::get("2010-04-01/Accounts/{}.json", &[&self.account]);
        self.outside.ask_for(&ask, |answer| Ok((wire::account(answer)?, answer.clock_ahead()))).await
    }

    /// Sends a message, once: it is never sent again by itself.
    ///
    /// # Errors
    /// [`OutsideError`]; what it means for the message tells [`codes::class`], and Twilio's own code, whatever
    /// the status, is in [`OutsideError::Rejected`].
    pub async fn send(&self, message: &Outgoing) -> Result<Message, OutsideError> {
        self.send_as(message, None).await
    }

    /// The same by an approved template, whose variables stand in place of the message's text.
    ///
    /// # Errors
    /// As [`Twilio::send`].
    pub async fn send_as(
        &self,
        message: &Outgoing,
        template: Option<&Content>,
    ) -> Result<Message, OutsideError> {
        let ask = Ask::post("2010-04-01/Accounts/{}/Messages.json", &[&self.account], Repeat::Never)
            .form("To", &message.to);
        let ask = match template {
            Some(Content { sid, variables }) => {
                ask.form("ContentSid", sid).form("ContentVariables", variables)
            }
            None => ask.form("Body", &message.body),
        };
        let ask = match self.validity.filter(|_| !is_on_whatsapp(&message.to)) {
            Some(seconds) => ask.form("ValidityPeriod", seconds.to_string()),
            None => ask,
        };
        let ask = match &message.from {
            Sender::Number(number) => ask.form("From", number),
            Sender::Service(sid) => ask.form("MessagingServiceSid", sid),
        };
        let ask = match &message.status_callback {
            Some(url) => ask.form("StatusCallback", url),
            None => ask,
        };
        self.outside.ask_for(&ask, wire::message).await
    }

    /// What became of a message.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn message(&self, sid: &str) -> Result<Message, OutsideError> {
        let ask = Ask::get("2010-04-01/Accounts/{}/Messages/{}.json", &[&self.account, sid]);
        self.outside.ask_for(&ask, wire::message).await
    }

    /// The messages to a number that Twilio took at this moment or later, the newest first: to look for one
    /// whose answer was lost. Moments are whole seconds there, so `since` counts from its second's beginning.
    ///
    /// Twilio is asked by number only. Its filter by date goes by the time of sending, which a message that is
    /// still queued does not have: it would hide the very one that is looked for.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn sent_to(&self, to: &str, since: Timestamp) -> Result<Sent, OutsideError> {
        let list = || Ask::get("2010-04-01/Accounts/{}/Messages.json", &[&self.account]);
        let mut ask = list().query("To", to).query("PageSize", PAGE);
        let (mut messages, mut is_complete) = (Vec::new(), true);
        for _ in 0..PAGES_MAX {
            let page: wire::Page = self.outside.ask_for(&ask, wire::page).await?;
            // One that could not be read may be the one that is looked for.
            is_complete &= page.messages.odd.is_nothing();
            let found = page.messages.rows;
            // One without a date could be any, so it is kept. Within a page the order is not relied upon.
            let is_old =
                |message: &Message| message.created_at().is_some_and(|at| at.as_second() < since.as_second());
            let reaches_back = found.iter().any(is_old);
            messages.extend(found.into_iter().filter(|message| !is_old(message)));
            match page.next_page_uri {
                Some(path) if !reaches_back => ask = list().at_path(&path),
                _ => return Ok(Sent { messages, is_complete }),
            }
        }
        Ok(Sent { messages, is_complete: false })
    }

    /// The money that is left, where the account is prepaid.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn balance(&self) -> Result<Balance, OutsideError> {
        let ask = Ask::get("2010-04-01/Accounts/{}/Balance.json", &[&self.account]);
        self.outside.ask_for(&ask, Answer::json).await
    }
}
