//! Refused requests, and when the person is alerted.
//!
//! A wrong token now and then is a mistake; many within an hour mean an attack or a forgotten program. All
//! refusals of a minute are one event.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long refusals are remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);
/// Maximum number remembered: one event per minute at most.
const TOLD_MAX: usize = 128;

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// Without a valid token (401).
    Unauthorized,
    /// The token lacks the scope, or the request comes from another site's page (403).
    Forbidden,
    /// The request names another host (421).
    Misdirected,
    /// Too many requests (429).
    TooMany,
    /// The request came over the network without TLS.
    InPlain,
}

impl Why {
    pub const ALL: [Self; 5] =
        [Self::Unauthorized, Self::Forbidden, Self::Misdirected, Self::TooMany, Self::InPlain];

    /// The name in metrics and log lines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::Misdirected => "misdirected",
            Self::TooMany => "too-many",
            Self::InPlain => "in-plain",
        }
    }

    /// The reason behind a response's status.
    #[must_use]
    pub fn of_status(status: u16) -> Option<Self> {
        match status {
            401 => Some(Self::Unauthorized),
            403 => Some(Self::Forbidden),
            421 => Some(Self::Misdirected),
            429 => Some(Self::TooMany),
            _ => None,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Unauthorized => "without a good token",
            Self::Forbidden => "for more than they may",
            Self::Misdirected => "meant for another host",
            Self::TooMany => "too many at once",
            Self::InPlain => "without encryption",
        }
    }
}

/// Refusals within about a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Refusals {
    /// Counts, in the order of [`Why::ALL`].
    pub counts: [u64; Why::ALL.len()],
    /// How many came over the network; the others came from this machine.
    pub from_network: u64,
}

impl Refusals {
    /// Counts one.
    pub fn note(&mut self, why: Why, is_from_network: bool) {
        self.counts[why as usize] = self.counts[why as usize].saturating_add(1);
        self.from_network = self.from_network.saturating_add(u64::from(is_from_network));
    }

    /// The total.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// `12 without a good token, 1 meant for another host; 3 of them over the network`
    #[must_use]
    pub fn words(&self) -> String {
        let counted = Why::ALL.into_iter().zip(self.counts).filter(|(_, count)| *count > 0);
        let parts: Vec<String> = counted.map(|(why, count)| format!("{count} {}", why.words())).collect();
        let whence = match self.from_network {
            0 => "all from this machine".to_owned(),
            count if count == self.sum() => "all over the network".to_owned(),
            count => format!("{count} of them over the network"),
        };
        format!("{}; {whence}", parts.join(", "))
    }

    fn plus(mut self, other: &Self) -> Self {
        for (sum, count) in self.counts.iter_mut().zip(other.counts) {
            *sum = sum.saturating_add(count);
        }
        self.from_network = self.from_network.saturating_add(other.from_network);
        self
    }
}

/// The refusals of the last hour.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Refused(VecDeque<(Timestamp, Refusals)>);

impl Refused {
    /// Adds the refusals of an event.
    pub fn evolve(&mut self, at: Timestamp, refusals: Refusals) {
        self.0.push_back((at, refusals));
        while self.0.len() > TOLD_MAX || self.0.front().is_some_and(|(first, _)| ends(*first) <= at) {
            self.0.pop_front();
        }
    }

    /// When the oldest refusal in [`Self::lately`] becomes an hour old.
    #[must_use]
    pub fn changes_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.iter().map(|(at, _)| ends(*at)).find(|end| now < *end)
    }

    /// The refusals in the hour before `now`.
    #[must_use]
    pub fn lately(&self, now: Timestamp) -> Refusals {
        let recent = self.0.iter().filter(|(at, _)| now < ends(*at));
        recent.fold(Refusals::default(), |sum, (_, refusals)| sum.plus(refusals))
    }
}

fn ends(at: Timestamp) -> Timestamp {
    at.saturating_add(REMEMBERED).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-29T{text}Z").parse().unwrap()
    }

    fn of(why: Why, count: u64, is_from_network: bool) -> Refusals {
        let mut refusals = Refusals::default();
        (0..count).for_each(|_| refusals.note(why, is_from_network));
        refusals
    }

    #[test]
    fn what_is_remembered_is_bounded_also_where_the_clock_stands_still() {
        let mut refused = Refused::default();
        for _ in 0..10_000 {
            refused.evolve(at("12:00:00"), of(Why::TooMany, 1, false));
        }
        assert_eq!(refused.0.len(), TOLD_MAX);
        refused.evolve(at("14:00:00"), of(Why::TooMany, 1, false));
        assert_eq!(refused.0.len(), 1);
    }

    #[test]
    fn each_status_of_a_refusal_has_its_reason_and_no_other() {
        let found: Vec<u16> = (100..600).filter(|status| Why::of_status(*status).is_some()).collect();
        assert_eq!(found, [401, 403, 421, 429]);
        for (index, why) in Why::ALL.into_iter().enumerate() {
            assert_eq!(why as usize, index);
        }
    }
}
