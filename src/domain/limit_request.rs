//! An agent asks for more than its limits, a person grants or refuses, and what was granted ends by itself.
//!
//! ```text
//! requested ──▶ open ──▶ granted ──▶ over: its time has come, or a person ended it
//!                 ├────▶ refused
//!                 ├────▶ withdrawn by whoever asked
//!                 └────▶ expired: nobody answered
//! ```
//!
//! Of the four ends of an open request the last needs no event: it follows from the time. A grant is an
//! [`Override`] like one that a person gave unasked, so whatever holds work against a limit knows it already.

mod decide;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::code::{Code, Coded};

use super::access::Kind;
use super::allowance::reach::{Lifted, Reach};
use super::allowance::{AllowanceError, Override};
use super::budget::BudgetName;
use super::money::Picodollars;

use crate::domain::words::words;
pub use decide::{check_answer, decide};

/// More is not asked for at once, in whole USD.
pub const ASK_MAX_USD: i64 = 1_000;
/// So many requests of one principal are open at once at most.
pub const OPEN_MAX: usize = 3;
/// So many are asked by one principal in [`DAY`] at most: fewer than the messages that a person gets in an hour, so
/// that no agent's requests keep an alert of another kind from going out.
pub const ASKED_MAX: usize = 5;
/// So many are open at once of all principals together at most.
pub const OPEN_MAX_OF_ALL: usize = 20;
/// In which [`ASKED_MAX`] is counted.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// What was refused is not asked for anew before this: asking again shows the refusal.
const NO_MEANS_NO: SignedDuration = SignedDuration::from_hours(1);
/// A request that nobody answered is over after this.
pub const EXPIRY: SignedDuration = SignedDuration::from_hours(24);
/// A grant lasts no longer.
pub const GRANT_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);
/// What is over is remembered for so long: longer than any grant lasts and any request is open.
const MEMORY: SignedDuration = SignedDuration::from_hours(31 * 24);
/// The longest reason, in bytes.
pub const REASON_BYTES_MAX: usize = 200;
/// The longest name of a session, in bytes.
const SESSION_BYTES_MAX: usize = 128;
/// The longest path of a project, in bytes.
const PROJECT_BYTES_MAX: usize = 1_024;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// How much more than the limits say.
    pub amount: Picodollars,
    /// Why, in the asker's words: one line that is shown to the person, and nothing else rests on it.
    pub reason: String,
    /// Which limits of whose work.
    pub reach: Reach,
    /// For how long, in minutes, where the asker says so.
    pub minutes: Option<u32>,
}

impl Wish {
    /// Whether a grant of one would be a grant of the other; a reason told in other words makes no other request.
    fn is_same(&self, other: &Self) -> bool {
        (self.amount, &self.reach, self.minutes) == (other.amount, &other.reach, other.minutes)
    }
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// A person allowed more.
    Granted(Grant),
    /// A person did not.
    Refused {
        /// Why, in the person's words; empty where they gave no reason.
        reason: String,
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// Whoever asked needs it no more.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
}

/// What a person allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The number of the override that carries it.
    pub number: u32,
    /// How much: what the person chose, and not what was asked for.
    pub amount: Picodollars,
    /// When it ends: by itself, or since when it was over before its time.
    pub until: Timestamp,
    /// Whether a person ended it before its time.
    pub is_ended: bool,
    /// Who allowed it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A request and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitRequest {
    /// Counts all requests of a tenant, from 1.
    pub number: u32,
    /// What is asked for.
    pub wish: Wish,
    /// Who asks: a principal's reference.
    pub by: String,
    /// When.
    pub asked_at: Timestamp,
    /// What became of it; none while nobody has answered.
    pub answer: Option<Answer>,
}

/// How a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits for a person.
    Open,
    /// It is granted, and the grant holds.
    Granted,
    /// It was granted, and the grant is over.
    Over,
    /// It is refused.
    Refused,
    /// Whoever asked took it back.
    Withdrawn,
    /// Nobody answered in time.
    Expired,
}

