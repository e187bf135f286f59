//! The poll scheduler of an actor that polls an outside system: it ticks when a poll is due, and starts over
//! when the settings change.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::actor::{Behaviour, Context};
use crate::config::Loaded;
use crate::config::keys::wrong_forms;
use crate::integration::resilience::{OnBreaker, OutsideError, Policy};

use super::settings::Settings;
use super::sources::{SourceState, Sources};

/// How long a tick waits for room in the mailbox, which holds a handful.
const PATIENCE: Duration = Duration::from_mins(10);
/// Poll interval while a key is refused: it may have been fixed at the other side.
const REFUSED: Duration = Duration::from_hours(1);
/// Maximum pause, whatever a system asks for: a `Retry-After` may be any number.
const PAUSE_MAX: Duration = Duration::from_hours(24);

/// A scheduler's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    /// A poll is due.
    Look,
    /// The settings have changed.
    Renew,
}

impl Tick {
    /// The name in spans.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Renew => "renew",
        }
    }
}

/// Sets the time of the next poll.
#[derive(Debug)]
pub struct PollScheduler {
    next: watch::Sender<Instant>,
}

impl PollScheduler {
    /// Starts with a poll at once. Stops with the actor's run.
    pub fn start<B: Behaviour>(context: &Context<B>, settings: &Settings) -> Self
    where
        B::Message: From<Tick>,
    {
        let (sender, mut next) = watch::channel(Instant::now());
        let (handle, mut settings) = (context.handle().clone(), settings.subscribe());
        context.spawn(async move {
            settings.mark_unchanged();
            loop {
                let at = *next.borrow_and_update();
                let tick = tokio::select! {
                    () = tokio::time::sleep_until(at) => Tick::Look,
                    // Another message made the actor poll, and rescheduled the next one.
                    changed = next.changed() => {
                        if changed.is_err() {
                            return;
                        }
                        continue;
                    }
                    changed = settings.changed() => {
                        if changed.is_err() {
                            return;
                        }
                        Tick::Renew
                    }
                };
                // After a tick the actor schedules the next one.
                if handle.tell(tick.into(), PATIENCE).await.is_err() || next.changed().await.is_err() {
                    return;
                }
            }
        });
        Self { next: sender }
    }

    /// Stops polling until the settings change.
    pub fn rest(&self) {
        self.after(PAUSE_MAX);
    }

    /// Schedules the next poll after a pause with a jitter of a tenth. Returns the time, for display.
    pub fn after(&self, pause: Duration) -> Timestamp {
        let pause = pause.min(PAUSE_MAX).mul_f64(rand::random_range(0.9..=1.1));
        self.next.send_replace(Instant::now() + pause);
        let signed = SignedDuration::try_from(pause).unwrap_or(SignedDuration::from_hours(1));
        Timestamp::now().saturating_add(signed).unwrap_or(Timestamp::MAX)
    }
}

/// Deadline, retries and breaker by these settings.
#[must_use]
pub fn policy(loaded: &Loaded) -> Policy {
    let each = Duration::from_secs(loaded.config.outside.timeout_seconds.get());
    Policy { each, total: each * 3, ..Policy::default() }
}

/// The pause after a failed poll: what the system asked for, or `usual`, or longer if only a person can fix
/// it.
#[must_use]
pub fn pause_after(error: &OutsideError, usual: Duration) -> Duration {
    if error.is_refused_key() { REFUSED } else { error.retry_after().unwrap_or(usual).max(usual) }
}

/// The state of a source whose poll failed.
#[must_use]
pub fn state_after(error: &OutsideError) -> SourceState {
    if error.is_refused_key() { SourceState::Unauthorized } else { SourceState::Failing }
}

/// Forwards a breaker's changes to the sources.
#[must_use]
pub fn breaker_listener(sources: &Sources) -> OnBreaker {
    let sources = sources.clone();
    Arc::new(move |system, state| sources.breaker(system, state.name(), "its last answers say so"))
}

/// What is wrong with the settings below this prefix, and the fix.
#[must_use]
pub fn wrong_settings(loaded: &Loaded, prefix: &str) -> Option<String> {
    let wrong = wrong_forms(&loaded.config).into_iter().find(|wrong| wrong.key.starts_with(prefix))?;
    Some(format!("{}: {}; {}", wrong.key, wrong.detail, wrong.fix))
}
