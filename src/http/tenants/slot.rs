//! One tenant of the program: at work, asleep, or failed.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::config::{ConfigError, Source};
use crate::domain::access::register::Register;
use crate::domain::tenant::TenantName;
use crate::service::access::kept::{KeptTokenError, KeptTokens};
use crate::service::runtime::node::StartError;
use crate::service::runtime::place::Place;
use crate::service::runtime::settings::Settings;
use crate::service::system::tenant::{Opened, Working, works_unasked};
use crate::service::system::tenants::TenantState;
use crate::service::system::tree::Supervised;
use crate::view::shared::Shared;

use super::super::guard::{Guard, Token};
use super::{Faces, Tenants};

/// A tenant that failed is started again after so long at the earliest.
const AGAIN: Duration = Duration::from_secs(10);
/// How long those who ask are waited for before the tenant sleeps.
const LEAVING: Duration = Duration::from_secs(10);

/// Why a tenant does not work.
#[derive(Debug, thiserror::Error)]
pub(super) enum WakeError {
    /// Its settings.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// Its log, or its directory.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Its tokens.
    #[error(transparent)]
    Tokens(#[from] KeptTokenError),
    /// Its metrics.
    #[error("what is measured cannot be told: {0}")]
    Metrics(String),
    /// It failed a moment ago.
    #[error("it failed a moment ago ({0}); it is tried again soon")]
    Before(String),
    /// It was removed, or the program ends.
    #[error("it has ended")]
    Gone,
}

/// What a visitor holds: the tenant does not sleep before it is dropped.
pub(super) struct Visit {
    pub faces: Faces,
    _within: Arc<()>,
}

/// What is there for whoever asks, and how many ask.
struct Open {
    faces: Faces,
    system: Arc<Supervised>,
    within: Arc<()>,
}

enum State {
    Asleep,
    Working(Box<Working>),
    Failed { reason: String, at: Instant },
    Gone,
}

/// See the module.
pub(super) struct Slot {
    pub name: TenantName,
    state: tokio::sync::Mutex<State>,
    /// What is there for whoever asks.
    open: RwLock<Option<Open>>,
    /// Whose tokens are good: while it sleeps, as they were when it went to sleep.
    guard: RwLock<Option<Guard>>,
    used: Mutex<Instant>,
}

impl Slot {
    pub fn new(name: TenantName) -> Self {
        Self {
            name,
            state: tokio::sync::Mutex::new(State::Asleep),
            open: RwLock::default(),
            guard: RwLock::default(),
            used: Mutex::new(Instant::now()),
        }
    }

    /// Whether a token is one of its own.
    pub fn knows(&self, token: &Token) -> bool {
        let guard = self.guard.read().unwrap_or_else(PoisonError::into_inner);
        guard.as_ref().is_some_and(|guard| guard.holder(token).is_some())
    }

    pub fn is_awake(&self) -> bool {
        self.open.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// How it stands.
    pub fn state(&self) -> (TenantState, Option<String>) {
        if self.is_awake() {
            return (TenantState::Working, None);
        }
        match self.state.try_lock().as_deref() {
            Ok(State::Failed { reason, .. }) => (TenantState::Failed, Some(reason.clone())),
            Ok(State::Asleep) => (TenantState::Asleep, None),
            // Somebody starts or stops it just now.
            _ => (TenantState::Starting, None),
        }
    }

    /// Its faces, for one request; it is woken where it sleeps.
    pub async fn visit(self: &Arc<Self>, tenants: &Tenants) -> Result<Visit, WakeError> {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        if let Some(visit) = self.enter() {
            return Ok(visit);
        }
        self.wake(tenants).await?;
        self.enter().ok_or(WakeError::Gone)
    }

    fn enter(&self) -> Option<Visit> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().map(|open| Visit { faces: open.faces.clone(), _within: open.within.clone() })
    }

    /// Its system, while it works.
    pub fn system(&self) -> Option<Arc<Supervised>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().map(|open| open.system.clone())
    }

    /// Takes in what works already. Nobody asks yet.
    pub async fn take_in(&self, working: Working, guard: Guard, faces: Faces) {
        self.open_up(&working, guard, faces);
        *self.state.lock().await = State::Working(Box::new(working));
    }

    fn open_up(&self, working: &Working, guard: Guard, faces: Faces) {
        *self.guard.write().unwrap_or_else(PoisonError::into_inner) = Some(guard);
        let open = Open { faces, system: working.system.clone(), within: Arc::default() };
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = Some(open);
    }

