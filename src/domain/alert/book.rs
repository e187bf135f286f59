//! The alert state: what has happened to each alert, folded from its events.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::clock::happened;

use super::failure::Failure;
use super::{AlertChange, AlertId, AttemptId, AttemptRecord, CauseKey, Channel, Delivery, Grade, Outcome};

/// How long resolved alerts stay in the state; older ones are in the log alone.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    pub id: AlertId,
    pub key: CauseKey,
    /// Its current grade, or the last one.
    pub grade: Grade,
    /// When its cause began.
    pub raised_at: Timestamp,
    /// When the person acknowledged it.
    pub acknowledged_at: Option<Timestamp>,
    /// The highest grade covered by the acknowledgement: anything worse is news.
    pub acknowledged_up_to: Option<Grade>,
    /// When its cause was gone.
    pub resolved_at: Option<Timestamp>,
    /// The highest grade that the person has been told; anything worse is news. None: everything is.
    pub told_up_to: Option<Grade>,
    /// The rounds of notification: the first, and one for each time that it got worse.
    pub tellings: Vec<UsageChange>,
}

/// A round of notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageChange {
    /// The grade at that time.
    pub grade: Grade,
    /// From when on the person might be alerted.
    pub queued_at: Timestamp,
    /// In order.
    pub attempts: Vec<Attempt>,
}

/// An attempt to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub id: AttemptId,
    pub parcel: AttemptRecord,
    /// When it began.
    pub started_at: Timestamp,
    pub state: AttemptState,
    /// When it entered that state.
    pub changed_at: Timestamp,
    /// Why it did not arrive, if it did not.
    pub failure: Option<Failure>,
}

/// The state of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttemptState {
    /// It is unknown whether it was sent.
    Open,
    /// It was not sent.
    Unsent,
    /// It was refused.
    Refused,
    /// The channel accepted it, with this id.
    Accepted(String),
    /// It was accepted with this id, and has arrived.
    Delivered(String),
    /// It was accepted, and did not arrive.
    Undelivered {
        /// The channel's id.
        id: String,
        /// Whether a retry may succeed.
        may_retry: bool,
    },
}

