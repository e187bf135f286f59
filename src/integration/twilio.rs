//! Twilio's Programmable Messaging: messages are sent, looked for and followed.
//!
//! Sources: <https://www.twilio.com/docs/messaging/api/message-resource>,
//! <https://www.twilio.com/docs/api/errors>. There is no idempotency key: a request whose outcome is not
//! known is looked for by [`Twilio::sent_to`] before it is sent again.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;

use super::resilience::{Answer, Ask, Auth, OnBreaker, Outside, OutsideError, Policy, Repeat};

/// The name of this system in spans, events and errors.
pub const SYSTEM: &str = "twilio";
const FIX: &str = "copy the account SID and its auth token, or an API key, from https://console.twilio.com";
/// Pages of a list that are read at most.
const PAGES_MAX: usize = 20;

/// A client for one account; cheap to clone.
#[derive(Debug, Clone)]
pub struct Twilio {
    outside: Outside,
    account: String,
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

/// A message to send.
#[derive(Clone)]
pub struct Outgoing {
    /// In E.164 form, with `whatsapp:` before it for WhatsApp.
    pub to: String,
    /// Where it comes from.
    pub from: Sender,
    /// At most 1,600 characters.
    pub body: String,
    /// Where Twilio shall tell what became of it.
    pub status_callback: Option<String>,
}

/// Where a message comes from.
#[derive(Clone)]
pub enum Sender {
    /// A number in E.164 form, with `whatsapp:` before it for WhatsApp.
    Number(String),
    /// A messaging service, `MG…`.
    Service(String),
}

/// A message as Twilio has it. Its text and numbers are not shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Message {
    /// `SM…` or `MM…`
    pub sid: String,
    /// `queued`, `sent`, `delivered`, `undelivered`, `failed` …
    pub status: String,
    /// To whom.
    pub to: String,
    /// The text; Twilio may have put a trial account's prefix before it.
    #[serde(default)]
    pub body: String,
    /// Why it failed.
    #[serde(default)]
    pub error_code: Option<u32>,
    /// In how many parts it was sent; a number as text.
    #[serde(default)]
    pub num_segments: Option<String>,
    /// What it cost: a negative decimal number as text, once it is billed.
    #[serde(default)]
    pub price: Option<String>,
    /// When it was taken: RFC 2822.
    #[serde(default)]
    pub date_created: Option<String>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("sid", &self.sid)
            .field("status", &self.status)
            .field("error_code", &self.error_code)
            .finish_non_exhaustive()
    }
}

impl Message {
    /// When it was taken.
    #[must_use]
    pub fn created_at(&self) -> Option<Timestamp> {
        Some(jiff::fmt::rfc2822::parse(self.date_created.as_deref()?).ok()?.timestamp())
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// `active`, `suspended` or `closed`.
    pub status: String,
    /// `Trial` or `Full`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    messages: Vec<Message>,
    next_page_uri: Option<String>,
}

#[derive(Deserialize)]
struct ErrorBody {
    code: Option<u32>,
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
        let outside = Outside::new(SYSTEM, FIX, &base, Some(auth), policy, on_breaker)?;
        Ok(Self { outside, account: account_sid })
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
        self.outside.ask_for(&ask, |answer| Ok((answer.json()?, answer.clock_ahead()))).await
    }

    /// Sends a message, once: it is never sent again by itself.
    ///
    /// # Errors
    /// [`OutsideError`]; whether it may have been sent all the same tells
    /// [`OutsideError::may_have_been_sent`], and Twilio's own code is in [`OutsideError::Rejected`].
    pub async fn send(&self, message: &Outgoing) -> Result<Message, OutsideError> {
        let ask = Ask::post("2010-04-01/Accounts/{}/Messages.json", &[&self.account], Repeat::Never)
            .form("To", &message.to)
            .form("Body", &message.body);
        let ask = match &message.from {
            Sender::Number(number) => ask.form("From", number),
            Sender::Service(sid) => ask.form("MessagingServiceSid", sid),
        };
        let ask = match &message.status_callback {
            Some(url) => ask.form("StatusCallback", url),
            None => ask,
        };
        self.outside.ask_for(&ask, Answer::json).await.map_err(with_code)
    }

    /// What became of a message.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn message(&self, sid: &str) -> Result<Message, OutsideError> {
        let ask = Ask::get("2010-04-01/Accounts/{}/Messages/{}.json", &[&self.account, sid]);
        self.outside.ask_for(&ask, Answer::json).await
    }

    /// The messages to a number that were taken at `since` or later, the newest first. Twilio's own filter is by
    /// the time of sending, which those that are still queued have not: it would hide the very ones that matter.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn sent_to(&self, to: &str, since: Timestamp) -> Result<Vec<Message>, OutsideError> {
        let mut ask = Ask::get("2010-04-01/Accounts/{}/Messages.json", &[&self.account])
            .query("To", to)
            .query("PageSize", "100");
        let mut messages = Vec::new();
        for _ in 0..PAGES_MAX {
            let page: Page = self.outside.ask_for(&ask, Answer::json).await?;
            // Twilio tells times in whole seconds: a message of this very second is none of before.
            let is_old =
                |message: &Message| message.created_at().is_some_and(|at| at.as_second() < since.as_second());
            let reaches_back = page.messages.iter().any(is_old);
            messages.extend(page.messages.into_iter().filter(|message| !is_old(message)));
            match page.next_page_uri {
                Some(path) if !reaches_back => {
                    ask = Ask::get("2010-04-01/Accounts/{}/Messages.json", &[&self.account]).at_path(&path);
                }
                _ => return Ok(messages),
            }
        }
        Err(OutsideError::Malformed { system: SYSTEM, what: "a list without an end" })
    }
}

/// Adds Twilio's own code to a refusal: `{"code":21211,"message":…}`.
fn with_code(error: OutsideError) -> OutsideError {
    match error {
        OutsideError::Rejected { system, status, body, .. } => {
            let code = serde_json::from_slice::<ErrorBody>(&body.0).ok().and_then(|read| read.code);
            OutsideError::Rejected { system, status, code, body }
        }
        other => other,
    }
}