impl LimitRequest {
    /// When it is over if nobody answers.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.asked_at.saturating_add(EXPIRY).unwrap_or(Timestamp::MAX)
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> State {
        match &self.answer {
            None if now < self.expires_at() => State::Open,
            None => State::Expired,
            Some(Answer::Granted(grant)) if now < grant.until => State::Granted,
            Some(Answer::Granted(_)) => State::Over,
            Some(Answer::Refused { .. }) => State::Refused,
            Some(Answer::Withdrawn { .. }) => State::Withdrawn,
        }
    }
}

/// What is known of a tenant's requests: those of the last days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitRequests {
    requests: BTreeMap<u32, LimitRequest>,
    /// How many there ever were.
    asked: u32,
}

impl LimitRequests {
    /// All that are remembered, the oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &LimitRequest> {
        self.requests.values()
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&LimitRequest> {
        self.requests.get(&number)
    }

    /// Those that wait for a person, the oldest first.
    pub fn open(&self, now: Timestamp) -> impl Iterator<Item = &LimitRequest> {
        self.all().filter(move |request| request.state(now) == State::Open)
    }

    /// The newest request of this principal for the same.
    #[must_use]
    pub fn latest(&self, by: &str, wish: &Wish) -> Option<&LimitRequest> {
        self.all().rev().find(|request| request.by == by && request.wish.is_same(wish))
    }
}

/// What can be done about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitOrder {
    /// Ask for more.
    Ask(Wish),
    /// Grant a request.
    Grant {
        /// Which.
        number: u32,
        /// How much; what was asked for where absent.
        amount: Option<Picodollars>,
        /// Until when.
        until: Until,
    },
    /// Refuse a request.
    Refuse {
        /// Which.
        number: u32,
        /// Why; whoever asked reads it. May be empty.
        reason: String,
    },
    /// Take one's own request back.
    Withdraw {
        /// Which.
        number: u32,
    },
    /// End a grant before its time.
    End {
        /// The request's number.
        number: u32,
    },
}

/// Until when something is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// An instant that the person chose.
    At(Timestamp),
    /// The person did not say: as long as was asked for, but not beyond this end of their day.
    Tonight(Timestamp),
}

/// What then happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitChange {
    /// More was asked for.
    Requested(LimitRequest),
    /// A person allowed more; the override carries it.
    Granted {
        /// Which request.
        number: u32,
        /// What carries it.
        granted: Override,
        /// Who.
        by: String,
    },
    /// A person did not.
    Refused {
        /// Which request.
        number: u32,
        /// Why; may be empty.
        reason: String,
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// Whoever asked took it back.
    Withdrawn {
        /// Which request.
        number: u32,
        /// When.
        at: Timestamp,
    },
    /// An override is over before its time.
    Ended {
        /// The override's number.
        number: u32,
        /// Since when.
        at: Timestamp,
    },
}