impl AttemptState {
    /// The display name.
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
    /// Whether it reached the person, as far as known.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self.state, AttemptState::Accepted(_) | AttemptState::Delivered(_))
    }

    /// Whether it reached the person, or may have.
    #[must_use]
    pub fn may_have_told(&self) -> bool {
        self.is_taken() || self.state == AttemptState::Open
    }

    /// Whether it was refused, or did not arrive.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        matches!(self.state, AttemptState::Refused | AttemptState::Undelivered { .. })
    }

    /// Whether it may have been sent, and so counts against the limits.
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

    /// Whether there is something that the person has not been told, and no round is under way for it.
    #[must_use]
    pub fn is_news(&self) -> bool {
        self.is_open() && self.told_up_to.is_none_or(|told| self.grade > told)
    }

    /// Whether the person acknowledged its current grade or a worse one.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        self.acknowledged_up_to.is_some_and(|up_to| self.grade <= up_to)
    }

    /// All attempts, oldest first.
    pub fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.tellings.iter().flat_map(|telling| &telling.attempts)
    }

    /// When a message last reached the person, as far as known.
    #[must_use]
    pub fn told_at(&self) -> Option<Timestamp> {
        self.attempts().filter(|attempt| attempt.is_taken()).map(|attempt| attempt.started_at).max()
    }

    /// The round that is still to be sent: none of its attempts, if any, has been sent.
    fn round_under_way(&self) -> Option<&UsageChange> {
        let is_unsent = |attempt: &Attempt| attempt.state == AttemptState::Unsent;
        let round = self.tellings.last()?;
        (!self.is_acknowledged() && round.attempts.iter().all(is_unsent)).then_some(round)
    }

    /// Whether every attempt of its last round has failed, so that nobody was told.
    #[must_use]
    pub fn has_reached_nobody(&self) -> bool {
        let round = self.tellings.last();
        round
            .is_some_and(|round| !round.attempts.is_empty() && round.attempts.iter().all(Attempt::has_failed))
    }

    /// Whether its grade has fallen, since its last round began, to one that an earlier round covered.
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
    /// All alerts in the state, oldest first.
    pub fn alerts(&self) -> impl DoubleEndedIterator<Item = &Alert> + Clone {
        self.alerts.values()
    }

    /// The alerts whose cause lasts.
    pub fn open(&self) -> impl Iterator<Item = &Alert> + Clone {
        self.alerts().filter(|alert| alert.is_open())
    }

    #[must_use]
    pub fn get(&self, id: AlertId) -> Option<&Alert> {
        self.alerts.get(&id)
    }

    /// The number for the next alert, after `more` others.
    #[must_use]
    pub fn next_id(&self, more: usize) -> AlertId {
        AlertId(self.last + 1 + more as u64)
    }

    /// The attempts since an instant, over all alerts.
    pub fn attempts_since(&self, since: Timestamp, now: Timestamp) -> impl Iterator<Item = &Attempt> {
        let is_within = move |attempt: &&Attempt| happened(attempt.started_at, now) > since;
        self.alerts().flat_map(Alert::attempts).filter(is_within)
    }

    /// The worst grade that the person was told, or may have been, since an instant, or is about to be told
    /// by another alert with this one's kind and subject.
    #[must_use]
    pub fn worst_told(&self, of: &Alert, since: Timestamp, now: Timestamp) -> Option<Grade> {
        let is_same = |alert: &&Alert| (alert.key.kind, &alert.key.subject) == (of.key.kind, &of.key.subject);
        let told = |telling: &&UsageChange| {
            let mut attempts = telling.attempts.iter();
            attempts.any(|attempt| happened(attempt.started_at, now) >= since && attempt.may_have_told())
        };
        let tellings = self.alerts().filter(is_same).flat_map(|alert| &alert.tellings).filter(told);
        let others = self.open().filter(is_same).filter(|alert| alert.id != of.id);
        let being_told = others.filter_map(Alert::round_under_way);
        tellings.chain(being_told).map(|telling| telling.grade).max()
    }

    /// The channels' ids of accepted messages.
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

    /// The attempt with this id at its channel.
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

    /// Applies a change that happened at `at`. Changes that do not fit (such as an attempt of an alert that
    /// is no longer kept) are ignored.
    pub fn evolve(&mut self, at: Timestamp, change: AlertChange) {
        match change {
            AlertChange::Raised { id, key, grade } => self.raise(at, id, key, grade),
            AlertChange::Graded { id, grade } => self.change(id, |alert| {
                alert.grade = grade;
                // Less bad: getting worse again will be news.
                alert.told_up_to = alert.told_up_to.map(|told| told.min(grade));
                alert.acknowledged_up_to = alert.acknowledged_up_to.map(|up_to| up_to.min(grade));
                // A round without any sent message will use the new grade, unless an earlier round covered
                // it.
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
                alert.tellings.push(UsageChange { grade: alert.grade, queued_at: at, attempts: Vec::new() });
            }),
            AlertChange::Started { id, attempt, parcel } => self.change(id, |alert| {
                let (state, started_at) = (AttemptState::Open, at);
                let attempt =
                    Attempt { id: attempt, parcel, started_at, state, changed_at: at, failure: None };
                if let Some(telling) = alert.tellings.last_mut() {
                    telling.attempts.push(attempt);
                }
            }),
            AlertChange::Ended { id, attempt, outcome } => self.change_attempt(id, attempt, at, |attempt| {
                (attempt.state, attempt.failure) = match (&attempt.state, outcome) {
                    // It was looked up and not found, and now its result arrives.
                    (AttemptState::Open | AttemptState::Unsent, Outcome::Accepted { id }) => {
                        (AttemptState::Accepted(id), None)
                    }
                    (AttemptState::Open, Outcome::Unsent { reason, code }) => {
                        (AttemptState::Unsent, Some(Failure { reason, code }))
                    }
                    (AttemptState::Open, Outcome::Refused { reason, code }) => {
                        (AttemptState::Refused, Some(Failure { reason, code }))
                    }
                    // An accepted message stays accepted, whatever arrives late.
                    _ => return,
                };
            }),
            AlertChange::Noted { id, attempt, delivery } => self.change_attempt(id, attempt, at, |attempt| {
                if let AttemptState::Accepted(id) = &mut attempt.state {
                    let id = std::mem::take(id);
                    attempt.state = match delivery {
                        Delivery::Delivered => AttemptState::Delivered(id),
                        Delivery::Undelivered { code, may_retry } => {
                            attempt.failure = Some(Failure::undelivered(code));
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
        change: impl FnOnce(&mut Attempt),
    ) {
        self.change(id, |alert| {
            if let Some(attempt) = alert.attempt_mut(attempt) {
                let before = attempt.state.clone();
                change(attempt);
                if attempt.state != before {
                    attempt.changed_at = at;
                }
            }
        });
    }
}

impl UsageChange {
    /// Whether it reached the person, or may have.
    fn may_have_told(&self) -> bool {
        self.attempts.iter().any(Attempt::may_have_told)
    }

    /// Whether it told the person of this grade or a worse one, or may have.
    fn has_told(&self, grade: Grade) -> bool {
        self.grade >= grade && self.may_have_told()
    }

    /// The attempts on a channel, oldest first.
    pub fn on(&self, channel: Channel) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(move |attempt| attempt.parcel.channel == channel)
    }
}
