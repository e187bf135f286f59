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
//!     └── local/vault      looks at the Obsidian vault
//! ```

pub mod access;
pub mod aggregate;
pub mod alerts;
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
