//! Mecris: accountability for what LLMs cost and for the goals that were promised.
//!
//! Three nouns carry everything: an **event** is something that happened, appended once to the
//! [`log`] and never rewritten; a **view** is a fold over events, which may be deleted at any time;
//! an **actor** is a supervised shell around pure rules, which turns the outside world into events.
//!
//! # Where to begin reading
//!
//! - `cli/run.rs` puts the program together; `service/system/tree.rs` builds the supervision tree that [`service`] draws.
//! - [`domain`] has the rules. `domain/alert/step.rs` (when to alert) and `domain/budget.rs` (a budget's state) are good
//!   first files: pure functions with tables of cases as tests.
//! - [`service::aggregate::repository`] is the one way to write: load a stream, decide, append, retry on conflict.
//! - [`service::runtime::reads`] is the one way to read: a snapshot of the views at one position.
//! - `service/endpoints.rs` lists what can be asked, `cli.rs` the commands, `mcp/tools.rs` the tools.
//!
//! # The map, bottom-up
//!
//! A module may only use modules above it in this list; `tests/rooms.rs` checks that.
//!
//! | module | what it has |
//! |---|---|
//! | [`files`] | writing and opening files safely |
//! | [`domain`] | vocabulary and rules: pure functions of state, command and time |
//! | [`event`] | the envelope, the payloads and the codec |
//! | [`log`] | the append-only log: contract, memory log, durable log, verify, repair, backup |
//! | [`view`] | folds over events, and queries on them |
//! | [`actor`] | supervised actors: cell, handle, supervisor; knows no other module |
//! | [`integration`] | one client for each outside system, and `resilience`, through which all calls go |
//! | [`service`] | the capabilities: aggregates, runtime, alerts, balances, goals, vault, usage, providers, budgets, audit, ... |
//! | [`http`], [`mcp`], [`cli`] | the faces |
//!
//! [`config`] (settings) and [`telemetry`] (traces, log lines, metrics) are used by all but the pure modules.
//!
//! # Three walks
//!
//! **A transcript line becomes a number.** `integration/claude_code/line.rs` parses the line into a
//! [`domain::usage::Usage`], and `integration/claude_code/read.rs` merges the lines of one call.
//! `service/usage/importer.rs` reads what is new and passes it to `service/usage/recorder.rs`, which decides with
//! `domain/usage.rs` (new, revision or known), prices with `domain/pricing.rs`, and appends `usage-recorded`.
//! `log/writer.rs` makes it durable. `service/runtime/projection.rs` folds it into `view/spend.rs`, the cube.
//! `view/status.rs` sums the cube, and `service/system/status.rs` adds alerts, goals and sources: `mecris status`.
//!
//! **A goal becomes an SMS.** `service/goals/beeminder_actor.rs` polls, `domain/goal.rs` decides what has changed, and
//! `service/goals/beeminder.rs` appends `goal-observed`. The projection updates the goals in `view.rs`.
//! `service/alerts/conditions.rs` derives the causes with `domain/alert/rules.rs`; `domain/alert/step.rs` decides:
//! raise, queue, start an attempt. `service/alerts/actor.rs` appends that, and only then
//! `service/alerts/delivery.rs` sends it, over `integration/twilio.rs`. The outcome comes back as a message and becomes
//! `attempt-ended`.
//!
//! **A command becomes an event.** `mecris budget set` builds a [`service::budgets::client::BudgetBody`]. With a
//! supervisor, `cli/remote.rs` sends it to `http/tenants.rs`, which finds whose it is. Both ways the request is
//! `service/endpoints/budgets.rs`, whose `answer` asks its `Host`: a [`service::runtime::client::Client`] passes the command
//! to its [`service::aggregate::actor::AggregateActor`]; without a supervisor, `Node::execute` runs the same code. The
//! aggregate (`service/budgets/budget.rs`) decides with `domain/budget.rs`, and the repository appends `budget-set`. The
//! client waits until the views include it, and answers with `view/budgets.rs`.
//!
//! `ARCHITECTURE.md` has the invariants and the tests that hold them; `docs/glossary.md` defines the words that are ours.

#![forbid(unsafe_code)]

pub mod actor;
pub mod cli;
pub mod config;
pub mod domain;
pub mod event;
pub mod files;
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod integration;
pub mod log;
pub mod mcp;
pub mod service;
pub mod telemetry;
pub mod view;
