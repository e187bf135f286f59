//! Usage: one billed call to a model, and the rules for a call that is told more than once.
//!
//! A call *is* the provider's response: its message id. A request id is evidence, no identity: replays and streamed lines
//! tell the same response with another one, or with none. A message stands on several lines while it streams, and again
//! in forked, copied and resumed sessions. What counts of many tellings depends on none of their order ([`Usage::merge`]):
//!
//! | what | which telling decides |
//! |---|---|
//! | tokens | of each count the greatest, so that no copy shrinks it; of cache writes the greatest sum and the greatest hour part |
//! | time | the earliest, so that no copy moves a call to another day |
//! | session, project, model and all else | the first in the order: not a copy (`forkedFrom`), earliest, main chain, then by name |

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::calendar::{self, Quarter};
use super::project;
use super::tokens::Tokens;

/// How the message id of a sum begins that somebody told: no provider's does.
pub(super) const TOLD: &str = "told:";

/// Whether a message id is that of a sum that somebody told, and not of a call that was read.
#[must_use]
pub fn is_told(message_id: &str) -> bool {
    message_id.starts_with(TOLD)
}

/// What identifies a billed call, and the evidence beside it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct MessageKey {
    /// The provider's message id, such as `msg_01…`; where a line has none, the line's own `uuid`. It is what the call is.
    pub message_id: Box<str>,
    /// The provider's request id, such as `req_01…`; empty where the line has none. By it telemetry is held against a call.
    pub request_id: Box<str>,
}

/// The service tier the call was billed at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum ServiceTier {
    /// The ordinary tier.
    #[default]
    Standard,
    /// The batch API.
    Batch,
    /// Committed capacity.
    Priority,
    /// Cheaper and slower.
    Flex,
    /// A word that has no price here; it is shown as it was written.
    Other(Arc<str>),
}

impl ServiceTier {
    /// The tier that a provider's word means. `default` and `standard_only` are what was asked for, and are answered by the
    /// standard tier.
    #[must_use]
    pub fn of(word: &str) -> Self {
        match word {
            "" | "standard" | "default" | "standard_only" => Self::Standard,
            "batch" => Self::Batch,
            "priority" => Self::Priority,
            "flex" => Self::Flex,
            other => Self::Other(other.into()),
        }
    }

    /// The word; empty for the standard one.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Standard => "",
            Self::Batch => "batch",
            Self::Priority => "priority",
            Self::Flex => "flex",
            Self::Other(word) => word,
        }
    }
}

/// How fast the call was served.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Speed {
    /// The ordinary speed.
    #[default]
    Standard,
    /// The faster, dearer mode.
    Fast,
    /// A word that has no price here; it is shown as it was written.
    Other(Arc<str>),
}

impl Speed {
    /// The speed that a provider's word means.
    #[must_use]
    pub fn of(word: &str) -> Self {
        match word {
            "" | "standard" => Self::Standard,
            "fast" => Self::Fast,
            other => Self::Other(other.into()),
        }
    }

    /// The word; empty for the standard one.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Standard => "",
            Self::Fast => "fast",
            Self::Other(word) => word,
        }
    }
}

/// A count that a telling has and that is none, such as `-5`: its name, without its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OddCount {
    /// Uncached input.
    Input,
    /// Output.
    Output,
    /// Cache writes of either kind.
    CacheWrite,
    /// Cache reads.
    CacheRead,
    /// Web searches.
    WebSearches,
}

impl OddCount {
    const ALL: [Self; 5] = [Self::Input, Self::Output, Self::CacheWrite, Self::CacheRead, Self::WebSearches];

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input count",
            Self::Output => "output count",
            Self::CacheWrite => "cache write count",
            Self::CacheRead => "cache read count",
            Self::WebSearches => "web search count",
        }
    }

    /// The count of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|odd| odd.name() == name)
    }
}

/// One billed call: numbers and ids only, never message text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// See [`MessageKey`].
    pub key: MessageKey,
    /// Which program made the call, such as `claude-code`; empty where nobody says.
    pub agent: Arc<str>,
    /// Where it is a call within a response (an entry of `usage.iterations`): the entry's type; else empty.
    pub part: Arc<str>,
    /// Who is paid, such as `anthropic`, as far as the telling says.
    pub provider: Arc<str>,
    /// The model as it was written; [`super::naming`] knows which one it is.
    pub model: Arc<str>,
    /// The directory in which the session began; empty where unknown.
    pub project: Arc<str>,
    /// The root of the repository that this directory was in when it was read; empty where none was found.
    pub repository: Arc<str>,
    /// The session's id; empty where unknown.
    pub session: Arc<str>,
    /// Whether a subagent made the call.
    pub sidechain: bool,
    /// Whether the telling says itself that it is a copy of another session's (`forkedFrom`).
    pub copied: bool,
    /// See [`ServiceTier`].
    pub service_tier: ServiceTier,
    /// See [`Speed`].
    pub speed: Speed,
    /// Where inference was pinned to, such as `us`; empty where it was not.
    pub inference_geo: Arc<str>,
    /// What was consumed.
    pub tokens: Tokens,
    /// Counts that were told and are none; they are 0 in `tokens`.
    pub odd: Vec<OddCount>,
    /// When the call was first told of: the day it belongs to.
    pub occurred_at: Timestamp,
    /// When its owner told of it, where a copy told of an earlier time.
    pub owned_at: Option<Timestamp>,
}