/// Why an order is refused. Its texts are read by agents too: none names a way around a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// Not a person.
    #[error("only a person may {what}; {kind} may not")]
    NotAPerson {
        /// What was to be done.
        what: &'static str,
        /// What tried it.
        kind: Kind,
    },
    /// Neither a person nor an agent.
    #[error("{0} may not ask for more; a person or an agent may")]
    MayNotAsk(Kind),
    /// Nothing, less or far more.
    #[error("{} USD cannot be asked for; ask for more than 0 and at most {ASK_MAX_USD}", .0.exact())]
    Amount(Picodollars),
    /// No reason, or one that cannot be shown.
    #[error(
        "say why in one line of 1 to {REASON_BYTES_MAX} bytes that can be read: no control and no hidden characters"
    )]
    Reason,
    /// Not a session's name.
    #[error(
        "a session is named by 1 to {SESSION_BYTES_MAX} bytes without spaces, control and hidden characters"
    )]
    Session,
    /// A session's cap without a session.
    #[error("the cap of a session can only be lifted for a session; name it")]
    NoSession,
    /// Not a directory.
    #[error(
        "a project is an absolute path of at most {PROJECT_BYTES_MAX} bytes, without control and hidden characters"
    )]
    Project,
    /// No time, or too long.
    #[error("{minutes} minutes cannot be asked for; ask for 1 to {}", GRANT_MAX.as_mins())]
    Minutes {
        /// How many.
        minutes: u32,
    },
    /// There is no such budget.
    #[error("there is no budget '{0}'; get_budget_status and `mecris budget list` name those there are")]
    NoBudget(BudgetName),
    /// Too many wait.
    #[error("{0} requests wait for a person already; wait for an answer, or take one back")]
    TooManyOpen(usize),
    /// Too many were asked.
    #[error("{ASKED_MAX} requests were made in 24 hours, and no more are taken; the next one is from {0} on")]
    TooManyAsked(Timestamp),
    /// There is none.
    #[error("there is no request {0}; the list of requests has those there are")]
    Unknown(u32),
    /// Somebody else's.
    #[error("request {0} is of somebody else; only whoever asked, or a person, takes it back")]
    NotYours(u32),
    /// It waits no more.
    #[error("request {number} is {} already", .state.word())]
    NotOpen {
        /// Which.
        number: u32,
        /// How it stands.
        state: State,
    },
    /// Nothing of it holds.
    #[error("request {number} is {}: there is no grant to end", .state.word())]
    NotGranted {
        /// Which.
        number: u32,
        /// How it stands.
        state: State,
    },
    /// Over already, or too long.
    #[error("a grant that ends at {0} is over already, or lasts more than 7 days; give a nearer time")]
    Until(Timestamp),
    /// The override would make no sense.
    #[error(transparent)]
    Override(#[from] AllowanceError),
}

impl Coded for LimitError {
    fn code(&self) -> Code {
        match self {
            Self::Unknown(_) => Code::LimitRequestUnknown,
            Self::NotAPerson { .. } | Self::MayNotAsk(_) | Self::NotYours(_) => Code::Forbidden,
            Self::NotOpen { .. } | Self::NotGranted { .. } => Code::LimitRequestSettled,
            Self::TooManyOpen(_) | Self::TooManyAsked(_) => Code::TooMany,
            _ => Code::Refused,
        }
    }
}

words! {
    State {
        Open: "open",
        Granted: "granted",
        Over: "over",
        Refused: "refused",
        Withdrawn: "withdrawn",
        Expired: "expired",
    }
}

/// Takes a change in.
pub fn evolve(known: &mut LimitRequests, change: LimitChange) {
    let mut answered = |number, answer| {
        if let Some(request) = known.requests.get_mut(&number) {
            request.answer = Some(answer);
        }
    };
    match change {
        LimitChange::Requested(request) => {
            let forgotten = request.asked_at.saturating_sub(MEMORY).unwrap_or(Timestamp::MIN);
            known.requests.retain(|_, before| before.asked_at > forgotten);
            known.asked = known.asked.max(request.number);
            known.requests.insert(request.number, request);
        }
        LimitChange::Granted { number, granted, by } => {
            let Override { number: override_number, amount, until, granted_at: at, .. } = granted;
            let grant = Grant { number: override_number, amount, until, is_ended: false, by, at };
            answered(number, Answer::Granted(grant));
        }
        LimitChange::Refused { number, reason, by, at } => {
            answered(number, Answer::Refused { reason, by, at });
        }
        LimitChange::Withdrawn { number, at } => answered(number, Answer::Withdrawn { at }),
        LimitChange::Ended { number, at } => {
            for request in known.requests.values_mut() {
                if let Some(Answer::Granted(grant)) = &mut request.answer
                    && grant.number == number
                    && at < grant.until
                {
                    (grant.until, grant.is_ended) = (at, true);
                }
            }
        }
    }
}
