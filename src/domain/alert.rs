//! Alerts: what a person must be told, when, and on which channel. Pure: the next step is a function of what
//! has happened ([`book::AlertState`]), what is true now ([`Causes`]), what the person wants
//! ([`policy::Policy`]), and the time.
//!
//! ```text
//! cause ──▶ raised ──▶ queued ──▶ attempt started ──▶ accepted ──▶ delivered
//!             │           │             │  ▲              └─────▶ undelivered ─┐
//!             │           │             │  └── unsent, unknown: looked for ◀────┤ next rung of the ladder
//!             ▼           ▼             ▼                                      │
//!          resolved: the cause has gone, and nothing more is sent ◀────────────┘
//! ```
//!
//! An alert fires once while its cause lasts. Its key includes the period of the cause (a budget's own
//! period, a goal's deadline): a new period can fire again, and the end of the period resolves the alert.
//! Alerts of a rolling budget have no period: they can fire again once their cause is gone.

pub mod book;
pub mod broken;
pub mod codes;
pub mod command;
pub mod failure;
pub mod ladder;
pub mod policy;
pub mod rules;
pub mod step;

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::money::Picodollars;
use crate::domain::words::words;

/// What an alert is about.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A goal is near its deadline.
    Goal,
    /// One of the person's own reminders is due.
    Reminder,
    /// A budget's used share exceeds a threshold.
    BudgetThreshold,
    /// Less of a budget remains than its threshold.
    BudgetLow,
    /// At the current rate a budget will not last to the end of its period.
    BudgetProjection,
    /// Today's spend exceeds a budget's daily limit.
    BudgetDaily,
    /// A budget's period ends soon.
    BudgetEnding,
    /// A provider's balance is below the threshold.
    BalanceLow,
    /// A balance should be read by hand.
    ReadingDue,
    /// A source has not answered for long, or refuses the key.
    Source,
    /// An actor failed permanently, and its supervisor with it.
    Actor,
    /// An odometer should be read by hand.
    Odometer,
    /// Someone asks for a higher limit.
    LimitRequest,
    /// Requests are refused repeatedly.
    Access,
    /// Messages on a channel do not arrive.
    Channel,
}

words! {
    Kind {
        Goal: "goal",
        Reminder: "reminder",
        BudgetThreshold: "budget-threshold",
        BudgetLow: "budget-low",
        BudgetProjection: "budget-projection",
        BudgetDaily: "budget-daily",
        BudgetEnding: "budget-ending",
        BalanceLow: "balance-low",
        ReadingDue: "reading-due",
        Source: "source",
        Actor: "actor",
        Odometer: "odometer",
        LimitRequest: "limit-request",
        Access: "access",
        Channel: "channel",
    }
}

/// How severe an alert is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For information.
    Info,
    /// Something should be done soon.
    Warning,
    /// Something is being lost.
    Critical,
    /// A goal is lost today: may break quiet hours, if the person allows it.
    Immediate,
}

words! { Severity { Info: "info", Warning: "warning", Critical: "critical", Immediate: "immediate" } }

/// How bad it is: first by severity, then by level (such as a budget's percentage).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Grade {
    pub severity: Severity,
    /// Higher is worse.
    pub level: u32,
}

/// The identity of a cause: its kind, its subject, and the period that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CauseKey {
    pub kind: Kind,
    /// A goal's slug, a budget's name, a source's name …
    pub subject: String,
    /// A goal's deadline, a budget's first day …; empty if the cause has no period.
    pub period: String,
}

impl CauseKey {
    /// Whether this channel can tell of it: none tells of its own failure.
    #[must_use]
    pub fn may_go_by(&self, channel: Channel) -> bool {
        self.kind != Kind::Channel || self.subject != channel.word()
    }
}

/// A condition that is true now and that a person should know about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    pub key: CauseKey,
    pub grade: Grade,
    /// The message, with current numbers. It never reaches the log. It names no command that changes a spend
    /// limit, because agents read it.
    pub text: String,
    /// The fix, if it is such a command. It is not shown to agents.
    pub mend: Option<String>,
}

