//! Hosts an aggregate in the supervision tree: carries out its commands, one at a time. The stream is read with the first
//! of them: a log that cannot be reached refuses commands, and restarts nobody.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::Span;

use crate::actor::{ActorError, Behaviour, ChildSpec, Context, Handle, Reply, Supervisor};
use crate::event::{Position, TenantId};
use crate::log::EventLog;

use super::repository::{self, Aggregate, CommandError, Repository};

/// A command, and where to answer: with the last event's position, or none where nothing changed.
pub struct CommandMessage<A: Aggregate> {
    /// What to do.
    pub command: A::Command,
    /// Who waits.
    pub reply: Reply<Result<Option<Position>, CommandError<A::Error>>>,
}

/// See the module.
pub struct AggregateActor<A: Aggregate> {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    /// None while it is at work, and after a panic: then the stream is read afresh.
    repository: Option<Repository<A>>,
}

/// Adds an aggregate's actor to the tree, as `tenant/name`.
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
            // It is this actor's panic, and its supervisor's to answer.
            Err(broken) => match broken.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime ends, and with it whoever waits.
                Err(_) => std::future::pending().await,
            },
        }
    }

    fn label(message: &CommandMessage<A>) -> &'static str {
        A::label(&message.command)
    }
}
