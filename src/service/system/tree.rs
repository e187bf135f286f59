//! The supervision tree, and the one way into it for the faces.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::actor::{
    Backoff, ChildSpec, Handle, Intensity, Snapshot, Strategy, SupervisionEvent, Supervisor, Vitals,
};
use crate::domain::alert::AlertId;
use crate::domain::alert::step::HoldReason;
use crate::event::Position;
use crate::log::{EventLog, Log};
use crate::service::access::token::TokenAggregate;
use crate::service::aggregate::actor;
use crate::service::aggregate::repository::Aggregate;
use crate::service::alerts::actor::{Deps, HoldReasons};
use crate::service::alerts::conditions::LastCauses;
use crate::service::alerts::contacts::Contacts;
use crate::service::alerts::twilio_actor::ProbeActor;
use crate::service::alerts::{AlertActor, AlertMessage, OnAlert};
use crate::service::balances::balance::BalanceAggregate;
use crate::service::balances::console::ConsoleReader;
use crate::service::balances::console_actor::{ScraperActor, ScraperHandle};
use crate::service::balances::odometer::OdometerAggregate;
use crate::service::balances::quota::QuotaAggregate;
use crate::service::budgets::allowance::AllowanceAggregate;
use crate::service::budgets::budget::BudgetAggregate;
use crate::service::budgets::gate::Said;
use crate::service::budgets::limit::LimitAggregate;
use crate::service::goals::beeminder_actor::{BeeminderActor, BeeminderMessage};
use crate::service::goals::datapoint_actor::{DatapointActor, DatapointMessage};
use crate::service::goals::local::LocalGoalAggregate;
use crate::service::providers::actor::add_providers;
use crate::service::runtime::client::{Client, IMPORT_PATIENCE, Projected};
use crate::service::runtime::incidents::Note;
use crate::service::runtime::node::Node;
use crate::service::runtime::projection::ProjectionActor;
use crate::service::runtime::reads::Reads;
use crate::service::runtime::sources::Sources;
use crate::service::usage::actor::{SharedImportState, UsageActor, UsageMessage};
use crate::service::usage::importer::{Importer, OnStep};
use crate::service::usage::projects::AliasAggregate;
use crate::service::usage::telemetry_actor;
use crate::service::usage::telemetry_actor::OtlpMessage;
use crate::service::vault::actor as vault_actor;

use super::log_actor;
use super::meters;
use super::status::StatusShown;
use super::tenants::Keeper;

/// The running system, as its faces see it.
pub struct Supervised {
    /// Answers questions.
    pub queries: Reads,
    /// What is known of the last import.
    pub import_state: SharedImportState,
    /// The outside systems.
    pub sources: Sources,
    /// How far the views are.
    pub projected: watch::Receiver<Position>,
    /// What hooks were answered.
    pub(in crate::service) said: Said,
    log: Arc<dyn Log>,
    /// The data directory.
    pub(in crate::service) dir: PathBuf,
    pub(in crate::service) usage: Handle<UsageMessage>,
    pub(in crate::service) otlp: Handle<OtlpMessage>,
    pub(in crate::service) budgets: Client<BudgetAggregate>,
    pub(in crate::service) balances: Client<BalanceAggregate>,
    pub(in crate::service) quotas: Client<QuotaAggregate>,
    pub(in crate::service) odometer: Client<OdometerAggregate>,
    pub(in crate::service) allowance: Client<AllowanceAggregate>,
    pub(in crate::service) limits: Client<LimitAggregate>,
    pub(in crate::service) tokens: Client<TokenAggregate>,
    pub(in crate::service) aliases: Client<AliasAggregate>,
    pub(in crate::service) goals: GoalHandles,
    pub(in crate::service) alerts: Handle<AlertMessage>,
    pub(in crate::service) scraper: ScraperHandle,
    pub(in crate::service) contacts: Contacts,
    pub(in crate::service) holds: watch::Receiver<BTreeMap<AlertId, HoldReason>>,
    pub(in crate::service) causes: LastCauses,
    /// Reads transcripts, as the usage actor does.
    pub(in crate::service) importer: Importer,
    vitals: Vitals,
    /// Keeps the tenants of the program, where this is the system of whoever runs it.
    keeper: OnceLock<Arc<dyn Keeper>>,
}

/// What the system shows on the screen.
#[derive(Clone)]
pub struct UiCallbacks {
    /// How far an import is.
    pub on_step: OnStep,
    /// An alert.
    pub on_alert: OnAlert,
}

/// The actors that work on goals.
pub(in crate::service) struct GoalHandles {
    pub(in crate::service) local: Client<LocalGoalAggregate>,
    pub(in crate::service) beeminder: Handle<BeeminderMessage>,
    pub(in crate::service) datapoints: Handle<DatapointMessage>,
}

/// How restarts are borne, in every part of the tree.
#[derive(Debug, Clone, Copy, Default)]
pub struct Restarts {
    /// The pauses before them.
    pub backoff: Backoff,
    /// How many of them.
    pub intensity: Intensity,
}

