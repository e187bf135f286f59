//! The runner: runs one cell again and again, and contains its panics.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use actix::dev::ContextFut;
use actix::{Actor, AsyncContext};
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{Semaphore, oneshot, watch};

use super::behaviour::{Behaviour, Context};
use super::cell::{Cell, CellState, Factory};
use super::handle::Handle;
use super::report::{Listener, SupervisionEvent};
use super::spec::ChildSpec;
use super::vital::{ExitReason, Vital};

/// A message that ends this many runs is set aside.
const KILLS_MAX: u32 = 2;

/// How a run should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StopSignal {
    /// Continue.
    None,
    /// Accept no more messages, handle the waiting ones, end.
    Drain,
    /// End after the current message; the mailbox keeps the others for the next run.
    Rest,
    /// End now, whatever is in progress.
    Cut,
}

/// A run's connection to its supervisor.
pub(super) struct Link {
    pub(super) stop: watch::Receiver<StopSignal>,
    /// Notified when the state is loaded; dropped if the run ends before.
    pub(super) up: oneshot::Sender<()>,
}

/// How a run ended.
struct End {
    reason: ExitReason,
    /// Whether the current message caused it.
    is_by_message: bool,
}

impl End {
    fn by_message(reason: ExitReason) -> Self {
        Self { reason, is_by_message: true }
    }

    fn otherwise(reason: ExitReason) -> Self {
        Self { reason, is_by_message: false }
    }
}

/// A cell, as its supervisor runs it.
pub(super) struct Runner<B: Behaviour> {
    future: ContextFut<Cell<B>, actix::Context<Cell<B>>>,
    /// Futures that the behaviour runs besides its messages: actix would not poll them while a message is
    /// handled.
    beside: FuturesUnordered<LocalBoxFuture<'static, ()>>,
    shared: Rc<CellState<B::Message>>,
    vital: Arc<Vital>,
    permits: Arc<Semaphore>,
    listener: Listener,
    spec: ChildSpec,
    has_run: bool,
}

impl<B: Behaviour> Runner<B> {
    pub(super) fn new(
        path: String,
        spec: ChildSpec,
        listener: Listener,
        factory: Factory<B>,
    ) -> (Self, Handle<B::Message>, Arc<Vital>) {
        let permits = Arc::new(Semaphore::new(spec.capacity));
        let vital = Arc::new(Vital::new(path, spec.capacity, permits.clone()));
        let mut context = <Cell<B> as Actor>::Context::new();
        // The permits are the bound: actix's own does not work with several senders.
        context.set_mailbox_capacity(0);
        let handle = Handle::new(context.address().recipient(), permits.clone());
        let shared: Rc<CellState<B::Message>> = Rc::default();
        let own = Context::new(handle.clone(), shared.clone());
        let future = context.into_future(Cell::new(factory, own, shared.clone(), vital.clone()));
        let runner = Self {
            future,
            beside: FuturesUnordered::new(),
            shared,
            vital: vital.clone(),
            permits,
            listener,
            spec,
            has_run: false,
        };
        (runner, handle, vital)
    }

    /// Runs until it fails, finishes or is stopped. Queued messages stay for the next run.
    pub(super) async fn run(&mut self, link: Link) -> ExitReason {
        self.vital.starting(self.has_run);
        self.has_run = true;
        self.shared.stops.set(false);
        self.shared.up.replace(Some(link.up));
        let mut end = self.until_end(link.stop).await;
        if let Some(error) = self.shared.failure.take() {
            end = End::by_message(ExitReason::Failed(error.0));
        }
        // Drops the current message, so that its sender is notified now.
        self.clear();
        self.settle(&end);
        end.reason
    }

