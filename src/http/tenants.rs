//! The tenants of a running program, and whose each request is.
//!
//! ```text
//! request ─▶ whose? ─┬─ its token is a tenant's              ─▶ that tenant's router, behind its own guard
//!                    ├─ the socket, `mecris-tenant: NAME`    ─▶ that tenant's
//!                    ├─ /t/NAME/webhooks/…                   ─▶ that tenant's, without the prefix
//!                    └─ else                                 ─▶ local's, which refuses what it does not know
//! ```
//!
//! A tenant has a router of its own, made over its own system, so that no handler knows of tenants and none can ask
//! another's. Tenants are started one after the other when the program starts; one that has nothing to do unasked
//! ([`works_unasked`]) sleeps when nobody has asked for a while: its actors stop and its log is closed until somebody asks.

pub mod keep;
mod slot;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;
use tower::ServiceExt;

use crate::actor::Shutdown;
use crate::domain::tenant::{HEADER, NoTenant, TenantName};
use crate::service::access::kept::KeptTokens;
use crate::service::runtime::clock::Clock;
use crate::service::runtime::place;
use crate::service::system::tenant::{ActorThread, Working};
use crate::service::system::tree::{Supervised, UiCallbacks};
use crate::telemetry::metrics::Metrics;

use super::guard::{Guard, Hosts, Token};
use super::peer::Peer;
use super::problem::Problem;
use super::refusals::Refusals;
use super::{App, otlp, router};

use slot::Slot;

/// What stands before a tenant's name in the address of its webhooks.
const PREFIX: &str = "/t/";
/// Paths that a prefix leads to: those who call them have no token, and sign what they send.
const SIGNED: &str = "/webhooks/";
/// How often it is looked at who has not been asked.
const SWEEP: Duration = Duration::from_secs(30);

/// The MCP routes over a tenant's system, which end when the tenant is asked to stop.
pub type Beside = Arc<dyn Fn(Arc<Supervised>, Shutdown) -> Router + Send + Sync>;

/// What is the program's, and the same for all tenants.
#[derive(Clone)]
pub struct Program {
    /// The data directory.
    pub root: PathBuf,
    /// The program's clock.
    pub clock: Clock,
    /// Where actors live.
    pub thread: ActorThread,
    /// How others call this machine.
    pub hosts: Hosts,
    /// What is measured of the program and of `local`.
    pub metrics: Metrics,
    /// What a tenant shows on the program's screen.
    pub screen: Arc<dyn Fn(&TenantName) -> UiCallbacks + Send + Sync>,
    /// The routes of other faces.
    pub beside: Beside,
    /// How long a tenant that nobody asks stays awake.
    pub idle: Duration,
    /// Ends everything.
    pub ending: Shutdown,
}

/// The faces of a tenant at work; cheap to clone.
#[derive(Clone)]
pub(super) struct Faces {
    api: Router,
    otlp: Router,
    grpc: Router,
}

/// Which of a tenant's faces an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The API, with all that is beside it.
    Api,
    /// OTLP over HTTP alone.
    Otlp,
    /// OTLP over gRPC.
    Grpc,
}

impl Faces {
    fn at(self, door: Door) -> Router {
        match door {
            Door::Api => self.api,
            Door::Otlp => self.otlp,
            Door::Grpc => self.grpc,
        }
    }
}

struct Inner {
    program: Program,
    slots: RwLock<BTreeMap<TenantName, Arc<Slot>>>,
    /// Whether each tenant has been started once: before that, not all tokens are known.
    all_known: watch::Sender<bool>,
}

/// See the module; cheap to clone.
#[derive(Clone)]
pub struct Tenants(Arc<Inner>);

impl Tenants {
    /// With the tenant `local` at work.
    #[must_use]
    pub fn new(program: Program) -> Self {
        let (slots, all_known) = (RwLock::default(), watch::Sender::new(false));
        Self(Arc::new(Inner { program, slots, all_known }))
    }

