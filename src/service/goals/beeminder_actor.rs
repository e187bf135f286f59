//! Polls Beeminder: one small request each time, and the goals themselves only if something changed.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::actor::{ActorError, Behaviour, Context, Reply};
use crate::domain::goal::{Goal, Risk};
use crate::domain::goal_day::NO_DEADLINE;
use crate::domain::money::Picodollars;
use crate::domain::slug::GoalSlug;
use crate::event::TenantId;
use crate::integration::beeminder::{self, Beeminder};
use crate::integration::resilience::OutsideError;
use crate::log::{EventLog, LogError};
use crate::service::aggregate::repository::Repository;
use crate::service::runtime::poller::{
    PollScheduler, Tick, breaker_listener, pause_after, policy, state_after, wrong_settings,
};
use crate::service::runtime::settings::Settings;
use crate::service::runtime::sources::{SourceState, Sources};

use super::beeminder::{GoalAggregate, Observed};
use super::days::Told;

/// Maximum time between two full polls: safe days count down at each deadline without any other change.
const AT_LEAST: SignedDuration = SignedDuration::from_hours(1);
/// A goal that derails sooner than this is polled more often.
const CLOSE: SignedDuration = SignedDuration::from_hours(3);
/// By this factor.
const CLOSER: u32 = 5;
/// Delay before polling again a goal whose numbers Beeminder is still computing; doubled each time it is not
/// done.
const SETTLING: Duration = Duration::from_secs(5);
/// Maximum number of doublings.
const DOUBLINGS_MAX: u32 = 8;
/// Beeminder's timestamps are whole seconds. A change younger than this when it was read, in seconds, may not
/// be the last one with its timestamp.
const STAMP_S: i64 = 2;
/// Maximum length of a text, in characters; longer ones are truncated.
const TEXT_MAX: usize = 200;
/// Maximum length of a goal's id or slug, in bytes.
const NAME_MAX: usize = 250;

/// What the actor is asked.
pub enum BeeminderMessage {
    /// A poll is due, or the settings have changed.
    Tick(Tick),
    /// What a goal's days are reckoned by must be known now.
    Learn { slug: GoalSlug, reply: Reply<Result<Told, OutsideError>> },
}

impl From<Tick> for BeeminderMessage {
    fn from(tick: Tick) -> Self {
        Self::Tick(tick)
    }
}

/// See the module.
pub struct BeeminderActor {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    settings: Settings,
    sources: Sources,
    client: Option<Beeminder>,
    scheduler: Option<PollScheduler>,
    goals: Option<Repository<GoalAggregate>>,
    /// The user's `updated_at` at the last poll, and the time of the last full poll.
    seen: Option<(i64, Timestamp)>,
    /// Goals whose numbers Beeminder is still computing.
    pending: Vec<String>,
    /// Polls in a row that found them unfinished.
    unfinished_polls: u32,
}

/// Why a poll failed.
enum PollError {
    Outside(OutsideError),
    Log(LogError),
}

