//! Usage: one billed call to a model, and the rule for a call that is told more than once.
//!
//! A message stands on several lines of a transcript while it streams, and again in copied and
//! resumed sessions. The line with the latest timestamp counts, and of equal ones the one with more
//! output: this order is total, so it does not matter in which order files are read.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::calendar::Quarter;
use super::tokens::Tokens;

/// What identifies a billed call: the provider's message id and request id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageKey {
    /// The provider's message id, such as `msg_01…`; where a line has none, the line's own `uuid`.
    pub message_id: Box<str>,
    /// The provider's request id, such as `req_01…`; empty where the line has none.
    pub request_id: Box<str>,
}

/// The service tier the call was billed at.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
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
}

/// How fast the call was served.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Speed {
    /// The ordinary speed.
    #[default]
    Standard,
    /// The faster, dearer mode.
    Fast,
}

/// One billed call: numbers and ids only, never message text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// See [`MessageKey`].
    pub key: MessageKey,
    /// Who is paid, such as `anthropic`.
    pub provider: Arc<str>,
    /// The model as the provider names it.
    pub model: Arc<str>,
    /// The working directory of the session (`cwd`); empty where unknown.
    pub project: Arc<str>,
    /// The session's id; empty where unknown.
    pub session: Arc<str>,
    /// Whether a subagent made the call.
    pub sidechain: bool,
    /// See [`ServiceTier`].
    pub service_tier: ServiceTier,
    /// See [`Speed`].
    pub speed: Speed,
    /// Where inference was pinned to, such as `us`; empty where it was not.
    pub inference_geo: Arc<str>,
    /// What was consumed.
    pub tokens: Tokens,
    /// When the message's last line was written: the day it belongs to.
    pub occurred_at: Timestamp,
}

impl Usage {
    /// Whether this telling of a call supersedes `other`: later, or as late with more output.
    #[must_use]
    pub fn supersedes(&self, other: &Self) -> bool {
        (self.occurred_at, self.tokens.output) > (other.occurred_at, other.tokens.output)
    }
}

/// What to record when a call is told that the log may know already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// The log does not know the call.
    New,
    /// The log knows it with other tokens, and this telling supersedes that one.
    Revision,
    /// The log knows all of it.
    Known,
}

/// Decides what a telling of a call adds to what the log knows of it.
///
/// A later line is a revision only where it changes a number that is shown: the tokens, or the
/// quarter of an hour by which days are reckoned.
#[must_use]
pub fn decide(known: Option<&Usage>, told: &Usage) -> Telling {
    let Some(known) = known else { return Telling::New };
    let shown = |usage: &Usage| (usage.tokens, Quarter::of(usage.occurred_at));
    if told.supersedes(known) && shown(told) != shown(known) { Telling::Revision } else { Telling::Known }
}
