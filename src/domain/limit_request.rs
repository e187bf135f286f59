//! Limit requests: an agent asks for a higher limit, a person grants or refuses, and a grant ends by itself.
//!
//! ```text
//! requested ──▶ open ──▶ granted ──▶ over: its time has come, or a person ended it
//!                 ├────▶ refused
//!                 ├────▶ withdrawn by whoever asked
//!                 └────▶ expired: nobody answered
//! ```
//!
//! Of the four ends of an open request, expiry needs no event: it follows from the time. A grant is an
//! ordinary [`Override`], so every check of a limit already includes it.

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

/// Maximum amount of a request, in whole USD.
pub const ASK_MAX_USD: i64 = 1_000;
/// Maximum number of open requests per principal.
pub const OPEN_MAX: usize = 3;
/// Maximum number of requests per principal in [`DAY`]: fewer than the hourly limit of messages to the
/// person, so that requests of an agent never keep another alert from being sent.
pub const ASKED_MAX: usize = 5;
/// Maximum number of open requests over all principals.
pub const OPEN_MAX_OF_ALL: usize = 20;
/// The period for [`ASKED_MAX`].
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How long a refusal stands: repeating the request shows it.
const NO_MEANS_NO: SignedDuration = SignedDuration::from_hours(1);
/// How long a request stays open without an answer.
pub const EXPIRY: SignedDuration = SignedDuration::from_hours(24);
/// Maximum duration of a grant.
pub const GRANT_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long closed requests are remembered: longer than any grant or open request.
const MEMORY: SignedDuration = SignedDuration::from_hours(31 * 24);
/// Maximum length of a reason, in bytes.
pub const REASON_BYTES_MAX: usize = 200;
/// Maximum length of a session's name, in bytes.
const SESSION_BYTES_MAX: usize = 128;
/// Maximum length of a project's path, in bytes.
const PROJECT_BYTES_MAX: usize = 1_024;

/// What is requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The amount above the limits.
    pub amount: Picodollars,
    /// The reason, in the asker's words: one line that is shown to the person and used for nothing else.
    pub reason: String,
    /// Which limits, for which work.
    pub reach: Reach,
    /// The duration in minutes, if given.
    pub minutes: Option<u32>,
}

impl Wish {
    /// Whether both request the same; a different reason does not make a different request.
    fn is_same(&self, other: &Self) -> bool {
        (self.amount, &self.reach, self.minutes) == (other.amount, &other.reach, other.minutes)
    }
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    Granted(Grant),
    Refused {
        /// The person's words; may be empty.
        reason: String,
        by: String,
        at: Timestamp,
    },
    /// The asker withdrew it.
    Withdrawn {
        at: Timestamp,
    },
}

/// A person's grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The number of its override.
    pub number: u32,
    /// The amount that the person chose.
    pub amount: Picodollars,
    /// When it ends or ended.
    pub until: Timestamp,
    /// Whether a person ended it early.
    pub is_ended: bool,
    pub by: String,
    pub at: Timestamp,
}

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitRequest {
    /// Counts all requests of a tenant, from 1.
    pub number: u32,
    pub wish: Wish,
    /// The asking principal's reference.
    pub by: String,
    pub asked_at: Timestamp,
    /// None if nobody has answered.
    pub answer: Option<Answer>,
}

/// The state of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits for a person.
    Open,
    /// The grant is in force.
    Granted,
    /// The grant has ended.
    Over,
    Refused,
    /// The asker withdrew it.
    Withdrawn,
    /// Nobody answered in time.
    Expired,
}

impl LimitRequest {
    /// When it expires without an answer.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.asked_at.saturating_add(EXPIRY).unwrap_or(Timestamp::MAX)
    }

    /// Its state at `now`.
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

/// A tenant's recent requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitRequests {
    requests: BTreeMap<u32, LimitRequest>,
    /// Number of requests ever made.
    asked: u32,
}

impl LimitRequests {
    /// All remembered requests, oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &LimitRequest> {
        self.requests.values()
    }

    #[must_use]
    pub fn get(&self, number: u32) -> Option<&LimitRequest> {
        self.requests.get(&number)
    }

    /// The open requests, oldest first.
    pub fn open(&self, now: Timestamp) -> impl Iterator<Item = &LimitRequest> {
        self.all().filter(move |request| request.state(now) == State::Open)
    }

    /// The newest request of this principal for the same.
    #[must_use]
    pub fn latest(&self, by: &str, wish: &Wish) -> Option<&LimitRequest> {
        self.all().rev().find(|request| request.by == by && request.wish.is_same(wish))
    }
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitOrder {
    Ask(Wish),
    Grant {
        number: u32,
        /// The amount; the requested amount if none.
        amount: Option<Picodollars>,
        until: Until,
    },
    Refuse {
        number: u32,
        /// The reason, for the asker. May be empty.
        reason: String,
    },
    /// Withdraw an own request.
    Withdraw {
        number: u32,
    },
    /// End a grant early.
    End {
        /// The request's number.
        number: u32,
    },
}

/// When a grant ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// An instant that the person chose.
    At(Timestamp),
    /// The person did not say: after the requested duration, and at this end of their day at the latest.
    Tonight(Timestamp),
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitChange {
    Requested(LimitRequest),
    /// A person granted a request, with this override.
    Granted {
        number: u32,
        granted: Override,
        by: String,
    },
    /// A person refused a request.
    Refused {
        number: u32,
        /// May be empty.
        reason: String,
        by: String,
        at: Timestamp,
    },
    /// The asker withdrew a request.
    Withdrawn {
        number: u32,
        at: Timestamp,
    },
    /// An override was ended early.
    Ended {
        /// The override's number.
        number: u32,
        at: Timestamp,
    },
}

/// Why a command is refused. Agents read these texts too: none of them names a way around the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// Only a person may do this.
    #[error("only a person may {what}; {kind} may not")]
    NotAPerson {
        /// The attempted action.
        what: &'static str,
        /// The kind of principal that tried.
        kind: Kind,
    },
    /// This kind of principal may not ask.
    #[error("{0} may not ask for more; a person or an agent may")]
    MayNotAsk(Kind),
    /// Zero, negative or far too large.
    #[error("{} USD cannot be asked for; ask for more than 0 and at most {ASK_MAX_USD}", .0.exact())]
    Amount(Picodollars),
    /// The reason is missing, or not displayable.
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
    /// Zero, or too long.
    #[error("{minutes} minutes cannot be asked for; ask for 1 to {}", GRANT_MAX.as_mins())]
    Minutes { minutes: u32 },
    #[error("there is no budget '{0}'; get_budget_status and `mecris budget list` name those there are")]
    NoBudget(BudgetName),
    /// Too many requests are open.
    #[error("{0} requests wait for a person already; wait for an answer, or take one back")]
    TooManyOpen(usize),
    /// Too many requests were made.
    #[error("{ASKED_MAX} requests were made in 24 hours, and no more are taken; the next one is from {0} on")]
    TooManyAsked(Timestamp),
    #[error("there is no request {0}; the list of requests has those there are")]
    Unknown(u32),
    /// Another principal's request.
    #[error("request {0} is of somebody else; only whoever asked, or a person, takes it back")]
    NotYours(u32),
    /// It is no longer open.
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
    /// The override would be invalid.
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

/// Applies a change.
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
