//! Who asks.

use std::fmt;
use std::sync::Arc;

/// What kind of principal somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The person whose money it is.
    Owner,
    /// Another person.
    Member,
    /// A machine that tells usage.
    Ingest,
    /// A program that works for a person.
    Agent,
    /// Somebody who holds the books against the truth.
    Auditor,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Owner => "the owner",
            Self::Member => "a member",
            Self::Ingest => "an ingest",
            Self::Agent => "an agent",
            Self::Auditor => "an auditor",
        })
    }
}

/// Who asks, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// What kind.
    pub kind: Kind,
    /// By which name events know them.
    pub reference: Arc<str>,
}
