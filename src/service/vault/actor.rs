//! Reads the vault: at the start, when something in it changes, and periodically.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use notify::{RecursiveMode, Watcher};

use crate::actor::{ActorError, Behaviour, ChildSpec, Context, Supervisor};
use crate::event::TenantId;
use crate::integration::obsidian::{self, SYSTEM, Snapshot};
use crate::log::EventLog;
use crate::service::aggregate::repository::Repository;
use crate::service::runtime::last_look::SharedVault;
use crate::service::runtime::node::Node;
use crate::service::runtime::poller::{PollScheduler, Tick};
use crate::service::runtime::settings::Settings;
use crate::service::runtime::sources::{SourceState, Sources};

use super::aggregate::{Look, TaskAggregate};

/// Changes within this time of each other are read together.
const SETTLE: Duration = Duration::from_millis(150);
/// How long a tick waits for room in the mailbox.
const PATIENCE: Duration = Duration::from_mins(1);

/// See the module.
pub struct VaultActor {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    settings: Settings,
    sources: Sources,
    shared: SharedVault,
    scheduler: Option<PollScheduler>,
    tasks: Option<Repository<TaskAggregate>>,
    /// The watched folder. Dropping it stops the watching.
    watcher: Option<(PathBuf, notify::RecommendedWatcher)>,
}

impl VaultActor {
    /// Reads one tenant's vault, and shares the result.
    #[must_use]
    pub fn new(
        log: Arc<dyn EventLog>,
        tenant: TenantId,
        settings: Settings,
        sources: Sources,
        shared: SharedVault,
    ) -> Self {
        Self { log, tenant, settings, sources, shared, scheduler: None, tasks: None, watcher: None }
    }

    fn poll(&self) -> Duration {
        Duration::from_secs(self.settings.current().config.vault.poll_seconds.get())
    }

    fn renew(&mut self) {
        let fresh_for = SignedDuration::try_from(self.poll() * 3).unwrap_or(SignedDuration::from_mins(1));
        let path = self.settings.current().config.vault.path.clone();
        let (state, reason) = match &path {
            Some(_) => (SourceState::Waiting, "not looked at yet"),
            None => (SourceState::NotConfigured, "set vault.path"),
        };
        self.sources.declare(SYSTEM, state, reason, fresh_for);
        if self.watcher.as_ref().is_some_and(|(watched, _)| Some(watched) != path.as_ref()) {
            self.watcher = None;
        }
        if path.is_none() {
            self.shared.forget();
        }
    }

