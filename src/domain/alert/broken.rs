//! Channels whose last message did not arrive.

use jiff::{SignedDuration, Timestamp};

use crate::domain::clock::happened;

use super::book::{AlertState, Attempt, AttemptState};
use super::failure::{Explained, Failure};
use super::{AlertId, Channel};

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
