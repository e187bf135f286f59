//! Writes datapoints: those a person adds, those feeds owe, and those left open by a crash or an outage.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use tokio::time::Instant;

use crate::actor::{ActorError, Behaviour, Context, Handle, Reply};
use crate::domain::datapoint::{Keeper, Point, PointKey};
use crate::domain::feed::Feed;
use crate::domain::goal_day::GoalClock;
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
use crate::view::goals::clock_of;

use super::beeminder_actor::BeeminderMessage;
use super::datapoints::{DatapointWriter, Delivery};
use super::local::GoalFailure;

/// Maximum duration of one pass over the feeds: a person's datapoint may be waiting. The rest follows soon.
const LOOK_MAX: Duration = Duration::from_secs(30);
/// Maximum pause without requests to Beeminder.
const QUIET_MAX: Duration = Duration::from_hours(24);
/// Pause before an interrupted pass continues.
const SOON: Duration = Duration::from_secs(1);
/// Pause while it is not known on which days to post: the first poll of the goals tells.
const UNTIL_TOLD: Duration = Duration::from_secs(5);

pub enum DatapointMessage {
    /// A pass over the feeds is due, or the settings have changed.
    Tick(Tick),
    /// A person's datapoint.
    Add { key: PointKey, point: Point, reply: Reply<Result<Delivery, GoalFailure>> },
}

impl From<Tick> for DatapointMessage {
    fn from(tick: Tick) -> Self {
        Self::Tick(tick)
    }
}

/// What a feed may owe.
struct Owed {
    feed: Feed,
    /// What its goal's days are reckoned by; none if that is not known.
    clock: Option<GoalClock>,
    /// The spend by the goal's day; none if its budget was removed, or the days are not known.
    spent: Option<BTreeMap<Date, Picodollars>>,
}

/// See the module.
pub struct DatapointActor {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    queries: Reads,
    /// The actor that polls the goals: it polls after a write.
    follower: Handle<BeeminderMessage>,
    client: Option<Beeminder>,
    /// Until then only a person's datapoints are sent: Beeminder did not answer, or refused the key.
    quiet_until: Option<Instant>,
    scheduler: Option<PollScheduler>,
    writer: Option<DatapointWriter>,
}

/// Result of a pass.
#[derive(Default)]
struct PassResult {
    /// Datapoints that Beeminder accepted.
    written: usize,
    /// The failure that ended the pass.
    failure: Option<OutsideError>,
    /// The pass ran out of time.
    is_cut: bool,
    /// It is not known on which days a feed posts.
    is_untold: bool,
}

impl DatapointActor {
    #[must_use]
    pub fn new(
        log: Arc<dyn EventLog>,
        tenant: TenantId,
        queries: Reads,
        follower: Handle<BeeminderMessage>,
    ) -> Self {
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

    /// Creates the client from the settings. The polling actor reports what is wrong with them.
    fn renew(&mut self) {
        let loaded = self.queries.settings.current();
        let settings = &loaded.config.beeminder;
        self.quiet_until = None;
        let token = settings.token.as_ref().filter(|_| wrong_settings(&loaded, "beeminder.").is_none());
        // This breaker is separate and not reported: reading may work while writing fails.
        let on_breaker = Arc::new(|_: &'static str, _| {});
        self.client =
            token.and_then(|token| Beeminder::new(settings, token, policy(&loaded), on_breaker).ok());
    }

    fn poll(&self) -> Duration {
        Duration::from_secs(self.queries.settings.current().config.beeminder.poll_seconds.get())
    }

    /// The client, if Beeminder may be asked now.
    fn open_client(&self) -> Option<Beeminder> {
        let is_quiet = self.quiet_until.is_some_and(|until| Instant::now() < until);
        self.client.clone().filter(|_| !is_quiet)
    }

    /// Pauses requests to Beeminder for as long as its failure asks for.
    fn pause(&mut self, error: &OutsideError) {
        self.quiet_until = Some(Instant::now() + pause_after(error, self.poll()).min(QUIET_MAX));
    }

    async fn take_writer(&mut self) -> Result<DatapointWriter, ViewError> {
        if let Some(writer) = self.writer.take() {
            return Ok(writer);
        }
        let (log, tenant) = (self.log.clone(), self.tenant.clone());
        caller::blocking(move || DatapointWriter::load(log, tenant, "datapoints")).await?
    }

    /// Writes a person's datapoint. Decided again after a conflict, like any command.
    async fn add(&mut self, key: &PointKey, point: &Point) -> Result<Delivery, GoalFailure> {
        let mut tries = 0;
        loop {
            tries += 1;
            // After a failure of the log the writer is loaded again.
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
                let running = view.local_goals.feeds.values().filter(|feed| feed.is_running);
                let spent = |feed: &Feed, clock: &GoalClock| match &feed.budget {
                    None => Some(view.spend.by_goal_day(clock, feed.since, |_| true)),
                    Some(name) => view.budgets.get(name).map(|budget| {
                        let scope = &budget.scope;
                        view.spend.by_goal_day(clock, feed.since, |cell| cell.is_in(scope))
                    }),
                };
                let owed = |feed: &Feed| {
                    let clock = clock_of(view, feed.keeper, feed.slug.as_str(), zone).ok();
                    let spent = clock.as_ref().and_then(|clock| spent(feed, clock));
                    Owed { feed: feed.clone(), clock, spent }
                };
                running.map(owed).collect()
            })
        };
        tokio::task::spawn_blocking(ask).await.unwrap_or_default()
    }

    /// Writes what the feeds owe, then other open datapoints.
    async fn look(&mut self, writer: &mut DatapointWriter) -> Result<PassResult, GoalFailure> {
        let (until, client) = (Instant::now() + LOOK_MAX, self.open_client());
        let mut looked = PassResult::default();
        for Owed { feed, clock, spent } in self.owed().await {
            looked.is_untold |= clock.is_none();
            let is_reachable = client.is_some() && looked.failure.is_none();
            let owed = clock.zip(spent).filter(|_| feed.keeper == Keeper::Local || is_reachable);
            let Some((clock, spent)) = owed else { continue };
            self.feed(writer, client.as_ref(), (&feed, &clock, &spent), until, &mut looked).await?;
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
        (feed, clock, spent): (&Feed, &GoalClock, &BTreeMap<Date, Picodollars>),
        until: Instant,
        looked: &mut PassResult,
    ) -> Result<(), GoalFailure> {
        for post in feed.due(spent, writer.ledger(), clock, Timestamp::now())? {
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
        // By a clock that was just set, days may have ended that have not even begun.
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
                    self.pause(error);
                }
                match looked {
                    PassResult { is_cut: true, .. } => SOON,
                    PassResult { is_untold: true, .. } if self.client.is_some() => {
                        self.poll().min(UNTIL_TOLD)
                    }
                    _ => self.poll(),
                }
            }
            // The writer is loaded again: what the log has is unknown.
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

    /// A written datapoint changes the goal's numbers.
    fn wrote(&self, count: usize) {
        if count > 0 && self.client.is_some() {
            // A full mailbox already holds a poll.
            let _ = self.follower.try_tell(Tick::Look.into());
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
                    Ok(Delivery::Waiting(error)) => self.pause(error),
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