    fn slot(&self, name: &TenantName) -> Option<Arc<Slot>> {
        self.0.slots.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn slots(&self) -> Vec<Arc<Slot>> {
        self.0.slots.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn root(&self) -> PathBuf {
        self.0.program.root.clone()
    }

    /// Takes a tenant out: nobody finds it any more.
    fn take_out(&self, name: &TenantName) -> Option<Arc<Slot>> {
        self.0.slots.write().unwrap_or_else(PoisonError::into_inner).remove(name)
    }

    fn put(&self, slot: Slot) -> Arc<Slot> {
        let slot = Arc::new(slot);
        let mut slots = self.0.slots.write().unwrap_or_else(PoisonError::into_inner);
        slots.entry(slot.name.clone()).or_insert(slot).clone()
    }

    /// The faces of a tenant that works, and what is refused at its doors, which it is told of until it ends.
    pub(super) fn faces(
        &self,
        working: &Working,
        tokens: &KeptTokens,
    ) -> Result<(Guard, Faces, Refusals), String> {
        let program = &self.0.program;
        let is_local = working.is_local();
        let metrics = if is_local { program.metrics.clone() } else { program.metrics.apart()? };
        crate::service::metrics::observe(working.system.clone(), &metrics.meter());
        let known = working.system.clone();
        let known = Arc::new(move |hash: &blake3::Hash| {
            known.queries.holder(hash.as_bytes(), jiff::Timestamp::now())
        });
        let guard = program.hosts.guard(tokens, known);
        if is_local {
            working.system.keep_tenants(Arc::new(self.clone()));
        }
        let (refusals, ending) = (Refusals::default(), working.shutdown.clone());
        tokio::spawn(refusals.clone().tell(working.notes.clone(), async move { ending.requested().await }));
        let app = App { system: working.system.clone(), metrics };
        let beside = (program.beside)(working.system.clone(), working.shutdown.clone());
        let faces = Faces {
            api: router(&app, &guard, refusals.clone(), beside),
            otlp: otlp::router(app.clone(), guard.clone(), refusals.clone()),
            grpc: otlp::grpc::router(app, guard.clone(), refusals.clone()),
        };
        Ok((guard, faces, refusals))
    }

    /// Takes in the tenant `local`, which works already: what is refused at its doors. Called once, before anybody asks.
    ///
    /// # Errors
    /// What cannot be measured.
    pub async fn begin(&self, working: Working, tokens: &KeptTokens) -> Result<Refusals, String> {
        let slot = self.put(Slot::new(TenantName::local()));
        let (guard, faces, refusals) = self.faces(&working, tokens)?;
        slot.take_in(working, guard, faces).await;
        Ok(refusals)
    }

    /// Starts the other tenants one after the other, then sends to sleep those whom nobody asks, until the program ends. What
    /// cannot be started stops nothing else, and is tried again when somebody asks for it.
    pub async fn keep(self) {
        let root = self.0.program.root.clone();
        let names = tokio::task::spawn_blocking(move || place::tenants(&root)).await.unwrap_or_default();
        for name in names.into_iter().filter(|name| !name.is_local()) {
            let slot = self.put(Slot::new(name));
            if let Err(error) = slot.wake(&self).await {
                tracing::error!(tenant = %slot.name, %error, "a tenant cannot be started");
            }
        }
        self.0.all_known.send_replace(true);
        loop {
            tokio::select! {
                () = tokio::time::sleep(SWEEP.min(self.0.program.idle)) => {}
                () = self.0.program.ending.requested() => return,
            }
            for slot in self.slots() {
                slot.rest(self.0.program.idle).await;
            }
        }
    }

    /// The systems of the tenants that work.
    #[must_use]
    pub fn working(&self) -> Vec<(TenantName, Arc<Supervised>)> {
        self.slots().iter().filter_map(|slot| Some((slot.name.clone(), slot.system()?))).collect()
    }

    /// Stops the actors of all tenants at the same time.
    pub async fn stop_actors(&self) {
        let mut stopping = tokio::task::JoinSet::new();
        for slot in self.slots() {
            stopping.spawn(async move { slot.stop_actors().await });
        }
        stopping.join_all().await;
    }

    /// Closes all logs. The actors are gone.
    pub async fn close(&self) {
        let mut closing = tokio::task::JoinSet::new();
        for slot in self.slots() {
            closing.spawn(async move { slot.stop(Duration::ZERO).await });
        }
        closing.join_all().await;
    }

    /// What answers requests that come by a door.
    pub fn router(&self, door: Door) -> Router {
        Router::new().fallback(dispatch).with_state((self.clone(), door))
    }

    /// Whose a token is, as far as it is known.
    fn knowing(&self, token: &Token) -> Option<Arc<Slot>> {
        let slots = self.0.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.values().find(|slot| slot.knows(token)).cloned()
    }

    /// Whose token a request bears.
    async fn of_token(&self, headers: &HeaderMap) -> Option<Arc<Slot>> {
        let token = Token::of(headers)?;
        let found = self.knowing(&token);
        if found.is_some() || *self.0.all_known.borrow() {
            return found;
        }
        // The program has just started, and not every tenant has said whom it knows.
        let mut known = self.0.all_known.subscribe();
        let waited = tokio::time::timeout(Duration::from_secs(5), known.wait_for(|all| *all)).await;
        waited.is_ok().then(|| self.knowing(&token)).flatten()
    }

    /// Whose a request is; a prefix of its address that says so is taken off.
    async fn whose(&self, request: &mut Request) -> Result<Option<Arc<Slot>>, Box<Response>> {
        let unknown = |name: TenantName| Box::new(Problem::from(NoTenant(name)).into_response());
        if let Some((name, path)) = prefixed(request.uri()) {
            // Whoever has no token wakes nobody: who is told by webhooks works unasked.
            let slot = self.slot(&name).filter(|slot| slot.is_awake()).ok_or_else(|| unknown(name))?;
            *request.uri_mut() = path;
            return Ok(Some(slot));
        }
        if Guard::has_token(request.headers()) {
            return Ok(self.of_token(request.headers()).await);
        }
        let is_own = Peer::of(request.extensions()).is_some_and(Peer::is_own);
        let Some(named) = request.headers().get(HEADER).filter(|_| is_own) else { return Ok(None) };
        let name = TenantName::parse(named.to_str().unwrap_or_default());
        let name = name.map_err(|error| Box::new(Problem::from(error).into_response()))?;
        self.slot(&name).map(Some).ok_or_else(|| unknown(name))
    }
}

/// The tenant that an address names, and what it is without that.
fn prefixed(uri: &Uri) -> Option<(TenantName, Uri)> {
    let (name, _) = uri.path().strip_prefix(PREFIX)?.split_once('/')?;
    let name = TenantName::parse(name).ok()?;
    let whole = uri.path_and_query()?.as_str();
    let path = &whole[PREFIX.len() + name.as_str().len()..];
    let path = path.starts_with(SIGNED).then(|| path.parse().ok())?;
    Some((name, path?))
}

async fn dispatch(State((tenants, door)): State<(Tenants, Door)>, mut request: Request) -> Response {
    let slot = match tenants.whose(&mut request).await {
        Ok(slot) => slot.or_else(|| tenants.slot(&TenantName::local())),
        Err(refused) => return *refused,
    };
    let Some(slot) = slot else {
        return Problem::unavailable("the program is starting or ending").into_response();
    };
    match slot.visit(&tenants).await {
        Ok(visit) => {
            let router = visit.faces.clone().at(door);
            let answer = router.oneshot(request).await;
            drop(visit);
            answer.unwrap_or_else(|never| match never {})
        }
        Err(error) => Problem::unavailable(error.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_tenant_for_its_webhooks_alone() {
        let of = |uri: &str| {
            prefixed(&uri.parse().unwrap()).map(|(name, path)| (name.to_string(), path.to_string()))
        };
        let found = of("/t/acme/webhooks/twilio/status?a=b").unwrap();
        assert_eq!(found, ("acme".to_owned(), "/webhooks/twilio/status?a=b".to_owned()));
        for other in [
            "/t/acme/api/v1/status",
            "/t/acme",
            "/t/",
            "/t/../webhooks/x",
            "/t/A/webhooks/x",
            "/webhooks/x",
            "/t//webhooks/x",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
