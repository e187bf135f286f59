//! The observable state of an actor: its state, restarts, queue and last error.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::spec::ChildSpec;

/// Set-aside messages that are listed per actor; all are counted.
const REMEMBERED: usize = 16;

/// Why an actor's run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitReason {
    /// It finished its work and stopped.
    Finished,
    /// It was stopped.
    Requested,
    /// Its behaviour returned an error.
    Failed(String),
    /// Its behaviour panicked. The panic's text may contain anything, so it is not kept.
    Panicked,
    /// It took longer for one message than its heartbeat allows, or did not start in time.
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

    /// The reason in one word, without the actor's own description.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Requested => "stopped",
            Self::Failed(_) => "failed",
            Self::Panicked => "panicked",
            Self::Hung => "hung",
            Self::Escalated(_) => "escalated",
        }
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(word) | Self::Escalated(word) => write!(f, "{}: {word}", self.kind()),
            _ => f.write_str(self.kind()),
        }
    }
}

/// The state of an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its turn to start has not come: an earlier one has not started yet.
    Waiting,
    /// Loading its state.
    Starting,
    /// Handling messages.
    Running,
    /// Waiting to be restarted.
    BackingOff,
    /// Done, for good.
    Stopped,
}

/// A message that is not delivered again, because its handling failed. Its contents are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// The kind of message, from its behaviour's label.
    pub message: String,
    /// How the last handling ended: panicked, failed, hung, or stopped if it was cut off.
    pub reason: String,
    /// Number of deliveries.
    pub times: u32,
    /// Seconds since then.
    pub seconds_ago: u64,
}

/// An actor at one moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its path in the tree.
    pub path: String,
    /// See [`State`].
    pub state: State,
    /// Seconds since its last start; 0 if it is not running.
    pub uptime_seconds: u64,
    /// Number of restarts.
    pub restarts: u64,
    /// Messages waiting or being handled.
    pub mailbox_depth: usize,
    /// Mailbox capacity.
    pub mailbox_capacity: usize,
    /// Messages handled.
    pub handled: u64,
    /// Why it last failed.
    pub last_error: Option<String>,
    /// Seconds until it is restarted.
    pub next_restart_seconds: Option<f64>,
    /// Number of messages set aside.
    #[serde(default)]
    pub set_aside: u64,
    /// The latest of them, newest last.
    #[serde(default)]
    pub last_set_aside: Vec<SetAside>,
}

struct Facts {
    state: State,
    started: Instant,
    restarts: u64,
    handled: u64,
    last_error: Option<String>,
    next_restart: Option<Instant>,
    /// When it started its current activity: loading its state, or handling a message.
    busy_since: Option<Instant>,
    set_aside: u64,
    last_set_aside: VecDeque<(Instant, SetAside)>,
}

/// Shared by the cell, its supervisor and observers.
pub(super) struct Vital {
    path: String,
    capacity: usize,
    permits: Arc<Semaphore>,
    facts: Mutex<Facts>,
    /// Set by a drill until the run that it is for has failed.
    drill: AtomicBool,
    drilled: Notify,
}

