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
pub mod endpoints;
pub mod goals;
pub mod metrics;
pub mod providers;
pub mod runtime;
pub mod system;
pub mod usage;
pub mod vault;
