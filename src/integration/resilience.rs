//! Calls to outside systems, once for all of them: deadlines, retries, a breaker, limits.
//!
//! ```text
//! Ask ─▶ breaker ─▶ rate ─▶ a permit ─▶ try ─┬▶ 2xx, whole ─▶ Answer
//!           │open                    ▲       ├▶ may be tried again: wait ─┐
//!           ▼                        └───────┼────────────────────────────┘
//!      BreakerOpen                           └▶ OutsideError
//! ```
//!
//! - A request is tried again only where that is safe: nothing was sent (no connection), nothing was done
//!   (429), or doing it twice is doing it once ([`Repeat::Safe`]).
//! - `Retry-After` is obeyed up to [`Policy::wait_max`]; beyond, the caller is told and plans by it.
//! - The deadline covers all tries together. A body is never read beyond [`Policy::body_max`].
//! - Redirects are followed for reading, on the same origin only. The secret goes to no other host.
//! - Spans show the method, the host and the path's template: no query, no segment, no secret.
//!
//! The parts are others' (reqwest, governor for the rate, backon for the pauses); the composition and the
//! [`breaker`] are ours.

mod ask;
pub mod breaker;
mod error;
mod http;
mod meters;

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::BackoffBuilder;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::Url;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::Instrument;

use crate::config::secret::may_carry_secrets;
pub use ask::{Answer, Ask, Auth, Repeat};
use breaker::{Breaker, BreakerRule, BreakerState};
pub(crate) use error::EMAIL;
pub use error::{Body, Class, OutsideError};

/// How an outside system is treated.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// For making a connection.
    pub connect: Duration,
    /// For one try.
    pub each: Duration,
    /// For all tries together, the pauses included.
    pub total: Duration,
    /// How often something is tried at most.
    pub tries: usize,
    /// The first pause; each is twice the one before, with jitter.
    pub pause: Duration,
    /// No pause is longer, and no `Retry-After` is waited for that is.
    pub wait_max: Duration,
    /// Longer bodies are not read, in bytes.
    pub body_max: u64,
    /// How many requests are under way at once.
    pub at_once: usize,
    /// How many requests are sent in a second.
    pub per_second: NonZeroU32,
    /// See [`BreakerRule`].
    pub breaker: BreakerRule,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            each: Duration::from_secs(20),
            total: Duration::from_mins(1),
            tries: 4,
            pause: Duration::from_millis(200),
            wait_max: Duration::from_secs(20),
            body_max: 4 * 1024 * 1024,
            at_once: 4,
            per_second: NonZeroU32::new(5).unwrap_or(NonZeroU32::MIN),
            breaker: BreakerRule::default(),
        }
    }
}

/// Hears of a breaker's changes.
pub type OnBreaker = Arc<dyn Fn(&'static str, BreakerState) + Send + Sync>;

/// Reads a system's own code from a refusal, its status and its body, where that code says more than the
/// status does: the refusal is then [`OutsideError::Rejected`], also with 401, 403, 404 or 429.
pub type CodeOf = fn(u16, &[u8]) -> Option<u32>;

/// The code of a refusal that says that no credit is left ([`OutsideError::NoCredit`]); no system has it itself.
pub const NO_CREDIT: u32 = u32::MAX;

/// One outside system; cheap to clone.
#[derive(Clone)]
pub struct Outside(Arc<Inner>);

struct Inner {
    system: &'static str,
    /// What mends a refused key.
    fix: &'static str,
    base: Url,
    auth: Option<Auth>,
    policy: Policy,
    client: reqwest::Client,
    /// For what must not be sent twice, over no connection that was kept: on one that the other side has just
    /// closed, nobody can tell whether the request was taken.
    fresh: reqwest::Client,
    code: CodeOf,
    breaker: Mutex<Breaker>,
    permits: Semaphore,
    rate: DefaultDirectRateLimiter,
    on_breaker: OnBreaker,
}

impl std::fmt::Debug for Outside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outside").field("system", &self.0.system).finish_non_exhaustive()
    }
}

impl Outside {
    /// A system at `base`. `fix` is what mends a key that it refuses.
    ///
    /// # Errors
    /// [`OutsideError::Invalid`]: the machine offers no TLS, or `base` has none and is not of this machine.
    pub fn new(
        system: &'static str,
        fix: &'static str,
        base: &Url,
        auth: Option<Auth>,
        policy: Policy,
        on_breaker: OnBreaker,
    ) -> Result<Self, OutsideError> {
        Self::with_codes(system, fix, base, auth, policy, on_breaker, |_, _| None)
    }