impl Vital {
    pub(super) fn new(path: String, capacity: usize, permits: Arc<Semaphore>) -> Self {
        let facts = Facts {
            state: State::Waiting,
            started: Instant::now(),
            restarts: 0,
            handled: 0,
            last_error: None,
            next_restart: None,
            busy_since: None,
            set_aside: 0,
            last_set_aside: VecDeque::new(),
        };
        let (drill, drilled) = (AtomicBool::new(false), Notify::new());
        Self { path, capacity, permits, facts: Mutex::new(facts), drill, drilled }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    fn with<T>(&self, change: impl FnOnce(&mut Facts) -> T) -> T {
        change(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether its run should panic now, on purpose.
    pub(super) fn is_drilled(&self) -> bool {
        self.drill.swap(false, Ordering::AcqRel)
    }

    /// Waits for a drill.
    pub(super) async fn drill_called(&self) {
        self.drilled.notified().await;
    }

    fn drill(&self) {
        self.drill.store(true, Ordering::Release);
        self.drilled.notify_one();
    }

    pub(super) fn starting(&self, is_restart: bool) {
        self.with(|facts| {
            facts.state = State::Starting;
            facts.started = Instant::now();
            facts.restarts += u64::from(is_restart);
            facts.next_restart = None;
            facts.busy_since = Some(Instant::now());
        });
    }

    pub(super) fn running(&self) {
        self.with(|facts| {
            facts.state = State::Running;
            facts.busy_since = None;
        });
    }

    pub(super) fn begun(&self) {
        self.with(|facts| facts.busy_since = Some(Instant::now()));
    }

    pub(super) fn handled(&self) {
        self.with(|facts| {
            facts.handled += 1;
            facts.busy_since = None;
        });
    }

    pub(super) fn exited(&self, reason: &ExitReason) {
        self.has_stopped();
        if reason.is_failure() {
            self.with(|facts| facts.last_error = Some(reason.to_string()));
        }
    }

    pub(super) fn has_stopped(&self) {
        self.with(|facts| {
            facts.busy_since = None;
            facts.next_restart = None;
            facts.state = State::Stopped;
        });
    }

    /// Its start is scheduled for this time, or for its turn if none is known.
    pub(super) fn will_start(&self, at: Option<Instant>) {
        self.with(|facts| {
            facts.busy_since = None;
            facts.state = if at.is_some() { State::BackingOff } else { State::Waiting };
            facts.next_restart = at;
        });
    }

    pub(super) fn set_aside(&self, message: &str, reason: &str, times: u32) {
        let entry =
            SetAside { message: message.to_owned(), reason: reason.to_owned(), times, seconds_ago: 0 };
        self.with(|facts| {
            facts.set_aside += 1;
            if facts.last_set_aside.len() == REMEMBERED {
                facts.last_set_aside.pop_front();
            }
            facts.last_set_aside.push_back((Instant::now(), entry));
        });
    }

    /// Whether its current activity takes longer than allowed.
    pub(super) fn is_hung(&self, spec: &ChildSpec) -> bool {
        self.with(|facts| {
            let limit = if facts.state == State::Starting { spec.start } else { spec.heartbeat };
            facts.busy_since.is_some_and(|since| since.elapsed() >= limit)
        })
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let depth = self.capacity.saturating_sub(self.permits.available_permits());
        self.with(|facts| Snapshot {
            path: self.path.clone(),
            state: facts.state,
            uptime_seconds: match facts.state {
                State::Starting | State::Running => facts.started.elapsed().as_secs(),
                State::Waiting | State::BackingOff | State::Stopped => 0,
            },
            restarts: facts.restarts,
            mailbox_depth: depth,
            mailbox_capacity: self.capacity,
            handled: facts.handled,
            last_error: facts.last_error.clone(),
            next_restart_seconds: facts
                .next_restart
                .map(|at| at.saturating_duration_since(Instant::now()).as_secs_f64()),
            set_aside: facts.set_aside,
            last_set_aside: facts
                .last_set_aside
                .iter()
                .map(|(at, entry)| SetAside { seconds_ago: at.elapsed().as_secs(), ..entry.clone() })
                .collect(),
        })
    }
}

/// All actors of a tree, for inspection.
#[derive(Clone, Default)]
pub struct Vitals(Arc<Mutex<Vec<Arc<Vital>>>>);

impl Vitals {
    /// Each actor at this moment, in the order of their start.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Snapshot> {
        self.all().iter().map(|vital| vital.snapshot()).collect()
    }

    /// Drills an actor: makes it panic on purpose, to test supervision in a running system. False if there is
    /// no such actor.
    #[must_use]
    pub fn drill(&self, path: &str) -> bool {
        let all = self.all();
        let found = all.iter().find(|vital| vital.path() == path);
        found.map(|vital| vital.drill()).is_some()
    }

    pub(super) fn all(&self) -> Vec<Arc<Vital>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn add(&self, vital: Arc<Vital>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(vital);
    }
}
