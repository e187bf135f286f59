//! Who asks, and what they may do.
//!
//! A principal is of a [`Kind`], a kind has [`Scope`]s, and all that can be asked for needs one: [`table`] and [`commands`] say which. A
//! governed agent reads, asks the gate, asks for more, and adds facts; whatever lifts a limit, quiets a warning, makes less seem
//! to be spent, or shows other people, needs [`Scope::Own`], which the owner alone has.

pub mod commands;
pub mod plain;
pub mod refusals;
pub mod register;
pub mod table;
pub mod token;

use crate::domain::words::words;
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

/// What is needed to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// How things stand: money, goals, tasks, alerts.
    Read,
    /// Whether work may go on.
    Gate,
    /// To ask for more than the limits say.
    Ask,
    /// Facts that lift no limit: a line in the day's note, a goal of one's own, usage that nobody else tells.
    Work,
    /// The log itself: events, replay, verification, export.
    Audit,
    /// To tell usage by telemetry.
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
    /// What it may do.
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

/// Who asks, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// What kind.
    pub kind: Kind,
    /// By which name events know them.
    pub reference: Arc<str>,
}

impl Principal {
    /// The person at this machine.
    #[must_use]
    pub fn owner() -> Self {
        Self { kind: Kind::Owner, reference: "owner".into() }
    }

    /// Any program that works for the person, of which no more is known.
    #[must_use]
    pub fn agent() -> Self {
        Self { kind: Kind::Agent, reference: "agent".into() }
    }

    /// Whether it may do what needs a scope.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.kind.scopes().contains(&scope)
    }
}
