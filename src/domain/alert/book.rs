//! What has happened to each alert: the fold of its events.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::clock::happened;

use super::{AlertChange, AlertId, AttemptId, CauseKey, Channel, Delivery, Grade, Outcome, Parcel};

/// Alerts that were resolved longer ago are in the log alone.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its number.
    pub id: AlertId,
    /// What it is of.
    pub key: CauseKey,
    /// How bad it is now, or was at last.
    pub grade: Grade,
    /// When its cause began.
    pub raised_at: Timestamp,
    /// When the person took note.
    pub acknowledged_at: Option<Timestamp>,
    /// How bad what they took note of is, by now: what is worse than this is news to them.
    pub acknowledged_up_to: Option<Grade>,
    /// When its cause had gone.
    pub resolved_at: Option<Timestamp>,
    /// What is worse than this is news; none: all is.
    pub told_up_to: Option<Grade>,
    /// Each round of telling: the first, and one for each time that it got worse.
    pub tellings: Vec<Telling>,
}

/// A round of telling a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    /// How bad it was.
    pub grade: Grade,
    /// From when on the person might be told.
    pub queued_at: Timestamp,
    /// In their order.
    pub attempts: Vec<Attempt>,
}

/// An attempt to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its number.
    pub id: AttemptId,
    /// What was sent.
    pub parcel: Parcel,
    /// When it began.
    pub started_at: Timestamp,
    /// How it stands.
    pub state: AttemptState,
    /// Since when.
    pub changed_at: Timestamp,
}

/// How an attempt stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttemptState {
    /// It is not known whether it was sent.
    Open,
    /// It was not sent.
    Unsent,
    /// It was refused.
    Refused,
    /// It was taken, under this id.
    Accepted(String),
    /// It was taken under this id, and has arrived.
    Delivered(String),
    /// It was taken, and did not arrive.
    Undelivered {
        /// The channel's id.
        id: String,
        /// Whether trying again is of use.
        may_retry: bool,
    },
}

impl AttemptState {
    /// As it is shown.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Unsent => "unsent",
            Self::Refused => "refused",
            Self::Accepted(_) => "accepted",
            Self::Delivered(_) => "delivered",
            Self::Undelivered { .. } => "undelivered",
        }
    }
}

impl Attempt {
    /// Whether it told the person, as far as is known.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self.state, AttemptState::Accepted(_) | AttemptState::Delivered(_))
    }

    /// Whether it told the person, or may have.
    #[must_use]
    pub fn may_have_told(&self) -> bool {
        self.is_taken() || self.state == AttemptState::Open
    }

    /// Whether it may have left, and so counts against the limits.
    #[must_use]
    pub fn may_have_left(&self) -> bool {
        !matches!(self.state, AttemptState::Unsent | AttemptState::Refused)
    }
}

impl Alert {
    /// Whether its cause lasts.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.resolved_at.is_none()
    }

    /// Whether there is something that the person was not told of, and nobody set out to.
    #[must_use]
    pub fn is_news(&self) -> bool {
        self.is_open() && self.told_up_to.is_none_or(|told| self.grade > told)
    }

    /// Whether the person has taken note of it as it is now, or worse.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        self.acknowledged_up_to.is_some_and(|up_to| self.grade <= up_to)
    }

    /// All attempts, the oldest first.
    pub fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.tellings.iter().flat_map(|telling| &telling.attempts)
    }

    /// When the person was last told, as far as is known.
    #[must_use]
    pub fn told_at(&self) -> Option<Timestamp> {
        self.attempts().filter(|attempt| attempt.is_taken()).map(|attempt| attempt.started_at).max()
    }

    /// The round that is still to be sent: none of its attempts, if it has any, has left.
    fn round_under_way(&self) -> Option<&Telling> {
        let is_unsent = |attempt: &Attempt| attempt.state == AttemptState::Unsent;
        let round = self.tellings.last()?;
        (!self.is_acknowledged() && round.attempts.iter().all(is_unsent)).then_some(round)
    }

    /// Whether it has eased, since its last round began, to what an earlier round told of.
    #[must_use]
    pub fn has_eased_to_what_was_told(&self) -> bool {
        self.tellings.split_last().is_some_and(|(round, earlier)| {
            self.grade < round.grade && earlier.iter().any(|earlier| earlier.has_told(self.grade))
        })
    }

    /// The number of its next attempt.
    #[must_use]
    pub fn next_attempt(&self) -> AttemptId {
        AttemptId(self.attempts().map(|attempt| attempt.id.0).max().unwrap_or(0) + 1)
    }

    fn attempt_mut(&mut self, id: AttemptId) -> Option<&mut Attempt> {
        self.tellings.iter_mut().flat_map(|telling| &mut telling.attempts).find(|attempt| attempt.id == id)
    }
}

