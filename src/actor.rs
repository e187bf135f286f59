//! Supervised actors on actix. This module does not know any event of this system.
//!
//! # Essay
//!
//! An actor is a [`Behaviour`]: state, and a handler for one message at a time. A cell hosts it on an actix
//! context, whose mailbox outlives restarts. No caller sees an `Addr`: senders have a [`Handle`], which
//! bounds the queue with permits, because actix's own capacity does not (`send` queues beyond it).
//!
//! actix's `Supervisor` is not used: it restarts an actor that *stops*, at once and forever, keeping its
//! state, and a panic ends the actor for good. Instead a runner polls each cell's future inside
//! `catch_unwind`: after a panic, an error or a hang the context is restarted with a new behaviour from its
//! factory, while the mailbox keeps its messages.
//!
//! ```text
//! sender ──permit──▶ mailbox ──▶ Cell { Behaviour } ──exit──▶ Supervisor ──▶ restart, after a pause
//!                    (kept)            │                          │        ├▶ restart the others too
//!                                      └── panic, error, hang ────┘        └▶ escalate to the parent
//! ```
//!
//! # Guarantees
//!
//! - **Starting.** Children start one after the other: each starts when those before it have loaded their state
//!   ([`Behaviour::started`]). They stop in reverse order, each with a deadline. A child that does not start in time
//!   has failed. Under [`Strategy::OneForOne`] the next one starts all the same; if siblings depend on each other, it
//!   waits.
//! - **Failing.** A panic (of a handler, of `started`, of the factory, of a spawned future, of a drop), an error, and a
//!   message that takes longer than the heartbeat end the *run*, never the program. [`Restart`] says whether there is
//!   another run, [`Backoff`] when, and [`Strategy`] which siblings are restarted too. Those finish their current
//!   message first.
//! - **Giving up.** A supervisor that restarts more often than its [`Intensity`] allows stops its children and fails,
//!   and its own supervisor treats that like any failure; at the root it ends the program. With the defaults a single
//!   broken child never causes that: it is retried forever, with pauses, while the others work.
//! - **Asking.** A request is answered once, or fails with a defined error. [`SendError`] means that nothing was or
//!   will be done; [`AskError::UnknownOutcome`] that the actor failed while handling it, and that the kit does not
//!   retry; [`AskError::Deadline`] that the actor is still handling it.
//! - **Poison.** A message may be redelivered if its behaviour says so ([`Behaviour::redeliver`]): then the next run
//!   handles it first. A message that ends a second run, or must not be redelivered, is set aside: the [`Snapshot`]
//!   has its kind, its failure and its number of deliveries, but never its contents. A failure outside of a message
//!   does not count against it.
//! - **Stopping.** At shutdown no more messages are accepted, the waiting ones are handled, and an actor that takes too
//!   long is cut off and reported ([`SupervisionEvent::CutOff`]).
//! - **Tracing.** A message is handled in a child span of its sender's. The span's length is the handling; the wait in
//!   the mailbox is a field of it.
//!
//! # Limits
//!
//! An actor that blocks its thread blocks the tree: the heartbeat detects what *awaits* too long, and only
//! something outside the process can detect the rest. A panic during another panic's unwinding aborts, as
//! everywhere in Rust. Queued messages are in memory: they survive restarts, not the process.
//!
//! `examples/actors.rs` shows a tree that crashes, recovers and gives up.

mod behaviour;
mod cell;
pub mod context;
mod handle;
mod meters;
mod report;
mod runner;
mod spec;
mod supervisor;
mod system;
mod vital;

pub use behaviour::{ActorError, Behaviour, Context};
pub use handle::{AskError, Handle, Reply, SendError};
pub use report::SupervisionEvent;
pub use spec::{Backoff, ChildSpec, Intensity, Restart, Strategy};
pub use supervisor::Supervisor;
pub use system::{Shutdown, run};
pub use vital::{ExitReason, SetAside, Snapshot, State, Vitals};

#[cfg(test)]
mod tests;