impl Cause {
    /// The full message, for the person.
    #[must_use]
    pub fn for_the_person(&self) -> String {
        match &self.mend {
            Some(mend) => format!("{} {mend}", self.text),
            None => self.text.clone(),
        }
    }
}

/// The causes at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Causes {
    /// The causes that are true.
    pub present: Vec<Cause>,
    /// Kinds and subjects whose state is unknown: their alerts stay as they are.
    pub unknown: BTreeSet<(Kind, String)>,
    /// When this may change without an event: a deadline, a midnight.
    pub changes_at: Option<Timestamp>,
}

impl Causes {
    /// Notes that the causes may change at this instant.
    pub fn may_change_at(&mut self, instant: Timestamp) {
        self.changes_at = Some(self.changes_at.map_or(instant, |before| before.min(instant)));
    }

    /// The cause of an alert, if it is still true.
    #[must_use]
    pub fn of(&self, key: &CauseKey) -> Option<&Cause> {
        self.present.iter().find(|cause| cause.key == *key)
    }

    /// Whether it is unknown if this cause is true.
    #[must_use]
    pub fn is_unknown(&self, key: &CauseKey) -> bool {
        self.unknown.iter().any(|(kind, subject)| *kind == key.kind && *subject == key.subject)
    }
}

/// A channel to reach a person, in addition to the screen.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// SMS by Twilio.
    Sms,
    /// WhatsApp by Twilio.
    Whatsapp,
    /// A push message by an ntfy server.
    Ntfy,
    /// A signed request to a URL of the person's own.
    Webhook,
    /// Email by SMTP.
    Email,
}

words! { Channel { Sms: "sms", Whatsapp: "whatsapp", Ntfy: "ntfy", Webhook: "webhook", Email: "email" } }

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl Channel {
    /// Whether it sends to a telephone number, and so needs the owner's consent.
    #[must_use]
    pub fn needs_consent(self) -> bool {
        matches!(self, Self::Sms | Self::Whatsapp)
    }
}

/// The number of an alert in the order of a tenant's alerts: 1, 2, 3 …
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertId(pub u64);

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The number of an attempt within its alert: 1, 2, 3 …
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttemptId(pub u32);

/// What an attempt sends, without its text: enough to find the message at the channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    pub channel: Channel,
    /// The recipient: a reference, never a number.
    pub contact: Option<String>,
    /// The first eight bytes of the text's BLAKE3 hash.
    pub digest: [u8; 8],
    /// Number of SMS segments.
    pub segments: u32,
    /// Estimated cost.
    pub cost: Picodollars,
}

/// How an attempt to send ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The channel accepted it, with an id of its own.
    Accepted {
        /// For example a message's SID.
        id: String,
    },
    /// It was certainly not sent; a retry may succeed.
    Unsent {
        /// The reason, in words of ours.
        reason: String,
        /// The channel's error code.
        code: Option<u32>,
    },
    /// It was refused, and would be again.
    Refused {
        /// The reason, in words of ours.
        reason: String,
        /// The channel's error code.
        code: Option<u32>,
    },
}

/// The delivery status of an accepted message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    /// It reached the person's device.
    Delivered,
    /// It did not reach it.
    Undelivered {
        /// The channel's error code.
        code: Option<u32>,
        /// Whether a retry may succeed.
        may_retry: bool,
    },
}

/// A change of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertChange {
    /// A cause began.
    Raised { id: AlertId, key: CauseKey, grade: Grade },
    /// Its grade has changed.
    Graded {
        id: AlertId,
        /// The new grade.
        grade: Grade,
    },
    /// The person acknowledged it: nothing more is sent, unless it gets worse.
    Acknowledged { id: AlertId },
    /// Its cause is gone.
    Resolved { id: AlertId },
    /// The person may be alerted from now on.
    Queued { id: AlertId },
    /// An attempt is about to be sent.
    Started { id: AlertId, attempt: AttemptId, parcel: AttemptRecord },
    /// The outcome of an attempt is known.
    Ended { id: AlertId, attempt: AttemptId, outcome: Outcome },
    /// The delivery status of an attempt is known.
    Noted { id: AlertId, attempt: AttemptId, delivery: Delivery },
}

#[cfg(test)]
mod tests;
