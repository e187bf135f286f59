//! The ladder: which channel is next within a round of notification.
//!
//! The first usable rung starts at once. The next one starts when the one before it has failed permanently,
//! or when its patience is over and the climb has not ended. A rung that could not send retries with growing
//! pauses until the climb has ended. No two attempts are under way within a rung's patience. A timestamp
//! ahead of the clock counts as long past: otherwise a clock that was set back would cause pauses of years.

use jiff::{SignedDuration, Timestamp};

use crate::domain::clock::happened;

use super::book::{Alert, Attempt, AttemptState, UsageChange};
use super::policy::{Policy, Until, Usable};

/// Pause before resending an accepted message that did not arrive, if a retry may succeed.
const AGAIN: SignedDuration = SignedDuration::from_mins(15);
/// Maximum number of undelivered messages per round and channel.
const ASTRAY_MAX: usize = 3;
/// Pause before retrying after a refusal: it may have been fixed at the other side.
const REFUSED_AGAIN: SignedDuration = SignedDuration::from_hours(6);

/// Which channel is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn<'a> {
    /// This channel, now.
    Now(&'a Usable),
    /// No channel before this instant.
    At(Timestamp),
    /// No channel: an attempt is under way, or none is left.
    Nobody,
    /// The climb has ended.
    Done,
}

/// Which channel is next in the alert's last round.
#[must_use]
pub fn turn<'a>(alert: &Alert, policy: &Policy, usable: &'a [Usable], now: Timestamp) -> Turn<'a> {
    if alert.is_acknowledged() {
        return Turn::Done;
    }
    let Some(telling) = alert.tellings.last() else { return Turn::Nobody };
    if is_over(telling, policy.until) || alert.has_eased_to_what_was_told() {
        return Turn::Done;
    }
    // Its grade may have fallen since the round began.
    let severity = telling.grade.min(alert.grade).severity;
    let mut begins = happened(telling.queued_at, now);
    let mut next: Option<(Timestamp, Option<&Usable>)> = None;
    let may_serve =
        |rung: &&super::policy::Rung| rung.at_least <= severity && alert.key.may_go_by(rung.channel);
    for rung in policy.ladder.iter().filter(may_serve) {
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

/// Until when a sent message that may still arrive is waited for: otherwise a retry on one rung, while
/// another rung's message is on its way, would alert the person twice.
fn under_way_until(telling: &UsageChange, policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    let patience = |attempt: &Attempt| {
        let rung = policy.ladder.iter().find(|rung| rung.channel == attempt.parcel.channel)?;
        Some(happened(attempt.started_at, now).saturating_add(rung.patience).unwrap_or(Timestamp::MAX))
    };
    telling.attempts.iter().filter(|attempt| attempt.may_have_told()).filter_map(patience).max()
}

/// The earlier of two turns; the first one if they are simultaneous.
fn earlier<'a>(
    next: Option<(Timestamp, Option<&'a Usable>)>,
    other: (Timestamp, Option<&'a Usable>),
) -> (Timestamp, Option<&'a Usable>) {
    next.filter(|next| next.0 <= other.0).unwrap_or(other)
}

fn is_over(telling: &UsageChange, until: Until) -> bool {
    // Only a telephone reports delivery; elsewhere an accepted message counts as delivered.
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

/// When a rung that has started may send next; none if it may not.
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

/// When a rung failed permanently; none if it has not.
fn failed_at(tried: &[&Attempt], now: Timestamp) -> Option<Timestamp> {
    let last = tried.last()?;
    last.has_failed().then_some(happened(last.changed_at, now))
}

fn astray(tried: &[&Attempt]) -> usize {
    tried.iter().filter(|attempt| matches!(attempt.state, AttemptState::Undelivered { .. })).count()
}
