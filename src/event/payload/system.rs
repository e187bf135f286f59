//! What happened to the system itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::class::classes;

/// One copy of the log was mended from the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogRepaired {
    /// The copy that was damaged: `journal` or `sled`.
    pub copy: String,
    /// The first position of the blocks that were replaced.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// What was found.
    pub cause: String,
}

/// The supervisor did something about an actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SupervisionNoted {
    /// The actor's path in the tree.
    pub actor: String,
    /// What was done, such as `restarted` or `escalated`.
    pub change: String,
    /// Why: the kind of failure, never a message's contents.
    pub reason: String,
}

/// An outside system changed its state, or its circuit breaker did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceChanged {
    /// The source's name, such as `beeminder`.
    pub source: String,
    /// `ok`, `degraded`, `failing`, `unauthorized`, `not-configured`, `breaker-open` or `breaker-closed`.
    pub state: String,
    /// Why, in words of ours: never what the outside system sent.
    pub reason: String,
}

classes! {
    LogRepaired { None: copy, first, last, cause; }
    SupervisionNoted { None: actor, change, reason; }
    SourceChanged { None: source, state, reason; }
}
