//! Query: the alerts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::alert::book::{Alert, Attempt, AttemptState};
use crate::domain::alert::failure::{Explained, Failure};
use crate::domain::alert::{Causes, Channel, Kind, Severity};
use crate::domain::money::Picodollars;

use super::TenantView;

/// An alert and its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertLine {
    /// Its number, for `mecris alerts ack`.
    #[schema(example = 17)]
    pub id: u64,
    /// What it is about: `goal`, `budget-low`, `source` …
    #[schema(value_type = String)]
    pub kind: Kind,
    /// A goal's slug, a budget's name, a source's name …
    #[schema(example = "exercise")]
    pub subject: String,
    /// `info`, `warning`, `critical` or `immediate`.
    #[schema(value_type = String)]
    pub severity: Severity,
    /// The message, with current numbers; null if the cause is gone.
    pub text: Option<String>,
    /// The fix, if it is a command that changes a spend limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    /// When the cause began.
    #[schema(value_type = String, format = DateTime)]
    pub raised_at: Timestamp,
    /// When a message last reached the person, as far as known.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub told_at: Option<Timestamp>,
    /// When the person acknowledged it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub acknowledged_at: Option<Timestamp>,
    /// When the cause had gone.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub resolved_at: Option<Timestamp>,
    /// What it waits for; null if it does not wait, or if no supervisor is running to know.
    pub waits_for: Option<String>,
    /// The attempts to send it, oldest first.
    pub attempts: Vec<AttemptLine>,
}

/// An attempt to send an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptLine {
    /// Its number within the alert.
    pub attempt: u32,
    /// By its word, such as `sms`.
    pub channel: String,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// `open`, `unsent`, `refused`, `accepted`, `delivered` or `undelivered`.
    pub state: String,
    /// When it entered that state.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
    /// The channel's id of the message.
    pub channel_id: Option<String>,
    /// Number of SMS segments.
    pub segments: u32,
    /// Estimated cost.
    #[schema(value_type = String)]
    pub cost_usd: Picodollars,
    /// Why it did not arrive, if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureLine>,
}

/// Why a message did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailureLine {
    /// The channel's own code; null if it told none.
    #[schema(example = 30034)]
    pub code: Option<u32>,
    /// What is wrong.
    #[schema(example = "a US number that is not registered for 10DLC")]
    pub what: String,
    /// What the person can do.
    pub mend: String,
}

impl FailureLine {
    fn new(failure: &Failure, channel: Channel) -> Self {
        let Explained { what, fix } = failure.explained(channel);
        Self { code: failure.code, what, mend: fix }
    }
}

/// The open alerts, worst first; with `all`, then resolved ones, newest first.
#[must_use]
pub fn alerts(view: &TenantView, causes: &Causes, all: bool) -> Vec<AlertLine> {
    let mut open: Vec<&Alert> = view.alerts.open().collect();
    open.sort_by_key(|alert| (std::cmp::Reverse(alert.grade), alert.id));
    let over = view.alerts.alerts().rev().filter(|alert| all && !alert.is_open());
    open.into_iter().chain(over).map(|alert| line(alert, causes)).collect()
}

fn line(alert: &Alert, causes: &Causes) -> AlertLine {
    let cause = causes.of(&alert.key).filter(|_| alert.is_open());
    AlertLine {
        id: alert.id.0,
        kind: alert.key.kind,
        subject: alert.key.subject.clone(),
        severity: alert.grade.severity,
        text: cause.map(|cause| cause.text.clone()),
        mend: cause.and_then(|cause| cause.mend.clone()),
        raised_at: alert.raised_at,
        told_at: alert.told_at(),
        acknowledged_at: alert.acknowledged_at.filter(|_| alert.is_acknowledged()),
        resolved_at: alert.resolved_at,
        waits_for: None,
        attempts: alert.attempts().map(attempt).collect(),
    }
}

fn attempt(attempt: &Attempt) -> AttemptLine {
    let id = match &attempt.state {
        AttemptState::Open | AttemptState::Unsent | AttemptState::Refused => None,
        AttemptState::Accepted(id) | AttemptState::Delivered(id) | AttemptState::Undelivered { id, .. } => {
            Some(id)
        }
    };
    AttemptLine {
        attempt: attempt.id.0,
        channel: attempt.parcel.channel.word().to_owned(),
        started_at: attempt.started_at,
        state: attempt.state.name().to_owned(),
        changed_at: attempt.changed_at,
        channel_id: id.cloned(),
        segments: attempt.parcel.segments,
        cost_usd: attempt.parcel.cost,
        failure: attempt.failure.as_ref().map(|failure| FailureLine::new(failure, attempt.parcel.channel)),
    }
}
