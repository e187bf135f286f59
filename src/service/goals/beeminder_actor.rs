//! Polls Beeminder: one small request each time, and the goals themselves only if something changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::actor::{ActorError, Behaviour, Context, Reply};
use crate::domain::goal::{Goal, Risk};
use crate::domain::goal_day::NO_DEADLINE;
use crate::domain::money::Picodollars;
use crate::domain::slug::GoalSlug;
use crate::event::TenantId;
use crate::integration::beeminder::{self, Beeminder, Goals};
use crate::integration::resilience::OutsideError;
use crate::integration::rows::Odd;
use crate::log::{EventLog, LogError};
use crate::service::aggregate::repository::Repository;
use crate::service::runtime::poller::{
    PollScheduler, Tick, breaker_listener, pause_after, policy, state_after, wrong_settings,
};
use crate::service::runtime::settings::Settings;
use crate::service::runtime::sources::{OldPart, SourceState, Sources};

use super::beeminder::{GoalAggregate, Observed};
use super::days::{Told, not_set_up};

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
    /// What was odd in the last poll that read goals. While there is anything, all goals are read each time.
    odd: Odd,
    /// When each goal was last read, by id; since the start.
    read_at: BTreeMap<String, Timestamp>,
    /// Goals whose last row did not say how they stand: their old state stays.
    old: BTreeSet<String>,
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
        Self {
            log,
            tenant,
            settings,
            sources,
            client: None,
            scheduler: None,
            goals: None,
            seen: None,
            pending: Vec::new(),
            unfinished_polls: 0,
            odd: Odd::default(),
            read_at: BTreeMap::new(),
            old: BTreeSet::new(),
        }
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
                let (reason, now) = (format!("{count} goals"), Timestamp::now());
                match self.odd.text() {
                    None => self.sources.succeeded(beeminder::SYSTEM, &reason, now, Some(next)),
                    Some(odd) => {
                        let old = goals.state().0.values().filter(|goal| self.old.contains(&goal.id));
                        let old = old.map(|goal| OldPart {
                            name: goal.slug.clone(),
                            read_at: self.read_at.get(&goal.id).copied(),
                        });
                        let (reason, old) = (format!("{reason}; {odd}"), old.collect());
                        self.sources.degraded(beeminder::SYSTEM, &reason, now, Some(next), old);
                    }
                }
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
            return Err(not_set_up());
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
                && self.odd.is_nothing()
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
        let is_deleted = |id: &String| changes.deleted.contains(id);
        let unchanged: Vec<String> = goals.state().0.keys().filter(|id| !is_deleted(id)).cloned().collect();
        self.observe(goals, changes.goals, &unchanged).await?;
        Ok(true)
    }

    /// Records the response; goals in `unchanged` are missing from it because they did not change. A goal whose row does
    /// not say how it stands, or could not be read at all, stays as it was.
    async fn observe(
        &mut self,
        goals: &mut Repository<GoalAggregate>,
        told: Goals,
        unchanged: &[String],
    ) -> Result<(), PollError> {
        let now = Timestamp::now();
        let Goals { listed, left_out, is_nameless } = told;
        let (pending, settled): (Vec<_>, Vec<_>) = listed.rows.into_iter().partition(|goal| goal.queued);
        let was_pending = !self.pending.is_empty();
        self.pending = pending.into_iter().map(|goal| goal.id).collect();
        let is_unfinished = was_pending && !self.pending.is_empty();
        self.unfinished_polls =
            if is_unfinished { (self.unfinished_polls + 1).min(DOUBLINGS_MAX) } else { 0 };
        let known = &goals.state().0;
        let is_left_out = |goal: &&Goal| left_out.contains(&goal.id) || left_out.contains(&goal.slug);
        let mut old: BTreeSet<String> =
            known.values().filter(is_left_out).map(|goal| goal.id.clone()).collect();
        let mut read = Vec::new();
        for goal in settled {
            let before = known.get(&goal.id);
            match (goal.is_odd, before) {
                (true, Some(_)) => drop(old.insert(goal.id)),
                // Without its deadline nobody knows which day a datapoint of it is of.
                (true, None) if goal.deadline.is_none() => {}
                _ => read.push(to_goal(goal, before)),
            }
        }
        // A row without a name may be any goal's: none that is missing is gone.
        let missing = known.keys().filter(|id| is_nameless && !read.iter().any(|goal| goal.id == **id));
        old.extend(missing.filter(|id| !unchanged.contains(id) && !self.pending.contains(id)).cloned());
        self.read_at.extend(read.iter().map(|goal| &goal.id).chain(unchanged).map(|id| (id.clone(), now)));
        let left_alone: Vec<String> = self.pending.iter().chain(unchanged).chain(&old).cloned().collect();
        (self.odd, self.old) = (listed.odd, old);
        let changed =
            goals.observe(Observed::All { goals: read, left_alone }).await.map_err(PollError::Log)?;
        let known = &goals.state().0;
        self.read_at.retain(|id, _| known.contains_key(id));
        if changed > 0 {
            tracing::info!(changed, "goals changed");
        }
        Ok(())
    }
}

fn is_close(goal: &Goal, now: Timestamp) -> bool {
    goal.is_active
        && goal.risk() == Risk::Critical
        && goal.time_left(now).is_some_and(|left| left < CLOSE && left > SignedDuration::ZERO)
}

/// What to record of an answer about one goal. A goal whose numbers Beeminder is still computing is left to the
/// next poll, and so is one of which a field cannot be read: the next poll knows what it was before.
#[must_use]
pub fn observed(told: Told) -> Observed {
    let Told { timezone, goal } = told;
    let goals = if goal.queued || goal.is_odd { Vec::new() } else { vec![to_goal(goal, None)] };
    Observed::Some { goals, timezone }
}

/// Converts a goal. Foreign texts are truncated to a length that fits an event. What is not told stays as it was before.
pub(crate) fn to_goal(told: beeminder::Goal, before: Option<&Goal>) -> Goal {
    let text = |text: Option<String>| text.unwrap_or_default().chars().take(TEXT_MAX).collect::<String>();
    let was_active = before.is_none_or(|goal| goal.is_active);
    let is_active = match (told.frozen, told.won) {
        (Some(true), _) | (_, Some(true)) => false,
        (Some(false), Some(false)) => true,
        _ => was_active,
    };
    Goal {
        id: told.id,
        slug: told.slug,
        title: text(told.title),
        safebuf: told.safebuf,
        losedate: told.losedate.and_then(|second| Timestamp::from_second(second).ok()),
        deadline_s: told.deadline.or(before.map(|goal| goal.deadline_s)).unwrap_or(NO_DEADLINE),
        limsum: text(told.limsum),
        baremin: text(told.baremin),
        pledge: told.pledge.or(before.map(|goal| goal.pledge)).unwrap_or(Picodollars::ZERO),
        has_data_today: told.todayta,
        is_active,
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
