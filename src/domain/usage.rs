//! Usage: one billed call to a model, and the rules for a call that is read more than once.
//!
//! A call's identity is the provider's response, by its message id. A request id is only evidence: replays
//! and streamed lines report the same response with another one, or without one. A message has several lines
//! while it streams, and again in forked, copied and resumed sessions. The result does not depend on the
//! order in which they are read ([`Usage::merge`]):
//!
//! | field | which reading decides |
//! |---|---|
//! | tokens | the maximum of each count, so that no copy reduces it; for cache writes the maximum sum and the maximum one-hour part |
//! | time | the earliest, so that no copy moves a call to another day |
//! | session, project, model and everything else | the first one in this order: not a copy (`forkedFrom`), earliest, main chain, then by name |

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::calendar::{self, Quarter};
use super::project;
use super::tokens::Tokens;

/// Prefix of the message id of a manual report: no provider uses it.
pub(super) const TOLD: &str = "told:";

/// Whether a message id belongs to a manual report instead of a call.
#[must_use]
pub fn is_told(message_id: &str) -> bool {
    message_id.starts_with(TOLD)
}

/// The identity of a billed call, and further evidence.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct MessageKey {
    /// The provider's message id, such as `msg_01…`, or the line's own `uuid` if there is none. This is the
    /// identity.
    pub message_id: Box<str>,
    /// The provider's request id, such as `req_01…`; empty if the line has none. It links a call to
    /// telemetry.
    pub request_id: Box<str>,
}

/// The service tier that the call was billed at.
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
    /// An unknown word, without a price; shown as it was written.
    Other(Arc<str>),
}

impl ServiceTier {
    /// The tier for a provider's word. `default` and `standard_only` are requests, which the standard tier
    /// serves.
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

/// The speed at which the call was served.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Speed {
    /// The ordinary speed.
    #[default]
    Standard,
    /// The faster, more expensive mode.
    Fast,
    /// An unknown word, without a price; shown as it was written.
    Other(Arc<str>),
}

impl Speed {
    /// The speed for a provider's word.
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

/// An invalid count, such as `-5`: its name, without its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OddCount {
    /// Uncached input.
    Input,
    /// Output.
    Output,
    /// Cache writes of either lifetime.
    CacheWrite,
    /// Cache reads.
    CacheRead,
    /// Web searches.
    WebSearches,
}

impl OddCount {
    const ALL: [Self; 5] = [Self::Input, Self::Output, Self::CacheWrite, Self::CacheRead, Self::WebSearches];

    /// The display name.
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

    /// Parses the name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|odd| odd.name() == name)
    }
}

/// One billed call: numbers and ids only, never message text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    pub key: MessageKey,
    /// The program that made the call, such as `claude-code`; empty if unknown.
    pub agent: Arc<str>,
    /// For a call within a response (an entry of `usage.iterations`), the entry's type; else empty.
    pub part: Arc<str>,
    /// The provider, such as `anthropic`, as far as the source says.
    pub provider: Arc<str>,
    /// The model as it was written; [`super::naming`] resolves it.
    pub model: Arc<str>,
    /// The directory in which the session began; empty where unknown.
    pub project: Arc<str>,
    /// The root of the repository around this directory when it was read; empty if none was found.
    pub repository: Arc<str>,
    /// The session's id; empty where unknown.
    pub session: Arc<str>,
    /// Whether a subagent made the call.
    pub sidechain: bool,
    /// Whether the line says that it is a copy from another session (`forkedFrom`).
    pub copied: bool,
    pub service_tier: ServiceTier,
    pub speed: Speed,
    /// The inference region, such as `us`; empty if not pinned.
    pub inference_geo: Arc<str>,
    pub tokens: Tokens,
    /// Invalid counts; they are 0 in `tokens`.
    pub odd: Vec<OddCount>,
    /// The earliest time of the call, which decides its day.
    pub occurred_at: Timestamp,
    /// The owner's time, if a copy had an earlier one.
    pub owned_at: Option<Timestamp>,
}

impl Default for Usage {
    /// An empty call at the Unix epoch.
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
    /// The sort key for choosing a call's owner: the smallest reading is the owner's.
    fn rank(&self) -> impl Ord + '_ {
        (
            (self.copied, self.owned_at.unwrap_or(self.occurred_at), self.sidechain),
            (&*self.session, &*self.model),
            (self.service_tier.word(), self.speed.word(), &*self.inference_geo),
            // Last, because a reading may learn its location only later.
            (&*self.provider, &*self.project, self.repository.is_empty(), &*self.repository),
        )
    }

    /// Whether this reading, and not another one of the same call, is the owner's.
    #[must_use]
    pub fn outranks(&self, other: &Self) -> bool {
        self.rank() < other.rank()
    }

    /// Merges two readings of one call; see the module. The result does not depend on the order of merging.
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

    /// Whether two states of a call are equal: in numbers, time, owner, and everything the price depends on.
    /// For states without an owner (those of version 1, with the time of the last line) the quarter of an
    /// hour is enough, because it decides the day.
    #[must_use]
    pub fn is_as(&self, other: &Self) -> bool {
        let is_former = self.agent.is_empty() || other.agent.is_empty();
        if is_former {
            // A repository found later does not change the project of a call that began at its root.
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

    /// Whether its price has the same basis as another reading's.
    #[must_use]
    pub fn costs_as(&self, other: &Self) -> bool {
        let day = |usage: &Self| calendar::day_of(usage.occurred_at, &TimeZone::UTC);
        day(self) == day(other) && self.priced_by() == other.priced_by()
    }

    /// Everything its price depends on, except the day.
    fn priced_by(&self) -> impl PartialEq + '_ {
        let Self { tokens, provider, model, service_tier, speed, inference_geo, odd, .. } = self;
        (tokens, provider, model, service_tier, speed, inference_geo, odd)
    }
}

/// What to record for a reading of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsageChange {
    /// The log does not know the call.
    New,
    /// The log has it differently: the merged call.
    Revision(Box<Usage>),
    /// The log has all of it.
    Known,
}

/// Decides what a reading adds to the recorded call.
#[must_use]
pub fn decide(known: Option<&Usage>, told: &Usage) -> UsageChange {
    let Some(known) = known else { return UsageChange::New };
    if is_told(&told.key.message_id) {
        // A manual report replaces the previous one: the later counts, and of equal ones the one with more
        // output.
        let is_newer = (told.occurred_at, told.tokens.output) > (known.occurred_at, known.tokens.output);
        // The owner of the sum was decided by the first report.
        let now = Usage { tokens: told.tokens, occurred_at: told.occurred_at, ..known.clone() };
        let is_other = is_newer && !now.shows_as(known);
        return if is_other { UsageChange::Revision(Box::new(now)) } else { UsageChange::Known };
    }
    let both = known.clone().merge(told.clone());
    if both.is_as(known) { UsageChange::Known } else { UsageChange::Revision(Box::new(both)) }
}

#[cfg(test)]
mod tests;
