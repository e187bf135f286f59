//! The cell: hosts one behaviour on an actix context.

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::dev::ContextFut;
use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Handler, Supervised, WrapFuture};
use futures_util::future::LocalBoxFuture;
use tokio::sync::{Semaphore, watch};
use tracing::Instrument;

use super::handle::{Envelope, Handle};
use super::vital::{ExitReason, Vital};

/// An actor's own word for what went wrong; never a message's contents.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ActorError(pub String);

/// What an actor does. Its futures run on the system thread: they must not block.
pub trait Behaviour: Sized + Unpin + 'static {
    /// What it can be told.
    type Message: Send + 'static;

    /// Loads its state. Runs before the first message, also after each restart.
    fn started(&mut self, _context: &Context<Self>) -> impl Future<Output = Result<(), ActorError>> {
        async { Ok(()) }
    }

    /// Handles one message. An error ends this run: the supervisor decides what comes next.
    fn handle(
        &mut self,
        message: Self::Message,
        context: &Context<Self>,
    ) -> impl Future<Output = Result<(), ActorError>>;
}

/// What a behaviour may use of its cell.
pub struct Context<B: Behaviour> {
    handle: Handle<B::Message>,
    spawned: Rc<RefCell<Vec<LocalBoxFuture<'static, ()>>>>,
}

impl<B: Behaviour> Context<B> {
    /// A handle to this actor itself.
    pub fn handle(&self) -> &Handle<B::Message> {
        &self.handle
    }

    /// Runs a future beside the messages, as a part of this actor: it ends with a restart, and its
    /// panic is the actor's.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        self.spawned.borrow_mut().push(Box::pin(future));
    }
}

type Factory<B> = Rc<dyn Fn() -> B>;

/// The actix actor around a behaviour. The behaviour is out while it handles a message.
pub(super) struct Cell<B: Behaviour> {
    factory: Factory<B>,
    behaviour: Option<B>,
    context: Rc<Context<B>>,
    vital: Arc<Vital>,
    marks: Rc<Marks>,
}

/// What the cell and its runner tell each other; actix keeps the cell to itself.
#[derive(Default)]
struct Marks {
    failure: RefCell<Option<ActorError>>,
    /// Set before the cell is dropped for good: actix starts a restarted context even then.
    is_retired: std::cell::Cell<bool>,
}

impl<B: Behaviour> Cell<B> {
    /// Puts the behaviour to work on one future; the mailbox waits meanwhile.
    fn work(
        &mut self,
        context: &mut actix::Context<Self>,
        work: impl AsyncFnOnce(&mut B, &Context<B>) -> Result<(), ActorError> + 'static,
        done: impl FnOnce(&Vital) + 'static,
    ) {
        let Some(mut behaviour) = self.behaviour.take() else { return };
        let own = self.context.clone();
        let future = async move {
            let result = work(&mut behaviour, &own).await;
            (behaviour, result)
        };
        let put_back = |(behaviour, result): (B, Result<(), ActorError>),
                        cell: &mut Self,
                        context: &mut actix::Context<Self>| {
            cell.behaviour = Some(behaviour);
            done(&cell.vital);
            for future in cell.context.spawned.borrow_mut().drain(..) {
                context.spawn(future.into_actor(cell));
            }
            if let Err(error) = result {
                *cell.marks.failure.borrow_mut() = Some(error);
                context.stop();
            }
        };
        context.wait(future.into_actor(self).map(put_back));
    }

    fn begin(&mut self, context: &mut actix::Context<Self>) {
        self.behaviour = Some((self.factory)());
        self.work(context, async |behaviour, own| behaviour.started(own).await, Vital::running);
    }
}

impl<B: Behaviour> Actor for Cell<B> {
    type Context = actix::Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        if !self.marks.is_retired.get() {
            self.begin(context);
        }
    }
}

impl<B: Behaviour> Supervised for Cell<B> {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.behaviour = None;
        self.context.spawned.borrow_mut().clear();
    }
}

