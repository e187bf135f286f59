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

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::BackoffBuilder;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use reqwest::{StatusCode, Url};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::Instrument;

pub use ask::{Answer, Ask, Auth, Repeat};
use breaker::{Breaker, BreakerRule, BreakerState};
pub use error::{Body, OutsideError};

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

/// How many redirects are followed.
const REDIRECTS: usize = 3;

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
    /// [`OutsideError::Invalid`]: the machine offers no TLS.
    pub fn new(
        system: &'static str,
        fix: &'static str,
        base: &Url,
        auth: Option<Auth>,
        policy: Policy,
        on_breaker: OnBreaker,
    ) -> Result<Self, OutsideError> {
        let client = reqwest::Client::builder()
            .connect_timeout(policy.connect)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("mecris/", env!("CARGO_PKG_VERSION")))
            .pool_max_idle_per_host(policy.at_once)
            .pool_idle_timeout(Duration::from_secs(30))
            .build()
            .map_err(|_| OutsideError::Invalid { system, what: "no HTTP client can be made here" })?;
        Ok(Self(Arc::new(Inner {
            system,
            fix,
            base: base.clone(),
            auth,
            policy,
            client,
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
            let outcome = self.one_try(ask, deadline, resent).await.and_then(|answer| read(&answer));
            self.report(outcome.as_ref().err());
            let error = match outcome {
                Ok(read) => return Ok(read),
                Err(error) => error,
            };
            if !may_try_again(&error, ask.repeat) {
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
            (self.0.on_breaker)(self.0.system, after);
        }
    }

    async fn one_try(&self, ask: &Ask, deadline: Instant, resent: u32) -> Result<Answer, OutsideError> {
        let inner = &*self.0;
        let waited = tokio::time::timeout_at(deadline, async {
            inner.rate.until_ready().await;
            inner.permits.acquire().await
        });
        // The semaphore is never closed; what can happen is that the deadline passes.
        let Ok(Ok(_permit)) = waited.await else {
            return Err(OutsideError::Busy { system: inner.system });
        };
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
        let limit = deadline.min(Instant::now() + inner.policy.each);
        let exchange = async {
            match tokio::time::timeout_at(limit, self.exchange(ask)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(OutsideError::Unanswered { system: inner.system, reason: "timeout" }),
            }
        };
        let outcome = exchange.instrument(span.clone()).await;
        match &outcome {
            Ok(answer) => {
                span.record("http.response.status_code", answer.status);
            }
            Err(error) => {
                span.record("otel.status_code", "ERROR");
                span.record("error.type", error.kind());
            }
        }
        outcome
    }

    /// Sends, follows redirects, and reads the answer.
    async fn exchange(&self, ask: &Ask) -> Result<Answer, OutsideError> {
        let inner = &*self.0;
        let system = inner.system;
        let mut url = ask
            .url(&inner.base, inner.auth.as_ref())
            .ok_or(OutsideError::Invalid { system, what: "its address is not one" })?;
        let mut redirects = 0;
        let response = loop {
            let request = inner.client.request(ask.method.clone(), url.clone());
            let sent = ask.dress(request, inner.auth.as_ref()).send().await;
            let response = sent.map_err(|error| transport(system, &error))?;
            if !response.status().is_redirection() {
                break response;
            }
            // 301 and 302 would turn a write into a read, and lose it.
            let refused = OutsideError::RedirectRefused { system };
            let location = response.headers().get(reqwest::header::LOCATION);
            let target = location.and_then(|text| text.to_str().ok()).and_then(|text| url.join(text).ok());
            redirects += 1;
            match target {
                Some(target)
                    if ask.method == reqwest::Method::GET
                        && target.origin() == inner.base.origin()
                        && redirects <= REDIRECTS =>
                {
                    url = target;
                }
                _ => return Err(refused),
            }
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.read(response).await;
        let at = Timestamp::now();
        if status.is_success() {
            return Ok(Answer { system, status: status.as_u16(), headers, body: body?, at });
        }
        Err(self.refusal(status, ask::retry_after(&headers, at), body.unwrap_or_default()))
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Vec<u8>, OutsideError> {
        let (system, limit) = (self.0.system, self.0.policy.body_max);
        let too_large = OutsideError::TooLarge { system, limit };
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(too_large);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| transport(system, &error))? {
            if (body.len() + chunk.len()) as u64 > limit {
                return Err(too_large);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn refusal(&self, status: StatusCode, retry_after: Option<Duration>, body: Vec<u8>) -> OutsideError {
        let system = self.0.system;
        match status.as_u16() {
            401 | 403 => OutsideError::Unauthorized { system, status: status.as_u16(), fix: self.0.fix },
            404 => OutsideError::NotFound { system },
            429 => OutsideError::RateLimited { system, retry_after },
            status @ 500.. => OutsideError::Unavailable { system, status, retry_after },
            status => OutsideError::Rejected { system, status, code: None, body: Body(body) },
        }
    }
}

/// What reqwest says, without the address: a secret may be in it.
fn transport(system: &'static str, error: &reqwest::Error) -> OutsideError {
    if error.is_builder() {
        OutsideError::Invalid { system, what: "a value has characters that HTTP does not allow" }
    } else if error.is_connect() {
        OutsideError::Unreachable { system, reason: "no connection" }
    } else if error.is_timeout() {
        OutsideError::Unanswered { system, reason: "timeout" }
    } else {
        OutsideError::Unanswered { system, reason: "the connection ended" }
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