impl Default for Usage {
    /// Nothing, at the Unix epoch.
    fn default() -> Self {
        let none: Arc<str> = Arc::from("");
        Self {
            key: MessageKey::default(),
            agent: none.clone(),
            part: none.clone(),
            provider: none.clone(),
            model: none.clone(),
            project: none.clone(),
            repository: none.clone(),
            session: none.clone(),
            sidechain: false,
            copied: false,
            service_tier: ServiceTier::Standard,
            speed: Speed::Standard,
            inference_geo: none,
            tokens: Tokens::default(),
            odd: Vec::new(),
            occurred_at: Timestamp::UNIX_EPOCH,
            owned_at: None,
        }
    }
}

impl Usage {
    /// By what the owner of a call is chosen: the least telling of it is the owner's.
    fn rank(&self) -> impl Ord + '_ {
        (
            (self.copied, self.owned_at.unwrap_or(self.occurred_at), self.sidechain),
            (&*self.session, &*self.model),
            (self.service_tier.word(), self.speed.word(), &*self.inference_geo),
            // Last, for a telling may learn of its place only later.
            (&*self.provider, &*self.project, self.repository.is_empty(), &*self.repository),
        )
    }

    /// Whether it is this telling, and not another one of the same call, that says whose call it is.
    #[must_use]
    pub fn outranks(&self, other: &Self) -> bool {
        self.rank() < other.rank()
    }

    /// Two tellings of one call as one; see the module. The same in whatever order tellings are merged.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let tokens = self.tokens.merge(&other.tokens);
        let occurred_at = self.occurred_at.min(other.occurred_at);
        let (mut owner, copy) = if other.outranks(&self) { (other, self) } else { (self, other) };
        if owner.key.request_id.is_empty() {
            owner.key.request_id = copy.key.request_id;
        }
        for odd in copy.odd {
            if !owner.odd.contains(&odd) {
                owner.odd.push(odd);
            }
        }
        owner.odd.sort_unstable();
        let told_at = owner.owned_at.unwrap_or(owner.occurred_at);
        let owned_at = (told_at != occurred_at).then_some(told_at);
        Self { tokens, occurred_at, owned_at, ..owner }
    }

    /// Whether two states of a call are the same: in numbers, time, owner, and what the price depends on. Of states that
    /// nobody's name stands on (those of version 1, with the time of the last line) the quarter of an hour is enough, by
    /// which days are reckoned.
    #[must_use]
    pub fn is_as(&self, other: &Self) -> bool {
        let is_former = self.agent.is_empty() || other.agent.is_empty();
        if is_former {
            // Nor does a repository that is found now change the project of a call that began at its root.
            project::fold(&self.project, &self.repository) == project::fold(&other.project, &other.repository)
                && self.shows_but_for_its_place_as(other)
        } else {
            let times = |usage: &Self| (usage.occurred_at, usage.owned_at, usage.copied, usage.sidechain);
            times(self) == times(other) && self.shows_as(other)
        }
    }

    fn shows_as(&self, other: &Self) -> bool {
        (&self.project, &self.repository) == (&other.project, &other.repository)
            && self.shows_but_for_its_place_as(other)
    }

    fn shows_but_for_its_place_as(&self, other: &Self) -> bool {
        self.session == other.session
            && Quarter::of(self.occurred_at) == Quarter::of(other.occurred_at)
            && self.priced_by() == other.priced_by()
    }

    /// Whether its price rests on the same as another telling's.
    #[must_use]
    pub fn costs_as(&self, other: &Self) -> bool {
        let day = |usage: &Self| calendar::day_of(usage.occurred_at, &TimeZone::UTC);
        day(self) == day(other) && self.priced_by() == other.priced_by()
    }

    /// All that its price rests on but the day.
    fn priced_by(&self) -> impl PartialEq + '_ {
        let Self { tokens, provider, model, service_tier, speed, inference_geo, odd, .. } = self;
        (tokens, provider, model, service_tier, speed, inference_geo, odd)
    }
}

/// What to record when a call is told that the log may know already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Telling {
    /// The log does not know the call.
    New,
    /// The log knows it otherwise: what it is, of both tellings.
    Revision(Box<Usage>),
    /// The log knows all of it.
    Known,
}

/// Decides what a telling of a call adds to what the log knows of it.
#[must_use]
pub fn decide(known: Option<&Usage>, told: &Usage) -> Telling {
    let Some(known) = known else { return Telling::New };
    if is_told(&told.key.message_id) {
        // A sum that somebody tells takes the place of the one before: the later, of equal ones that with more output.
        let is_newer = (told.occurred_at, told.tokens.output) > (known.occurred_at, known.tokens.output);
        // Whose sum it is was settled when it was first told.
        let now = Usage { tokens: told.tokens, occurred_at: told.occurred_at, ..known.clone() };
        let is_other = is_newer && !now.shows_as(known);
        return if is_other { Telling::Revision(Box::new(now)) } else { Telling::Known };
    }
    let both = known.clone().merge(told.clone());
    if both.is_as(known) { Telling::Known } else { Telling::Revision(Box::new(both)) }
}

#[cfg(test)]
mod tests;
