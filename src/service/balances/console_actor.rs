//! Reads the providers' own pages periodically, if that is switched on.
//!
//! Polls are rare: every few hours with a jitter of a tenth, and a restart does not shorten the
//! interval. Each challenge by the page doubles it; after three challenges polling stops until a person
//! requests a read or changes the settings.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::actor::{ActorError, Behaviour, Context, Handle, Reply};
use crate::domain::console::{CHALLENGES_MAX, rest};
use crate::integration::console::ConsoleError;
use crate::integration::console::profile::since_last_attempt;
use crate::service::runtime::poller::{PollScheduler, Tick};
use crate::service::runtime::sources::{SourceState, Sources};

use super::console::{ConsoleFailure, ConsoleRead, ConsoleReader};

pub enum ScraperMessage {
    /// A poll is due, or the settings have changed.
    Tick(Tick),
    /// A person requests a page now.
    Read { provider: String, reply: Reply<Result<ConsoleRead, ConsoleFailure>> },
}

impl From<Tick> for ScraperMessage {
    fn from(tick: Tick) -> Self {
        Self::Tick(tick)
    }
}

/// See the module.
pub struct ScraperActor {
    book: ConsoleReader,
    sources: Sources,
    scheduler: Option<PollScheduler>,
    /// Consecutive challenges, by provider.
    challenges: BTreeMap<String, u32>,
}

/// The name of a provider's page among the sources.
fn source(provider: &str) -> String {
    format!("console-{provider}")
}

impl ScraperActor {
    #[must_use]
    pub fn new(book: ConsoleReader, sources: Sources) -> Self {
        Self { book, sources, scheduler: None, challenges: BTreeMap::new() }
    }

    fn every(&self) -> Duration {
        Duration::from_hours(self.book.queries().settings.current().config.console.every_hours.get())
    }

    /// The providers whose pages are read; none if that is off.
    fn providers(&self) -> Vec<String> {
        let config = &self.book.queries().settings.current().config.console;
        if config.enabled { config.providers.clone() } else { Vec::new() }
    }

    fn renew(&mut self) {
        self.challenges.clear();
        let config = &self.book.queries().settings.current().config.console;
        let fresh_for = SignedDuration::try_from(self.every() * 2).unwrap_or(SignedDuration::from_hours(12));
        for provider in &config.providers {
            let (state, reason) = if config.enabled {
                (SourceState::Waiting, "not read yet")
            } else {
                (SourceState::NotConfigured, "set console.enabled = true, after reading docs/console.md")
            };
            self.sources.declare(&source(provider), state, reason, fresh_for);
        }
    }

    /// How long a provider's page must not be read yet; none if it is due.
    fn rest_of(&self, provider: &str) -> Option<Duration> {
        let challenges = self.challenges.get(provider).copied().unwrap_or_default();
        rest(self.every(), challenges, since_last_attempt(self.book.dir(), provider))
    }

    async fn look(&mut self) {
        for provider in self.providers() {
            if self.rest_of(&provider).is_none() {
                // The result is in the sources.
                let _ = self.read(&provider, "scraper").await;
            }
        }
        let next = self.providers().iter().map(|provider| self.rest_of(provider).unwrap_or_default()).min();
        let Some(scheduler) = &self.scheduler else { return };
        match next {
            Some(next) if next < Duration::MAX => drop(scheduler.after(next.max(Duration::from_mins(1)))),
            _ => scheduler.rest(),
        }
    }

    async fn read(&mut self, provider: &str, actor: &'static str) -> Result<ConsoleRead, ConsoleFailure> {
        let outcome = self.book.read(provider, actor).await;
        let name = source(provider);
        let next = SignedDuration::try_from(self.every())
            .ok()
            .and_then(|every| Timestamp::now().checked_add(every).ok());
        let is_challenge = matches!(outcome, Err(ConsoleFailure::Page(ConsoleError::Challenge { .. })));
        if is_challenge {
            *self.challenges.entry(provider.to_owned()).or_default() += 1;
        } else {
            self.challenges.remove(provider);
        }
        match &outcome {
            Ok(read) => {
                let reason = format!("read by {}", read.found);
                self.sources.succeeded(&name, &reason, read.taken_at, next);
            }
            Err(ConsoleFailure::Off) => {}
            Err(failure) => {
                let needs_login = matches!(failure, ConsoleFailure::Page(error) if error.needs_login());
                let state = if needs_login { SourceState::Unauthorized } else { SourceState::Failing };
                let stopped = self.challenges.get(provider).is_some_and(|count| *count >= CHALLENGES_MAX);
                let next = next.filter(|_| !stopped);
                self.sources.failed(&name, state, &failure.to_string(), next);
            }
        }
        outcome
    }
}

impl Behaviour for ScraperActor {
    type Message = ScraperMessage;

    async fn started(&mut self, context: &Context<Self>) -> Result<(), ActorError> {
        self.renew();
        self.scheduler = Some(PollScheduler::start(context, &self.book.queries().settings));
        Ok(())
    }

    async fn handle(&mut self, message: ScraperMessage, _: &Context<Self>) -> Result<(), ActorError> {
        match message {
            ScraperMessage::Tick(tick) => {
                if tick == Tick::Renew {
                    self.renew();
                }
                self.look().await;
            }
            ScraperMessage::Read { provider, reply } => {
                // The person may have logged in since.
                self.challenges.remove(&provider);
                let read = self.read(&provider, "http").await;
                reply.send(read);
            }
        }
        Ok(())
    }

    fn label(message: &ScraperMessage) -> &'static str {
        match message {
            ScraperMessage::Tick(tick) => tick.label(),
            ScraperMessage::Read { .. } => "read",
        }
    }

    fn redeliver(message: &ScraperMessage) -> Option<ScraperMessage> {
        match message {
            ScraperMessage::Tick(tick) => Some(ScraperMessage::Tick(*tick)),
            // The outcome is unknown: the person can check and request again.
            ScraperMessage::Read { .. } => None,
        }
    }
}

pub type ScraperHandle = Handle<ScraperMessage>;
