//! Actors under supervision, on actix. This room knows no event of this system.
//!
//! # Essay
//!
//! An actor is a [`Behaviour`]: state, and one message handled at a time. A [`Cell`](cell) hosts it
//! on an actix context, whose mailbox outlives restarts. Nobody sees an `Addr`: senders have a
//! [`Handle`], which bounds the queue with permits, because actix's own capacity does not
//! (`send` queues beyond it).
//!
//! actix's `Supervisor` restarts an actor that *stops*, at once and for ever, keeping its state; a
//! panic ends it for good. So it is not used. [`supervisor`] polls each cell's future in a task of
//! its own, inside `catch_unwind`: after a panic, an error or a hang the context is restarted with
//! a behaviour fresh from its factory, while the mailbox keeps what is queued.
//!
//! ```text
//! sender ──permit──▶ mailbox ──▶ Cell { Behaviour } ──exit──▶ Supervisor ──▶ restart, after a pause
//!                    (kept)            │                          │        ├▶ restart the others too
//!                                      └── panic, error, hang ────┘        └▶ escalate to the parent
//! ```
//!
//! - The sender of a message whose handler panicked is told [`AskError::UnknownOutcome`]; the
//!   message is not delivered again.
//! - A supervisor that restarts more often than its [`Intensity`] allows stops its children and
//!   fails, which its own supervisor treats like any failure; at the root it ends the program.
//! - Children start in order and stop in reverse, each with a deadline.

mod cell;
mod handle;
mod supervisor;
mod system;
mod vital;

pub use cell::{ActorError, Behaviour, Context};
pub use handle::{AskError, Handle, Reply, SendError};
pub use supervisor::{
    Backoff, ChildSpec, Intensity, Restart, Strategy, SupervisionEvent, Supervisor, Vitals,
};
pub use system::{Shutdown, run};
pub use vital::{ExitReason, Snapshot, State};
