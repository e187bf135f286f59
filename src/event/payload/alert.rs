//! What happened to alerts, and who may be written to. No text, no number: a contact is a reference.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::class::classes;
use crate::domain::alert::{
    AlertChange, AlertId, AttemptId, AttemptRecord, CauseKey, Channel, Delivery, Grade, Kind, Outcome,
    Severity,
};
use crate::domain::consent::{By, ConsentChange};
use crate::domain::money::Picodollars;

use super::Event;

/// A cause began that a person must hear of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertRaised {
    /// Its number: 1, 2, 3 …
    pub alert: u64,
    /// What it is about, such as `goal` or `budget-low`.
    pub kind: String,
    /// A goal's slug, a budget's name …
    pub subject: String,
    /// The period that its cause belongs to, or empty.
    pub period: String,
    /// `info`, `warning`, `critical` or `immediate`.
    pub severity: String,
    /// Within a severity, more is worse.
    pub level: u32,
}

/// An alert is worse now, or less bad.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertGraded {
    /// Its number.
    pub alert: u64,
    /// `info`, `warning`, `critical` or `immediate`.
    pub severity: String,
    /// Within a severity, more is worse.
    pub level: u32,
}

/// The person has taken note of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertAcknowledged {
    /// Its number.
    pub alert: u64,
}

/// An alert's cause has gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertResolved {
    /// Its number.
    pub alert: u64,
}

/// The person may be told of an alert now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertQueued {
    /// Its number.
    pub alert: u64,
}

/// An alert is about to be sent. What comes of it is told by [`AttemptEnded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptStarted {
    /// The alert's number.
    pub alert: u64,
    /// The attempt's number within the alert: 1, 2, 3 …
    pub attempt: u32,
    /// By its word, such as `sms`.
    pub channel: String,
    /// To whom: a reference, never a number.
    pub contact: Option<String>,
    /// The first eight bytes of the text's BLAKE3 hash.
    pub digest: [u8; 8],
    /// Into how many parts the message falls.
    pub segments: u32,
    /// What it is estimated to cost, in USD.
    #[schemars(with = "String")]
    pub cost: Picodollars,
}

/// It is known whether an attempt was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptEnded {
    /// The alert's number.
    pub alert: u64,
    /// The attempt's number.
    pub attempt: u32,
    /// `accepted`, `unsent` or `refused`.
    pub outcome: String,
    /// Where it was accepted: under which id of the channel's own.
    pub channel_id: Option<String>,
    /// Where it was not: why, in words of ours.
    pub reason: String,
    /// The channel's own code.
    pub code: Option<u32>,
}

/// It is known what became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryNoted {
    /// The alert's number.
    pub alert: u64,
    /// The attempt's number.
    pub attempt: u32,
    /// Whether it reached the person's device.
    pub is_delivered: bool,
    /// Where it did not: whether trying again is of use.
    pub may_retry: bool,
    /// Where it did not: the channel's own code.
    pub code: Option<u32>,
}

/// A number may be written to, or may not any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsentChanged {
    /// Whose number: a reference.
    pub contact: String,
    /// Whether it may be written to now.
    pub is_granted: bool,
    /// Who decided: `person`, `message` or `carrier`.
    pub by: String,
}

classes! {
    AlertRaised { None: alert, kind, period, severity, level; Personal: subject; }
    AlertGraded { None: alert, severity, level; }
    AlertAcknowledged { None: alert; }
    AlertResolved { None: alert; }
    AlertQueued { None: alert; }
    AttemptStarted { None: alert, attempt, channel, segments, cost; Pseudonymous: contact, digest; }
    AttemptEnded { None: alert, attempt, outcome, reason, code; Pseudonymous: channel_id; }
    DeliveryNoted { None: alert, attempt, is_delivered, may_retry, code; }
    ConsentChanged { None: is_granted, by; Pseudonymous: contact; }
}

/// A word in an event of alerts that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no word of alerts")]
pub struct AlertPayloadError(pub String);

