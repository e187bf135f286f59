//! The supervisor: starts children in order, restarts what fails, and gives up upwards.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::watch;
use tokio::time::Instant;

use super::cell::{Behaviour, Runner, StopSignal};
use super::handle::Handle;
use super::vital::{ExitReason, Snapshot, Vital};

/// Who is restarted when a child fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// The child.
    OneForOne,
    /// All children.
    OneForAll,
    /// The child and those that were started after it.
    RestForOne,
}

/// Whether a child is restarted when its run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Always.
    Permanent,
    /// Only after a failure.
    Transient,
    /// Never.
    Temporary,
}

/// The pause before a restart: doubles with each failure, is spread by up to a half so that many do
/// not come back at once, and begins anew after a quiet time.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The first pause.
    pub initial: Duration,
    /// The longest pause.
    pub max: Duration,
    /// A run that lasts this long counts as a success.
    pub reset_after: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(100),
            max: Duration::from_secs(30),
            reset_after: Duration::from_mins(1),
        }
    }
}

impl Backoff {
    fn pause(&self, failures: u32) -> Duration {
        let doubled =
            self.initial.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        doubled.min(self.max).mul_f64(rand::random_range(0.5..=1.0))
    }
}

/// How many restarts within how long are borne before the supervisor gives up.
#[derive(Debug, Clone, Copy)]
pub struct Intensity {
    /// Restarts.
    pub restarts: usize,
    /// Within this time.
    pub within: Duration,
}

impl Default for Intensity {
    fn default() -> Self {
        Self { restarts: 10, within: Duration::from_mins(1) }
    }
}

/// How a child is run.
#[derive(Debug, Clone, Copy)]
pub struct ChildSpec {
    /// See [`Restart`].
    pub restart: Restart,
    /// Messages that may wait.
    pub capacity: usize,
    /// A message that is handled for longer than this has hung its actor.
    pub heartbeat: Duration,
    /// How long it may take to stop.
    pub shutdown: Duration,
}

impl Default for ChildSpec {
    fn default() -> Self {
        Self {
            restart: Restart::Permanent,
            capacity: 256,
            heartbeat: Duration::from_secs(30),
            shutdown: Duration::from_secs(2),
        }
    }
}

/// What a supervisor did about a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SupervisionEvent {
    /// A child's run ended with a failure, and it is restarted after a pause.
    Restarting {
        /// Its path.
        path: String,
        /// Why.
        reason: ExitReason,
        /// The pause.
        pause: Duration,
    },
    /// A supervisor gave up.
    Escalated {
        /// The supervisor's path.
        path: String,
        /// What went before.
        reason: ExitReason,
    },
    /// A child did not stop in time and was cut off.
    CutOff {
        /// Its path.
        path: String,
    },
}

/// One run of a child; called again for each restart.
type Run = Box<dyn FnMut(watch::Receiver<StopSignal>) -> LocalBoxFuture<'static, ExitReason>>;
type Listener = Rc<dyn Fn(SupervisionEvent)>;

struct Slot {
    path: String,
    spec: ChildSpec,
    run: Run,
    /// Of an actor; a supervisor below tells of itself.
    vital: Option<Arc<Vital>>,
    stop: watch::Sender<StopSignal>,
    is_running: bool,
    failures: u32,
    started: Instant,
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
    restarts: Vec<Instant>,
}

/// All actors of a tree, for those who look.
#[derive(Clone, Default)]
pub struct Vitals(Arc<Mutex<Vec<Arc<Vital>>>>);

impl Vitals {
    /// Each actor at this moment, in the order of their start.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Snapshot> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|vital| vital.snapshot()).collect()
    }

    fn add(&self, vital: Arc<Vital>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(vital);
    }
}

type Runs = FuturesUnordered<LocalBoxFuture<'static, (usize, ExitReason)>>;

impl Supervisor {
    /// A supervisor without children, named by its path in the tree. `listener` hears what it does.
    #[must_use]
    pub fn new(path: &str, strategy: Strategy, listener: Listener) -> Self {
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

    /// Sets how many restarts are borne.
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

    /// All actors below, for those who look.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        self.vitals.clone()
    }

    /// Adds an actor, to be started after those that were added before it.
    pub fn add<B: Behaviour>(
        &mut self,
        name: &str,
        spec: ChildSpec,
        factory: impl Fn() -> B + 'static,
    ) -> Handle<B::Message> {
        let path = format!("{}/{name}", self.path);
        let (runner, handle, vital) =
            Runner::new(path.clone(), spec.capacity, spec.heartbeat, Rc::new(factory));
        // The runner waits here between its runs.
        let runner = Rc::new(tokio::sync::Mutex::new(runner));
        let run: Run = Box::new(move |stop| {
            let runner = runner.clone();
            Box::pin(async move { runner.lock().await.run(stop).await })
        });
        self.vitals.add(vital.clone());
        self.push(path, spec, run, Some(vital));
        handle
    }

