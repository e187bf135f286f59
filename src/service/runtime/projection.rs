//! Keeps the views up with the log.

use std::sync::Arc;

use tokio::sync::watch;

use crate::actor::{ActorError, Behaviour, Context};
use crate::event::Position;
use crate::event::step::Step;
use crate::log::EventLog;
use crate::service::aggregate::repository;
use crate::view::replay::catch_up;
use crate::view::{Horizon, ViewError};

use super::reads::SharedViews;
use super::snapshots::Snapshots;

/// Events that are applied to one copy of the views: readers see them in steps of so many.
const CHUNK: u64 = 2_048;

/// What the actor is told.
pub enum ProjectionMessage {
    /// The log has grown.
    CatchUp,
}

/// See the module.
pub struct ProjectionActor {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The views.
    pub views: SharedViews,
    /// Tells how far the views are.
    pub projected: watch::Sender<Position>,
    /// Keeps the views now and then.
    pub snapshots: Snapshots,
    /// How far they were when they were last kept.
    pub kept: Position,
}

impl Behaviour for ProjectionActor {
    type Message = ProjectionMessage;

    async fn started(&mut self, context: &Context<Self>) -> Result<(), ActorError> {
        let (mut head, handle) = (self.log.watch(), context.handle().clone());
        context.spawn(async move {
            loop {
                // A full mailbox holds a message already, and that one catches up with all.
                let _ = handle.try_tell(ProjectionMessage::CatchUp);
                if head.changed().await.is_err() {
                    return;
                }
            }
        });
        Ok(())
    }

    async fn handle(&mut self, _: ProjectionMessage, _: &Context<Self>) -> Result<(), ActorError> {
        let (log, views) = (self.log.clone(), self.views.clone());
        let (snapshots, kept) = (self.snapshots.clone(), self.kept);
        let projected = self.projected.clone();
        let work = move || {
            let position = follow(&*log, &views, &projected)?;
            let is_due = snapshots.is_due(kept, position);
            if is_due {
                views.read(|views| snapshots.save(views));
            }
            Ok::<_, ViewError>(if is_due { position } else { kept })
        };
        self.kept = tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| ActorError("the projection panicked".into()))?
            .map_err(|error| ActorError(error.to_string()))?;
        Ok(())
    }

    fn label(_: &ProjectionMessage) -> &'static str {
        "catch-up"
    }
}

/// Brings the views to the head of the log, says so to those who wait for it, and returns how far that is.
fn follow(
    log: &dyn EventLog,
    views: &SharedViews,
    projected: &watch::Sender<Position>,
) -> Result<Position, ViewError> {
    loop {
        let step = Step::begin();
        let head = log.head().position;
        let last = views.read(|views| views.position).plus(CHUNK).min(head);
        let position = views.write(|views| {
            catch_up(log, views, last, Horizon::Unbounded, &mut |_, _| {}).map(|()| views.position)
        })?;
        let (step, is_done) = (step.end(), position >= head);
        if is_done {
            projected.send_replace(position);
        }
        // Linked to the append, and not its child: one projection serves many appends.
        step.tell("projection", None, |told| {
            told.count("mecris.event.position", last.0);
            if let Some(trace) = repository::trace_at(log, last) {
                told.link(&trace);
            }
        });
        if is_done {
            return Ok(position);
        }
    }
}
