//! The supervisor: its children and policies. Its actions are in [`live`].

mod live;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::behaviour::Behaviour;
use super::handle::Handle;
use super::report::{Listener, SupervisionEvent};
use super::runner::{Link, Runner, StopSignal};
use super::spec::{Backoff, ChildSpec, Intensity, Restart, Strategy};
use super::system::Shutdown;
use super::vital::{ExitReason, Vital, Vitals};
use live::Live;

/// One run of a child; called again for each restart.
type Run = Box<dyn FnMut(Link) -> LocalBoxFuture<'static, ExitReason>>;

/// A child and its state.
struct Slot {
    path: String,
    restart: Restart,
    /// None once it has ended for good, together with its mailbox.
    run: Option<Run>,
    /// Its own, or those of all actors below it.
    vitals: Vec<Arc<Vital>>,
    start: Duration,
    heartbeat: Duration,
    /// None for a supervisor: each of its children has a deadline.
    shutdown: Option<Duration>,
    stop: watch::Sender<StopSignal>,
    is_running: bool,
    /// Consecutive failures, without a quiet time between them.
    failures: u32,
    started: Instant,
}

impl Slot {
    fn restarts_after(&self, reason: &ExitReason) -> bool {
        match self.restart {
            Restart::Permanent => *reason != ExitReason::Requested,
            Restart::Transient => reason.is_failure(),
            Restart::Temporary => false,
        }
    }

    fn pause_after(&mut self, reason: &ExitReason, backoff: &Backoff) -> Duration {
        let ran = self.started.elapsed();
        // An actor that hung was not healthy for as long as the detection took.
        let quiet = if *reason == ExitReason::Hung { ran.saturating_sub(self.heartbeat) } else { ran };
        self.failures = if quiet >= backoff.reset_after { 1 } else { self.failures.saturating_add(1) };
        backoff.pause(self.failures)
    }

    fn note_end(&self, reason: &ExitReason) {
        match self.shutdown {
            Some(_) => self.vitals.iter().for_each(|vital| vital.exited(reason)),
            // A supervisor's end is not an error of each actor below it.
            None => self.vitals.iter().for_each(|vital| vital.has_stopped()),
        }
    }

    /// It is not started again, and its senders are notified. Waiting messages are dropped; a panic during a
    /// drop must not reach the supervisor.
    fn retire(&mut self) {
        let run = self.run.take();
        let _ = catch_unwind(AssertUnwindSafe(move || drop(run)));
    }
}

/// See the module.
pub struct Supervisor {
    path: String,
    strategy: Strategy,
    intensity: Intensity,
    backoff: Backoff,
    listener: Listener,
    slots: Vec<Slot>,
    vitals: Vitals,
    /// The times of restarts, as far back as the intensity needs.
    restarts: Vec<Instant>,
}

impl Supervisor {
    /// A supervisor without children, named by its path in the tree. `listener` receives its events.
    #[must_use]
    pub fn new(path: &str, strategy: Strategy, listener: Rc<dyn Fn(SupervisionEvent)>) -> Self {
        Self {
            path: path.to_owned(),
            strategy,
            intensity: Intensity::default(),
            backoff: Backoff::default(),
            listener,
            slots: Vec::new(),
            vitals: Vitals::default(),
            restarts: Vec::new(),
        }
    }

    /// Sets after how many restarts it gives up.
    #[must_use]
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.intensity = intensity;
        self
    }

    /// Sets the pauses between restarts.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// All actors below it, for inspection.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        self.vitals.clone()
    }

    /// Adds an actor, which is started once those added before it have started. Each run has a new behaviour
    /// from `factory`.
    pub fn add<B: Behaviour>(
        &mut self,
        name: &str,
        spec: ChildSpec,
        factory: impl Fn() -> B + 'static,
    ) -> Handle<B::Message> {
        let path = format!("{}/{name}", self.path);
        let (runner, handle, vital) =
            Runner::new(path.clone(), spec, self.listener.clone(), Rc::new(factory));
        // The runner waits here between its runs, with its mailbox.
        let runner = Rc::new(tokio::sync::Mutex::new(runner));
        let run: Run = Box::new(move |link| {
            let runner = runner.clone();
            Box::pin(async move { runner.lock().await.run(link).await })
        });
        self.vitals.add(vital.clone());
        self.push(path, spec, Some(spec.shutdown), run, vec![vital]);
        handle
    }

    /// Adds a supervisor below this one. It has started when its children have. When it gives up it is
    /// restarted with all of them, like any child that failed; their mailboxes keep their messages.
    pub fn add_supervisor(&mut self, below: Supervisor) {
        let (path, vitals) = (below.path.clone(), below.vitals.all());
        let start = below.slots.iter().map(|slot| slot.start).sum();
        for vital in &vitals {
            self.vitals.add(vital.clone());
        }
        let below = Rc::new(tokio::sync::Mutex::new(below));
        let run: Run = Box::new(move |link| {
            let below = below.clone();
            Box::pin(async move { below.lock().await.run(link, StopSignal::Rest).await })
        });
        self.push(path, ChildSpec { start, ..ChildSpec::default() }, None, run, vitals);
    }

    fn push(
        &mut self,
        path: String,
        spec: ChildSpec,
        shutdown: Option<Duration>,
        run: Run,
        vitals: Vec<Arc<Vital>>,
    ) {
        let slot = Slot {
            path,
            restart: spec.restart,
            run: Some(run),
            vitals,
            start: spec.start,
            heartbeat: spec.heartbeat,
            shutdown,
            stop: watch::Sender::new(StopSignal::None),
            is_running: false,
            failures: 0,
            started: Instant::now(),
        };
        self.slots.push(slot);
    }

    /// Runs the tree until the shutdown is requested; then the children handle their waiting messages and stop,
    /// last started first. Returns [`ExitReason::Requested`] then, and [`ExitReason::Escalated`] if the tree
    /// gave up.
    pub async fn run_until(mut self, shutdown: Shutdown) -> ExitReason {
        let (signal, signals) = watch::channel(StopSignal::None);
        // Nothing waits for the root's start.
        let (up, _) = oneshot::channel();
        let reason = {
            let run = self.run(Link { stop: signals, up }, StopSignal::Drain);
            tokio::pin!(run);
            tokio::select! {
                reason = &mut run => reason,
                () = shutdown.requested() => {
                    signal.send_replace(StopSignal::Drain);
                    run.await
                }
            }
        };
        self.slots.iter_mut().rev().for_each(Slot::retire);
        reason
    }

    /// One run of all children. They stop as requested, or by `at_failure` if this supervisor gives up.
    async fn run(&mut self, link: Link, at_failure: StopSignal) -> ExitReason {
        let Link { mut stop, up } = link;
        self.restarts.clear();
        let mut live = Live::new(self);
        match live.until_end(&mut stop, up).await {
            Ok(signal) => {
                live.stop_all(signal).await;
                ExitReason::Requested
            }
            Err(reason) => {
                live.stop_all(at_failure).await;
                reason
            }
        }
    }

    /// Counts a restart, and returns whether it is one too many.
    fn is_too_much(&mut self) -> bool {
        let now = Instant::now();
        let within = self.intensity.within;
        self.restarts.retain(|at| now.duration_since(*at) < within);
        self.restarts.push(now);
        self.restarts.len() > self.intensity.restarts
    }
}