impl BeeminderActor {
    /// Polls one tenant's goals.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, tenant: TenantId, settings: Settings, sources: Sources) -> Self {
        let (client, scheduler, goals, seen, pending) = (None, None, None, None, Vec::new());
        Self { log, tenant, settings, sources, client, scheduler, goals, seen, pending, unfinished_polls: 0 }
    }

    fn poll(&self) -> Duration {
        Duration::from_secs(self.settings.current().config.beeminder.poll_seconds.get())
    }

    /// Creates the client from the settings.
    fn renew(&mut self) {
        let loaded = self.settings.current();
        let settings = &loaded.config.beeminder;
        let fresh_for = SignedDuration::try_from(self.poll() * 3).unwrap_or(AT_LEAST);
        let declare = |state, reason: &str| self.sources.declare(beeminder::SYSTEM, state, reason, fresh_for);
        (self.client, self.seen) = (None, None);
        let Some(token) = &settings.token else {
            return declare(SourceState::NotConfigured, "set beeminder.token or BEEMINDER_AUTH_TOKEN");
        };
        if let Some(reason) = wrong_settings(&loaded, "beeminder.") {
            return declare(SourceState::Unauthorized, &reason);
        }
        match Beeminder::new(settings, token, policy(&loaded), breaker_listener(&self.sources)) {
            Ok(client) => {
                declare(SourceState::Waiting, "not asked yet");
                self.client = Some(client);
            }
            Err(error) => declare(SourceState::Failing, &error.to_string()),
        }
    }

    /// Polls once, and schedules the next poll.
    async fn look(&mut self) -> Result<(), ActorError> {
        let Some(client) = self.client.clone() else {
            if let Some(scheduler) = &self.scheduler {
                scheduler.rest();
            }
            return Ok(());
        };
        let goals = Repository::kept_or_loaded(&mut self.goals, self.log.clone(), &self.tenant).await;
        let mut goals = goals.map_err(|error| ActorError(error.to_string()))?;
        let outcome = self.ask(&client, &mut goals).await;
        let usual = self.pause(&goals);
        let count = goals.state().0.values().filter(|goal| goal.is_active).count();
        let Some(scheduler) = &self.scheduler else { return Ok(()) };
        match outcome {
            Ok(()) => {
                let next = scheduler.after(usual);
                let reason = format!("{count} goals");
                self.sources.succeeded(beeminder::SYSTEM, &reason, Timestamp::now(), Some(next));
                self.goals = Some(goals);
            }
            Err(PollError::Outside(error)) => {
                let next = scheduler.after(pause_after(&error, usual));
                self.sources.failed(beeminder::SYSTEM, state_after(&error), &error.to_string(), Some(next));
                self.goals = Some(goals);
            }
            // Load the goals again: another writer may have appended.
            Err(PollError::Log(error)) => {
                scheduler.after(usual);
                self.seen = None;
                tracing::warn!(%error, "goals could not be recorded");
            }
        }
        Ok(())
    }

    /// Asks what a goal's days are reckoned by, and records the answer. One that cannot be recorded counts all the same,
    /// for the next poll records it.
    async fn learn(&mut self, slug: &GoalSlug) -> Result<Told, OutsideError> {
        let Some(client) = self.client.clone() else {
            let what = "its settings are not right; `mecris doctor` says which";
            return Err(OutsideError::Invalid { system: beeminder::SYSTEM, what });
        };
        let told = Told::ask(&client, slug).await?;
        let goals = Repository::kept_or_loaded(&mut self.goals, self.log.clone(), &self.tenant).await;
        let recorded = match goals {
            Ok(mut goals) => {
                let recorded = goals.observe(observed(told.clone())).await;
                if recorded.is_ok() {
                    self.goals = Some(goals);
                }
                recorded.map(drop).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = recorded {
            tracing::warn!(error, "what Beeminder said of a goal could not be recorded");
        }
        Ok(told)
    }

    /// The pause until the next poll after a success.
    fn pause(&self, goals: &Repository<GoalAggregate>) -> Duration {
        let is_close = goals.state().0.values().any(|goal| is_close(goal, Timestamp::now()));
        let usual = if is_close { self.poll() / CLOSER } else { self.poll() };
        if self.pending.is_empty() { usual } else { usual.min(SETTLING * 2_u32.pow(self.unfinished_polls)) }
    }

    async fn ask(
        &mut self,
        client: &Beeminder,
        goals: &mut Repository<GoalAggregate>,
    ) -> Result<(), PollError> {
        let (user, ahead) = client.user().await.map_err(PollError::Outside)?;
        // A move to another zone may change no goal.
        let account = Observed::Some { goals: Vec::new(), timezone: user.timezone };
        goals.observe(account).await.map_err(PollError::Log)?;
        let now = Timestamp::now();
        let known = self.seen.filter(|(_, at)| {
            (SignedDuration::ZERO..AT_LEAST).contains(&now.duration_since(*at))
                && self.pending.is_empty()
                && !goals
                    .state()
                    .0
                    .values()
                    .any(|goal| goal.losedate.is_some_and(|losedate| (*at..now).contains(&losedate)))
        });
        // The time of the last full poll stays until the next full poll.
        let at = match known {
            Some((updated_at, _)) if updated_at == user.updated_at => return Ok(()),
            Some((updated_at, at)) if self.follow(client, goals, updated_at).await? => at,
            _ => {
                let told = client.goals().await.map_err(PollError::Outside)?;
                self.observe(goals, told, &[]).await?;
                now
            }
        };
        let is_last = now.as_second() + ahead.unwrap_or_default() - user.updated_at >= STAMP_S;
        self.seen = Some((user.updated_at - i64::from(!is_last), at));
        Ok(())
    }

    /// Reads the goals that changed since a timestamp. False if Beeminder cannot say: then a full poll is
    /// needed.
    async fn follow(
        &mut self,
        client: &Beeminder,
        goals: &mut Repository<GoalAggregate>,
        updated_at: i64,
    ) -> Result<bool, PollError> {
        let changes = match client.changes_since(updated_at - 1).await {
            Ok(changes) => changes,
            Err(OutsideError::Rejected { .. } | OutsideError::Malformed { .. }) => return Ok(false),
            Err(error) => return Err(PollError::Outside(error)),
        };
        let is_deleted = |id: &String| changes.deleted_goals.iter().any(|deleted| deleted.id == *id);
        let unchanged: Vec<String> = goals.state().0.keys().filter(|id| !is_deleted(id)).cloned().collect();
        self.observe(goals, changes.goals, &unchanged).await?;
        Ok(true)
    }

    /// Records the response; goals in `unchanged` are missing from it because they did not change.
    async fn observe(
        &mut self,
        goals: &mut Repository<GoalAggregate>,
        told: Vec<beeminder::Goal>,
        unchanged: &[String],
    ) -> Result<(), PollError> {
        let (pending, settled): (Vec<_>, Vec<_>) =
            told.into_iter().filter(is_named).partition(|goal| goal.queued);
        let was_pending = !self.pending.is_empty();
        self.pending = pending.into_iter().map(|goal| goal.id).collect();
        let is_unfinished = was_pending && !self.pending.is_empty();
        self.unfinished_polls =
            if is_unfinished { (self.unfinished_polls + 1).min(DOUBLINGS_MAX) } else { 0 };
        let told: Vec<Goal> = settled.into_iter().map(to_goal).collect();
        let left_alone = [self.pending.as_slice(), unchanged].concat();
        let changed =
            goals.observe(Observed::All { goals: told, left_alone }).await.map_err(PollError::Log)?;
        if changed > 0 {
            tracing::info!(changed, "goals changed");
        }
        Ok(())
    }
}

/// Whether a goal's name fits into an event: one whose does not must not keep the others from being recorded.
fn is_named(goal: &beeminder::Goal) -> bool {
    goal.id.len().max(goal.slug.len()) <= NAME_MAX
}

fn is_close(goal: &Goal, now: Timestamp) -> bool {
    goal.is_active
        && goal.risk() == Risk::Critical
        && goal.time_left(now).is_some_and(|left| left < CLOSE && left > SignedDuration::ZERO)
}

/// What to record of an answer about one goal. A goal whose numbers Beeminder is still computing is left to the
/// next poll, and so is one whose name does not fit into an event.
#[must_use]
pub fn observed(told: Told) -> Observed {
    let Told { timezone, goal } = told;
    let goals = if goal.queued || !is_named(&goal) { Vec::new() } else { vec![to_goal(goal)] };
    Observed::Some { goals, timezone }
}

/// Converts a goal. Foreign texts are truncated to a length that fits an event.
pub(crate) fn to_goal(told: beeminder::Goal) -> Goal {
    let text = |text: Option<String>| text.unwrap_or_default().chars().take(TEXT_MAX).collect::<String>();
    Goal {
        id: told.id,
        slug: told.slug,
        title: text(told.title),
        safebuf: told.safebuf,
        losedate: told.losedate.and_then(|second| Timestamp::from_second(second).ok()),
        deadline_s: told.deadline.unwrap_or(NO_DEADLINE),
        limsum: text(told.limsum),
        baremin: text(told.baremin),
        pledge: told
            .pledge
            .and_then(|pledge| Picodollars::parse(&pledge.to_string()).ok())
            .unwrap_or(Picodollars::ZERO),
        has_data_today: told.todayta,
        is_active: !told.frozen && !told.won,
        autodata: Some(text(told.autodata)).filter(|name| !name.is_empty()),
    }
}

impl Behaviour for BeeminderActor {
    type Message = BeeminderMessage;

    async fn started(&mut self, context: &Context<Self>) -> Result<(), ActorError> {
        self.renew();
        self.scheduler = Some(PollScheduler::start(context, &self.settings));
        Ok(())
    }

    async fn handle(&mut self, message: BeeminderMessage, _: &Context<Self>) -> Result<(), ActorError> {
        match message {
            BeeminderMessage::Tick(tick) => {
                if tick == Tick::Renew {
                    self.renew();
                }
                self.look().await
            }
            BeeminderMessage::Learn { slug, reply } => {
                reply.send(self.learn(&slug).await);
                Ok(())
            }
        }
    }

    fn label(message: &BeeminderMessage) -> &'static str {
        match message {
            BeeminderMessage::Tick(tick) => tick.label(),
            BeeminderMessage::Learn { .. } => "learn",
        }
    }

    fn redeliver(message: &BeeminderMessage) -> Option<BeeminderMessage> {
        match message {
            BeeminderMessage::Tick(tick) => Some(BeeminderMessage::Tick(*tick)),
            BeeminderMessage::Learn { .. } => None,
        }
    }
}
