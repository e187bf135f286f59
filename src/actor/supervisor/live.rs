//! A running supervisor: one run of its children, from the first start to the last stop.

use std::collections::{BTreeSet, VecDeque};

use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::{Restart, Supervisor};
use crate::actor::report::SupervisionEvent;
use crate::actor::runner::{Link, StopSignal};
use crate::actor::spec::Strategy;
use crate::actor::vital::ExitReason;

/// A notification from a child's run.
enum Note {
    /// The child of this number has loaded its state.
    Up(usize),
    /// It will not load its state in this run.
    NotUp,
    /// Its run has ended.
    Ended(usize, ExitReason),
}

/// The first child in the queue, which the others wait for.
struct Starting {
    number: usize,
    /// The deadline; none if the others depend on it.
    until: Option<Instant>,
}

/// See the module. A child is running, or waits in `due` or `queue` to be started, or has ended for good.
pub(super) struct Live<'a> {
    tree: &'a mut Supervisor,
    notes: FuturesUnordered<LocalBoxFuture<'static, Note>>,
    /// Runs that ended while others were being stopped.
    ended: VecDeque<(usize, ExitReason)>,
    /// Restarts after their pause.
    due: Vec<(Instant, usize)>,
    /// To be started one after the other, in order.
    queue: BTreeSet<usize>,
    starting: Option<Starting>,
}

impl<'a> Live<'a> {
    pub(super) fn new(tree: &'a mut Supervisor) -> Self {
        let mut queue = BTreeSet::new();
        for (number, slot) in tree.slots.iter_mut().enumerate() {
            slot.failures = 0;
            if slot.run.is_some() {
                queue.insert(number);
                slot.vitals.iter().for_each(|vital| vital.will_start(None));
            }
        }
        Self {
            tree,
            notes: FuturesUnordered::new(),
            ended: VecDeque::new(),
            due: Vec::new(),
            queue,
            starting: None,
        }
    }

    /// Runs the children until this supervisor is stopped, or gives up, which is the error.
    pub(super) async fn until_end(
        &mut self,
        stop: &mut watch::Receiver<StopSignal>,
        up: oneshot::Sender<()>,
    ) -> Result<StopSignal, ExitReason> {
        let mut up = Some(up);
        loop {
            if let Some((number, reason)) = self.ended.pop_front() {
                self.follow(number, reason).await?;
                continue;
            }
            self.start_next();
            if self.is_up()
                && let Some(up) = up.take()
            {
                // Nothing may be waiting.
                let _ = up.send(());
            }
            let waits = self.starting.as_ref().and_then(|starting| starting.until);
            let next = self.due.iter().map(|(at, _)| *at).chain(waits).min();
            tokio::select! {
                biased;
                signal = stop.wait_for(|signal| *signal != StopSignal::None) => {
                    return Ok(signal.map_or(StopSignal::Cut, |signal| *signal));
                }
                Some(note) = self.notes.next() => self.hear(note),
                () = until(next) => self.on_time(),
            }
        }
    }

    /// Whether every child has had its turn to start. A child that failed to start is restarted later, and
    /// only children that depend on it wait.
    fn is_up(&self) -> bool {
        let is_through = self.starting.is_none() && self.queue.is_empty();
        is_through && (self.tree.strategy == Strategy::OneForOne || self.due.is_empty())
    }

    fn hear(&mut self, note: Note) {
        match note {
            Note::Up(number) => self.wait_no_longer_for(number),
            Note::NotUp => {}
            Note::Ended(number, reason) => {
                self.wait_no_longer_for(number);
                self.tree.slots[number].is_running = false;
                self.ended.push_back((number, reason));
            }
        }
    }

    fn wait_no_longer_for(&mut self, number: usize) {
        self.starting.take_if(|starting| starting.number == number);
    }

    fn on_time(&mut self) {
        let now = Instant::now();
        self.starting.take_if(|starting| starting.until.is_some_and(|until| until <= now));
        let due: Vec<usize> =
            self.due.extract_if(.., |(at, _)| *at <= now).map(|(_, number)| number).collect();
        for number in due {
            // A child that no other depends on does not wait for another one's start.
            if self.tree.strategy == Strategy::OneForOne {
                self.start(number);
            } else {
                self.queue.insert(number);
            }
        }
    }

    /// Starts the next child in the queue, if the previous one is up.
    fn start_next(&mut self) {
        if self.starting.is_none()
            && let Some(number) = self.queue.pop_first()
        {
            let is_alone = self.tree.strategy == Strategy::OneForOne;
            let until = is_alone.then(|| Instant::now() + self.tree.slots[number].start);
            self.starting = Some(Starting { number, until });
            self.start(number);
        }
    }

