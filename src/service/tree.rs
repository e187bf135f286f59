//! The supervision tree, and the one way into it for the faces.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::actor::{ChildSpec, Handle, Snapshot, Strategy, SupervisionEvent, Supervisor, Vitals};
use crate::domain::budget::BudgetCommand;
use crate::event::payload::SupervisionNoted;
use crate::event::{Event, EventId, Metadata, Position, StreamId, TenantId};
use crate::log::{Append, EventLog, Expected, SledLog};
use crate::view::ViewError;

use super::ServiceError;
use super::budget_actor::{BudgetActor, BudgetMessage};
use super::importer::{ImportSummary, OnStep};
use super::node::Node;
use super::projection_actor::ProjectionActor;
use super::queries::Queries;
use super::recorder::new_event;
use super::usage_actor::{SharedImportState, UsageActor, UsageMessage};

/// How long a person waits for a command.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a person waits for an import of everything.
const IMPORT_PATIENCE: Duration = Duration::from_mins(30);

/// The running system, as its faces see it.
pub struct Supervised {
    /// Answers questions.
    pub queries: Queries,
    /// What is known of the last import.
    pub import_state: SharedImportState,
    /// How far the views are.
    pub projected: watch::Receiver<Position>,
    log: Arc<SledLog>,
    usage: Handle<UsageMessage>,
    budgets: Handle<BudgetMessage>,
    vitals: Vitals,
}

/// Puts the tree together. The caller runs the supervisor and, beside it, the recording of what it does.
///
/// # Errors
/// [`ViewError`]: the views could not be built.
pub fn build(
    node: &Node,
    queries: Queries,
    on_step: &OnStep,
) -> Result<(Supervised, Supervisor, mpsc::UnboundedReceiver<SupervisionEvent>), ViewError> {
    let (noted, notes) = mpsc::unbounded_channel();
    let listener: Rc<dyn Fn(SupervisionEvent)> = Rc::new(move |event| {
        tracing::warn!(?event, "supervision");
        // Nobody records any more while the program ends.
        let _ = noted.send(event);
    });
    let mut root = Supervisor::new("root", Strategy::RestForOne, listener.clone());
    let projected = watch::Sender::new(queries.views.read(|views| views.position));
    let (log, views, sender) = (node.log.clone(), queries.views.clone(), projected.clone());
    let snapshots = node.snapshots();
    root.add("projection", ChildSpec { capacity: 4, ..ChildSpec::default() }, move || ProjectionActor {
        log: log.clone(),
        views: views.clone(),
        projected: sender.clone(),
        snapshots: snapshots.clone(),
        kept: sender.borrow().to_owned(),
    });
    let mut tenants = Supervisor::new("root/tenants", Strategy::OneForOne, listener);
    let import_state = SharedImportState::default();
    let usage = add_usage(&mut tenants, node, on_step, &import_state);
    let (log, tenant) = (node.log.clone(), node.tenant.clone());
    let budgets = tenants.add(&format!("{tenant}/budgets"), ChildSpec::default(), move || {
        BudgetActor::new(log.clone(), tenant.clone())
    });
    root.add_supervisor(tenants);
    let supervised = Supervised {
        queries,
        import_state,
        projected: projected.subscribe(),
        log: node.log.clone(),
        usage,
        budgets,
        vitals: root.vitals(),
    };
    Ok((supervised, root, notes))
}

fn add_usage(
    tenants: &mut Supervisor,
    node: &Node,
    on_step: &OnStep,
    state: &SharedImportState,
) -> Handle<UsageMessage> {
    let importer = node.importer(&[], "usage");
    let poll = Duration::from_secs(node.config.transcripts.poll_seconds.max(1));
    let (on_step, state) = (on_step.clone(), state.clone());
    // Reading everything may take long without being hung.
    let spec = ChildSpec { capacity: 16, heartbeat: IMPORT_PATIENCE, ..ChildSpec::default() };
    tenants.add(&format!("{}/usage", node.tenant), spec, move || {
        UsageActor::new(importer.clone(), on_step.clone(), state.clone(), poll)
    })
}

/// Records what the supervisors do, until the tree is gone.
pub async fn record_supervision(
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    mut notes: mpsc::UnboundedReceiver<SupervisionEvent>,
) {
    while let Some(event) = notes.recv().await {
        let (actor, change, reason) = match event {
            SupervisionEvent::Restarting { path, reason, .. } => (path, "restarted", reason.to_string()),
            SupervisionEvent::Escalated { path, reason } => (path, "escalated", reason.to_string()),
            SupervisionEvent::Ended { path, reason } => (path, "ended", reason.to_string()),
            SupervisionEvent::CutOff { path } => (path, "cut-off", "did not stop in time".to_owned()),
            SupervisionEvent::SetAside { path, message, reason, times } => {
                (path, "set-aside", format!("{message}: {}, deliveries: {times}", reason.kind()))
            }
        };
        let payload = SupervisionNoted { actor, change: change.to_owned(), reason };
        let metadata = Metadata { actor: "supervisor".into(), ..Metadata::default() };
        let event = new_event(
            EventId::random(),
            &Event::SupervisionNoted(payload),
            jiff::Timestamp::now(),
            &metadata,
        );
        let stream = StreamId::new("supervision");
        let append = Append { tenant: tenant.clone(), stream, expected: Expected::Any, events: vec![event] };
        if let Err(error) = log.append(append).await {
            tracing::warn!(%error, "supervision could not be recorded");
        }
    }
}

impl Supervised {
    /// Carries out a command on a budget, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn command_budget(&self, command: BudgetCommand) -> Result<(), ServiceError> {
        let answer = self.budgets.ask(|reply| BudgetMessage { command, reply }, PATIENCE).await;
        let position = answer.map_err(|error| ServiceError::asking("the budget actor", error))??;
        if let Some(position) = position {
            let mut projected = self.projected.clone();
            let shown = projected.wait_for(|projected| *projected >= position);
            // Views that do not follow are the readiness's matter: the command is carried out.
            let _ = tokio::time::timeout(PATIENCE, shown).await;
        }
        Ok(())
    }

    /// Looks at all transcripts now.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn import(&self) -> Result<ImportSummary, ServiceError> {
        let answer = self.usage.ask(UsageMessage::Import, IMPORT_PATIENCE).await;
        Ok(answer.map_err(|error| ServiceError::asking("the usage actor", error))??)
    }

    /// The log itself, for what only it can do: verify and back up.
    #[must_use]
    pub fn log(&self) -> &SledLog {
        &self.log
    }

    /// Each actor at this moment.
    #[must_use]
    pub fn actors(&self) -> Vec<Snapshot> {
        self.vitals.snapshot()
    }
}
