//! The ladder: whose turn it is within a round of telling.
//!
//! The first rung that can be used begins at once. The next one begins when the one before it has failed for
//! good, or when its patience is over and the climb has not ended. A rung that could not send tries again, with
//! growing pauses, for as long as nothing has ended the climb. No two attempts are under way within a rung's
//! patience. What is dated ahead of the clock was long ago: else a clock that was set back would make pauses of years.

use jiff::{SignedDuration, Timestamp};

use crate::domain::clock::happened;

use super::book::{Alert, Attempt, AttemptState, Telling};
use super::policy::{Policy, Until, Usable};

/// What was taken and did not arrive is sent again after this pause, where that is of use.
const AGAIN: SignedDuration = SignedDuration::from_mins(15);
/// At most so many messages of one round on one channel go astray.
const ASTRAY_MAX: usize = 3;
/// What was refused is tried again after this pause: somebody may have mended it at the other side.
const REFUSED_AGAIN: SignedDuration = SignedDuration::from_hours(6);

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn<'a> {
    /// This channel's, now.
    Now(&'a Usable),
    /// Nobody's before this instant.
    At(Timestamp),
    /// Nobody's: an attempt is under way, or no channel is left.
    Nobody,
    /// The person has been told.
    Done,
}

/// Whose turn it is in the alert's last round.
#[must_use]
pub fn turn<'a>(alert: &Alert, policy: &Policy, usable: &'a [Usable], now: Timestamp) -> Turn<'a> {
    if alert.is_acknowledged() {
        return Turn::Done;
    }
    let Some(telling) = alert.tellings.last() else { return Turn::Nobody };
    if is_over(telling, policy.until) || alert.has_eased_to_what_was_told() {
        return Turn::Done;
    }
    // It may have eased since its round began.
    let severity = telling.grade.min(alert.grade).severity;
    let mut begins = happened(telling.queued_at, now);
    let mut next: Option<(Timestamp, Option<&Usable>)> = None;
    for rung in policy.ladder.iter().filter(|rung| rung.at_least <= severity) {
        let Some(channel) = usable.iter().find(|usable| usable.channel == rung.channel) else { continue };
        if begins > now {
            next = Some(earlier(next, (begins, None)));
            break;
        }
        let tried: Vec<&Attempt> = telling.on(rung.channel).collect();
        if let Some(due) = due(&tried, policy, begins, now) {
            next = Some(earlier(next, (due, Some(channel))));
        }
        begins = match failed_at(&tried, now) {
            Some(failed_at) => begins.max(failed_at),
            None => begins.saturating_add(rung.patience).unwrap_or(Timestamp::MAX),
        };
    }
    let Some((due, channel)) = next else { return Turn::Nobody };
    let due = under_way_until(telling, policy, now).map_or(due, |until| until.max(due));
    match channel {
        Some(channel) if due <= now => Turn::Now(channel),
        _ => Turn::At(due),
    }
}

/// Until when what has left, and may arrive yet, is waited for: else a try again on one rung while another one's
/// message is on its way would tell the person twice.
fn under_way_until(telling: &Telling, policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    let patience = |attempt: &Attempt| {
        let rung = policy.ladder.iter().find(|rung| rung.channel == attempt.parcel.channel)?;
        Some(happened(attempt.started_at, now).saturating_add(rung.patience).unwrap_or(Timestamp::MAX))
    };
    telling.attempts.iter().filter(|attempt| attempt.may_have_told()).filter_map(patience).max()
}

/// The earlier of two turns, the first where they are at once.
fn earlier<'a>(
    next: Option<(Timestamp, Option<&'a Usable>)>,
    other: (Timestamp, Option<&'a Usable>),
) -> (Timestamp, Option<&'a Usable>) {
    next.filter(|next| next.0 <= other.0).unwrap_or(other)
}

fn is_over(telling: &Telling, until: Until) -> bool {
    // Only a telephone tells of its arrival; elsewhere what was taken is as good as there.
    let delivered = |attempt: &Attempt| {
        matches!(attempt.state, AttemptState::Delivered(_))
            || (attempt.is_taken() && !attempt.parcel.channel.needs_consent())
    };
    match until {
        Until::Accepted => telling.attempts.iter().any(Attempt::is_taken),
        Until::Delivered => telling.attempts.iter().any(delivered),
        Until::Acknowledged => false,
    }
}

/// When a rung that began may next send; none where it may not.
fn due(tried: &[&Attempt], policy: &Policy, begins: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let Some(last) = tried.last() else { return Some(begins) };
    let pause = match last.state {
        AttemptState::Unsent => {
            policy.pause(tried.iter().filter(|attempt| attempt.state == AttemptState::Unsent).count())
        }
        AttemptState::Refused => REFUSED_AGAIN,
        AttemptState::Undelivered { may_retry: true, .. } if astray(tried) < ASTRAY_MAX => AGAIN,
        AttemptState::Open
        | AttemptState::Accepted(_)
        | AttemptState::Delivered(_)
        | AttemptState::Undelivered { .. } => return None,
    };
    Some(happened(last.changed_at, now).saturating_add(pause).unwrap_or(Timestamp::MAX))
}

/// When a rung failed for good; none where it has not.
fn failed_at(tried: &[&Attempt], now: Timestamp) -> Option<Timestamp> {
    let last = tried.last()?;
    let has_failed = matches!(last.state, AttemptState::Refused | AttemptState::Undelivered { .. });
    has_failed.then_some(happened(last.changed_at, now))
}

fn astray(tried: &[&Attempt]) -> usize {
    tried.iter().filter(|attempt| matches!(attempt.state, AttemptState::Undelivered { .. })).count()
}
