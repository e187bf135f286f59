//! The decision: what to do next.
//!
//! The caller appends the changes of a step, applies them, and asks again until there are none. A message is
//! sent only if the caller's own append recorded its attempt: of two callers with the same log, one gets a
//! conflict, and sends nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::calendar;
use crate::domain::money::Picodollars;
use crate::domain::sms;

use super::book::{Alert, AlertState, UsageChange};
use super::ladder::{Turn, turn};
use super::policy::{Policy, Usable};
use super::{AlertChange, AlertId, AttemptId, AttemptRecord, Cause, CauseKey, Causes, Channel, Severity};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Everything that a step depends on, besides the alert state.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    pub causes: &'a Causes,
    pub policy: &'a Policy,
    /// The usable channels.
    pub usable: &'a [Usable],
    /// The person's current time zone.
    pub zone: &'a TimeZone,
    pub now: Timestamp,
}

/// A message to send once the change that starts its attempt is in the log.
#[derive(Clone, PartialEq, Eq)]
pub struct OutgoingMessage {
    pub id: AlertId,
    pub attempt: AttemptId,
    /// The round of notification, from 1: channels that deduplicate treat all attempts of a round as one
    /// message.
    pub telling: usize,
    pub key: CauseKey,
    /// When its cause began.
    pub raised_at: Timestamp,
    pub severity: Severity,
    pub channel: Channel,
    /// The recipient's reference.
    pub contact: Option<String>,
    pub text: String,
}

/// Hides the text.
impl std::fmt::Debug for OutgoingMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OutgoingMessage({}, attempt {}, {})", self.id, self.attempt.0, self.channel)
    }
}

/// Why an alert is not being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldReason {
    /// Quiet hours, until this instant.
    Quiet(Timestamp),
    /// The person was alerted about the same kind and subject today, and it has not got worse; until this
    /// instant.
    Throttled(Timestamp),
    /// A limit is reached, until this instant.
    Limited(Timestamp),
    /// The next rung or retry is due at this instant.
    Waiting(Timestamp),
    /// No configured and permitted channel is for this alert, or every one that is has failed for good.
    NoChannel,
    /// It is unknown whether its cause lasts.
    Unknown,
}

impl HoldReason {
    /// When it ends, if known.
    #[must_use]
    pub fn until(self) -> Option<Timestamp> {
        match self {
            Self::Quiet(until) | Self::Throttled(until) | Self::Limited(until) | Self::Waiting(until) => {
                Some(until)
            }
            Self::NoChannel | Self::Unknown => None,
        }
    }
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// To append together.
    pub changes: Vec<AlertChange>,
    /// To send after the append.
    pub sendings: Vec<OutgoingMessage>,
    /// Which alerts wait, and why.
    pub held: BTreeMap<AlertId, HoldReason>,
    /// When to decide again without an event.
    pub due: Option<Timestamp>,
}

/// Decides what to do next.
#[must_use]
pub fn step(book: &AlertState, situation: &Situation<'_>) -> Step {
    for changes in [follow_causes(book, situation.causes), queue(book, situation)] {
        if !changes.is_empty() {
            return Step { changes, ..Step::default() };
        }
    }
    let mut step = send(book, situation);
    if step.changes.is_empty() {
        let holds = step.held.values().filter_map(|hold| hold.until());
        step.due = holds.chain(situation.causes.changes_at).min();
    }
    step
}

/// Raises, grades and resolves alerts.
fn follow_causes(book: &AlertState, causes: &Causes) -> Vec<AlertChange> {
    let mut changes = Vec::new();
    for alert in book.open() {
        match causes.of(&alert.key) {
            Some(cause) if cause.grade != alert.grade => {
                changes.push(AlertChange::Graded { id: alert.id, grade: cause.grade });
            }
            Some(_) => {}
            None if causes.is_unknown(&alert.key) => {}
            None => changes.push(AlertChange::Resolved { id: alert.id }),
        }
    }
    let is_open = |key: &CauseKey| book.open().any(|alert| alert.key == *key);
    let is_first = |index: usize, cause: &Cause| causes.present[..index].iter().all(|it| it.key != cause.key);
    let new = causes.present.iter().enumerate();
    let new = new.filter(|(index, cause)| !is_open(&cause.key) && is_first(*index, cause));
    changes.extend(new.enumerate().map(|(number, (_, cause))| AlertChange::Raised {
        id: book.next_id(number),
        key: cause.key.clone(),
        grade: cause.grade,
    }));
    changes
}

