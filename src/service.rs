//! The actors of this system, and the tree that supervises them.
//!
//! ```text
//! root (rest_for_one)
//! ├── projection       keeps the views up with the log
//! └── tenants (one_for_one)
//!     ├── local/log        says when the log takes no events, and has it opened again
//!     ├── local/usage      reads transcripts, records calls
//!     ├── local/otlp       records what Claude Code's telemetry tells
//!     ├── local/budgets    decides commands on budgets
//!     ├── local/odometer   decides readings by hand
//!     ├── local/tokens     gives tokens out and takes them back
//!     ├── local/limits     decides requests for more than the limits say
//!     ├── local/alerts     tells the person
//!     ├── local/beeminder  follows the goals
//!     ├── local/goals      decides commands on local goals and feeds
//!     ├── local/datapoints writes datapoints, a person's and the feeds'
//!     ├── local/twilio     holds the credentials against Twilio
//!     ├── local/console    reads the providers' own pages, where that is switched on
//!     └── local/anthropic  reads its reports, or holds the key against it; so do local/openai, local/openrouter,
//!                          local/deepseek and local/moonshot with balances and reports
//!     ├── local/anthropic  holds the key against Anthropic
//!     └── local/vault      looks at the Obsidian vault
//! ```

pub mod activity;
pub mod alerting;
pub mod allowance_book;
pub mod backups;
pub mod balance_book;
pub mod beeminder_actor;
pub mod book;
pub mod budget_book;
pub mod caller;
pub mod certificate;
pub mod clock;
pub mod console_book;
pub mod datapoint_actor;
pub mod datapoint_book;
pub mod deciding_actor;
pub mod demo;
pub mod desk_book;
pub mod doctor;
pub mod forecasting;
pub mod forms;
pub mod gate;
pub mod goal_book;
pub mod goal_commands;
pub mod goal_requests;
pub mod health;
pub mod importer;
pub mod limit_request_book;
pub mod limit_requests;
mod log_actor;
mod meters;
pub mod metrics;
pub mod narration;
pub mod narrator;
pub mod node;
pub mod notes;
pub mod odometer_book;
pub mod otlp_actor;
pub mod pacemaker;
pub mod people;
pub mod prices;
pub mod probe_actor;
pub mod project_book;
pub mod projection_actor;
pub mod provider_actor;
pub mod provider_book;
pub mod provider_context;
pub mod providers;
pub mod pseudonyms;
pub mod queries;
pub mod quota_book;
pub mod reading;
pub mod reconcile;
pub mod recorder;
pub mod refused;
pub mod report_book;
pub mod repricing;
pub mod requests;
pub mod scraper_actor;
pub mod settings;
pub mod snapshots;
pub mod sources;
pub mod telling_book;
pub mod token_book;
pub mod told;
pub mod tree;
pub mod usage_actor;
pub mod vault;
pub mod vault_actor;
pub mod vault_book;
pub mod vault_tasks;

pub use importer::ImportSummary;
pub use node::{Node, StartError};
pub use queries::Queries;
pub use tree::Supervised;

use crate::actor::{AskError, SendError};

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
    Balance(#[from] balance_book::BalanceFailure),
    /// What may be spent.
    #[error(transparent)]
    Allowance(#[from] allowance_book::AllowanceFailure),
    /// Requests for more.
    #[error(transparent)]
    Limit(#[from] limit_request_book::LimitFailure),
    /// A token.
    #[error(transparent)]
    Token(#[from] token_book::TokenFailure),
    /// A request for more that says nothing.
    #[error(transparent)]
    LimitBody(#[from] limit_requests::LimitBodyError),
    /// The odometers.
    #[error(transparent)]
    Odometer(#[from] odometer_book::OdometerFailure),
    /// A provider's own page.
    #[error(transparent)]
    Console(#[from] console_book::ConsoleFailure),
    /// The budgets.
    #[error(transparent)]
    Budget(#[from] budget_book::BudgetFailure),
    /// The goals.
    #[error(transparent)]
    Goal(#[from] desk_book::GoalFailure),
    /// The alerts.
    #[error(transparent)]
    Alert(#[from] alerting::alert_log::AlertFailure),
    /// Who may be written to.
    #[error(transparent)]
    Consent(#[from] alerting::consent_log::ConsentFailure),
    /// A subscription's limits.
    #[error(transparent)]
    Quota(#[from] quota_book::QuotaFailure),
    /// Usage that somebody tells.
    #[error(transparent)]
    Told(#[from] told::ToldFailure),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] vault::VaultFailure),
    /// What a project is called.
    #[error(transparent)]
    Project(#[from] project_book::ProjectFailure),
    /// The price file, or another setting.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// Recording usage.
    #[error(transparent)]
    Record(#[from] crate::view::ViewError),
}

impl ServiceError {
    fn asking(what: &'static str, error: AskError) -> Self {
        match error {
            AskError::NotSent(SendError::Busy) => Self::Busy,
            AskError::NotSent(SendError::Stopped) => Self::Unavailable { what },
            AskError::UnknownOutcome | AskError::Deadline => Self::UnknownOutcome { what },
        }
    }
}
