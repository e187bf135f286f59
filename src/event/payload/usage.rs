//! Billed calls.
//!
//! Version 2 knows copies, calls within a response, words for tiers and speeds that have no price, and costs that are
//! known in part. It holds names plainly, as version 1 does; when names move into events of their own, to be sealed apart,
//! that is version 3, and these two are read on.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::class::{Plain, classes};
use crate::domain::money::Picodollars;
use crate::domain::pricing::Priced;
use crate::domain::project::AliasChange;
use crate::domain::tokens::Tokens;
use crate::domain::usage::is_told;
use crate::domain::usage::{MessageKey, OddCount, ServiceTier, Speed, Usage};
use crate::event::envelope::EventId;

/// A billed call: numbers and ids only, never message text. When it happened stands in the envelope. Version 2.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct UsageRecorded<'a> {
    /// Which program made the call, such as `claude-code`; empty where nobody said.
    #[serde(borrow)]
    pub agent: Cow<'a, str>,
    /// The provider's message id: what the call is.
    #[serde(borrow)]
    pub message_id: Cow<'a, str>,
    /// The provider's request id, or empty.
    #[serde(borrow)]
    pub request_id: Cow<'a, str>,
    /// The type of an entry of `usage.iterations` that is a call of its own; empty for the response itself.
    #[serde(borrow)]
    pub part: Cow<'a, str>,
    /// Who is paid, as it was told.
    #[serde(borrow)]
    pub provider: Cow<'a, str>,
    /// The model as it was written.
    #[serde(borrow)]
    pub model: Cow<'a, str>,
    /// The directory in which the session began, or empty.
    #[serde(borrow)]
    pub project: Cow<'a, str>,
    /// The root of the repository around it, or empty.
    #[serde(borrow)]
    pub repository: Cow<'a, str>,
    /// The session's id, or empty.
    #[serde(borrow)]
    pub session: Cow<'a, str>,
    /// Whether a subagent made the call.
    pub sidechain: bool,
    /// Whether only copies of another session's call have told of it.
    pub copied: bool,
    /// When its owner told of it, in microseconds since the Unix epoch, where a copy told of an earlier time.
    pub owned_at_us: Option<i64>,
    /// The tier it was billed at; empty for the standard one.
    #[serde(borrow)]
    pub service_tier: Cow<'a, str>,
    /// How fast it was served; empty for the standard speed.
    #[serde(borrow)]
    pub speed: Cow<'a, str>,
    /// Where inference was pinned to, or empty.
    #[serde(borrow)]
    pub inference_geo: Cow<'a, str>,
    /// What was consumed.
    pub tokens: Tokens,
    /// Counts that were told and are none, by name; they are 0 in `tokens`.
    pub odd: Vec<String>,
    /// What it cost in USD by the table below, as far as the table has prices; none where nothing has one.
    #[schemars(with = "Option<String>")]
    pub cost: Option<Picodollars>,
    /// What `cost` leaves out or rests on, in words; empty where it is whole.
    pub missing: Vec<String>,
    /// The tokens and searches that `cost` leaves out; none where it leaves out none.
    pub lacking: Option<Tokens>,
    /// The version of the price table, so that a changed table never changes history.
    #[serde(borrow)]
    pub price_table: Cow<'a, str>,
}

/// Version 1 of [`UsageRecorded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageRecordedV1<'a> {
    /// The provider's message id.
    #[serde(borrow)]
    pub message_id: Cow<'a, str>,
    /// The provider's request id, or empty: in this version a part of what the call is.
    #[serde(borrow)]
    pub request_id: Cow<'a, str>,
    /// Who is paid.
    #[serde(borrow)]
    pub provider: Cow<'a, str>,
    /// The model as the provider names it.
    #[serde(borrow)]
    pub model: Cow<'a, str>,
    /// The call's working directory, or empty.
    #[serde(borrow)]
    pub project: Cow<'a, str>,
    /// The session's id, or empty.
    #[serde(borrow)]
    pub session: Cow<'a, str>,
    /// Whether a subagent made the call.
    pub sidechain: bool,
    /// The tier it was billed at.
    pub service_tier: TierV1,
    /// How fast it was served.
    pub speed: SpeedV1,
    /// Where inference was pinned to, or empty.
    #[serde(borrow)]
    pub inference_geo: Cow<'a, str>,
    /// What was consumed.
    pub tokens: Tokens,
    /// What it cost in USD by the table below; none where the table has no price.
    #[schemars(with = "Option<String>")]
    pub cost: Option<Picodollars>,
    /// The version of the price table.
    #[serde(borrow)]
    pub price_table: Cow<'a, str>,
}

/// The tiers that version 1 knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TierV1 {
    /// The ordinary tier.
    Standard,
    /// The batch API.
    Batch,
    /// Committed capacity.
    Priority,
    /// Cheaper and slower.
    Flex,
}

/// The speeds that version 1 knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpeedV1 {
    /// The ordinary speed.
    Standard,
    /// The faster, dearer mode.
    Fast,
}

