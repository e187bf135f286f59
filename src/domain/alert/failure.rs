//! Why a message did not arrive, in words, and what the person can do. A reason is a word of ours
//! (an error's kind), a code is the channel's own; nothing else of an outside system's is kept.

use serde::{Deserialize, Serialize};

use super::Channel;
use super::codes::{Meaning, meaning_of};

/// Why a message did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// In a word of ours, such as `rejected`.
    pub reason: String,
    /// The channel's own code.
    pub code: Option<u32>,
}

/// A failure in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// What is wrong.
    pub what: String,
    /// What the person can do.
    pub fix: String,
}

impl Explained {
    fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into() }
    }
}

/// The word for an accepted message that did not arrive.
pub const UNDELIVERED: &str = "undelivered";

impl Failure {
    /// An accepted message did not arrive.
    #[must_use]
    pub fn undelivered(code: Option<u32>) -> Self {
        Self { reason: UNDELIVERED.to_owned(), code }
    }

    /// What it means on this channel, and the mend. A code of Twilio's is explained by its table.
    #[must_use]
    pub fn explained(&self, channel: Channel) -> Explained {
        if channel.needs_consent()
            && let Some(code) = self.code
        {
            return match meaning_of(code) {
                Some(Meaning { what, fix, .. }) => Explained::new(*what, *fix),
                None => Explained::new(
                    format!("Twilio's code {code}"),
                    format!("look it up at https://www.twilio.com/docs/errors/{code}"),
                ),
            };
        }
        let (settings, key) = (settings_of(channel), key_of(channel));
        let later = "nothing: it is tried again later";
        match self.reason.as_str() {
            "unauthorized" => Explained::new("the key is refused", format!("correct {key}")),
            "not-found" => Explained::new("what it is sent to is not there", format!("correct {settings}")),
            "redirect-refused" => {
                Explained::new("it redirects where it is not followed", format!("correct {settings}"))
            }
            "invalid" => Explained::new("the message cannot be made", format!("correct {settings}")),
            "no-credit" => Explained::new("no credit is left there", "add some on its billing page"),
            "rejected" => {
                let code = self.code.map_or_else(String::new, |code| format!(" with code {code}"));
                let what = format!("the receiver refuses the message{code}");
                Explained::new(what, format!("look at the receiver's log, and check {settings}"))
            }
            UNDELIVERED => {
                Explained::new("not delivered, for a reason that is not told", "send by another channel")
            }
            "unreachable" => Explained::new("it cannot be reached", later),
            "unanswered" | "unavailable" => Explained::new("it does not answer as it should", later),
            "rate-limited" | "busy" => Explained::new("it asks to wait", later),
            "breaker-open" => Explained::new("it has failed too often just now", later),
            _ => Explained::new("it was not sent", "`mecris doctor` checks the channel"),
        }
    }
}

/// The settings of a channel, for people.
fn settings_of(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms | Channel::Whatsapp => "the settings of twilio",
        Channel::Ntfy => "ntfy.url",
        Channel::Webhook => "webhook.url",
        Channel::Email => "email.server, email.from and email.to",
    }
}

/// What a channel is opened with, for people.
fn key_of(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms | Channel::Whatsapp => "twilio.account_sid and twilio.auth_token",
        Channel::Ntfy => "ntfy.token",
        Channel::Webhook => "webhook.secret",
        Channel::Email => "email.username and email.password",
    }
}
