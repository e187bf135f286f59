//! Writes datapoints: what a person adds, what feeds owe, and what was intended before a crash or an outage.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use tokio::time::Instant;

use crate::actor::{ActorError, Behaviour, Context, Handle, Reply};
use crate::domain::calendar;
use crate::domain::datapoint::{Keeper, Point, PointKey};
use crate::domain::feed::Feed;
use crate::domain::money::Picodollars;
use crate::event::TenantId;
use crate::integration::beeminder::Beeminder;
use crate::integration::resilience::OutsideError;
use crate::log::{EventLog, LogError};
use crate::service::aggregate::caller;
use crate::service::aggregate::repository::DECISIONS_MAX;
use crate::service::runtime::poller::{PollScheduler, Tick, pause_after, policy, wrong_settings};
use crate::service::runtime::reads::Reads;
use crate::view::ViewError;

use super::datapoints::{DatapointWriter, Delivery};
use super::local::GoalFailure;

/// A look at the feeds lasts no longer: a person may wait behind it. What is left comes soon.
const LOOK_MAX: Duration = Duration::from_secs(30);
/// Beeminder is left alone for no longer.
const QUIET_MAX: Duration = Duration::from_hours(24);
/// How soon.
const SOON: Duration = Duration::from_secs(1);

/// What the actor is told.
pub enum DatapointMessage {
    /// A look at what is owed, or new settings.
    Tick(Tick),
    /// A person's datapoint.
    Add {
        /// Which.
        key: PointKey,
        /// What it says.
        point: Point,
        /// Who waits.
        reply: Reply<Result<Delivery, GoalFailure>>,
    },
}

impl From<Tick> for DatapointMessage {
    fn from(tick: Tick) -> Self {
        Self::Tick(tick)
    }
}

/// A feed, and what was spent by day; none where its budget is gone.
type Owed = (Feed, Option<BTreeMap<Date, Picodollars>>);

/// See the module.
pub struct DatapointActor {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    queries: Reads,
    /// Follows the goals: it looks when something was written.
    follower: Handle<Tick>,
    client: Option<Beeminder>,
    /// Until then nothing is sent to Beeminder but what a person adds: it did not answer, or refused the key.
    quiet_until: Option<Instant>,
    scheduler: Option<PollScheduler>,
    writer: Option<DatapointWriter>,
}

/// What a look came to.
#[derive(Default)]
struct Looked {
    /// How many datapoints Beeminder took.
    written: usize,
    /// What did not answer.
    failure: Option<OutsideError>,
    /// There was no time for all.
    is_cut: bool,
}

