//! Requests that were refused, and when a person hears of it.
//!
//! A wrong token now and then is a mistake; many within an hour are somebody who tries, or a program that was forgotten.
//! What is told of a minute is one event, whatever came in it.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// So long refusals are remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);
/// One is told of a minute; more than this are never remembered.
const TOLD_MAX: usize = 128;

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// Without a token that is good (401).
    Unauthorized,
    /// Its token is for other things, or it comes from another site's page (403).
    Forbidden,
    /// It was meant for somebody else (421).
    Misdirected,
    /// Too much was asked at once (429).
    TooMany,
    /// It came over the network without TLS.
    InPlain,
}

impl Why {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Unauthorized, Self::Forbidden, Self::Misdirected, Self::TooMany, Self::InPlain];

    /// As it stands in metrics and log lines.
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

    /// What an answer's status says.
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

/// What was refused within a minute or so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Refusals {
    /// How many, in [`Why::ALL`]'s order.
    pub counts: [u64; Why::ALL.len()],
    /// How many of them came over the network: the others from this machine.
    pub from_network: u64,
}

impl Refusals {
    /// One more.
    pub fn note(&mut self, why: Why, is_from_network: bool) {
        self.counts[why as usize] = self.counts[why as usize].saturating_add(1);
        self.from_network = self.from_network.saturating_add(u64::from(is_from_network));
    }

    /// How many they are.
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
    /// Something more was told.
    pub fn evolve(&mut self, at: Timestamp, refusals: Refusals) {
        self.0.push_back((at, refusals));
        while self.0.len() > TOLD_MAX || self.0.front().is_some_and(|(first, _)| ends(*first) <= at) {
            self.0.pop_front();
        }
    }

    /// When the first of those in [`Self::lately`] is an hour old.
    #[must_use]
    pub fn changes_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.iter().map(|(at, _)| ends(*at)).find(|end| now < *end)
    }

    /// What was refused in the hour before `now`.
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
