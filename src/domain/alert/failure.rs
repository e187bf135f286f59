//! Why a message did not arrive, in words, and what the person can do. A reason is a word of ours
//! (an error's kind), a code is the channel's own; nothing else of an outside system's is kept.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::clock::happened;

use super::book::{AlertState, Attempt, AttemptState};
use super::codes::{Meaning, meaning_of};
use super::{AlertId, Channel};

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

/// A channel whose last message did not arrive, as far as known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub channel: Channel,
    /// The alert whose message did not arrive.
    pub alert: AlertId,
    /// When that became known.
    pub at: Timestamp,
    /// `refused` or `undelivered`.
    pub state: &'static str,
    /// Why.
    pub failure: Failure,
}

/// A failure is told for this long; what is older says nothing of the channel's present state.
pub const TOLD_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// An accepted message of which nothing is heard for so long counts as arrived: some carriers tell nothing.
const SILENT_FOR: SignedDuration = SignedDuration::from_hours(12);

impl Broken {
    /// The channel and why its message did not arrive, for people: `sms: 30034, a US number …`.
    #[must_use]
    pub fn what(&self) -> String {
        let Explained { what, .. } = self.failure.explained(self.channel);
        let code = self.failure.code.map_or_else(String::new, |code| format!("{code}, "));
        format!("{code}{what}")
    }

    /// The mend.
    #[must_use]
    pub fn fix(&self) -> String {
        self.failure.explained(self.channel).fix
    }
}

/// The channels whose last message did not arrive, in the channels' order. A later message that arrived ends
/// it; one whose fate is still open does not.
#[must_use]
pub fn broken(alerts: &AlertState, now: Timestamp) -> Vec<Broken> {
    Channel::ALL.into_iter().filter_map(|channel| broken_of(alerts, channel, now)).collect()
}

fn broken_of(alerts: &AlertState, channel: Channel, now: Timestamp) -> Option<Broken> {
    let all = alerts.alerts().flat_map(|alert| alert.attempts().map(|attempt| (alert.id, attempt)));
    let told = |attempt: &Attempt| match attempt.state {
        AttemptState::Open | AttemptState::Unsent => false,
        AttemptState::Accepted(_) => {
            let silent = now.duration_since(happened(attempt.changed_at, now));
            !channel.needs_consent() || silent >= SILENT_FOR
        }
        AttemptState::Refused | AttemptState::Delivered(_) | AttemptState::Undelivered { .. } => true,
    };
    let own = all.filter(|(_, attempt)| attempt.parcel.channel == channel && told(attempt));
    let (alert, last) =
        own.max_by_key(|(id, attempt)| (happened(attempt.changed_at, now), *id, attempt.id))?;
    let at = happened(last.changed_at, now);
    let is_recent = now.duration_since(at) < TOLD_FOR;
    let failure = last.failure.clone().filter(|_| is_recent && last.has_failed())?;
    Some(Broken { channel, alert, at, state: last.state.name(), failure })
}

#[cfg(test)]
mod tests;
