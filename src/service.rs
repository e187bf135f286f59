//! The actors of this system and the tree that supervises them.
//!
//! ```text
//! root (rest_for_one)
//! ├── projection       applies new events to the views
//! └── tenants (one_for_one)
//!     ├── local/log        reports when the log refuses events, and reopens it
//!     ├── local/usage      reads transcripts, records calls
//!     ├── local/otlp       records usage from Claude Code's telemetry
//!     ├── local/budgets    executes an aggregate's commands; so do local/balances, local/quotas, local/odometer,
//!     │                    local/allowance, local/limits, local/tokens, local/projects and local/goals
//!     ├── local/alerts     raises, escalates and sends alerts
//!     ├── local/beeminder  polls the goals at Beeminder
//!     ├── local/datapoints writes datapoints, a person's and the feeds'
//!     ├── local/twilio     checks the credentials at Twilio
//!     ├── local/console    reads the providers' own pages in a browser, if switched on
//!     ├── local/anthropic  polls its reports, or checks the key; so do local/openai, local/openrouter,
//!     │                    local/deepseek and local/moonshot, with balances and reports
//!     └── local/vault      reads the Obsidian vault
//! ```
//!
//! The rooms are layers, each of which may only use the ones below it; `tests/rooms.rs` lists them.
//!
//! `missing_docs` is off here: these items are public for the faces and the tests of this crate only. A field has a
//! comment where its name leaves something open (a unit, a format, an edge case).

#![allow(missing_docs)]

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