/// Starts a round of notification for news that may be sent; of each kind and subject, for the worst alert.
fn queue(book: &AlertState, situation: &Situation<'_>) -> Vec<AlertChange> {
    let mut news: Vec<&Alert> = book.open().filter(|alert| alert.is_news()).collect();
    news.sort_by_key(|alert| (std::cmp::Reverse(alert.grade), alert.id));
    let mut seen = BTreeSet::new();
    news.into_iter()
        .filter(|alert| situation.policy.is_told(alert.grade.severity))
        .filter(|alert| hold_of_news(book, alert, situation).is_none())
        .filter(|alert| seen.insert((alert.key.kind, &alert.key.subject)))
        .map(|alert| AlertChange::Queued { id: alert.id })
        .collect()
}

fn hold_of_news(book: &AlertState, alert: &Alert, situation: &Situation<'_>) -> Option<HoldReason> {
    let Situation { causes, policy, usable, zone, now } = *situation;
    if causes.of(&alert.key).is_none() {
        return Some(HoldReason::Unknown);
    }
    let severity = alert.grade.severity;
    let serves = |rung: &super::policy::Rung| {
        rung.at_least <= severity
            && alert.key.may_go_by(rung.channel)
            && usable.iter().any(|usable| usable.channel == rung.channel)
    };
    if !policy.ladder.iter().any(serves) {
        return Some(HoldReason::NoChannel);
    }
    let today = calendar::day_of(now, zone);
    let told = book.worst_told(alert, calendar::start_of(today, zone), now);
    if told.is_some_and(|told| alert.grade <= told) {
        return Some(HoldReason::Throttled(calendar::end_of(today, zone)));
    }
    quiet(policy, severity, zone, now)
}

fn quiet(policy: &Policy, severity: Severity, zone: &TimeZone, now: Timestamp) -> Option<HoldReason> {
    if severity == Severity::Immediate && policy.immediate_breaks_quiet {
        return None;
    }
    policy.quiet.as_ref()?.stretch(now, zone).map(|stretch| HoldReason::Quiet(stretch.end))
}

/// Starts the attempts that are due, worst first, because the limits are shared.
fn send(book: &AlertState, situation: &Situation<'_>) -> Step {
    let Situation { causes, policy, usable, zone, now } = *situation;
    let mut step = Step::default();
    let mut left = Allowance::new(book, policy, now);
    let mut alerts: Vec<&Alert> = book.open().collect();
    alerts.sort_by_key(|alert| (std::cmp::Reverse(alert.grade), alert.id));
    for alert in alerts {
        if alert.is_news() {
            if policy.is_told(alert.grade.severity)
                && let Some(hold) = hold_of_news(book, alert, situation)
            {
                step.held.insert(alert.id, hold);
            }
            continue;
        }
        let hold = match turn(alert, policy, usable, now) {
            Turn::Nobody if usable.is_empty() || alert.has_reached_nobody() => Some(HoldReason::NoChannel),
            Turn::Done | Turn::Nobody => continue,
            Turn::At(due) => Some(HoldReason::Waiting(due)),
            Turn::Now(channel) => {
                match (causes.of(&alert.key), quiet(policy, alert.grade.severity, zone, now)) {
                    (None, _) => Some(HoldReason::Unknown),
                    (_, Some(hold)) => Some(hold),
                    (Some(cause), None) => {
                        let (parcel, sending) = pack(alert, &cause.for_the_person(), channel, policy);
                        match left.take(&parcel, now) {
                            Ok(()) => {
                                let (id, attempt) = (alert.id, sending.attempt);
                                step.changes.push(AlertChange::Started { id, attempt, parcel });
                                step.sendings.push(sending);
                                None
                            }
                            Err(until) => Some(HoldReason::Limited(until)),
                        }
                    }
                }
            }
        };
        step.held.extend(hold.map(|hold| (alert.id, hold)));
    }
    step
}

