//! Hosts an aggregate in the supervision tree and executes its commands one at a time. The stream is
//! read when the first command arrives: while the log cannot be reached, commands fail but the actor
//! does not restart.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::Span;

use crate::actor::{ActorError, Behaviour, ChildSpec, Context, Handle, Reply, Supervisor};
use crate::event::{Position, TenantId};
use crate::log::EventLog;

use super::repository::{self, Aggregate, CommandError, Repository};

/// A command, and where to send the result: the position of its last event, or none if nothing changed.
pub struct CommandMessage<A: Aggregate> {
    pub command: A::Command,
    pub reply: Reply<Result<Option<Position>, CommandError<A::Error>>>,
}

/// Executes one aggregate's commands. See the module.
pub struct AggregateActor<A: Aggregate> {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    /// None while a command is executing, and after a panic: then the stream is loaded again.
    repository: Option<Repository<A>>,
}

/// Adds an aggregate's actor to the tree, at the path `tenant/name`.
pub fn add<A: Aggregate>(
    tenants: &mut Supervisor,
    log: &Arc<dyn EventLog>,
    tenant: &TenantId,
    name: &str,
) -> Handle<CommandMessage<A>> {
    let (log, owner) = (log.clone(), tenant.clone());
    tenants.add(&format!("{tenant}/{name}"), ChildSpec::default(), move || AggregateActor::<A> {
        log: log.clone(),
        tenant: owner.clone(),
        repository: None,
    })
}

impl<A: Aggregate> Behaviour for AggregateActor<A> {
    type Message = CommandMessage<A>;

    async fn handle(&mut self, message: CommandMessage<A>, _: &Context<Self>) -> Result<(), ActorError> {
        let CommandMessage { command, reply } = message;
        let kept = self.repository.take();
        let mut repository = kept.unwrap_or_else(|| Repository::new(self.log.clone(), self.tenant.clone()));
        let (metadata, span) = (repository::metadata_for(A::ACTOR), Span::current());
        let worked = tokio::task::spawn_blocking(move || {
            let done = span.in_scope(|| repository.execute(command, Timestamp::now(), &metadata));
            (repository, done)
        });
        match worked.await {
            Ok((repository, done)) => {
                self.repository = Some(repository);
                reply.send(done);
                Ok(())
            }
            // The panic belongs to this actor, and its supervisor handles it.
            Err(broken) => match broken.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is shutting down, and every sender with it.
                Err(_) => std::future::pending().await,
            },
        }
    }

    fn label(message: &CommandMessage<A>) -> &'static str {
        A::label(&message.command)
    }
}
