//! What a user of the kit implements: a behaviour. And the context that it works with.

use std::rc::Rc;

use super::cell::CellState;
use super::handle::Handle;

/// An actor's description of a failure; never a message's contents.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ActorError(pub String);

/// An actor's behaviour. Its futures run on the system thread and must not block: nothing in the process can
/// take back a blocked thread.
pub trait Behaviour: Sized + Unpin + 'static {
    /// The messages that it handles.
    type Message: Send + 'static;

    /// Loads its state. Runs before the first message and after each restart; an error counts as a failure.
    fn started(&mut self, _context: &Context<Self>) -> impl Future<Output = Result<(), ActorError>> {
        async { Ok(()) }
    }

    /// Handles one message. An error ends this run: the supervisor decides what comes next.
    fn handle(
        &mut self,
        message: Self::Message,
        context: &Context<Self>,
    ) -> impl Future<Output = Result<(), ActorError>>;

    /// The kind of a message, for spans and for the list of messages that were set aside. Never its contents.
    fn label(_message: &Self::Message) -> &'static str {
        "message"
    }

    /// A copy for a second delivery, if a message may safely be handled twice; it is made before the first
    /// one. Without a copy the message is set aside when its handling fails, with one when it fails again.
    /// Messages with a [`Reply`](super::Reply) need none: their sender is notified.
    fn redeliver(_message: &Self::Message) -> Option<Self::Message> {
        None
    }
}

/// The cell's interface for its behaviour.
pub struct Context<B: Behaviour> {
    handle: Handle<B::Message>,
    shared: Rc<CellState<B::Message>>,
}

impl<B: Behaviour> Context<B> {
    pub(super) fn new(handle: Handle<B::Message>, shared: Rc<CellState<B::Message>>) -> Self {
        Self { handle, shared }
    }

    /// A handle to this actor itself.
    pub fn handle(&self) -> &Handle<B::Message> {
        &self.handle
    }

    /// Spawns a future as a part of this actor: it ends with the run, and its panic is the actor's. The
    /// heartbeat does not watch it, because many such futures wait forever by design.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        self.shared.spawned.borrow_mut().push(Box::pin(future));
    }

    /// Ends this run after the current message. A permanent actor is restarted; another one has finished, and
    /// its waiting senders receive an error.
    pub fn stop(&self) {
        self.shared.stops.set(true);
    }
}
