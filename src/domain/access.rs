//! Access control: principals, and what each may do.
//!
//! A principal has a [`Kind`], a kind has [`Scope`]s, and everything that can be requested needs one scope:
//! [`table`] and [`commands`] say which. An agent may read, ask the gate, ask for a higher limit, and add
//! facts. Whatever lifts a limit, silences a warning, reduces the apparent spend, or reveals other people's
//! data needs [`Scope::Own`], which the owner alone has.

pub mod commands;
pub mod plain;
pub mod refusals;
pub mod register;
pub mod table;
pub mod token;

use crate::domain::words::words;
use std::fmt;
use std::sync::Arc;

/// The kind of a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The person whose money it is.
    Owner,
    /// Another person.
    Member,
    /// A machine that reports usage.
    Ingest,
    /// A program that works for a person.
    Agent,
    /// Someone who audits the records.
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

/// A permission that a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Read the state: money, goals, tasks, alerts.
    Read,
    /// Ask the gate whether work may continue.
    Gate,
    /// Ask for a higher limit.
    Ask,
    /// Record facts that lift no limit: a line in the daily note, an own goal, usage that no transcript
    /// shows.
    Work,
    /// Read the log itself: events, replay, verification, export.
    Audit,
    /// Report usage by telemetry.
    Ingest,
    /// Everything else: limits, balances, consent, tokens, settings, backups, other people.
    Own,
}

words! {
    Scope {
        Read: "read",
        Gate: "gate",
        Ask: "ask",
        Work: "work",
        Audit: "audit",
        Ingest: "ingest",
        Own: "own",
    }
}

words! { Kind { Owner: "owner", Member: "member", Ingest: "ingest", Agent: "agent", Auditor: "auditor" } }

impl Kind {
    /// The scopes of this kind.
    #[must_use]
    pub fn scopes(self) -> &'static [Scope] {
        match self {
            Self::Owner => &Scope::ALL,
            Self::Ingest => &[Scope::Ingest],
            Self::Agent | Self::Member => &[Scope::Read, Scope::Gate, Scope::Ask, Scope::Work],
            Self::Auditor => &[Scope::Read, Scope::Audit],
        }
    }
}

/// Who makes a request, as far as known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub kind: Kind,
    /// The id that events use.
    pub reference: Arc<str>,
}

impl Principal {
    /// The person at this machine.
    #[must_use]
    pub fn owner() -> Self {
        Self { kind: Kind::Owner, reference: "owner".into() }
    }

    /// An agent without an identity of its own.
    #[must_use]
    pub fn agent() -> Self {
        Self { kind: Kind::Agent, reference: "agent".into() }
    }

    /// Whether it has a scope.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.kind.scopes().contains(&scope)
    }
}
