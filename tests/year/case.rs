//! An alert and its attempts, as the judge follows them by the log alone.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use mecris::domain::alert::{AttemptId, CauseKey, Channel, Grade};
use mecris::domain::money::Picodollars;

/// What came of an attempt, as the program's log has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Open,
    Unsent,
    Refused,
    Accepted,
    Delivered,
    Lost { for_good: bool },
}

pub struct Attempt {
    pub round: u32,
    pub channel: Channel,
    pub grade: Grade,
    pub at: Timestamp,
    pub changed_at: Timestamp,
    pub fate: Fate,
    pub cost: Picodollars,
}

impl Attempt {
    pub fn may_have_told(&self) -> bool {
        matches!(self.fate, Fate::Open | Fate::Accepted | Fate::Delivered)
    }
}

/// An alert, as the judge follows it.
pub struct Case {
    pub key: CauseKey,
    pub grade: Grade,
    pub is_open: bool,
    /// How bad it was, and since when.
    pub history: Vec<(Timestamp, Grade)>,
    /// Since when it is as bad as it is now, or worse.
    pub news_since: Timestamp,
    pub acknowledged_at: Option<Timestamp>,
    pub rounds: u32,
    pub attempts: BTreeMap<AttemptId, Attempt>,
    /// Since when nothing holds it, and nobody was told.
    pub owed_since: Option<Timestamp>,
    /// Whether it ever was bad enough to be told.
    pub matters: bool,
    pub messages: u32,
}

impl Case {
    pub fn is_told(&self) -> bool {
        let since = self.news_since;
        self.acknowledged_at.is_some_and(|at| at >= since)
            || self.attempts.values().any(|it| it.at >= since && it.grade >= self.grade && it.may_have_told())
    }

    /// Whether a channel has done, in this round, what the rules let it do.
    pub fn is_spent(&self, channel: Channel, now: Timestamp) -> bool {
        let on = self.attempts.values().filter(|it| it.channel == channel && it.round == self.rounds);
        let on: Vec<&Attempt> = on.filter(|it| it.at >= self.news_since).collect();
        let since = |it: &Attempt| now.duration_since(it.changed_at);
        let lost = on.iter().filter(|it| matches!(it.fate, Fate::Lost { .. })).count();
        on.last().is_some_and(|it| match it.fate {
            Fate::Refused => since(it) < SignedDuration::from_hours(6),
            Fate::Lost { for_good } => for_good || lost >= 3 || since(it) < SignedDuration::from_mins(15),
            _ => false,
        })
    }
}
