//! The rhythm of an actor that looks at an outside system: it looks when it is due, and begins anew when the
//! settings change.

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

/// How long such an actor may wait to be taken up; its mailbox holds a handful.
const PATIENCE: Duration = Duration::from_mins(10);
/// A key that is refused is tried again this often: somebody may have mended it at the other side.
const REFUSED: Duration = Duration::from_hours(1);
/// No pause is longer, whatever a system asks for: a `Retry-After` may be any number.
const PAUSE_MAX: Duration = Duration::from_hours(24);

/// What such an actor is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    /// A look is due.
    Look,
    /// The settings have changed.
    Renew,
}

impl Tick {
    /// As it stands in spans.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Renew => "renew",
        }
    }
}

/// Says when the next look is due.
#[derive(Debug)]
pub struct PollScheduler {
    next: watch::Sender<Instant>,
}

impl PollScheduler {
    /// Starts with a look at once. It ends with the actor's run.
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
                    // Somebody else had it look, and now the next one is due at another moment.
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
                // After a look or a renewal the actor says when the next one is due.
                if handle.tell(tick.into(), PATIENCE).await.is_err() || next.changed().await.is_err() {
                    return;
                }
            }
        });
        Self { next: sender }
    }

    /// There is nothing to look at until the settings change.
    pub fn rest(&self) {
        self.after(PAUSE_MAX);
    }

    /// The next look is due after this pause, spread by a tenth. The moment, for showing it.
    pub fn after(&self, pause: Duration) -> Timestamp {
        let pause = pause.min(PAUSE_MAX).mul_f64(rand::random_range(0.9..=1.1));
        self.next.send_replace(Instant::now() + pause);
        let signed = SignedDuration::try_from(pause).unwrap_or(SignedDuration::from_hours(1));
        Timestamp::now().saturating_add(signed).unwrap_or(Timestamp::MAX)
    }
}

/// How a system is treated by these settings.
#[must_use]
pub fn policy(loaded: &Loaded) -> Policy {
    let each = Duration::from_secs(loaded.config.outside.timeout_seconds.get());
    Policy { each, total: each * 3, ..Policy::default() }
}

/// The pause after a look that failed: what the system asked for, or `usual`, or longer where only a person
/// can mend it.
#[must_use]
pub fn pause_after(error: &OutsideError, usual: Duration) -> Duration {
    if error.is_refused_key() { REFUSED } else { error.retry_after().unwrap_or(usual).max(usual) }
}

/// The state of a source whose look failed.
#[must_use]
pub fn state_after(error: &OutsideError) -> SourceState {
    if error.is_refused_key() { SourceState::Unauthorized } else { SourceState::Failing }
}

/// Tells the sources of a breaker's changes.
#[must_use]
pub fn breaker_listener(sources: &Sources) -> OnBreaker {
    let sources = sources.clone();
    Arc::new(move |system, state| sources.breaker(system, state.name(), "its last answers say so"))
}

/// What is wrong with the settings below this prefix, with the mend.
#[must_use]
pub fn wrong_settings(loaded: &Loaded, prefix: &str) -> Option<String> {
    let wrong = wrong_forms(&loaded.config).into_iter().find(|wrong| wrong.key.starts_with(prefix))?;
    Some(format!("{}: {}; {}", wrong.key, wrong.detail, wrong.fix))
}