impl Restarts {
    fn apply(self, supervisor: Supervisor) -> Supervisor {
        supervisor.backoff(self.backoff).intensity(self.intensity)
    }
}

/// Puts the tree together. The caller runs the supervisor and, beside it, the recording of what it does.
pub fn build(
    node: &Node,
    queries: Reads,
    sources: Sources,
    noted: mpsc::UnboundedSender<Note>,
    screen: &UiCallbacks,
    restarts: Restarts,
) -> (Supervised, Supervisor) {
    let listener: Rc<dyn Fn(SupervisionEvent)> = Rc::new(move |event| {
        tracing::warn!(?event, "supervision");
        meters::supervised(&event);
        // Nobody records any more while the program ends.
        let _ = noted.send(Note::Supervision(event));
    });
    let mut root = restarts.apply(Supervisor::new("root", Strategy::RestForOne, listener.clone()));
    let projected = watch::Sender::new(queries.views.read(|views| views.position));
    let (log, head) = (node.log.clone(), queries.head.clone());
    let (views, sender) = (queries.views.clone(), projected.clone());
    let snapshots = node.snapshots();
    root.add("projection", ChildSpec { capacity: 4, ..ChildSpec::default() }, move || ProjectionActor {
        log: log.clone(),
        head: head.clone(),
        views: views.clone(),
        projected: sender.clone(),
        snapshots: snapshots.clone(),
        kept: sender.borrow().to_owned(),
    });
    let mut tenants = restarts.apply(Supervisor::new("root/tenants", Strategy::OneForOne, listener));
    let import_state = SharedImportState::default();
    // In this order they start: the sources are known before anybody asks for them, and the first import, for
    // which a person waits, is answered when all others are there.
    let follower = add_outside(&mut tenants, node, &queries, &sources);
    vault_actor::add(&mut tenants, node, &sources, &queries.vault, outside_spec());
    let shown = Projected(projected.subscribe());
    let budgets = add_client(&mut tenants, node, &shown, "budgets", "the budget actor");
    let balances = add_client(&mut tenants, node, &shown, "balances", "the actor of the balances");
    let quotas = add_client(&mut tenants, node, &shown, "quotas", "the actor of the quotas");
    let odometer = add_client(&mut tenants, node, &shown, "odometer", "the odometer's actor");
    let allowance = add_client(&mut tenants, node, &shown, "allowance", "the actor of the virtual budget");
    let limits = add_client(&mut tenants, node, &shown, "limits", "the actor of limits");
    let tokens = add_client(&mut tenants, node, &shown, "tokens", "the actor of the tokens");
    let aliases = add_client(&mut tenants, node, &shown, "projects", "the actor of the projects");
    let contacts = Contacts::new(&node.dir);
    let (holds, causes) = (HoldReasons::default(), LastCauses::default());
    let means = Deps {
        queries: queries.clone(),
        sources: sources.clone(),
        contacts: contacts.clone(),
        projected: projected.subscribe(),
        holds: holds.clone(),
        causes: causes.clone(),
        on_alert: screen.on_alert.clone(),
    };
    let alerts = add_alerts(&mut tenants, node, &means);
    let goals = add_goals(&mut tenants, node, &queries, &follower, &shown);
    let scraper = add_scraper(&mut tenants, node, &queries, &sources);
    let otlp = telemetry_actor::add(&mut tenants, node, &sources);
    let importer = node.importer(&[], "usage");
    let usage = add_usage(&mut tenants, node, &importer, &screen.on_step, &import_state);
    log_actor::add(&mut tenants, &node.log, &node.tenant, &usage);
    root.add_supervisor(tenants);
    let supervised = Supervised {
        queries,
        import_state,
        sources,
        log: node.log.clone(),
        dir: node.dir.clone(),
        usage,
        otlp,
        budgets,
        balances,
        quotas,
        odometer,
        allowance,
        limits,
        tokens,
        aliases,
        projected: shown.0,
        said: Said::default(),
        goals,
        alerts,
        scraper,
        contacts,
        holds: holds.subscribe(),
        causes,
        importer,
        vitals: root.vitals(),
        keeper: OnceLock::new(),
    };
    (supervised, root)
}

/// Adds an aggregate's actor, as `tenant/name`; errors name it as `what`.
fn add_client<A: Aggregate>(
    tenants: &mut Supervisor,
    node: &Node,
    shown: &Projected,
    name: &str,
    what: &'static str,
) -> Client<A>
where
    A::Error: Sync,
{
    let log: Arc<dyn EventLog> = node.log.clone();
    Client::new(actor::add(tenants, &log, &node.tenant, name), shown, what)
}

