//! The system clock: detects that it was set, and for how long its time is in doubt afterwards.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::domain::calendar;
use crate::domain::clock::{Clocks, DOUBT, Jump, is_ahead};

/// Interval of the checks.
const EVERY: Duration = Duration::from_secs(1);

/// See the module; cheap to clone.
#[derive(Debug, Clone)]
pub struct Clock {
    known: Arc<Mutex<Known>>,
    /// The total by which the clock was set since the start.
    off: watch::Sender<SignedDuration>,
}

#[derive(Debug)]
struct Known {
    clocks: Clocks,
    in_doubt_until: Option<Instant>,
}

impl Default for Clock {
    fn default() -> Self {
        let clocks = Clocks::new(Timestamp::now(), steady());
        Self {
            known: Arc::new(Mutex::new(Known { clocks, in_doubt_until: None })),
            off: watch::Sender::new(SignedDuration::ZERO),
        }
    }
}

impl Clock {
    /// Subscribes to the total by which the clock was set since the start.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<SignedDuration> {
        self.off.subscribe()
    }

    /// How long its time is still in doubt; none if it is not. Checks the clock.
    #[must_use]
    pub fn doubt(&self) -> Option<Duration> {
        self.look();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let left = known.in_doubt_until?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Compares the clock with the steady one, and logs a jump.
    fn look(&self) {
        let jump = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(jump) = known.clocks.look(Timestamp::now(), steady()) else { return };
            known.in_doubt_until = (!jump.is_back()).then(|| Instant::now() + DOUBT);
            jump
        };
        tell(&jump);
        self.off.send_replace(jump.off);
    }

    /// Checks the clock for as long as the system runs.
    pub async fn watch(self) {
        loop {
            tokio::time::sleep(EVERY).await;
            self.look();
        }
    }
}

fn tell(jump: &Jump) {
    // Two reads of two clocks are some microseconds apart.
    let span = |of: SignedDuration| calendar::span(of.abs().saturating_add(SignedDuration::from_millis(500)));
    let (by, off) = (span(jump.by), span(jump.off));
    let way = if jump.by > SignedDuration::ZERO { "forward" } else { "back" };
    if jump.is_back() {
        tracing::warn!("the clock was set {way} by {by}, and is where it was: what was held is gone on with");
    } else {
        tracing::warn!(
            off_by = off,
            "the clock was set {way} by {by}: for five minutes no alert is raised and no datapoint written on its word; \
             if it is wrong now, set it right, and what was dated meanwhile keeps its date"
        );
    }
}

/// Logs a warning if the newest event is dated ahead of the clock.
pub fn check(newest: Timestamp, now: Timestamp) {
    if is_ahead(newest, now) {
        let ahead = calendar::span(newest.duration_since(now));
        tracing::warn!(
            %newest,
            "the log's newest event is dated {ahead} ahead of the clock: one of the two was wrong; set the clock if it is it, \
             else new events are recorded with that date until the clock has come there, and keep their own"
        );
    }
}

/// Time since the machine booted, including sleep.
#[cfg(target_os = "linux")]
fn steady() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Time since the process started.
#[cfg(not(target_os = "linux"))]
fn steady() -> Duration {
    use std::sync::OnceLock;
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    BEGUN.get_or_init(Instant::now).elapsed()
}
