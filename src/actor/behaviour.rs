//! What a user of the kit writes: a behaviour, and what it may use while it works.

use std::rc::Rc;

use super::cell::Desk;
use super::handle::Handle;

/// An actor's own word for what went wrong; never a message's contents.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ActorError(pub String);

/// What an actor does. Its futures run on the system thread: they must not block, for a thread
/// that is blocked nobody in the process can take back.
pub trait Behaviour: Sized + Unpin + 'static {
    /// What it can be told.
    type Message: Send + 'static;

    /// Loads its state. Runs before the first message, also after each restart; an error counts as
    /// a failure.
    fn started(&mut self, _context: &Context<Self>) -> impl Future<Output = Result<(), ActorError>> {
        async { Ok(()) }
    }

    /// Handles one message. An error ends this run: the supervisor decides what comes next.
    fn handle(
        &mut self,
        message: Self::Message,
        context: &Context<Self>,
    ) -> impl Future<Output = Result<(), ActorError>>;

    /// What kind of message this is, for spans and for the list of those that were set aside. Never
    /// its contents.
    fn label(_message: &Self::Message) -> &'static str {
        "message"
    }

    /// A copy for a second try, of a message that may be handled twice without harm; it is made
    /// before the first. Without one the message is set aside when its handling fails, and with one
    /// when it fails again. What carries a [`Reply`](super::Reply) needs none: its sender is told.
    fn redeliver(_message: &Self::Message) -> Option<Self::Message> {
        None
    }
}

/// What a behaviour may use of its cell.
pub struct Context<B: Behaviour> {
    handle: Handle<B::Message>,
    desk: Rc<Desk<B::Message>>,
}

impl<B: Behaviour> Context<B> {
    pub(super) fn new(handle: Handle<B::Message>, desk: Rc<Desk<B::Message>>) -> Self {
        Self { handle, desk }
    }

    /// A handle to this actor itself.
    pub fn handle(&self) -> &Handle<B::Message> {
        &self.handle
    }

    /// Runs a future beside the messages, as a part of this actor: it ends with the run, and its
    /// panic is the actor's. The heartbeat does not watch it, for many wait for ever by intent.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        self.desk.spawned.borrow_mut().push(Box::pin(future));
    }

    /// Ends this run once what is being done is done. A permanent actor is started again, another
    /// one has finished; what still waits for it then is told that it has stopped.
    pub fn stop(&self) {
        self.desk.stops.set(true);
    }
}