    /// Watches a folder. If the system cannot, the folder is polled.
    fn watch(&mut self, root: &PathBuf, context: &Context<Self>) {
        if self.watcher.as_ref().is_some_and(|(watched, _)| watched == root) {
            return;
        }
        let (changed, mut changes) = tokio::sync::mpsc::channel(1);
        let below = root.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            // Obsidian constantly records which notes are open.
            let is_hidden = |path: &PathBuf| {
                let relative = path.strip_prefix(&below).unwrap_or(path);
                relative.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'))
            };
            let is_news = event.paths.is_empty() || !event.paths.iter().all(is_hidden);
            if is_news && !event.kind.is_access() {
                // A full mailbox already holds a read.
                let _ = changed.try_send(());
            }
        });
        let watching = watcher.and_then(|mut watcher| {
            watcher.watch(root, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        let watcher = match watching {
            Ok(watcher) => watcher,
            Err(error) => {
                tracing::debug!(%error, "the vault is polled instead of watched");
                return;
            }
        };
        self.watcher = Some((root.clone(), watcher));
        let handle = context.handle().clone();
        context.spawn(async move {
            // Ends with the watcher.
            while changes.recv().await.is_some() {
                tokio::time::sleep(SETTLE).await;
                if handle.tell(Tick::Look, PATIENCE).await.is_err() {
                    return;
                }
            }
            // If a part of an actor ended, the actor would end.
            std::future::pending::<()>().await;
        });
    }

    async fn look(&mut self, context: &Context<Self>) -> Result<(), ActorError> {
        let loaded = self.settings.current();
        let Some(root) = loaded.config.vault.path.clone() else {
            if let Some(scheduler) = &self.scheduler {
                scheduler.rest();
            }
            return Ok(());
        };
        let tasks = Repository::kept_or_loaded(&mut self.tasks, self.log.clone(), &self.tenant).await;
        let mut tasks = tasks.map_err(|error| ActorError(error.to_string()))?;
        // Before reading: changes during the read are reported after it.
        self.watch(&root, context);
        let before = self.shared.last().snapshot;
        let reading = root.clone();
        let looked = tokio::task::spawn_blocking(move || obsidian::read(&reading, before.as_deref())).await;
        let looked = looked.map_err(|_| ActorError("looking at the vault was cut short".to_owned()))?;
        let seen = looked.map_err(|error| error.to_string()).and_then(|snapshot| {
            // A mount point without its disk is an empty folder.
            if snapshot.notes().len() == 0 && tasks.state().tasks().len() > 0 {
                let path = root.display();
                return Err(format!(
                    "{path} holds no notes, although it had some; mount it, or fix vault.path"
                ));
            }
            Ok(Arc::new(snapshot))
        });
        let now = Timestamp::now();
        self.shared.take(seen.clone(), now);
        let Some(scheduler) = &self.scheduler else { return Ok(()) };
        let next = scheduler.after(self.poll());
        match seen {
            Ok(snapshot) => {
                self.sources.succeeded(SYSTEM, &said(&snapshot), now, Some(next));
                let look = Look::new(&snapshot, loaded.config.vault.record_text);
                match tasks.observe(Arc::new(look)).await {
                    Ok(0) => self.tasks = Some(tasks),
                    Ok(changed) => {
                        tracing::info!(changed, "tasks changed");
                        self.tasks = Some(tasks);
                    }
                    // Load them again: another writer may have appended.
                    Err(error) => tracing::warn!(%error, "tasks could not be recorded"),
                }
            }
            Err(error) => {
                // The system's watch is gone with the folder.
                self.watcher = None;
                self.sources.failed(SYSTEM, SourceState::Failing, &error, Some(next));
                self.tasks = Some(tasks);
            }
        }
        Ok(())
    }
}

/// `5000 notes, 2 could not be read`.
fn said(snapshot: &Snapshot) -> String {
    let notes = snapshot.notes().len();
    match snapshot.problems.len() {
        0 => format!("{notes} notes"),
        problems => format!("{notes} notes, {problems} problems; `mecris vault` names them"),
    }
}

impl Behaviour for VaultActor {
    type Message = Tick;

    async fn started(&mut self, context: &Context<Self>) -> Result<(), ActorError> {
        self.renew();
        self.scheduler = Some(PollScheduler::start(context, &self.settings));
        Ok(())
    }

    async fn handle(&mut self, message: Tick, context: &Context<Self>) -> Result<(), ActorError> {
        if message == Tick::Renew {
            self.renew();
        }
        self.look(context).await
    }

    fn label(message: &Tick) -> &'static str {
        message.label()
    }

    fn redeliver(message: &Tick) -> Option<Tick> {
        Some(*message)
    }
}

/// Adds the actor to the tree.
pub(in crate::service) fn add(
    tenants: &mut Supervisor,
    node: &Node,
    sources: &Sources,
    shared: &SharedVault,
    spec: ChildSpec,
) {
    let (log, tenant) = (node.log.clone(), node.tenant.clone());
    let (settings, sources, shared) = (node.settings.clone(), sources.clone(), shared.clone());
    tenants.add(&format!("{tenant}/vault"), spec, move || {
        VaultActor::new(log.clone(), tenant.clone(), settings.clone(), sources.clone(), shared.clone())
    });
}