impl DatapointActor {
    /// For the datapoints of one tenant.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, tenant: TenantId, queries: Reads, follower: Handle<Tick>) -> Self {
        Self {
            log,
            tenant,
            queries,
            follower,
            client: None,
            quiet_until: None,
            scheduler: None,
            writer: None,
        }
    }

    /// Makes the client that the settings name. What is wrong with them is told by who follows the goals.
    fn renew(&mut self) {
        let loaded = self.queries.settings.current();
        let settings = &loaded.config.beeminder;
        self.quiet_until = None;
        let token = settings.token.as_ref().filter(|_| wrong_settings(&loaded, "beeminder.").is_none());
        // A breaker of its own, which is not told of: reading may work where writing does not.
        let on_breaker = Arc::new(|_: &'static str, _| {});
        self.client =
            token.and_then(|token| Beeminder::new(settings, token, policy(&loaded), on_breaker).ok());
    }

    fn poll(&self) -> Duration {
        Duration::from_secs(self.queries.settings.current().config.beeminder.poll_seconds.get())
    }

    /// The client, if Beeminder is to be asked now.
    fn open_client(&self) -> Option<Beeminder> {
        let is_quiet = self.quiet_until.is_some_and(|until| Instant::now() < until);
        self.client.clone().filter(|_| !is_quiet)
    }

    /// Leaves Beeminder alone for as long as its failure asks for.
    fn hush(&mut self, error: &OutsideError) {
        self.quiet_until = Some(Instant::now() + pause_after(error, self.poll()).min(QUIET_MAX));
    }

    async fn take_writer(&mut self) -> Result<DatapointWriter, ViewError> {
        if let Some(writer) = self.writer.take() {
            return Ok(writer);
        }
        let (log, tenant) = (self.log.clone(), self.tenant.clone());
        caller::blocking(move || DatapointWriter::load(log, tenant, "datapoints")).await?
    }

    /// Writes a person's datapoint. After a conflict it is decided anew, as the budgets' actor does.
    async fn add(&mut self, key: &PointKey, point: &Point) -> Result<Delivery, GoalFailure> {
        let mut tries = 0;
        loop {
            tries += 1;
            // After a failure of the log the writer is not put back: it reads afresh.
            let mut writer = self.take_writer().await?;
            match writer.put(self.client.as_ref(), key, point).await {
                Ok(delivery) => {
                    self.writer = Some(writer);
                    return Ok(delivery);
                }
                Err(LogError::Conflict { .. }) if tries < DECISIONS_MAX => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What the feeds owe, by the views.
    async fn owed(&self) -> Vec<Owed> {
        let queries = self.queries.clone();
        let ask = move || {
            queries.at(|at| {
                let (view, zone) = (at.view(), at.zone());
                let running = view.desk.feeds.values().filter(|feed| feed.is_running);
                let spent = |feed: &Feed| match &feed.budget {
                    None => Some(view.spend.by_day(zone, Some(feed.since), |_| true)),
                    Some(name) => view.budgets.get(name).map(|budget| {
                        let scope = &budget.scope;
                        view.spend.by_day(zone, Some(feed.since), |cell| cell.is_in(scope))
                    }),
                };
                running.map(|feed| (feed.clone(), spent(feed))).collect()
            })
        };
        tokio::task::spawn_blocking(ask).await.unwrap_or_default()
    }

    /// Writes what the feeds owe, then what is open besides.
    async fn look(&mut self, writer: &mut DatapointWriter) -> Result<Looked, GoalFailure> {
        let (until, client) = (Instant::now() + LOOK_MAX, self.open_client());
        let mut looked = Looked::default();
        for (feed, spent) in self.owed().await {
            let is_reachable = client.is_some() && looked.failure.is_none();
            let Some(spent) = spent.filter(|_| feed.keeper == Keeper::Local || is_reachable) else {
                continue;
            };
            self.feed(writer, client.as_ref(), (&feed, &spent), until, &mut looked).await?;
        }
        if looked.failure.is_none() && !looked.is_cut {
            let (written, failure) = writer.put_open(client.as_ref()).await?;
            (looked.written, looked.failure) = (looked.written + written, failure);
        }
        Ok(looked)
    }

    async fn feed(
        &self,
        writer: &mut DatapointWriter,
        client: Option<&Beeminder>,
        (feed, spent): (&Feed, &BTreeMap<Date, Picodollars>),
        until: Instant,
        looked: &mut Looked,
    ) -> Result<(), GoalFailure> {
        let zone = self.queries.settings.current().zone.clone();
        let today = calendar::day_of(Timestamp::now(), &zone);
        for post in feed.due(spent, writer.ledger(), today, &zone)? {
            if Instant::now() > until {
                looked.is_cut = true;
                return Ok(());
            }
            let what = feed.budget.as_ref().map_or("all spend".into(), |name| format!("spend of {name}"));
            let point = Point {
                keeper: feed.keeper,
                day: post.day,
                value: post.value,
                comment: format!("{what} in USD, from Mecris"),
                feed: Some(feed.id.clone()),
            };
            match writer.put(client, &post.key, &point).await? {
                Delivery::Written => looked.written += 1,
                Delivery::Known => {}
                Delivery::Refused(reason) => tracing::warn!(slug = %feed.slug, reason, "a feed was refused"),
                Delivery::Waiting(error) => {
                    looked.failure = Some(error);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn look_and_plan(&mut self) -> Result<(), ActorError> {
        // By a clock that was just set days have ended that may not have begun.
        if let Some(doubt) = self.queries.settings.clock().doubt() {
            if let Some(scheduler) = &self.scheduler {
                scheduler.after(doubt);
            }
            return Ok(());
        }
        let mut writer = self.take_writer().await.map_err(|error| ActorError(error.to_string()))?;
        let pause = match self.look(&mut writer).await {
            Ok(looked) => {
                self.writer = Some(writer);
                self.wrote(looked.written);
                if let Some(error) = &looked.failure {
                    self.hush(error);
                }
                if looked.is_cut { SOON } else { self.poll() }
            }
            // It is read again: what the log has is not known.
            Err(error) => {
                tracing::warn!(%error, "datapoints could not be recorded");
                self.poll()
            }
        };
        if let Some(scheduler) = &self.scheduler {
            scheduler.after(pause);
        }
        Ok(())
    }

    /// What was written changes the goal's numbers.
    fn wrote(&self, count: usize) {
        if count > 0 && self.client.is_some() {
            // A full mailbox holds a look already.
            let _ = self.follower.try_tell(Tick::Look);
        }
    }
}

impl Behaviour for DatapointActor {
    type Message = DatapointMessage;

    async fn started(&mut self, context: &Context<Self>) -> Result<(), ActorError> {
        self.renew();
        self.scheduler = Some(PollScheduler::start(context, &self.queries.settings));
        Ok(())
    }

    async fn handle(&mut self, message: DatapointMessage, _: &Context<Self>) -> Result<(), ActorError> {
        match message {
            DatapointMessage::Tick(tick) => {
                if tick == Tick::Renew {
                    self.renew();
                }
                self.look_and_plan().await
            }
            DatapointMessage::Add { key, point, reply } => {
                let outcome = self.add(&key, &point).await;
                match &outcome {
                    Ok(Delivery::Written) => self.wrote(1),
                    Ok(Delivery::Waiting(error)) => self.hush(error),
                    _ => {}
                }
                reply.send(outcome);
                Ok(())
            }
        }
    }

    fn label(message: &DatapointMessage) -> &'static str {
        match message {
            DatapointMessage::Tick(tick) => tick.label(),
            DatapointMessage::Add { .. } => "add",
        }
    }

    fn redeliver(message: &DatapointMessage) -> Option<DatapointMessage> {
        match message {
            DatapointMessage::Tick(tick) => Some(DatapointMessage::Tick(*tick)),
            DatapointMessage::Add { .. } => None,
        }
    }
}