    /// Starts it, where it does not work already. What is begun is finished, also where whoever asked has gone away.
    pub async fn wake(self: &Arc<Self>, tenants: &Tenants) -> Result<(), WakeError> {
        let (slot, tenants) = (self.clone(), tenants.clone());
        tokio::spawn(async move { slot.wake_up(&tenants).await }).await.unwrap_or(Err(WakeError::Gone))
    }

    async fn wake_up(&self, tenants: &Tenants) -> Result<(), WakeError> {
        let mut state = self.state.lock().await;
        match &*state {
            State::Working(_) if self.is_awake() => return Ok(()),
            State::Working(_) | State::Gone => return Err(WakeError::Gone),
            State::Failed { reason, at } if at.elapsed() < AGAIN => {
                return Err(WakeError::Before(reason.clone()));
            }
            State::Failed { .. } | State::Asleep => {}
        }
        match self.start(tenants).await {
            Ok(working) => {
                *state = State::Working(Box::new(working));
                Ok(())
            }
            Err(error) => {
                *state = State::Failed { reason: error.to_string(), at: Instant::now() };
                Err(error)
            }
        }
    }

    async fn start(&self, tenants: &Tenants) -> Result<Working, WakeError> {
        let program = &tenants.0.program;
        let place = Place::of(&program.root, self.name.clone());
        let clock = program.clock.clone();
        let open = move || {
            let source = Source::of(None, &place.root, &place.tenant);
            let settings = Settings::load_from(source)?.with_clock(clock);
            let opened = Opened::open(&place, settings, |_| {})?;
            let tokens = KeptTokens::of(&place.dir)?;
            Ok::<_, WakeError>((opened, tokens))
        };
        let opened = tokio::task::spawn_blocking(open).await;
        let (opened, tokens) = opened.map_err(|_| StartError::CutShort)??;
        let working = opened.work((program.screen)(&self.name), &program.thread).await?;
        let (guard, faces, _) = tenants.faces(&working, &tokens).map_err(WakeError::Metrics)?;
        self.open_up(&working, guard, faces);
        // What has come while it slept, and what has a price now.
        let system = working.system.clone();
        tokio::spawn(async move {
            if system.queries.settings.current().config.transcripts.enabled {
                let _ = system.import().await;
            }
            let _ = system.reprice_what_lacks().await;
        });
        Ok(working)
    }

    /// Puts it to sleep where nobody has asked for so long and nothing is done unasked; and notes where its tree has given up.
    pub async fn rest(&self, idle: Duration) {
        if self.name.is_local() {
            return;
        }
        let mut state = self.state.lock().await;
        let State::Working(working) = &*state else { return };
        let ended = working.ended.borrow().clone();
        let is_idle = self.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed() >= idle;
        if let Some(reason) = ended {
            tracing::error!(tenant = %self.name, %reason, "a tenant's supervisor gave up; it is started again when somebody asks");
            self.close(&mut state, LEAVING).await;
            *state = State::Failed { reason: reason.to_string(), at: Instant::now() };
        } else if is_idle && !works_unasked(&working.node.settings.current().config) {
            self.close(&mut state, LEAVING).await;
            tracing::info!(tenant = %self.name, "nobody asks: the tenant sleeps");
        }
    }

    /// Stops its actors; its log stays open for those who still ask.
    pub async fn stop_actors(&self) {
        if let State::Working(working) = &*self.state.lock().await {
            working.stop().await;
        }
    }

    /// Stops it for good. Who still asks is waited for no longer than `leaving`.
    pub async fn stop(&self, leaving: Duration) {
        let mut state = self.state.lock().await;
        self.close(&mut state, leaving).await;
        *state = State::Gone;
        *self.guard.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Lets nobody in any more, waits for those who are, and stops. Afterwards it is asleep.
    async fn close(&self, state: &mut State, leaving: Duration) {
        let State::Working(working) = std::mem::replace(state, State::Asleep) else { return };
        let open = self.open.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Open { within, .. }) = open {
            let begun = Instant::now();
            while Arc::strong_count(&within) > 1 && begun.elapsed() < leaving {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        let register = working.system.queries.with_view(|view| view.tokens.clone());
        self.remember(register);
        working.stop().await;
        working.close().await;
    }

    /// Whose tokens are good while it sleeps.
    fn remember(&self, register: Shared<Register>) {
        let mut guard = self.guard.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(awake) = guard.take() {
            let known = move |hash: &blake3::Hash| register.principal(hash.as_bytes(), Timestamp::now());
            *guard = Some(awake.knowing(Arc::new(known)));
        }
    }
}
