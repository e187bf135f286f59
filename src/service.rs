//! The actors of this system, and the tree that supervises them.
//!
//! ```text
//! root (rest_for_one)
//! ├── projection       keeps the views up with the log
//! └── tenants (one_for_one)
//!     ├── local/log        says when the log takes no events, and has it opened again
//!     ├── local/usage      reads transcripts, records calls
//!     ├── local/otlp       records what Claude Code's telemetry tells
//!     ├── local/budgets    decides commands on an aggregate: so do local/balances, local/quotas, local/odometer,
//!     │                    local/allowance, local/limits, local/tokens, local/projects and local/goals
//!     ├── local/alerts     tells the person
//!     ├── local/beeminder  follows the goals at Beeminder
//!     ├── local/datapoints writes datapoints, a person's and the feeds'
//!     ├── local/twilio     holds the credentials against Twilio
//!     ├── local/console    reads the providers' own pages, where that is switched on
//!     ├── local/anthropic  reads its reports, or holds the key against it: so do local/openai, local/openrouter,
//!     │                    local/deepseek and local/moonshot, with balances and reports
//!     └── local/vault      looks at the Obsidian vault
//! ```
//!
//! The rooms stand in layers, each of which knows only those below it: `tests/rooms.rs` has the list.

pub mod access;
pub mod aggregate;
pub mod alerts;
pub mod audit;
pub mod balances;
pub mod briefing;
pub mod budgets;
pub mod doctor;
pub mod goals;
pub mod metrics;
pub mod providers;
pub mod runtime;
pub mod system;
pub mod usage;
pub mod vault;

use crate::actor::{AskError, SendError};
use crate::domain::allowance::AllowanceError;
use crate::domain::desk::DeskError;

use aggregate::repository::BookFailure;

/// Why an actor did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ServiceError {
    /// Too much waits already.
    #[error("the supervisor is busy; try again in a moment")]
    Busy,
    /// The actor is not there.
    #[error("{what} is not running; `mecris actors` shows why")]
    Unavailable {
        /// Which actor.
        what: &'static str,
    },
    /// The actor failed, or took too long.
    #[error("{what} failed or took too long; whether this was done is not known, look before asking again")]
    UnknownOutcome {
        /// Which actor.
        what: &'static str,
    },
    /// The balances.
    #[error(transparent)]
    Balance(#[from] balances::balance::BalanceFailure),
    /// What may be spent.
    #[error(transparent)]
    Allowance(#[from] budgets::allowance::AllowanceFailure),
    /// Requests for more.
    #[error(transparent)]
    Limit(#[from] budgets::limit::LimitFailure),
    /// A token.
    #[error(transparent)]
    Token(#[from] access::token::TokenFailure),
    /// A request for more that says nothing.
    #[error(transparent)]
    LimitBody(#[from] budgets::limit_requests::LimitBodyError),
    /// The odometers.
    #[error(transparent)]
    Odometer(#[from] balances::odometer::OdometerFailure),
    /// A provider's own page.
    #[error(transparent)]
    Console(#[from] balances::console::ConsoleFailure),
    /// The budgets.
    #[error(transparent)]
    Budget(#[from] budgets::budget::BudgetFailure),
    /// The goals.
    #[error(transparent)]
    Goal(#[from] goals::local::GoalFailure),
    /// The alerts.
    #[error(transparent)]
    Alert(#[from] alerts::alert::AlertFailure),
    /// Who may be written to.
    #[error(transparent)]
    Consent(#[from] alerts::consent::ConsentFailure),
    /// A subscription's limits.
    #[error(transparent)]
    Quota(#[from] balances::quota::QuotaFailure),
    /// Usage that somebody tells.
    #[error(transparent)]
    Told(#[from] usage::manual::ToldFailure),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] vault::error::VaultFailure),
    /// What a project is called.
    #[error(transparent)]
    Project(#[from] usage::projects::ProjectFailure),
    /// The price file, or another setting.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// Recording usage.
    #[error(transparent)]
    Record(#[from] crate::view::ViewError),
}

impl From<BookFailure<AllowanceError>> for ServiceError {
    fn from(failure: BookFailure<AllowanceError>) -> Self {
        Self::Allowance(failure.into())
    }
}

impl From<BookFailure<DeskError>> for ServiceError {
    fn from(failure: BookFailure<DeskError>) -> Self {
        Self::Goal(failure.into())
    }
}

impl ServiceError {
    pub(in crate::service) fn asking(what: &'static str, error: AskError) -> Self {
        match error {
            AskError::NotSent(SendError::Busy) => Self::Busy,
            AskError::NotSent(SendError::Stopped) => Self::Unavailable { what },
            AskError::UnknownOutcome | AskError::Deadline => Self::UnknownOutcome { what },
        }
    }
}
