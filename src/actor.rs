//! Actors under supervision, on actix. This room knows no event of this system.
//!
//! # Essay
//!
//! An actor is a [`Behaviour`]: state, and one message handled at a time. A cell hosts it on an actix
//! context, whose mailbox outlives restarts. Nobody sees an `Addr`: senders have a [`Handle`], which
//! bounds the queue with permits, because actix's own capacity does not (`send` queues beyond it).
//!
//! actix's `Supervisor` restarts an actor that *stops*, at once and for ever, keeping its state; a
//! panic ends it for good. So it is not used. A runner polls each cell's future inside
//! `catch_unwind`: after a panic, an error or a hang the context is restarted with a behaviour fresh
//! from its factory, while the mailbox keeps what is queued.
//!
//! ```text
//! sender ──permit──▶ mailbox ──▶ Cell { Behaviour } ──exit──▶ Supervisor ──▶ restart, after a pause
//!                    (kept)            │                          │        ├▶ restart the others too
//!                                      └── panic, error, hang ────┘        └▶ escalate to the parent
//! ```
//!
//! # What holds
//!
//! - **Starting.** Children start one after the other: one starts when those before it have loaded
//!   their state ([`Behaviour::started`]), and stop in reverse, each with a deadline. A child that does
//!   not start in time has failed. Under [`Strategy::OneForOne`] the next one starts all the same;
//!   where siblings depend on each other it waits.
//! - **Failing.** A panic (of a handler, of `started`, of the factory, of a spawned future, of what is
//!   dropped), an error, and a message that takes longer than the heartbeat end the *run*, never the
//!   program. [`Restart`] says whether there is another one, [`Backoff`] when, [`Strategy`] who is
//!   restarted along. Siblings that are restarted along finish the message in hand first.
//! - **Giving up.** A supervisor that restarts more often than its [`Intensity`] allows stops its
//!   children and fails, and its own supervisor treats that like any failure; at the root it ends the
//!   program. With the defaults one broken child alone never gets there: it is tried again for ever,
//!   with pauses, while the others work.
//! - **Asking.** A question is answered once, or refused by name. [`SendError`] says that nothing was
//!   or will be done; [`AskError::UnknownOutcome`] that the actor failed with it, and the kit does
//!   not try again; [`AskError::Deadline`] that the actor is still at it.
//! - **Poison.** A message may be repeated where its behaviour says so ([`Behaviour::redeliver`]): then
//!   it is the first one that the next run handles. One that ends a second run, or must not be
//!   repeated, is set aside: its kind, how it failed and how often stand in the [`Snapshot`], its
//!   contents nowhere. What failed beside a message is not held against the message.
//! - **Stopping.** At the end nothing more is taken, what waits is handled, and what takes too long is
//!   cut off and named ([`SupervisionEvent::CutOff`]).
//! - **Tracing.** A message is handled in a span below its sender's. The span's length is the handling;
//!   the wait in the mailbox is a field of it.
//!
//! # What does not
//!
//! An actor that blocks its thread blocks the tree: the heartbeat finds what *awaits* too long, and
//! only something outside the process can find the rest. A panic while another one unwinds aborts, as
//! everywhere in Rust. What is queued lives in memory: it survives restarts, not the process.
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