impl<B: Behaviour> Handler<Envelope<B::Message>> for Cell<B> {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<B::Message>, context: &mut Self::Context) {
        let Envelope { message, span, sent, begun, permit } = envelope;
        let span = tracing::debug_span!(
            parent: &span,
            "actor.message",
            actor = self.vital.path(),
            mailbox_wait_us = sent.elapsed().as_micros() as u64,
        );
        begun.store(true, Ordering::Release);
        self.vital.begun();
        self.work(
            context,
            async move |behaviour: &mut B, own: &Context<B>| {
                let result = behaviour.handle(message, own).instrument(span).await;
                drop(permit);
                result
            },
            Vital::handled,
        );
    }
}

/// How a cell is to end its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StopSignal {
    /// Go on.
    None,
    /// After the messages that wait.
    Drain,
    /// At once; the mailbox keeps what waits.
    Now,
}

/// A cell as its supervisor runs it, again and again.
pub(super) struct Runner<B: Behaviour> {
    future: ContextFut<Cell<B>, actix::Context<Cell<B>>>,
    marks: Rc<Marks>,
    vital: Arc<Vital>,
    permits: Arc<Semaphore>,
    heartbeat: Duration,
    has_run: bool,
    capacity: usize,
}

/// How often an emptying mailbox is looked at.
const DRAIN_LOOK: Duration = Duration::from_millis(10);

impl<B: Behaviour> Runner<B> {
    pub(super) fn new(
        path: String,
        capacity: usize,
        heartbeat: Duration,
        factory: Factory<B>,
    ) -> (Self, Handle<B::Message>, Arc<Vital>) {
        let permits = Arc::new(Semaphore::new(capacity));
        let vital = Arc::new(Vital::new(path, capacity, permits.clone()));
        let context = actix::Context::<Cell<B>>::new();
        let handle = Handle::new(context.address().recipient(), permits.clone());
        let marks: Rc<Marks> = Rc::default();
        let own = Context { handle: handle.clone(), spawned: Rc::default() };
        let cell = Cell {
            factory,
            behaviour: None,
            context: Rc::new(own),
            vital: vital.clone(),
            marks: marks.clone(),
        };
        let future = context.into_future(cell);
        let runner =
            Self { future, marks, vital: vital.clone(), permits, heartbeat, has_run: false, capacity };
        (runner, handle, vital)
    }

    /// Runs until it fails, finishes or is told to stop. What is queued stays queued for the next run.
    pub(super) async fn run(&mut self, stop: watch::Receiver<StopSignal>) -> ExitReason {
        self.vital.starting(self.has_run);
        self.has_run = true;
        let reason = self.until_exit(stop).await;
        // Drops the message that was being handled, so that its sender hears of it now, and leaves
        // the context ready for another run.
        self.future.restart();
        self.marks.failure.take().map_or(reason, |error| ExitReason::Failed(error.0))
    }

    async fn until_exit(&mut self, mut stop: watch::Receiver<StopSignal>) -> ExitReason {
        loop {
            let signal = *stop.borrow_and_update();
            if signal == StopSignal::Now || (signal == StopSignal::Drain && self.is_drained()) {
                return ExitReason::Requested;
            }
            if self.vital.is_hung(self.heartbeat) {
                return ExitReason::Hung;
            }
            let look = if signal == StopSignal::Drain { DRAIN_LOOK } else { self.heartbeat / 4 };
            let poll = std::future::poll_fn(|cx| {
                match std::panic::catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.future).poll(cx))) {
                    Ok(poll) => poll.map(|()| ExitReason::Finished),
                    Err(_) => std::task::Poll::Ready(ExitReason::Panicked),
                }
            });
            tokio::select! {
                biased;
                changed = stop.changed() => if changed.is_err() { return ExitReason::Requested },
                exit = poll => return exit,
                () = tokio::time::sleep(look) => {}
            }
        }
    }

    fn is_drained(&self) -> bool {
        self.permits.available_permits() == self.capacity
    }
}

impl<B: Behaviour> Drop for Runner<B> {
    fn drop(&mut self) {
        // From here on senders hear that the actor has stopped, and those that wait hear it too.
        self.permits.close();
        self.marks.is_retired.set(true);
        self.future.restart();
    }
}