    /// Adds a supervisor below this one. It is not restarted: when it gives up, so does this one.
    pub fn add_supervisor(&mut self, below: Supervisor) {
        for vital in below.vitals.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            self.vitals.add(vital.clone());
        }
        let path = below.path.clone();
        let spec = ChildSpec { restart: Restart::Temporary, ..ChildSpec::default() };
        let mut below = Some(below);
        let run: Run = Box::new(move |stop| match below.take() {
            Some(supervisor) => Box::pin(supervisor.run(stop)),
            None => Box::pin(std::future::ready(ExitReason::Finished)),
        });
        self.push(path, spec, run, None);
    }

    fn push(&mut self, path: String, spec: ChildSpec, run: Run, vital: Option<Arc<Vital>>) {
        let slot = Slot {
            path,
            spec,
            run,
            vital,
            stop: watch::Sender::new(StopSignal::None),
            is_running: false,
            failures: 0,
            started: Instant::now(),
        };
        self.slots.push(slot);
    }

    /// Runs the tree until `stop` changes to true; then stops the children in reverse order.
    /// [`ExitReason::Requested`] then, [`ExitReason::Escalated`] where the tree gave up.
    pub async fn run_until(self, mut stop: watch::Receiver<bool>) -> ExitReason {
        let (signal, signals) = watch::channel(StopSignal::None);
        let run = self.run(signals);
        tokio::pin!(run);
        tokio::select! {
            reason = &mut run => reason,
            _ = stop.wait_for(|stop| *stop) => {
                signal.send_replace(StopSignal::Drain);
                run.await
            }
        }
    }

    async fn run(mut self, mut stop: watch::Receiver<StopSignal>) -> ExitReason {
        let mut runs: Runs = FuturesUnordered::new();
        let mut pending: Vec<(Instant, Vec<usize>)> = Vec::new();
        for number in 0..self.slots.len() {
            self.start(number, &runs);
        }
        loop {
            let next = pending.iter().map(|(at, _)| *at).min();
            tokio::select! {
                biased;
                _ = stop.wait_for(|signal| *signal != StopSignal::None) => {
                    self.stop((0..self.slots.len()).collect(), StopSignal::Drain, &mut runs).await;
                    return ExitReason::Requested;
                }
                Some((number, reason)) = runs.next() => {
                    self.slots[number].is_running = false;
                    if let Err(escalation) = self.exited(number, reason, &mut runs, &mut pending).await {
                        self.stop((0..self.slots.len()).collect(), StopSignal::Drain, &mut runs).await;
                        return escalation;
                    }
                }
                () = until(next) => {
                    let now = Instant::now();
                    let due = pending.extract_if(.., |(at, _)| *at <= now);
                    let mut due: Vec<usize> = due.flat_map(|(_, numbers)| numbers).collect();
                    due.sort_unstable();
                    for number in due {
                        self.start(number, &runs);
                    }
                }
            }
        }
    }

    fn start(&mut self, number: usize, runs: &Runs) {
        let slot = &mut self.slots[number];
        if slot.is_running {
            return;
        }
        slot.stop.send_replace(StopSignal::None);
        slot.is_running = true;
        slot.started = Instant::now();
        let run: Pin<Box<dyn Future<Output = ExitReason>>> = (slot.run)(slot.stop.subscribe());
        runs.push(Box::pin(async move { (number, run.await) }));
    }

    /// Decides what follows a child's exit. An error is this supervisor's own end.
    async fn exited(
        &mut self,
        number: usize,
        reason: ExitReason,
        runs: &mut Runs,
        pending: &mut Vec<(Instant, Vec<usize>)>,
    ) -> Result<(), ExitReason> {
        let slot = &mut self.slots[number];
        let restarts = match slot.spec.restart {
            Restart::Permanent => reason != ExitReason::Requested,
            Restart::Transient => reason.is_failure(),
            Restart::Temporary => false,
        };
        if !restarts {
            if let Some(vital) = &slot.vital {
                vital.exited(&reason, None);
            }
            // A supervisor that gave up has nobody else to turn to.
            return match reason {
                ExitReason::Escalated(_) => Err(self.escalate(&reason)),
                _ => Ok(()),
            };
        }
        slot.failures =
            if slot.started.elapsed() >= self.backoff.reset_after { 1 } else { slot.failures + 1 };
        let pause = self.backoff.pause(slot.failures);
        let path = slot.path.clone();
        let at = Instant::now() + pause;
        if let Some(vital) = &slot.vital {
            vital.exited(&reason, Some(at));
        }
        if self.is_too_much() {
            return Err(self.escalate(&reason));
        }
        (self.listener)(SupervisionEvent::Restarting { path, reason, pause });
        let affected: Vec<usize> = match self.strategy {
            Strategy::OneForOne => vec![number],
            Strategy::OneForAll => (0..self.slots.len()).collect(),
            Strategy::RestForOne => (number..self.slots.len()).collect(),
        };
        self.stop(affected.clone(), StopSignal::Now, runs).await;
        pending.push((at, affected));
        Ok(())
    }

    fn is_too_much(&mut self) -> bool {
        let now = Instant::now();
        let within = self.intensity.within;
        self.restarts.retain(|at| now.duration_since(*at) < within);
        self.restarts.push(now);
        self.restarts.len() > self.intensity.restarts
    }

    fn escalate(&self, reason: &ExitReason) -> ExitReason {
        (self.listener)(SupervisionEvent::Escalated { path: self.path.clone(), reason: reason.clone() });
        ExitReason::Escalated(format!("{} ({reason})", self.path))
    }

    /// Stops children one after the other, the last first, each within its deadline.
    async fn stop(&mut self, mut numbers: Vec<usize>, signal: StopSignal, runs: &mut Runs) {
        numbers.sort_unstable();
        for number in numbers.into_iter().rev() {
            if !self.slots[number].is_running {
                continue;
            }
            self.slots[number].stop.send_replace(signal);
            let deadline = Instant::now() + self.slots[number].spec.shutdown;
            while self.slots[number].is_running {
                match tokio::time::timeout_at(deadline, runs.next()).await {
                    Ok(Some((ended, reason))) => {
                        self.slots[ended].is_running = false;
                        if let Some(vital) = &self.slots[ended].vital {
                            vital.exited(&reason, None);
                        }
                    }
                    Ok(None) => break,
                    Err(_) => {
                        let path = self.slots[number].path.clone();
                        (self.listener)(SupervisionEvent::CutOff { path });
                        self.slots[number].stop.send_replace(StopSignal::Now);
                        break;
                    }
                }
            }
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