    fn start(&mut self, number: usize) {
        let slot = &mut self.tree.slots[number];
        let Some(run) = slot.run.as_mut() else { return };
        slot.stop.send_replace(StopSignal::None);
        slot.is_running = true;
        slot.started = Instant::now();
        let (up, is_up) = oneshot::channel();
        let run = run(Link { stop: slot.stop.subscribe(), up });
        self.notes.push(Box::pin(async move { Note::Ended(number, run.await) }));
        self.notes.push(Box::pin(async move {
            match is_up.await {
                Ok(()) => Note::Up(number),
                Err(_) => Note::NotUp,
            }
        }));
    }

    /// Handles the end of a child's run. An error ends this supervisor.
    async fn follow(&mut self, number: usize, reason: ExitReason) -> Result<(), ExitReason> {
        let slot = &mut self.tree.slots[number];
        slot.note_end(&reason);
        let path = slot.path.clone();
        if !slot.restarts_after(&reason) {
            slot.retire();
            self.tell(SupervisionEvent::Ended { path, reason });
            return Ok(());
        }
        let pause = slot.pause_after(&reason, &self.tree.backoff);
        let at = Instant::now() + pause;
        if self.tree.is_too_much() {
            let reason = ExitReason::Escalated(format!("{path} ({reason})"));
            let path = self.tree.path.clone();
            self.tell(SupervisionEvent::Escalated { path, reason: reason.clone() });
            return Err(reason);
        }
        self.tell(SupervisionEvent::Restarting { path, reason, pause });
        let affected: BTreeSet<usize> = self.tree.strategy.affected(number, self.tree.slots.len()).collect();
        self.stop(&affected, StopSignal::Rest).await;
        // Children that failed meanwhile are restarted with the others: that counts as one restart.
        let ended = std::mem::take(&mut self.ended);
        let (along, others) = ended.into_iter().partition(|(number, _)| affected.contains(number));
        self.ended = others;
        self.note_ends(along);
        self.due.retain(|(_, number)| !affected.contains(number));
        self.queue.retain(|number| !affected.contains(number));
        for number in affected {
            self.put_off(number, at);
        }
        Ok(())
    }

    fn note_ends(&self, ended: VecDeque<(usize, ExitReason)>) {
        for (number, reason) in ended {
            self.tree.slots[number].note_end(&reason);
        }
    }

    /// Schedules a start of a child that is not running.
    fn put_off(&mut self, number: usize, at: Instant) {
        let slot = &mut self.tree.slots[number];
        if slot.run.is_none() {
            return;
        }
        if slot.restart == Restart::Temporary {
            slot.retire();
            let path = slot.path.clone();
            self.tell(SupervisionEvent::Ended { path, reason: ExitReason::Requested });
            return;
        }
        slot.vitals.iter().for_each(|vital| vital.will_start(Some(at)));
        self.due.push((at, number));
    }

    /// Stops all children.
    pub(super) async fn stop_all(&mut self, signal: StopSignal) {
        let all = (0..self.tree.slots.len()).collect();
        self.queue.clear();
        self.stop(&all, signal).await;
        let ended = std::mem::take(&mut self.ended);
        self.note_ends(ended);
        for vital in self.tree.slots.iter().flat_map(|slot| &slot.vitals) {
            vital.has_stopped();
        }
    }

    /// Stops children one after the other, last started first, each within its deadline.
    async fn stop(&mut self, numbers: &BTreeSet<usize>, signal: StopSignal) {
        for &number in numbers.iter().rev() {
            let slot = &mut self.tree.slots[number];
            if !slot.is_running {
                continue;
            }
            slot.stop.send_replace(signal);
            let mut deadline = slot.shutdown.map(|shutdown| Instant::now() + shutdown);
            while self.tree.slots[number].is_running {
                tokio::select! {
                    Some(note) = self.notes.next() => self.hear(note),
                    () = until(deadline) => {
                        // It obeys at once, unless it blocks the thread: then nothing here helps.
                        deadline = None;
                        let slot = &self.tree.slots[number];
                        slot.stop.send_replace(StopSignal::Cut);
                        self.tell(SupervisionEvent::CutOff { path: slot.path.clone() });
                    }
                }
            }
        }
    }

    fn tell(&self, event: SupervisionEvent) {
        (self.tree.listener)(event);
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
