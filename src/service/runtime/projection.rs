//! Applies new events to the views.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::actor::{ActorError, Behaviour, Context};
use crate::event::Position;
use crate::event::step::Step;
use crate::log::{EventLog, Head, LogError, Page};
use crate::service::aggregate::repository;
use crate::view::replay::apply_page;
use crate::view::{Horizon, ViewError};

use super::reads::SharedViews;
use super::snapshots::Snapshots;

/// Events per published copy of the views.
const CHUNK: u64 = 2_048;

/// Pause before retrying a log that could not be reached.
const AGAIN: Duration = Duration::from_secs(1);

pub enum ProjectionMessage {
    /// The log has grown.
    CatchUp,
}

/// See the module.
pub struct ProjectionActor {
    pub log: Arc<dyn EventLog>,
    /// The head of the log as this process sees it.
    pub head: watch::Receiver<Head>,
    pub views: SharedViews,
    /// Publishes how far the views have followed.
    pub projected: watch::Sender<Position>,
    /// Stores the views from time to time.
    pub snapshots: Snapshots,
    /// The position of the last stored snapshot.
    pub kept: Position,
}

impl Behaviour for ProjectionActor {
    type Message = ProjectionMessage;

    async fn started(&mut self, context: &Context<Self>) -> Result<(), ActorError> {
        let (mut head, handle) = (self.head.clone(), context.handle().clone());
        context.spawn(async move {
            loop {
                // A full mailbox already holds a message, and that one catches up with everything.
                let _ = handle.try_tell(ProjectionMessage::CatchUp);
                if head.changed().await.is_err() {
                    return;
                }
            }
        });
        Ok(())
    }

    async fn handle(&mut self, _: ProjectionMessage, context: &Context<Self>) -> Result<(), ActorError> {
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
        let followed = tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| ActorError("the projection panicked".into()))?;
        match followed {
            Ok(kept) => self.kept = kept,
            // The views stay as they are; a restart would not bring the log back.
            Err(ViewError::Log(error @ LogError::Unavailable { .. })) => {
                tracing::warn!(%error, "the views do not follow the log; it is asked again");
                let handle = context.handle().clone();
                context.spawn(async move {
                    tokio::time::sleep(AGAIN).await;
                    // A full mailbox already holds a catch-up.
                    let _ = handle.try_tell(ProjectionMessage::CatchUp);
                });
            }
            Err(error) => return Err(ActorError(error.to_string())),
        }
        Ok(())
    }

    fn label(_: &ProjectionMessage) -> &'static str {
        "catch-up"
    }
}

/// Brings the views to the head of the log, publishes the position, and returns it. The log is read before
/// the views are locked, so readers never wait for it.
fn follow(
    log: &dyn EventLog,
    views: &SharedViews,
    projected: &watch::Sender<Position>,
) -> Result<Position, ViewError> {
    let mut page = Page::default();
    loop {
        let step = Step::begin();
        let head = log.head()?.position;
        let next = views.read(|views| views.position).next();
        log.read(next, CHUNK, &mut page)?;
        let position = views.write(|views| {
            // Only this actor writes them; after a restart it may have overtaken a run that died.
            if views.position.next() == next {
                apply_page(&page, views, Horizon::Unbounded)?;
            }
            Ok::<_, ViewError>(views.position)
        })?;
        let (step, is_done) = (step.end(), position >= head);
        if is_done {
            projected.send_replace(position);
        }
        // Linked to the append instead of being its child: one projection serves many appends.
        step.tell("projection", None, |told| {
            told.count("mecris.event.position", position.0);
            if let Some(trace) = repository::trace_at(log, position) {
                told.link(&trace);
            }
        });
        if is_done {
            return Ok(position);
        }
        if page.is_empty() {
            let detail = format!("nothing stands there, and the log reaches to {head}");
            return Err(LogError::Corrupt { position: next, detail }.into());
        }
    }
}
