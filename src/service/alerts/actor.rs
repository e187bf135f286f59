//! The shell around the alert rules. It evaluates the views when they change or when something is due,
//! appends what the rules decide, and sends a message only after its own append has recorded the
//! attempt.
//!
//! The set of messages in flight is in memory only. After a crash every open attempt has an unknown
//! outcome: it is looked up at its channel before anything is sent again.

mod consent;
mod evaluation;
mod in_flight;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tracing::{Instrument, Span};

use crate::actor::{ActorError, Behaviour, Context, Reply};
use crate::config::Phone;
use crate::domain::alert::step::{HoldReason, Situation, Step, step};
use crate::domain::alert::{AlertChange, AlertId, AttemptId, CauseKey, Causes, Delivery, Grade, Outcome};
use crate::domain::consent::{By, ConsentCommand};
use crate::event::Position;
use crate::log::LogError;
use crate::service::aggregate::repository::{self, Repository};
use crate::service::runtime::reads::Reads;
use crate::service::runtime::sources::Sources;
use crate::telemetry::context;

use super::alert::{self, AlertAggregate, AlertFailure};
use super::conditions::LastCauses;
use super::consent::{ConsentAggregate, ConsentFailure};
use super::contacts::Contacts;
use super::delivery::Dispatcher;
use crate::integration::channel::{LookupResult, Report};
use evaluation::EvaluationError;
use in_flight::{InFlight, Waker};

/// How many conflicts are retried before the actor gives up for now.
const CONFLICTS_MAX: usize = 8;
/// Pause before retrying while the log refuses events.
const LOG_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// Shows an alert on the screen: its number, grade, cause and text.
pub type OnAlert = Arc<dyn Fn(AlertId, Grade, &CauseKey, &str) + Send + Sync>;

/// Why each waiting alert is not sent yet, for display.
pub type HoldReasons = watch::Sender<BTreeMap<AlertId, HoldReason>>;

pub enum AlertMessage {
    /// Evaluate the rules.
    Consider,
    /// Evaluate the rules, and reply when done.
    Check(Reply<()>),
    /// The settings have changed.
    Renew,
    /// The person acknowledges an alert.
    Acknowledge {
        id: AlertId,
        /// The position of the event, or none if nothing changed.
        reply: Reply<Result<Option<Position>, AlertFailure>>,
    },
    /// Consent for a number is granted or revoked.
    Consent {
        number: Phone,
        command: ConsentCommand,
        by: By,
        /// The position of the event, or none if nothing changed.
        reply: Reply<Result<Option<Position>, ConsentFailure>>,
    },
    /// A send has finished.
    Reported(AlertId, AttemptId, Report),
    /// A lookup of an attempt with unknown outcome has finished.
    LookupResult(AlertId, AttemptId, LookupResult),
    /// A query for the delivery status has finished.
    Followed(AlertId, AttemptId, Option<Delivery>),
    /// A channel reports the delivery status of a message by webhook.
    Told {
        /// The channel's id of the message.
        channel_id: String,
        delivery: Delivery,
    },
}

/// The actor's dependencies.
#[derive(Clone)]
pub struct Deps {
    pub queries: Reads,
    pub sources: Sources,
    pub contacts: Contacts,
    /// How far the views have followed the log.
    pub projected: watch::Receiver<Position>,
    /// Why each waiting alert is not sent yet.
    pub holds: HoldReasons,
    /// The causes found last, for readers.
    pub causes: LastCauses,
    pub on_alert: OnAlert,
}

/// Raises, escalates and sends the alerts of one tenant. See the module.
pub struct AlertActor {
    means: Deps,
    alerts: Option<Repository<AlertAggregate>>,
    /// Loaded on the first consent decision.
    consents: Option<Repository<ConsentAggregate>>,
    dispatcher: Dispatcher,
    in_flight: InFlight,
    waker: Option<Waker>,
}

impl AlertActor {
    /// Alerts one tenant.
    #[must_use]
    pub fn new(means: Deps) -> Self {
        let dispatcher = dispatcher(&means);
        Self { means, alerts: None, consents: None, dispatcher, in_flight: InFlight::default(), waker: None }
    }

    /// The alert state; loaded from the log again after a failed append.
    async fn take_alerts(&mut self) -> Result<Repository<AlertAggregate>, ActorError> {
        let queries = &self.means.queries;
        let alerts = Repository::kept_or_loaded(&mut self.alerts, queries.log.clone(), &queries.tenant).await;
        alerts.map_err(|error| ActorError(error.to_string()))
    }