    /// The same, for a system whose refusals have codes of its own.
    ///
    /// # Errors
    /// [`OutsideError::Invalid`]: the machine offers no TLS, or `base` has none and is not of this machine.
    pub fn with_codes(
        system: &'static str,
        fix: &'static str,
        base: &Url,
        auth: Option<Auth>,
        policy: Policy,
        on_breaker: OnBreaker,
        code: CodeOf,
    ) -> Result<Self, OutsideError> {
        // The one place through which every secret goes, and every private address.
        if base.scheme() == "http" && !may_carry_secrets(base) {
            let what = "its address is http:// and not of this machine, where others could read what is sent; use https://";
            return Err(OutsideError::Invalid { system, what });
        }
        let client = |kept: usize| {
            let mut builder = reqwest::Client::builder();
            if base.scheme() == "http" {
                // A proxy is another machine.
                builder = builder.no_proxy();
            }
            builder
                .connect_timeout(policy.connect)
                .redirect(reqwest::redirect::Policy::none())
                .user_agent(concat!("mecris/", env!("CARGO_PKG_VERSION")))
                .pool_max_idle_per_host(kept)
                .pool_idle_timeout(Duration::from_secs(30))
                .build()
                .map_err(|_| OutsideError::Invalid { system, what: "no HTTP client can be made here" })
        };
        meters::breaker(system, BreakerState::Closed);
        Ok(Self(Arc::new(Inner {
            system,
            fix,
            base: base.clone(),
            auth,
            policy,
            client: client(policy.at_once)?,
            fresh: client(0)?,
            code,
            breaker: Mutex::new(Breaker::new(policy.breaker, Instant::now())),
            permits: Semaphore::new(policy.at_once),
            rate: RateLimiter::direct(Quota::per_second(policy.per_second)),
            on_breaker,
        })))
    }

    /// What its breaker does.
    #[must_use]
    pub fn breaker(&self) -> BreakerState {
        self.0.breaker.lock().unwrap_or_else(PoisonError::into_inner).state()
    }