/// Builds the message of an attempt. Its reference makes it unique, so that it can be found at the channel.
fn pack(alert: &Alert, text: &str, to: &Usable, policy: &Policy) -> (AttemptRecord, OutgoingMessage) {
    let telling = alert.tellings.len();
    let reference = reference(alert.id, telling);
    let (text, segments) = if to.channel.needs_consent() {
        let text = short(&format!("Mecris: {text}"), &reference, policy.segments_max);
        let segments = sms::segments(&text).count;
        (text, segments)
    } else {
        (format!("{text}{reference}"), 1)
    };
    let parcel = AttemptRecord {
        channel: to.channel,
        contact: to.contact.clone(),
        digest: digest(&text),
        segments,
        cost: to.price.scale(i128::from(segments), 1),
    };
    let sending = OutgoingMessage {
        id: alert.id,
        attempt: alert.next_attempt(),
        telling,
        key: alert.key.clone(),
        raised_at: alert.raised_at,
        severity: alert.grade.severity,
        channel: to.channel,
        contact: to.contact.clone(),
        text,
    };
    (parcel, sending)
}

/// How the messages of a round end.
fn reference(id: AlertId, telling: usize) -> String {
    if telling > 1 { format!(" #{id}/{telling}") } else { format!(" #{id}") }
}

/// How the message of an attempt ends; none if there is no such attempt.
#[must_use]
pub fn reference_of(alert: &Alert, attempt: AttemptId) -> Option<String> {
    let has = |round: &UsageChange| round.attempts.iter().any(|known| known.id == attempt);
    let round = alert.tellings.iter().position(has)?;
    Some(reference(alert.id, round + 1))
}

/// The text with its reference, truncated to the allowed number of segments.
pub(super) fn short(text: &str, reference: &str, segments_max: u32) -> String {
    let text = sms::fold(text);
    let fits = |text: &str| {
        sms::segments(text).count <= segments_max && text.encode_utf16().count() <= sms::MAX_UNITS
    };
    let whole = format!("{text}{reference}");
    if fits(&whole) {
        return whole;
    }
    let mut head = sms::fit(&text, segments_max);
    while !head.is_empty() && !fits(&format!("{head}{reference}")) {
        head.truncate(head.trim_end_matches("...").len());
        head.pop();
        head += if head.is_empty() { "" } else { "..." };
    }
    head + reference
}

/// The first eight bytes of a text's BLAKE3 hash: it identifies a message whose text the log does not have.
#[must_use]
pub fn digest(text: &str) -> [u8; 8] {
    let mut digest = [0; 8];
    digest.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..8]);
    digest
}

/// What is left of the limits.
struct Allowance {
    /// The time and cost of each message of the last day, oldest first.
    sent: Vec<(Timestamp, Picodollars)>,
    limits: super::policy::Limits,
}

impl Allowance {
    fn new(book: &AlertState, policy: &Policy, now: Timestamp) -> Self {
        let since = now.saturating_sub(DAY).unwrap_or(Timestamp::MIN);
        let left = book.attempts_since(since, now).filter(|attempt| attempt.may_have_left());
        let mut sent: Vec<_> = left.map(|attempt| (attempt.started_at, attempt.parcel.cost)).collect();
        sent.sort_unstable();
        Self { sent, limits: policy.limits }
    }

    /// Takes one message from what is left, or returns when to try again.
    fn take(&mut self, parcel: &AttemptRecord, now: Timestamp) -> Result<(), Timestamp> {
        let Self { sent, limits } = self;
        let hour_ago = now.saturating_sub(HOUR).unwrap_or(Timestamp::MIN);
        let in_hour: Vec<Timestamp> = sent.iter().map(|(at, _)| *at).filter(|at| *at > hour_ago).collect();
        let later =
            |at: Option<Timestamp>, pause| at.unwrap_or(now).saturating_add(pause).unwrap_or(Timestamp::MAX);
        if in_hour.len() >= limits.per_hour as usize {
            return Err(later(in_hour.first().copied(), HOUR));
        }
        let spent: Picodollars = sent.iter().map(|(_, cost)| *cost).sum();
        if sent.len() >= limits.per_day as usize || spent + parcel.cost > limits.usd_per_day {
            return Err(later(sent.first().map(|(at, _)| *at), DAY));
        }
        sent.push((now, parcel.cost));
        Ok(())
    }
}
