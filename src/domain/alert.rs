//! Alerts: what a person must hear of, when, and on which channel. Pure: what to do next is a function of what
//! has happened ([`book::AlertState`]), what is true now ([`Causes`]), what the person wants ([`policy::Policy`])
//! and the time.
//!
//! ```text
//! cause ──▶ raised ──▶ queued ──▶ attempt started ──▶ accepted ──▶ delivered
//!             │           │             │  ▲              └─────▶ undelivered ─┐
//!             │           │             │  └── unsent, unknown: looked for ◀────┤ next rung of the ladder
//!             ▼           ▼             ▼                                      │
//!          resolved: the cause has gone, and nothing more is sent ◀────────────┘
//! ```
//!
//! An alert fires once while its cause lasts. Its key holds the period that the cause belongs to (a budget's
//! own period, a goal's deadline), so that a new period arms it anew and an old one ends it. A rolling budget's alerts
//! belong to no period: they are armed anew when their cause has gone.

pub mod book;
pub mod command;
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
    /// A reminder of the person's own is due.
    Reminder,
    /// A budget's used share passed a threshold.
    BudgetThreshold,
    /// Less of a budget remains than its threshold.
    BudgetLow,
    /// At this rate a budget does not last to its period's end.
    BudgetProjection,
    /// More was spent today than a budget's daily limit.
    BudgetDaily,
    /// A budget's period ends soon.
    BudgetEnding,
    /// Less money is with a provider than the threshold.
    BalanceLow,
    /// A reading by hand is due.
    ReadingDue,
    /// A source has not answered for long, or refuses the key.
    Source,
    /// An actor failed for good, and its supervisor with it.
    Actor,
    /// A month's sum should be read by hand.
    Odometer,
    /// Somebody asks for more than the limits say.
    LimitRequest,
    /// Requests are refused again and again.
    Access,
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
    }
}

/// How much an alert matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something should be done soon.
    Warning,
    /// Something is being lost.
    Critical,
    /// A goal is lost today: may break quiet hours, if the person said so.
    Immediate,
}

words! { Severity { Info: "info", Warning: "warning", Critical: "critical", Immediate: "immediate" } }

/// How bad it is: by severity, and within one by level (percents of a budget, for one).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Grade {
    /// See [`Severity`].
    pub severity: Severity,
    /// More is worse.
    pub level: u32,
}

/// What an alert is of: its kind, its subject, and the period that its cause belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CauseKey {
    /// See [`Kind`].
    pub kind: Kind,
    /// A goal's slug, a budget's name, a source's name …
    pub subject: String,
    /// A goal's deadline, a budget's first day …; empty where a cause belongs to no period.
    pub period: String,
}

/// Something that is true now, and that a person should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// See [`CauseKey`].
    pub key: CauseKey,
    /// See [`Grade`].
    pub grade: Grade,
    /// What there is to say, with the numbers of this moment. It never reaches the log. It names no command that changes
    /// what may be spent: agents read it.
    pub text: String,
    /// What the person can do about it, where that is such a command. No agent reads it.
    pub mend: Option<String>,
}

impl Cause {
    /// All of it, for the person.
    #[must_use]
    pub fn for_the_person(&self) -> String {
        match &self.mend {
            Some(mend) => format!("{} {mend}", self.text),
            None => self.text.clone(),
        }
    }
}

/// What is true at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Causes {
    /// The causes that last.
    pub present: Vec<Cause>,
    /// Of which kinds and subjects it is not known: their alerts stay as they are.
    pub unknown: BTreeSet<(Kind, String)>,
    /// When it may be otherwise although nothing happens: a deadline, a midnight.
    pub changes_at: Option<Timestamp>,
}

impl Causes {
    /// It may be otherwise from this instant on.
    pub fn may_change_at(&mut self, instant: Timestamp) {
        self.changes_at = Some(self.changes_at.map_or(instant, |before| before.min(instant)));
    }