impl From<&AlertChange> for Event<'static> {
    fn from(change: &AlertChange) -> Self {
        match change.clone() {
            AlertChange::Raised { id, key, grade } => Event::AlertRaised(AlertRaised {
                alert: id.0,
                kind: key.kind.word().to_owned(),
                subject: key.subject,
                period: key.period,
                severity: grade.severity.word().to_owned(),
                level: grade.level,
            }),
            AlertChange::Graded { id, grade: Grade { severity, level } } => {
                Event::AlertGraded(AlertGraded { alert: id.0, severity: severity.word().to_owned(), level })
            }
            AlertChange::Acknowledged { id } => Event::AlertAcknowledged(AlertAcknowledged { alert: id.0 }),
            AlertChange::Resolved { id } => Event::AlertResolved(AlertResolved { alert: id.0 }),
            AlertChange::Queued { id } => Event::AlertQueued(AlertQueued { alert: id.0 }),
            AlertChange::Started { id, attempt, parcel } => Event::AttemptStarted(AttemptStarted {
                alert: id.0,
                attempt: attempt.0,
                channel: parcel.channel.word().to_owned(),
                contact: parcel.contact,
                digest: parcel.digest,
                segments: parcel.segments,
                cost: parcel.cost,
            }),
            AlertChange::Ended { id, attempt, outcome } => {
                let (outcome, channel_id, reason, code) = match outcome {
                    Outcome::Accepted { id } => ("accepted", Some(id), String::new(), None),
                    Outcome::Unsent { reason, code } => ("unsent", None, reason, code),
                    Outcome::Refused { reason, code } => ("refused", None, reason, code),
                };
                let (alert, attempt, outcome) = (id.0, attempt.0, outcome.to_owned());
                Event::AttemptEnded(AttemptEnded { alert, attempt, outcome, channel_id, reason, code })
            }
            AlertChange::Noted { id, attempt, delivery } => {
                let (is_delivered, may_retry, code) = match delivery {
                    Delivery::Delivered => (true, false, None),
                    Delivery::Undelivered { code, may_retry } => (false, may_retry, code),
                };
                let (alert, attempt) = (id.0, attempt.0);
                Event::DeliveryNoted(DeliveryNoted { alert, attempt, is_delivered, may_retry, code })
            }
        }
    }
}

/// The change that an event tells of; none where it tells of no alert.
///
/// # Errors
/// [`AlertPayloadError`].
pub fn alert_change(event: &Event<'_>) -> Result<Option<AlertChange>, AlertPayloadError> {
    Ok(Some(match event {
        Event::AlertRaised(raised) => AlertChange::Raised {
            id: AlertId(raised.alert),
            key: CauseKey {
                kind: Kind::of_word(&raised.kind).ok_or_else(|| AlertPayloadError(raised.kind.clone()))?,
                subject: raised.subject.clone(),
                period: raised.period.clone(),
            },
            grade: grade(&raised.severity, raised.level)?,
        },
        Event::AlertGraded(graded) => {
            AlertChange::Graded { id: AlertId(graded.alert), grade: grade(&graded.severity, graded.level)? }
        }
        Event::AlertAcknowledged(it) => AlertChange::Acknowledged { id: AlertId(it.alert) },
        Event::AlertResolved(it) => AlertChange::Resolved { id: AlertId(it.alert) },
        Event::AlertQueued(it) => AlertChange::Queued { id: AlertId(it.alert) },
        Event::AttemptStarted(it) => AlertChange::Started {
            id: AlertId(it.alert),
            attempt: AttemptId(it.attempt),
            parcel: AttemptRecord {
                channel: Channel::of_word(&it.channel)
                    .ok_or_else(|| AlertPayloadError(it.channel.clone()))?,
                contact: it.contact.clone(),
                digest: it.digest,
                segments: it.segments,
                cost: it.cost,
            },
        },
        Event::AttemptEnded(it) => AlertChange::Ended {
            id: AlertId(it.alert),
            attempt: AttemptId(it.attempt),
            outcome: outcome(it)?,
        },
        Event::DeliveryNoted(it) => AlertChange::Noted {
            id: AlertId(it.alert),
            attempt: AttemptId(it.attempt),
            delivery: if it.is_delivered {
                Delivery::Delivered
            } else {
                Delivery::Undelivered { code: it.code, may_retry: it.may_retry }
            },
        },
        _ => return Ok(None),
    }))
}

fn grade(severity: &str, level: u32) -> Result<Grade, AlertPayloadError> {
    let severity = Severity::of_word(severity).ok_or_else(|| AlertPayloadError(severity.to_owned()))?;
    Ok(Grade { severity, level })
}

fn outcome(ended: &AttemptEnded) -> Result<Outcome, AlertPayloadError> {
    let (reason, code) = (ended.reason.clone(), ended.code);
    match ended.outcome.as_str() {
        "accepted" => Ok(Outcome::Accepted { id: ended.channel_id.clone().unwrap_or_default() }),
        "unsent" => Ok(Outcome::Unsent { reason, code }),
        "refused" => Ok(Outcome::Refused { reason, code }),
        other => Err(AlertPayloadError(other.to_owned())),
    }
}

impl From<&ConsentChange> for ConsentChanged {
    fn from(change: &ConsentChange) -> Self {
        Self {
            contact: change.contact.clone(),
            is_granted: change.is_granted,
            by: change.by.word().to_owned(),
        }
    }
}

impl TryFrom<&ConsentChanged> for ConsentChange {
    type Error = AlertPayloadError;

    fn try_from(stored: &ConsentChanged) -> Result<Self, AlertPayloadError> {
        let by = By::of_word(&stored.by).ok_or_else(|| AlertPayloadError(stored.by.clone()))?;
        Ok(Self { contact: stored.contact.clone(), is_granted: stored.is_granted, by })
    }
}