    /// Evaluates the rules and does what is due.
    async fn consider(&mut self, context: &Context<Self>) -> Result<(), ActorError> {
        // A condition that holds by a clock that was just set may no longer hold once the clock is
        // corrected.
        if let Some(doubt) = self.means.queries.settings.clock().doubt() {
            self.waker.iter().for_each(|waker| waker.after(doubt));
            return Ok(());
        }
        let mut due = None;
        for _ in 0..CONFLICTS_MAX {
            let mut alerts = self.take_alerts().await?;
            match self.work(&mut alerts, context).await {
                Ok(next) => {
                    due = next;
                    self.look_after(&alerts, context);
                    self.alerts = Some(alerts);
                    break;
                }
                // Another writer appended first: load its events and decide again.
                Err(EvaluationError::Log(LogError::Conflict { .. })) => {}
                Err(EvaluationError::Panicked) => {
                    return Err(ActorError("computing the causes panicked".into()));
                }
                Err(EvaluationError::Log(error)) => {
                    tracing::warn!(%error, "alerts could not be recorded");
                    due = Timestamp::now().checked_add(LOG_AGAIN).ok();
                    break;
                }
            }
        }
        if let Some(waker) = &self.waker {
            waker.set([due, self.in_flight.due()].into_iter().flatten().min());
        }
        Ok(())
    }

    /// Steps until nothing changes. Returns when to evaluate again.
    async fn work(
        &mut self,
        alerts: &mut Repository<AlertAggregate>,
        context: &Context<Self>,
    ) -> Result<Option<Timestamp>, EvaluationError> {
        loop {
            let now = Timestamp::now();
            let (of, causes) = self.causes(now).await?;
            let policy = of.loaded().config.alerts.policy();
            let usable = self.usable(&of);
            let zone = of.zone();
            let situation = Situation { causes: &causes, policy: &policy, usable: &usable, zone, now };
            let Step { changes, sendings, held, due } = step(alerts.state(), &situation);
            if changes.is_empty() {
                self.means.holds.send_replace(held);
                return Ok(due);
            }
            let span = self.deciding(changes.len()).await;
            alert::append(alerts, &changes, now).instrument(span.clone()).await?;
            let _entered = span.enter();
            for change in &changes {
                self.show(alerts, change, &causes);
            }
            for sending in sendings {
                self.in_flight.send(context, &self.dispatcher, &self.means.contacts, sending);
            }
        }
    }

    /// The span of a decision, linked to the last event it rests on.
    async fn deciding(&self, changes: usize) -> Span {
        let seen = *self.means.projected.borrow();
        let span = tracing::info_span!("alert.decide", mecris.event.position = seen.0, changes);
        if context::is_recorded(&span) {
            let log = self.means.queries.log.clone();
            let trace = tokio::task::spawn_blocking(move || repository::trace_at(&*log, seen)).await;
            context::link(&span, trace.ok().flatten());
        }
        span
    }

    /// Shows a new alert, unless the same one was already shown today.
    fn show(&self, alerts: &Repository<AlertAggregate>, change: &AlertChange, causes: &Causes) {
        let (AlertChange::Raised { id, .. } | AlertChange::Graded { id, .. }) = change else { return };
        let Some(alert) = alerts.state().get(*id) else { return };
        tracing::info!(
            alert = id.0,
            kind = alert.key.kind.word(),
            severity = alert.grade.severity.word(),
            "alert"
        );
        if let Some(cause) = causes.of(&alert.key).filter(|_| alert.is_news()) {
            (self.means.on_alert)(*id, alert.grade, &alert.key, &cause.for_the_person());
        }
    }

    /// Looks up attempts with unknown outcome, and queries delivery status.
    fn look_after(&mut self, alerts: &Repository<AlertAggregate>, context: &Context<Self>) {
        let settle = self.means.queries.settings.current().config.alerts.settle_seconds;
        let settle = SignedDuration::from_secs(settle.min(3600).cast_signed());
        let now = Timestamp::now();
        self.in_flight.seek(context, &self.dispatcher, &self.means.contacts, alerts.state(), settle, now);
        self.in_flight.follow(context, &self.dispatcher, alerts.state(), now);
    }

    /// Records an attempt's result, unless it was recorded before, and continues.
    async fn conclude(
        &mut self,
        change: AlertChange,
        is_settled: impl Fn(&Repository<AlertAggregate>) -> bool,
        context: &Context<Self>,
    ) -> Result<(), ActorError> {
        for _ in 0..CONFLICTS_MAX {
            let mut alerts = self.take_alerts().await?;
            if is_settled(&alerts) {
                self.alerts = Some(alerts);
                break;
            }
            match alert::append(&mut alerts, std::slice::from_ref(&change), Timestamp::now()).await {
                Ok(_) => {
                    self.alerts = Some(alerts);
                    break;
                }
                Err(LogError::Conflict { .. }) => {}
                // The attempt stays open, and is looked up when the log accepts events again.
                Err(error) => {
                    tracing::warn!(%error, "what became of a message could not be recorded");
                    break;
                }
            }
        }
        self.consider(context).await
    }

