//! A tenant at work: its log open, its tree of actors running, its incidents recorded. Each tenant has all of it for itself, so
//! that what happens to one is felt by no other.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinHandle};

use crate::actor::{ExitReason, Shutdown};
use crate::config::Config;
use crate::config::keys;
use crate::domain::tenant::LOCAL;
use crate::service::runtime::incidents::{self, Note};
use crate::service::runtime::node::{Node, StartError};
use crate::service::runtime::place::Place;
use crate::service::runtime::reads::Reads;
use crate::service::runtime::settings::Settings;
use crate::service::runtime::sources::Sources;

use super::tree::{self, Restarts, Supervised, UiCallbacks};

/// How long the actors may take to stop, all together; each has a deadline of its own.
const TREE_DEADLINE: Duration = Duration::from_secs(3);

type Job = Box<dyn FnOnce() + Send>;

/// The thread on which actors live: a tree is built there, whoever asks for it. Cheap to clone.
#[derive(Clone)]
pub struct ActorThread(mpsc::UnboundedSender<Job>);

impl ActorThread {
    /// This thread, which must run within [`crate::actor::run`].
    #[must_use]
    pub fn here() -> Self {
        let (sender, mut jobs) = mpsc::unbounded_channel::<Job>();
        tokio::task::spawn_local(async move {
            while let Some(job) = jobs.recv().await {
                job();
            }
        });
        Self(sender)
    }

    /// Runs something there. None where the thread has ended.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Box::new(move || drop(reply.send(work())))).ok()?;
        answer.await.ok()
    }
}

/// A tenant whose log is open, and whose actors do not run yet.
pub struct Opened {
    node: Node,
    sources: Sources,
    queries: Reads,
    noted: mpsc::UnboundedSender<Note>,
    notes: mpsc::UnboundedReceiver<Note>,
}

impl Opened {
    /// Opens a tenant's log, and folds its views. Blocks. `first` may record something before the views are folded.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn open(place: &Place, settings: Settings, first: impl FnOnce(&Node)) -> Result<Self, StartError> {
        let (noted, notes) = mpsc::unbounded_channel();
        let node = Node::open(place, settings)?;
        let sources = Sources::load(&*node.log, &node.tenant, noted.clone())?;
        first(&node);
        let queries = node.queries()?;
        Ok(Self { node, sources, queries, noted, notes })
    }

    /// Has the actors run.
    ///
    /// # Errors
    /// [`StartError::CutShort`]: the program is ending.
    pub async fn work(self, screen: UiCallbacks, thread: &ActorThread) -> Result<Working, StartError> {
        let Self { node, sources, queries, noted, notes } = self;
        let following = tokio::spawn(sources.clone().follow(node.settings.clock().subscribe()));
        let (shutdown, telling) = (Shutdown::default(), noted.clone());
        let (stop, end) = (shutdown.clone(), watch::Sender::new(None));
        let ended = end.subscribe();
        let build = move || {
            let (system, supervisor) =
                tree::build(&node, queries, sources, noted, &screen, Restarts::default());
            let tree = async move {
                let reason = supervisor.run_until(stop).await;
                end.send_replace(Some(reason));
            };
            (node, Arc::new(system), tokio::task::spawn_local(tree).abort_handle())
        };
        let (node, system, tree) = thread.run(build).await.ok_or(StartError::CutShort)?;
        tokio::spawn(incidents::record(node.log.clone(), node.tenant.clone(), notes));
        Ok(Working { system, shutdown, notes: telling, node, ended, tree, following })
    }
}

/// A tenant at work.
pub struct Working {
    /// Its system, as the faces see it.
    pub system: Arc<Supervised>,
    /// Asks its actors to stop.
    pub shutdown: Shutdown,
    /// Takes what happens to it.
    pub notes: mpsc::UnboundedSender<Note>,
    /// What is its own.
    pub node: Node,
    /// Why its actors have ended, once they have: on request, or because the tree gave up.
    pub ended: watch::Receiver<Option<ExitReason>>,
    tree: AbortHandle,
    following: JoinHandle<()>,
}

impl Working {
    /// Whose it is.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.node.tenant.as_str() == LOCAL
    }

    /// Has its actors handle what waits, and stop.
    pub async fn stop(&self) {
        self.shutdown.request();
        let mut ended = self.ended.clone();
        let stopped = ended.wait_for(Option::is_some);
        if tokio::time::timeout(TREE_DEADLINE, stopped).await.is_err() {
            tracing::warn!(tenant = %self.node.tenant, "the actors did not stop in time, and are cut off");
            self.tree.abort();
        }
        self.following.abort();
    }

    /// Keeps the views, and closes the log. The actors are gone.
    pub async fn close(self) {
        let (log, snapshots, views) =
            (self.node.log.clone(), self.node.snapshots(), self.system.queries.views.clone());
        let close = move || {
            views.read(|views| snapshots.save(views));
            log.close();
        };
        let _ = tokio::task::spawn_blocking(close).await;
    }
}

/// Whether a tenant has work that no request brings: transcripts, a vault or outside systems to look at, or somebody to tell of
/// alerts. One that has not may sleep between requests.
#[must_use]
pub fn works_unasked(config: &Config) -> bool {
    let defaults = Config::default();
    config.transcripts.enabled
        || config.vault.path.is_some()
        || config.console.enabled
        // No outside system is asked, and none tells anybody, without a key, a number or an address of its section.
        || keys::all().any(|key| key.differs(config, &defaults))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn whoever_has_somebody_to_ask_or_to_tell_does_not_sleep() {
        let mut config = Config::default();
        assert!(works_unasked(&config), "transcripts are followed");
        config.transcripts.enabled = false;
        assert!(!works_unasked(&config));
        let mut asks = config.clone();
        asks.openrouter.api_key = Some(Secret::new("key"));
        assert!(works_unasked(&asks));
        let mut looks = config;
        looks.vault.path = Some("/vault".into());
        assert!(works_unasked(&looks));
    }
}