/// The alerts of one tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertState {
    alerts: BTreeMap<AlertId, Alert>,
    last: u64,
}

impl AlertState {
    /// All that are kept, the oldest first.
    pub fn alerts(&self) -> impl DoubleEndedIterator<Item = &Alert> + Clone {
        self.alerts.values()
    }

    /// Those whose cause lasts.
    pub fn open(&self) -> impl Iterator<Item = &Alert> + Clone {
        self.alerts().filter(|alert| alert.is_open())
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: AlertId) -> Option<&Alert> {
        self.alerts.get(&id)
    }

    /// The number of the next one to be raised, after `more` others.
    #[must_use]
    pub fn next_id(&self, more: usize) -> AlertId {
        AlertId(self.last + 1 + more as u64)
    }

    /// The attempts that were made from an instant on, of all alerts.
    pub fn attempts_since(&self, since: Timestamp, now: Timestamp) -> impl Iterator<Item = &Attempt> {
        let is_within = move |attempt: &&Attempt| happened(attempt.started_at, now) > since;
        self.alerts().flat_map(Alert::attempts).filter(is_within)
    }

    /// The worst that a person was told, or may have been, from an instant on, or is about to be told by another
    /// alert, of the kind and subject of this one.
    #[must_use]
    pub fn worst_told(&self, of: &Alert, since: Timestamp, now: Timestamp) -> Option<Grade> {
        let is_same = |alert: &&Alert| (alert.key.kind, &alert.key.subject) == (of.key.kind, &of.key.subject);
        let told = |telling: &&Telling| {
            let mut attempts = telling.attempts.iter();
            attempts.any(|attempt| happened(attempt.started_at, now) >= since && attempt.may_have_told())
        };
        let tellings = self.alerts().filter(is_same).flat_map(|alert| &alert.tellings).filter(told);
        let others = self.open().filter(is_same).filter(|alert| alert.id != of.id);
        let being_told = others.filter_map(Alert::round_under_way);
        tellings.chain(being_told).map(|telling| telling.grade).max()
    }

    /// The ids under which channels took messages.
    #[must_use]
    pub fn channel_ids(&self) -> BTreeSet<String> {
        let ids = self.alerts().flat_map(Alert::attempts).filter_map(|attempt| match &attempt.state {
            AttemptState::Accepted(id)
            | AttemptState::Delivered(id)
            | AttemptState::Undelivered { id, .. } => Some(id.clone()),
            _ => None,
        });
        ids.collect()
    }

    /// The attempt that a channel knows by this id.
    #[must_use]
    pub fn sent_as(&self, channel_id: &str) -> Option<(AlertId, &Attempt)> {
        let is_it = |attempt: &Attempt| match &attempt.state {
            AttemptState::Accepted(id)
            | AttemptState::Delivered(id)
            | AttemptState::Undelivered { id, .. } => id == channel_id,
            _ => false,
        };
        self.alerts().rev().find_map(|alert| {
            alert.attempts().find(|attempt| is_it(attempt)).map(|attempt| (alert.id, attempt))
        })
    }