    async fn ended(
        &mut self,
        (id, attempt): (AlertId, AttemptId),
        outcome: Outcome,
        context: &Context<Self>,
    ) -> Result<(), ActorError> {
        let is_settled =
            move |alerts: &Repository<AlertAggregate>| !in_flight::is_open(alerts.state(), id, attempt);
        self.conclude(AlertChange::Ended { id, attempt, outcome }, is_settled, context).await
    }

    async fn noted(
        &mut self,
        (id, attempt): (AlertId, AttemptId),
        delivery: Delivery,
        context: &Context<Self>,
    ) -> Result<(), ActorError> {
        let is_settled =
            move |alerts: &Repository<AlertAggregate>| !in_flight::is_accepted(alerts.state(), id, attempt);
        self.conclude(AlertChange::Noted { id, attempt, delivery }, is_settled, context).await
    }
}

fn dispatcher(means: &Deps) -> Dispatcher {
    let queries = &means.queries;
    Dispatcher::new(&queries.settings.current(), queries.tenant.clone(), &means.sources)
}

impl Behaviour for AlertActor {
    type Message = AlertMessage;

    async fn started(&mut self, context: &Context<Self>) -> Result<(), ActorError> {
        let alerts = self.take_alerts().await?;
        self.alerts = Some(alerts);
        // From here on nothing on this thread reads a file.
        let contacts = self.means.contacts.clone();
        let _ = tokio::task::spawn_blocking(move || contacts.all().map(drop)).await;
        let (projected, sources) = (self.means.projected.clone(), self.means.sources.subscribe());
        self.waker = Some(Waker::start(context, projected, sources, &self.means.queries.settings));
        Ok(())
    }

    async fn handle(&mut self, message: AlertMessage, context: &Context<Self>) -> Result<(), ActorError> {
        match message {
            AlertMessage::Consider => self.consider(context).await,
            AlertMessage::Check(reply) => {
                let considered = self.consider(context).await;
                reply.send(());
                considered
            }
            AlertMessage::Renew => {
                self.dispatcher = dispatcher(&self.means);
                self.consider(context).await
            }
            AlertMessage::Acknowledge { id, reply } => {
                let mut alerts = self.take_alerts().await?;
                let outcome = alert::take_note(&mut alerts, id, Timestamp::now()).await;
                // After a failure the state is loaded again.
                self.alerts = outcome.is_ok().then_some(alerts);
                reply.send(outcome);
                self.consider(context).await
            }
            AlertMessage::Consent { number, command, by, reply } => {
                reply.send(self.consent(number, command, by).await);
                self.consider(context).await
            }
            AlertMessage::Reported(id, attempt, report) => {
                self.in_flight.is_back(id, attempt);
                match report {
                    Report::Ended(outcome) => self.ended((id, attempt), outcome, context).await,
                    Report::OptedOut(outcome) => {
                        self.opted_out(id, attempt).await;
                        self.ended((id, attempt), outcome, context).await
                    }
                    Report::Unknown => self.consider(context).await,
                }
            }
            AlertMessage::LookupResult(id, attempt, sought) => {
                self.in_flight.is_back(id, attempt);
                let outcome = match sought {
                    LookupResult::Found(id) => Outcome::Accepted { id },
                    LookupResult::NotThere => {
                        Outcome::Unsent { reason: "it is not there".into(), code: None }
                    }
                    LookupResult::Unknown => {
                        self.in_flight.seek_later(id, attempt, Timestamp::now());
                        return self.consider(context).await;
                    }
                };
                self.ended((id, attempt), outcome, context).await
            }
            AlertMessage::Followed(id, attempt, delivery) => {
                self.in_flight.followed(id, attempt, Timestamp::now());
                match delivery {
                    Some(delivery) => self.noted((id, attempt), delivery, context).await,
                    None => self.consider(context).await,
                }
            }
            AlertMessage::Told { channel_id, delivery } => {
                let alerts = self.take_alerts().await?;
                let sent = alerts.state().sent_as(&channel_id).map(|(id, attempt)| (id, attempt.id));
                self.alerts = Some(alerts);
                match sent {
                    Some(sent) => self.noted(sent, delivery, context).await,
                    None => Ok(()),
                }
            }
        }
    }

    fn label(message: &AlertMessage) -> &'static str {
        match message {
            AlertMessage::Consider => "consider",
            AlertMessage::Check(_) => "check",
            AlertMessage::Renew => "renew",
            AlertMessage::Acknowledge { .. } => "acknowledge",
            AlertMessage::Consent { .. } => "consent",
            AlertMessage::Reported(..) => "reported",
            AlertMessage::LookupResult(..) => "sought",
            AlertMessage::Followed(..) => "followed",
            AlertMessage::Told { .. } => "told",
        }
    }
}