    async fn until_end(&mut self, mut stop: watch::Receiver<StopSignal>) -> End {
        let look = (self.spec.start.min(self.spec.heartbeat) / 4).max(Duration::from_millis(1));
        loop {
            let signal = *stop.borrow_and_update();
            if self.ends_at(signal) {
                return End::otherwise(ExitReason::Requested);
            }
            if self.vital.is_hung(&self.spec) {
                return End::by_message(ExitReason::Hung);
            }
            let (shared, vital) = (self.shared.clone(), self.vital.clone());
            let end = tokio::select! {
                biased;
                changed = stop.changed() => match changed {
                    Ok(()) => continue,
                    // The owner of the tree is gone.
                    Err(_) => End::otherwise(ExitReason::Requested),
                },
                end = std::future::poll_fn(|cx| self.poll(cx)) => end,
                () = shared.handled.notified(), if signal == StopSignal::Drain => continue,
                () = vital.drill_called() => continue,
                () = tokio::time::sleep(look) => continue,
            };
            // It may be stopped and finish at the same moment.
            let is_told = *stop.borrow() != StopSignal::None;
            return match end.reason {
                ExitReason::Finished if is_told => End::otherwise(ExitReason::Requested),
                _ => end,
            };
        }
    }

    /// Whether the run may end now.
    fn ends_at(&self, signal: StopSignal) -> bool {
        match signal {
            StopSignal::None => false,
            StopSignal::Drain => {
                self.permits.close();
                self.permits.available_permits() == self.spec.capacity
            }
            StopSignal::Rest => {
                self.shared.stops.set(true);
                !self.shared.is_handling()
            }
            StopSignal::Cut => true,
        }
    }

    fn poll(&mut self, cx: &mut std::task::Context<'_>) -> Poll<End> {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            if self.vital.is_drilled() {
                // Like any panic of the behaviour, but without the hook that would print it.
                resume_unwind(Box::new("a drill"));
            }
            Pin::new(&mut self.future).poll(cx)
        }));
        match polled {
            Ok(Poll::Ready(())) => return Poll::Ready(End::otherwise(ExitReason::Finished)),
            Ok(Poll::Pending) => {}
            Err(_) => return Poll::Ready(End::by_message(ExitReason::Panicked)),
        }
        loop {
            self.beside.extend(self.shared.spawned.take());
            match catch_unwind(AssertUnwindSafe(|| self.beside.poll_next_unpin(cx))) {
                Ok(Poll::Ready(Some(()))) => {}
                Ok(Poll::Ready(None) | Poll::Pending) => return Poll::Pending,
                Err(_) => return Poll::Ready(End::otherwise(ExitReason::Panicked)),
            }
        }
    }

    /// Drops what the run leaves behind, and prepares the context for another one. A panic during a drop must
    /// not leave the cell either; there is then less to drop the next time.
    fn clear(&mut self) {
        let mut clear = || {
            self.shared.up.take();
            self.shared.spawned.take();
            self.beside.clear();
            self.future.restart();
        };
        while catch_unwind(AssertUnwindSafe(&mut clear)).is_err() {}
    }

    /// Decides about the current message of a run that ended: it stays for the next run, or is set aside.
    fn settle(&self, end: &End) {
        let mut slot = self.shared.in_hand.borrow_mut();
        let Some(in_hand) = slot.as_mut().filter(|in_hand| in_hand.is_begun) else { return };
        in_hand.is_begun = false;
        in_hand.kills += u32::from(end.is_by_message);
        in_hand.close(self.vital.path(), end.reason.kind());
        if in_hand.message.is_some() && in_hand.kills < KILLS_MAX {
            return;
        }
        let (message, times) = (in_hand.label, in_hand.tries);
        let unwanted = slot.take();
        drop(slot);
        let _ = catch_unwind(AssertUnwindSafe(move || drop(unwanted)));
        self.vital.set_aside(message, end.reason.kind(), times);
        let (path, reason) = (self.vital.path().to_owned(), end.reason.clone());
        (self.listener)(SupervisionEvent::SetAside { path, message, reason, times });
    }
}

impl<B: Behaviour> Drop for Runner<B> {
    fn drop(&mut self) {
        // From here on senders, including waiting ones, learn that the actor has stopped.
        self.permits.close();
        self.shared.is_retired.set(true);
        self.clear();
    }
}