fn add_usage(
    tenants: &mut Supervisor,
    node: &Node,
    importer: &Importer,
    on_step: &OnStep,
    state: &SharedImportState,
) -> Handle<UsageMessage> {
    let (importer, log) = (importer.clone(), node.log.clone());
    let poll = Duration::from_secs(node.settings.current().config.transcripts.poll_seconds.get());
    let (on_step, state) = (on_step.clone(), state.clone());
    // Reading everything may take long without being hung.
    let spec = ChildSpec { capacity: 16, heartbeat: IMPORT_PATIENCE, ..ChildSpec::default() };
    tenants.add(&format!("{}/usage", node.tenant), spec, move || {
        UsageActor::new(importer.clone(), log.clone(), on_step.clone(), state.clone(), poll)
    })
}

fn add_alerts(tenants: &mut Supervisor, node: &Node, means: &Deps) -> Handle<AlertMessage> {
    // What is cut off while a message is on its way out is looked for at the next start.
    let spec = ChildSpec { capacity: 256, shutdown: Duration::from_millis(500), ..ChildSpec::default() };
    let means = means.clone();
    tenants.add(&format!("{}/alerts", node.tenant), spec, move || AlertActor::new(means.clone()))
}

/// The actors that look at outside systems. One that is broken holds nobody up.
fn add_outside(
    tenants: &mut Supervisor,
    node: &Node,
    queries: &Reads,
    sources: &Sources,
) -> Handle<BeeminderMessage> {
    let spec = outside_spec();
    let (log, tenant) = (node.log.clone(), node.tenant.clone());
    let (settings, known) = (node.settings.clone(), sources.clone());
    let follower = tenants.add(&format!("{tenant}/beeminder"), spec, move || {
        BeeminderActor::new(log.clone(), tenant.clone(), settings.clone(), known.clone())
    });
    let (settings, known) = (node.settings.clone(), sources.clone());
    tenants.add(&format!("{}/twilio", node.tenant), spec, move || {
        ProbeActor::new(settings.clone(), known.clone())
    });
    add_providers(tenants, spec, queries, sources);
    follower
}

fn add_scraper(tenants: &mut Supervisor, node: &Node, queries: &Reads, sources: &Sources) -> ScraperHandle {
    let reader = ConsoleReader::new(node.log.clone(), node.tenant.clone(), queries.clone(), &node.dir);
    let sources = sources.clone();
    tenants.add(&format!("{}/console", node.tenant), outside_spec(), move || {
        ScraperActor::new(reader.clone(), sources.clone())
    })
}

/// A look has deadlines of its own, each far below this heartbeat.
fn outside_spec() -> ChildSpec {
    ChildSpec {
        capacity: 4,
        heartbeat: Duration::from_mins(5),
        // What is cut off was only being read, or is in the log as an intent.
        shutdown: Duration::from_millis(300),
        ..ChildSpec::default()
    }
}

/// The actors that work on goals: one only decides, so that nobody waits for Beeminder where nothing is written.
fn add_goals(
    tenants: &mut Supervisor,
    node: &Node,
    queries: &Reads,
    follower: &Handle<BeeminderMessage>,
    shown: &Projected,
) -> GoalHandles {
    let local = add_client(tenants, node, shown, "goals", "the goals' actor");
    let (log, tenant) = (node.log.clone(), node.tenant.clone());
    let (queries, beeminder) = (queries.clone(), follower.clone());
    let follower = beeminder.clone();
    let spec = ChildSpec { capacity: 16, ..outside_spec() };
    let datapoints = tenants.add(&format!("{tenant}/datapoints"), spec, move || {
        DatapointActor::new(log.clone(), tenant.clone(), queries.clone(), follower.clone())
    });
    GoalHandles { local, beeminder, datapoints }
}

impl Supervised {
    /// Waits until the views show an event.
    pub(in crate::service) async fn shown_from(&self, position: Option<Position>) {
        Projected(self.projected.clone()).shows(position).await;
    }

    /// Waits until the views show all that was appended here.
    pub(in crate::service) async fn shown_all(&self) {
        self.shown_from(Some(self.queries.last_seen())).await;
    }

    /// How things stand.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> StatusShown {
        let sources = self.sources.shown(now).sources;
        self.queries.at(|at| at.status_shown(self.alerts_at(at, now, false).alerts, sources, now))
    }

    /// Has the tenants of the program be kept by whoever asks this system. Once.
    pub fn keep_tenants(&self, keeper: Arc<dyn Keeper>) {
        let _ = self.keeper.set(keeper);
    }

    /// Keeps the tenants of the program; none where this is another tenant's system.
    #[must_use]
    pub fn keeper(&self) -> Option<&Arc<dyn Keeper>> {
        self.keeper.get()
    }

    /// The log itself, for what only it can do: verify and back up.
    #[must_use]
    pub fn log(&self) -> &Arc<dyn Log> {
        &self.log
    }

    /// Has an actor panic on purpose: a drill. False where there is no such actor.
    #[must_use]
    pub fn drill(&self, path: &str) -> bool {
        self.vitals.drill(path)
    }

    /// Each actor at this moment.
    #[must_use]
    pub fn actors(&self) -> Vec<Snapshot> {
        self.vitals.snapshot()
    }
}