impl<'a> From<UsageRecordedV1<'a>> for UsageRecorded<'a> {
    fn from(old: UsageRecordedV1<'a>) -> Self {
        let is_priced = old.cost.is_some();
        Self {
            agent: Cow::Borrowed(""),
            message_id: old.message_id,
            request_id: old.request_id,
            part: Cow::Borrowed(""),
            provider: old.provider,
            model: old.model,
            project: old.project,
            repository: Cow::Borrowed(""),
            session: old.session,
            sidechain: old.sidechain,
            copied: false,
            owned_at_us: None,
            service_tier: Cow::Borrowed(match old.service_tier {
                TierV1::Standard => "",
                TierV1::Batch => "batch",
                TierV1::Priority => "priority",
                TierV1::Flex => "flex",
            }),
            speed: Cow::Borrowed(match old.speed {
                SpeedV1::Standard => "",
                SpeedV1::Fast => "fast",
            }),
            inference_geo: old.inference_geo,
            tokens: old.tokens,
            odd: Vec::new(),
            cost: old.cost,
            missing: if is_priced { Vec::new() } else { vec!["no price".to_owned()] },
            lacking: (!is_priced).then_some(old.tokens),
            price_table: old.price_table,
        }
    }
}

/// A recorded call is known otherwise: what it is now, and what is thereby replaced. Version 2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageRevised<'a> {
    /// The call as it is now.
    #[serde(borrow)]
    pub usage: UsageRecorded<'a>,
    /// The call as it was.
    #[serde(borrow)]
    pub superseded: UsageRecorded<'a>,
    /// When it happened as it was, in microseconds since the Unix epoch.
    pub occurred_at_us: i64,
    /// Counts the revisions of a call, from 1.
    pub revision: u32,
    /// Why: `told` (another telling of it), `repriced` (by another price table).
    pub reason: String,
}

/// Version 1 of [`UsageRevised`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageRevisedV1<'a> {
    /// The call as it is now.
    #[serde(borrow)]
    pub usage: UsageRecordedV1<'a>,
    /// What to take back before adding it.
    pub superseded: SupersededV1,
}

/// The numbers that a revision of version 1 takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SupersededV1 {
    /// Counts the revisions of a call, from 1.
    pub revision: u32,
    /// When the superseded telling happened, in microseconds since the Unix epoch.
    pub occurred_at_us: i64,
    /// What it consumed.
    pub tokens: Tokens,
    /// What it cost.
    #[schemars(with = "Option<String>")]
    pub cost: Option<Picodollars>,
}

impl<'a> From<UsageRevisedV1<'a>> for UsageRevised<'a> {
    fn from(old: UsageRevisedV1<'a>) -> Self {
        let SupersededV1 { revision, occurred_at_us, tokens, cost } = old.superseded;
        let superseded = UsageRecordedV1 { tokens, cost, ..old.usage.clone() };
        let reason = "told".to_owned();
        Self { usage: old.usage.into(), superseded: superseded.into(), occurred_at_us, revision, reason }
    }
}

impl UsageRevised<'_> {
    /// When the superseded telling happened.
    #[must_use]
    pub fn superseded_at(&self) -> Timestamp {
        Timestamp::from_microsecond(self.occurred_at_us).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl<'a> UsageRecorded<'a> {
    /// The stored form of a call and its cost.
    #[must_use]
    pub fn new(usage: &'a Usage, priced: &Priced, price_table: &'a str) -> Self {
        Self {
            agent: (&*usage.agent).into(),
            message_id: (&*usage.key.message_id).into(),
            request_id: (&*usage.key.request_id).into(),
            part: (&*usage.part).into(),
            provider: (&*usage.provider).into(),
            model: (&*usage.model).into(),
            project: (&*usage.project).into(),
            repository: (&*usage.repository).into(),
            session: (&*usage.session).into(),
            sidechain: usage.sidechain,
            copied: usage.copied,
            owned_at_us: usage.owned_at.map(Timestamp::as_microsecond),
            service_tier: usage.service_tier.word().into(),
            speed: usage.speed.word().into(),
            inference_geo: (&*usage.inference_geo).into(),
            tokens: usage.tokens,
            odd: usage.odd.iter().map(|odd| odd.name().to_owned()).collect(),
            cost: priced.cost,
            missing: priced.missing.iter().map(ToString::to_string).collect(),
            lacking: priced.lacks(),
            price_table: price_table.into(),
        }
    }

    /// The call, with the time from its envelope.
    #[must_use]
    pub fn to_usage(&self, occurred_at: Timestamp) -> Usage {
        Usage {
            key: MessageKey {
                message_id: (&*self.message_id).into(),
                request_id: (&*self.request_id).into(),
            },
            agent: (&*self.agent).into(),
            part: (&*self.part).into(),
            provider: (&*self.provider).into(),
            model: (&*self.model).into(),
            project: (&*self.project).into(),
            repository: (&*self.repository).into(),
            session: (&*self.session).into(),
            sidechain: self.sidechain,
            copied: self.copied,
            service_tier: ServiceTier::of(&self.service_tier),
            speed: Speed::of(&self.speed),
            inference_geo: (&*self.inference_geo).into(),
            tokens: self.tokens,
            owned_at: self.owned_at_us.and_then(|micros| Timestamp::from_microsecond(micros).ok()),
            odd: self.odd.iter().filter_map(|name| OddCount::of(name)).collect(),
            occurred_at,
        }
    }

    /// The same with text of its own.
    #[must_use]
    pub fn into_owned(self) -> UsageRecorded<'static> {
        let own = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        UsageRecorded {
            agent: own(self.agent),
            message_id: own(self.message_id),
            request_id: own(self.request_id),
            part: own(self.part),
            provider: own(self.provider),
            model: own(self.model),
            project: own(self.project),
            repository: own(self.repository),
            session: own(self.session),
            sidechain: self.sidechain,
            copied: self.copied,
            owned_at_us: self.owned_at_us,
            service_tier: own(self.service_tier),
            speed: own(self.speed),
            inference_geo: own(self.inference_geo),
            tokens: self.tokens,
            odd: self.odd,
            cost: self.cost,
            missing: self.missing,
            lacking: self.lacking,
            price_table: own(self.price_table),
        }
    }

    /// Whether its cost leaves nothing out.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.cost.is_some() && self.missing.is_empty()
    }

    /// The same with a cost as it is known now.
    #[must_use]
    pub fn priced(&self, priced: &Priced, price_table: &'a str) -> Self {
        Self {
            cost: priced.cost,
            missing: priced.missing.iter().map(ToString::to_string).collect(),
            lacking: priced.lacks(),
            price_table: price_table.into(),
            ..self.clone()
        }
    }
}