    /// Applies a change that happened at `at`. What does not fit (an attempt of an alert that is not kept) is
    /// passed over.
    pub fn evolve(&mut self, at: Timestamp, change: AlertChange) {
        match change {
            AlertChange::Raised { id, key, grade } => self.raise(at, id, key, grade),
            AlertChange::Graded { id, grade } => self.change(id, |alert| {
                alert.grade = grade;
                // Less bad: getting worse again will be news again.
                alert.told_up_to = alert.told_up_to.map(|told| told.min(grade));
                alert.acknowledged_up_to = alert.acknowledged_up_to.map(|up_to| up_to.min(grade));
                // A round that has told nobody yet will tell of what is then, unless that was told before.
                if let Some((round, earlier)) = alert.tellings.split_last_mut()
                    && !round.may_have_told()
                    && !earlier.iter().any(|earlier| earlier.has_told(grade))
                {
                    round.grade = round.grade.min(grade);
                }
            }),
            AlertChange::Acknowledged { id } => self.change(id, |alert| {
                alert.acknowledged_at = Some(at);
                alert.acknowledged_up_to = Some(alert.grade);
                alert.told_up_to = Some(alert.grade);
            }),
            AlertChange::Resolved { id } => self.change(id, |alert| alert.resolved_at = Some(at)),
            AlertChange::Queued { id } => self.change(id, |alert| {
                alert.told_up_to = Some(alert.grade);
                alert.tellings.push(Telling { grade: alert.grade, queued_at: at, attempts: Vec::new() });
            }),
            AlertChange::Started { id, attempt, parcel } => self.change(id, |alert| {
                let (state, started_at) = (AttemptState::Open, at);
                let attempt = Attempt { id: attempt, parcel, started_at, state, changed_at: at };
                if let Some(telling) = alert.tellings.last_mut() {
                    telling.attempts.push(attempt);
                }
            }),
            AlertChange::Ended { id, attempt, outcome } => self.change_attempt(id, attempt, at, |state| {
                *state = match (&state, outcome) {
                    // Looked for and not there yet, and now its answer comes.
                    (AttemptState::Open | AttemptState::Unsent, Outcome::Accepted { id }) => {
                        AttemptState::Accepted(id)
                    }
                    (AttemptState::Open, Outcome::Unsent { .. }) => AttemptState::Unsent,
                    (AttemptState::Open, Outcome::Refused { .. }) => AttemptState::Refused,
                    // What was taken stays so, whatever is heard late.
                    _ => return,
                };
            }),
            AlertChange::Noted { id, attempt, delivery } => self.change_attempt(id, attempt, at, |state| {
                if let AttemptState::Accepted(id) = state {
                    let id = std::mem::take(id);
                    *state = match delivery {
                        Delivery::Delivered => AttemptState::Delivered(id),
                        Delivery::Undelivered { may_retry, .. } => {
                            AttemptState::Undelivered { id, may_retry }
                        }
                    };
                }
            }),
        }
    }

    fn raise(&mut self, at: Timestamp, id: AlertId, key: CauseKey, grade: Grade) {
        self.alerts.retain(|_, alert| {
            alert.resolved_at.is_none_or(|resolved_at| at.duration_since(resolved_at) < KEPT)
        });
        self.last = self.last.max(id.0);
        let alert = Alert {
            id,
            key,
            grade,
            raised_at: at,
            acknowledged_at: None,
            acknowledged_up_to: None,
            resolved_at: None,
            told_up_to: None,
            tellings: Vec::new(),
        };
        self.alerts.insert(id, alert);
    }

    fn change(&mut self, id: AlertId, change: impl FnOnce(&mut Alert)) {
        if let Some(alert) = self.alerts.get_mut(&id) {
            change(alert);
        }
    }

    fn change_attempt(
        &mut self,
        id: AlertId,
        attempt: AttemptId,
        at: Timestamp,
        change: impl FnOnce(&mut AttemptState),
    ) {
        self.change(id, |alert| {
            if let Some(attempt) = alert.attempt_mut(attempt) {
                let before = attempt.state.clone();
                change(&mut attempt.state);
                if attempt.state != before {
                    attempt.changed_at = at;
                }
            }
        });
    }
}

impl Telling {
    /// Whether it told the person, or may have.
    fn may_have_told(&self) -> bool {
        self.attempts.iter().any(Attempt::may_have_told)
    }

    /// Whether it told the person of this, or of worse, or may have.
    fn has_told(&self, grade: Grade) -> bool {
        self.grade >= grade && self.may_have_told()
    }

    /// The attempts on a channel, the oldest first.
    pub fn on(&self, channel: Channel) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(move |attempt| attempt.parcel.channel == channel)
    }
}
