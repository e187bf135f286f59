//! What is known of an actor from outside: its state, restarts, queue and last error.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Why an actor's run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitReason {
    /// It stopped by itself, having done its work.
    Finished,
    /// It was told to stop.
    Requested,
    /// Its behaviour answered with an error.
    Failed(String),
    /// Its behaviour panicked. The panic's text may hold anything, so it goes nowhere.
    Panicked,
    /// It handled one message for longer than its heartbeat allows.
    Hung,
    /// A supervisor gave up: too many restarts below it.
    Escalated(String),
}

impl ExitReason {
    /// Whether something went wrong.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        !matches!(self, Self::Finished | Self::Requested)
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("finished"),
            Self::Requested => f.write_str("stopped"),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::Panicked => f.write_str("panicked"),
            Self::Hung => f.write_str("hung"),
            Self::Escalated(below) => write!(f, "escalated: {below}"),
        }
    }
}

/// What an actor is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Loading its state.
    Starting,
    /// Handling messages.
    Running,
    /// Waiting to be restarted.
    BackingOff,
    /// Done, for good.
    Stopped,
}

/// An actor at one moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its path in the tree.
    pub path: String,
    /// See [`State`].
    pub state: State,
    /// Seconds since it was last started.
    pub uptime_seconds: u64,
    /// How often it was restarted.
    pub restarts: u64,
    /// Messages that wait or are being handled.
    pub mailbox_depth: usize,
    /// How many may.
    pub mailbox_capacity: usize,
    /// Messages that were handled.
    pub handled: u64,
    /// Why it last failed.
    pub last_error: Option<String>,
    /// Seconds until it is restarted.
    pub next_restart_seconds: Option<f64>,
}

struct Facts {
    state: State,
    started: Instant,
    restarts: u64,
    handled: u64,
    last_error: Option<String>,
    next_restart: Option<Instant>,
    /// When the message that is being handled was begun.
    handling_since: Option<Instant>,
}

/// Shared between the cell, its supervisor and those who look.
pub(super) struct Vital {
    path: String,
    capacity: usize,
    permits: Arc<Semaphore>,
    facts: Mutex<Facts>,
}

impl Vital {
    pub(super) fn new(path: String, capacity: usize, permits: Arc<Semaphore>) -> Self {
        let facts = Facts {
            state: State::Starting,
            started: Instant::now(),
            restarts: 0,
            handled: 0,
            last_error: None,
            next_restart: None,
            handling_since: None,
        };
        Self { path, capacity, permits, facts: Mutex::new(facts) }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    fn with<T>(&self, change: impl FnOnce(&mut Facts) -> T) -> T {
        change(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn starting(&self, is_restart: bool) {
        self.with(|facts| {
            facts.state = State::Starting;
            facts.started = Instant::now();
            facts.restarts += u64::from(is_restart);
            facts.next_restart = None;
            facts.handling_since = Some(Instant::now());
        });
    }

    pub(super) fn running(&self) {
        self.with(|facts| {
            facts.state = State::Running;
            facts.handling_since = None;
        });
    }

    pub(super) fn begun(&self) {
        self.with(|facts| facts.handling_since = Some(Instant::now()));
    }

    pub(super) fn handled(&self) {
        self.with(|facts| {
            facts.handled += 1;
            facts.handling_since = None;
        });
    }

    pub(super) fn exited(&self, reason: &ExitReason, next_restart: Option<Instant>) {
        self.with(|facts| {
            facts.handling_since = None;
            facts.next_restart = next_restart;
            facts.state = if next_restart.is_some() { State::BackingOff } else { State::Stopped };
            if reason.is_failure() {
                facts.last_error = Some(reason.to_string());
            }
        });
    }

    /// Whether one message has been handled for longer than `limit`.
    pub(super) fn is_hung(&self, limit: Duration) -> bool {
        self.with(|facts| facts.handling_since.is_some_and(|since| since.elapsed() > limit))
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let depth = self.capacity.saturating_sub(self.permits.available_permits());
        self.with(|facts| Snapshot {
            path: self.path.clone(),
            state: facts.state,
            uptime_seconds: facts.started.elapsed().as_secs(),
            restarts: facts.restarts,
            mailbox_depth: depth,
            mailbox_capacity: self.capacity,
            handled: facts.handled,
            last_error: facts.last_error.clone(),
            next_restart_seconds: facts
                .next_restart
                .map(|at| at.saturating_duration_since(Instant::now()).as_secs_f64()),
        })
    }
}
