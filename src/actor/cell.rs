//! The cell: hosts one behaviour on an actix context.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Handler, Supervised, WrapFuture};
use futures_util::future::LocalBoxFuture;
use tokio::sync::{Notify, OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;
use tracing::{Instrument, Span};

use super::behaviour::{ActorError, Behaviour, Context};
use super::context::{self, Carried};
use super::handle::Envelope;
use super::meters;
use super::vital::Vital;

/// Messages handled in a row before other actors on the thread get their turn.
const TURN: u64 = 64;

pub(super) type Factory<B> = Rc<dyn Fn() -> B>;

/// The current message, or one that is to be delivered again after a restart.
pub(super) struct InHand<M> {
    /// The message; while it is being handled, the copy for another delivery, if there is one.
    pub(super) message: Option<M>,
    pub(super) label: &'static str,
    /// Number of deliveries.
    pub(super) tries: u32,
    /// Number of runs that it ended.
    pub(super) kills: u32,
    /// Whether this run has started handling it.
    pub(super) is_begun: bool,
    /// The span of its handling.
    span: Span,
    sender: Span,
    sent: Instant,
    /// The value that accompanies it; see [`super::context`].
    carried: Option<Carried>,
    /// Time in the mailbox, or until the next delivery.
    waited: Duration,
    /// When its handling last started.
    pub(super) begun: Instant,
    /// Released when the message has been handled, or is set aside.
    _permit: OwnedSemaphorePermit,
}

impl<M> InHand<M> {
    /// Opens the span of the next delivery. Its length is the handling; the wait before it is a field. All
    /// other fields are set at the end: by then whoever waits for the answer has it.
    fn open(&mut self, actor: &str) {
        self.waited = self.sent.elapsed();
        let label = self.label;
        macro_rules! span {
            ($make:ident) => {
                tracing::$make!(
                    parent: &self.sender,
                    "actor.message",
                    actor,
                    message = label,
                    try_number = tracing::field::Empty,
                    mailbox_wait_us = tracing::field::Empty,
                    outcome = tracing::field::Empty,
                )
            };
        }
        // A message without a parent span would start a trace of its own: only at debug level.
        let own = if self.sender.is_disabled() { span!(debug_span) } else { span!(info_span) };
        // A span that is not recorded must not cut the work off from its sender's.
        self.span = if own.is_disabled() { self.sender.clone() } else { own };
    }

    /// Records the result of a delivery in its span and the metrics.
    pub(super) fn close(&self, actor: &str, outcome: &'static str) {
        self.span.record("try_number", self.tries);
        self.span.record("mailbox_wait_us", self.waited.as_micros() as u64);
        self.span.record("outcome", outcome);
        meters::ended(actor, self.label, outcome, self.begun.elapsed());
    }
}

/// State shared by the cell, its behaviour's context and its runner; actix keeps the cell to itself.
pub(super) struct CellState<M> {
    pub(super) in_hand: RefCell<Option<InHand<M>>>,
    pub(super) failure: RefCell<Option<ActorError>>,
    /// Futures that the behaviour spawned and the runner has not taken yet.
    pub(super) spawned: RefCell<Vec<LocalBoxFuture<'static, ()>>>,
    /// Notified when the behaviour has loaded its state.
    pub(super) up: RefCell<Option<oneshot::Sender<()>>>,
    /// The run ends after the current message.
    pub(super) stops: std::cell::Cell<bool>,
    /// Notified when a message has left the mailbox for good.
    pub(super) handled: Notify,
    /// Set before the cell is dropped for good: actix starts a restarted context even then.
    pub(super) is_retired: std::cell::Cell<bool>,
}

impl<M> Default for CellState<M> {
    fn default() -> Self {
        Self {
            in_hand: RefCell::default(),
            failure: RefCell::default(),
            spawned: RefCell::default(),
            up: RefCell::default(),
            stops: std::cell::Cell::default(),
            handled: Notify::default(),
            is_retired: std::cell::Cell::default(),
        }
    }
}

impl<M> CellState<M> {
    pub(super) fn is_handling(&self) -> bool {
        self.in_hand.borrow().as_ref().is_some_and(|in_hand| in_hand.is_begun)
    }

    /// The message to handle now, marked as started.
    fn begin(&self, actor: &str) -> Option<(M, Span)> {
        let mut slot = self.in_hand.borrow_mut();
        let in_hand = slot.as_mut()?;
        let message = in_hand.message.take()?;
        in_hand.is_begun = true;
        in_hand.tries += 1;
        in_hand.begun = Instant::now();
        if in_hand.tries == 1 {
            meters::begun(actor, in_hand.label, in_hand.sent.elapsed());
        }
        in_hand.open(actor);
        Some((message, in_hand.span.clone()))
    }
}

/// The actix actor around a behaviour. The behaviour is moved out while it works.
pub(super) struct Cell<B: Behaviour> {
    factory: Factory<B>,
    behaviour: Option<B>,
    context: Rc<Context<B>>,
    shared: Rc<CellState<B::Message>>,
    vital: Arc<Vital>,
    taken: u64,
}

type Done<B> = fn(&mut Cell<B>, &mut actix::Context<Cell<B>>);

impl<B: Behaviour> Cell<B> {
    pub(super) fn new(
        factory: Factory<B>,
        context: Context<B>,
        shared: Rc<CellState<B::Message>>,
        vital: Arc<Vital>,
    ) -> Self {
        Self { factory, behaviour: None, context: Rc::new(context), shared, vital, taken: 0 }
    }

    /// Runs the behaviour on one future; the mailbox waits meanwhile.
    fn work(
        &mut self,
        context: &mut actix::Context<Self>,
        work: impl AsyncFnOnce(&mut B, &Context<B>) -> Result<(), ActorError> + 'static,
        done: Done<B>,
    ) {
        let Some(mut behaviour) = self.behaviour.take() else { return };
        let own = self.context.clone();
        let future = async move {
            let result = work(&mut behaviour, &own).await;
            (behaviour, result)
        };
        let put_back = move |(behaviour, result): (B, Result<(), ActorError>),
                             cell: &mut Self,
                             context: &mut actix::Context<Self>| {
            cell.behaviour = Some(behaviour);
            match result {
                Ok(()) => done(cell, context),
                Err(error) => {
                    *cell.shared.failure.borrow_mut() = Some(error);
                    context.stop();
                }
            }
        };
        context.wait(future.into_actor(self).map(put_back));
    }

    fn has_started(&mut self, context: &mut actix::Context<Self>) {
        self.vital.running();
        if let Some(up) = self.shared.up.take() {
            // A supervisor that stops meanwhile does not wait for any start.
            let _ = up.send(());
        }
        if self.shared.stops.get() {
            context.stop();
        } else {
            self.take_up(context);
        }
    }

    /// Handles the current message, if there is one.
    fn take_up(&mut self, context: &mut actix::Context<Self>) {
        let Some((message, span)) = self.shared.begin(self.vital.path()) else { return };
        let carried = self.shared.in_hand.borrow().as_ref().and_then(|in_hand| in_hand.carried.clone());
        self.vital.begun();
        let again = B::redeliver(&message);
        if let Some(in_hand) = self.shared.in_hand.borrow_mut().as_mut() {
            in_hand.message = again;
        }
        self.taken += 1;
        let is_turn_over = self.taken.is_multiple_of(TURN);
        self.work(
            context,
            async move |behaviour: &mut B, own: &Context<B>| {
                if is_turn_over {
                    tokio::task::yield_now().await;
                }
                context::within(carried, behaviour.handle(message, own).instrument(span)).await
            },
            Self::has_handled,
        );
    }

    fn has_handled(&mut self, context: &mut actix::Context<Self>) {
        if let Some(in_hand) = self.shared.in_hand.take() {
            in_hand.close(self.vital.path(), "handled");
        }
        self.vital.handled();
        self.shared.handled.notify_one();
        if self.shared.stops.get() {
            context.stop();
        }
    }
}

impl<B: Behaviour> Actor for Cell<B> {
    type Context = actix::Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        if !self.shared.is_retired.get() {
            self.behaviour = Some((self.factory)());
            self.work(context, async |behaviour, own| behaviour.started(own).await, Self::has_started);
        }
    }
}

impl<B: Behaviour> Supervised for Cell<B> {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.behaviour = None;
    }
}

impl<B: Behaviour> Handler<Envelope<B::Message>> for Cell<B> {
    type Result = ();

    fn handle(&mut self, mut envelope: Envelope<B::Message>, context: &mut Self::Context) {
        let Some((message, permit)) = envelope.open() else {
            drop(envelope);
            self.shared.handled.notify_one();
            return;
        };
        let in_hand = InHand {
            label: B::label(&message),
            message: Some(message),
            tries: 0,
            kills: 0,
            is_begun: false,
            span: Span::none(),
            sender: std::mem::replace(&mut envelope.span, Span::none()),
            sent: envelope.sent,
            carried: envelope.carried.take(),
            waited: Duration::ZERO,
            begun: envelope.sent,
            _permit: permit,
        };
        *self.shared.in_hand.borrow_mut() = Some(in_hand);
        self.take_up(context);
    }
}