    /// Asks.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn ask(&self, ask: &Ask) -> Result<Answer, OutsideError> {
        self.ask_for(ask, |answer| Ok(answer.clone())).await
    }

    /// Asks, and reads the answer. That an answer makes no sense counts as a failure of the system.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn ask_for<T>(
        &self,
        ask: &Ask,
        read: impl Fn(&Answer) -> Result<T, OutsideError>,
    ) -> Result<T, OutsideError> {
        let read = &read;
        self.attempts(ask.repeat, |deadline, resent| async move {
            self.one_try(ask, deadline, resent).await.and_then(|answer| read(&answer))
        })
        .await
    }

    /// Does something that is not HTTP, under the same rules: `work` is one try of it, `what` names it in spans.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn attempt<T, F: Future<Output = Result<T, OutsideError>>>(
        &self,
        what: &'static str,
        repeat: Repeat,
        work: impl Fn() -> F,
    ) -> Result<T, OutsideError> {
        let work = &work;
        self.attempts(repeat, |deadline, resent| {
            let span = tracing::info_span!(
                "outside",
                otel.name = what,
                otel.kind = "client",
                otel.status_code = tracing::field::Empty,
                error.r#type = tracing::field::Empty,
                server.address = self.0.base.host_str().unwrap_or_default(),
                mecris.outside.system = self.0.system,
                mecris.outside.resend_count = resent,
                mecris.breaker.state = self.breaker().name(),
            );
            async move {
                let (outcome, took) = self.gated(deadline, span, work()).await;
                if let Some(took) = took {
                    meters::attempted(self.0.system, what, outcome.as_ref().err(), took);
                }
                outcome
            }
        })
        .await
    }

    async fn attempts<T, F: Future<Output = Result<T, OutsideError>>>(
        &self,
        repeat: Repeat,
        one: impl Fn(Instant, u32) -> F,
    ) -> Result<T, OutsideError> {
        let inner = &*self.0;
        let deadline = Instant::now() + inner.policy.total;
        let mut pauses = backon::ExponentialBuilder::default()
            .with_min_delay(inner.policy.pause)
            .with_max_delay(inner.policy.wait_max)
            .with_max_times(inner.policy.tries.saturating_sub(1))
            .with_jitter()
            .build();
        let mut resent = 0_u32;
        loop {
            self.admit()?;
            let outcome = one(deadline, resent).await;
            self.report(outcome.as_ref().err());
            let error = match outcome {
                Ok(read) => return Ok(read),
                Err(error) => error,
            };
            if !may_try_again(&error, repeat) {
                return Err(error);
            }
            let Some(pause) = pauses.next() else { return Err(error) };
            let wait = error.retry_after().unwrap_or(pause);
            if wait > inner.policy.wait_max || Instant::now() + wait >= deadline {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            resent += 1;
        }
    }

    fn admit(&self) -> Result<(), OutsideError> {
        let now = Instant::now();
        let (before, admitted, after) = {
            let mut breaker = self.0.breaker.lock().unwrap_or_else(PoisonError::into_inner);
            (breaker.state(), breaker.admit(now), breaker.state())
        };
        self.tell(before, after);
        admitted.map_err(|until| OutsideError::BreakerOpen {
            system: self.0.system,
            retry_in: until.saturating_duration_since(now),
        })
    }

    fn report(&self, error: Option<&OutsideError>) {
        let (before, after) = {
            let mut breaker = self.0.breaker.lock().unwrap_or_else(PoisonError::into_inner);
            let before = breaker.state();
            match error {
                Some(error) if error.is_failure_of_the_system() => breaker.failed(Instant::now()),
                // What was never sent says nothing of the system.
                Some(OutsideError::Busy { .. } | OutsideError::Invalid { .. }) => {
                    breaker.abandoned(Instant::now());
                }
                _ => breaker.succeeded(),
            }
            (before, breaker.state())
        };
        self.tell(before, after);
    }

    fn tell(&self, before: BreakerState, after: BreakerState) {
        if before != after {
            meters::breaker(self.0.system, after);
            (self.0.on_breaker)(self.0.system, after);
        }
    }

    async fn one_try(&self, ask: &Ask, deadline: Instant, resent: u32) -> Result<Answer, OutsideError> {
        let inner = &*self.0;
        let span = tracing::info_span!(
            "outside",
            otel.name = ask.method.as_str(),
            otel.kind = "client",
            otel.status_code = tracing::field::Empty,
            http.request.method = ask.method.as_str(),
            http.request.resend_count = resent,
            http.response.status_code = tracing::field::Empty,
            error.r#type = tracing::field::Empty,
            server.address = inner.base.host_str().unwrap_or_default(),
            url.template = ask.template,
            mecris.outside.system = inner.system,
            mecris.breaker.state = self.breaker().name(),
        );
        let (outcome, took) = self.gated(deadline, span.clone(), self.exchange(ask)).await;
        if let Some(took) = took {
            let host = inner.base.host_str().unwrap_or_default();
            let outcome = outcome.as_ref().map(|answer| answer.status);
            meters::requested(inner.system, host, ask, outcome, took);
        }
        if let Ok(answer) = &outcome {
            span.record("http.response.status_code", answer.status);
        }
        outcome
    }

    /// Waits for its turn, and gives the work as much time as one try may have. With what came of it: how long the
    /// work took, where it was begun.
    async fn gated<T>(
        &self,
        deadline: Instant,
        span: tracing::Span,
        work: impl Future<Output = Result<T, OutsideError>>,
    ) -> (Result<T, OutsideError>, Option<Duration>) {
        let inner = &*self.0;
        let waited = tokio::time::timeout_at(deadline, async {
            inner.rate.until_ready().await;
            inner.permits.acquire().await
        });
        // The semaphore is never closed; what can happen is that the deadline passes.
        let Ok(Ok(_permit)) = waited.await else {
            return (Err(OutsideError::Busy { system: inner.system }), None);
        };
        let begun = Instant::now();
        let limit = deadline.min(begun + inner.policy.each);
        let timed = async {
            match tokio::time::timeout_at(limit, work).await {
                Ok(outcome) => outcome,
                Err(_) => Err(OutsideError::Unanswered { system: inner.system, reason: "timeout" }),
            }
        };
        let outcome = timed.instrument(span.clone()).await;
        if let Err(error) = &outcome {
            span.record("otel.status_code", "ERROR");
            span.record("error.type", error.kind());
        }
        (outcome, Some(begun.elapsed()))
    }
}

fn may_try_again(error: &OutsideError, repeat: Repeat) -> bool {
    match error {
        // Nothing was sent, or it was refused before anything was done.
        OutsideError::Unreachable { .. } | OutsideError::RateLimited { .. } => true,
        OutsideError::Unanswered { .. } | OutsideError::Unavailable { .. } => repeat == Repeat::Safe,
        _ => false,
    }
}