/// By what the log finds a call: its message id. Calls that version 1 recorded are found by what it took for their
/// identity, the request id too; so are sums that somebody told, of which a session has one for each model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CallId {
    /// A call of its message id.
    Message(Box<str>),
    /// A call of version 1, or a sum that was told.
    Pair(MessageKey),
}

impl CallId {
    /// That of a call that is recorded now.
    #[must_use]
    pub fn of(key: &MessageKey) -> Self {
        if is_told(&key.message_id) { Self::Pair(key.clone()) } else { Self::Message(key.message_id.clone()) }
    }

    /// The id of the event that records the call, or its `revision`-th revision (0: the first record).
    #[must_use]
    pub fn event(&self, tenant: &str, revision: u32) -> EventId {
        let number = revision.to_string();
        match self {
            Self::Message(message_id) => EventId::derive("usage-call", &[tenant, message_id, &number]),
            Self::Pair(key) => {
                let parts = [tenant, &key.message_id, &key.request_id, &number];
                if revision == 0 {
                    EventId::derive("usage-recorded", &parts[..3])
                } else {
                    EventId::derive("usage-revised", &parts)
                }
            }
        }
    }
}

/// The id of the event that records a call, or its `revision`-th revision (0: the first record).
#[must_use]
pub fn usage_event_id(tenant: &str, key: &MessageKey, revision: u32) -> EventId {
    CallId::of(key).event(tenant, revision)
}

/// The id of the `revision`-th pricing (from 1) of something that telemetry told under an id.
#[must_use]
pub fn repriced_event_id(told: EventId, revision: u32) -> EventId {
    EventId::derive("usage-repriced", &[&told.to_string(), &revision.to_string()])
}

/// A person calls a directory, and all below it, by a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectAliased {
    /// The directory.
    pub directory: String,
    /// Its name; none where it is called as it is again.
    pub name: Option<String>,
}

impl Plain for TierV1 {}
impl Plain for SpeedV1 {}

classes! {
    UsageRecorded<'_> {
        None: agent, part, provider, model, sidechain, copied, service_tier, speed, inference_geo, odd, cost,
            missing, price_table;
        Pseudonymous: message_id, request_id, session;
        Personal: project, repository, owned_at_us;
        Parts: tokens, lacking;
    }
    UsageRecordedV1<'_> {
        None: provider, model, sidechain, service_tier, speed, inference_geo, cost, price_table;
        Pseudonymous: message_id, request_id, session;
        Personal: project;
        Parts: tokens;
    }
    UsageRevised<'_> { None: revision, reason; Personal: occurred_at_us; Parts: usage, superseded; }
    UsageRevisedV1<'_> { Parts: usage, superseded; }
    SupersededV1 { None: revision, cost; Personal: occurred_at_us; Parts: tokens; }
    ProjectAliased { Personal: directory, name; }
    Tokens { None: input, output, cache_write_5m, cache_write_1h, cache_read, web_searches; }
}

impl From<&ProjectAliased> for AliasChange {
    fn from(stored: &ProjectAliased) -> Self {
        Self { directory: stored.directory.clone(), name: stored.name.clone() }
    }
}

impl From<AliasChange> for ProjectAliased {
    fn from(change: AliasChange) -> Self {
        Self { directory: change.directory, name: change.name }
    }
}