    /// The cause of an alert, if it lasts.
    #[must_use]
    pub fn of(&self, key: &CauseKey) -> Option<&Cause> {
        self.present.iter().find(|cause| cause.key == *key)
    }

    /// Whether it is not known if this cause lasts.
    #[must_use]
    pub fn is_unknown(&self, key: &CauseKey) -> bool {
        self.unknown.iter().any(|(kind, subject)| *kind == key.kind && *subject == key.subject)
    }
}

/// A way to reach a person, beside the screen.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A short message, by Twilio.
    Sms,
    /// WhatsApp, by Twilio.
    Whatsapp,
    /// A push message, by an ntfy server.
    Ntfy,
    /// A signed request to an address of the person's own.
    Webhook,
    /// A mail, by SMTP.
    Email,
}

words! { Channel { Sms: "sms", Whatsapp: "whatsapp", Ntfy: "ntfy", Webhook: "webhook", Email: "email" } }

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl Channel {
    /// Whether messages go to a telephone number, and so need its owner's consent.
    #[must_use]
    pub fn needs_consent(self) -> bool {
        matches!(self, Self::Sms | Self::Whatsapp)
    }
}

/// The number of an alert, in the order in which a tenant's alerts were raised: 1, 2, 3 …
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertId(pub u64);

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The number of an attempt to send, within its alert: 1, 2, 3 …
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttemptId(pub u32);

/// What an attempt sends, without its text: enough to find it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// On which channel.
    pub channel: Channel,
    /// To whom: a reference, never a number.
    pub contact: Option<String>,
    /// The first eight bytes of the text's BLAKE3 hash.
    pub digest: [u8; 8],
    /// Into how many parts it falls.
    pub segments: u32,
    /// What it is estimated to cost.
    pub cost: Picodollars,
}

/// How an attempt to send ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was taken, under this id of the channel's own.
    Accepted {
        /// A message's SID, for one.
        id: String,
    },
    /// It is certain that it was not sent; later it may be.
    Unsent {
        /// Why, in a few words of ours.
        reason: String,
        /// The channel's own code.
        code: Option<u32>,
    },
    /// It was refused, and will be again.
    Refused {
        /// Why, in a few words of ours.
        reason: String,
        /// The channel's own code.
        code: Option<u32>,
    },
}

/// What became of a message that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    /// It reached the person's device.
    Delivered,
    /// It did not.
    Undelivered {
        /// The channel's own code.
        code: Option<u32>,
        /// Whether trying again is of use.
        may_retry: bool,
    },
}

/// Something happened to an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertChange {
    /// A cause began.
    Raised {
        /// Its number.
        id: AlertId,
        /// Of what.
        key: CauseKey,
        /// How bad.
        grade: Grade,
    },
    /// It is worse now, or less bad.
    Graded {
        /// Which.
        id: AlertId,
        /// How bad it is now.
        grade: Grade,
    },
    /// The person has taken note: nothing more is sent, unless it gets worse.
    Acknowledged {
        /// Which.
        id: AlertId,
    },
    /// Its cause has gone.
    Resolved {
        /// Which.
        id: AlertId,
    },
    /// The person may be told now.
    Queued {
        /// Which.
        id: AlertId,
    },
    /// It is about to be sent.
    Started {
        /// Which.
        id: AlertId,
        /// Which attempt.
        attempt: AttemptId,
        /// What.
        parcel: Parcel,
    },
    /// It is known whether it was sent.
    Ended {
        /// Which.
        id: AlertId,
        /// Which attempt.
        attempt: AttemptId,
        /// How.
        outcome: Outcome,
    },
    /// It is known what became of it.
    Noted {
        /// Which.
        id: AlertId,
        /// Which attempt.
        attempt: AttemptId,
        /// What.
        delivery: Delivery,
    },
}

#[cfg(test)]
mod tests;
