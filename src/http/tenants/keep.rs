//! Keeping the tenants of the running program, and the handlers about it.

#![allow(clippy::missing_errors_doc)]

use std::time::Duration;

use axum::extract::State;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::domain::tenant::TenantName;
use crate::service::aggregate::caller;
use crate::service::endpoints::Endpoint;
use crate::service::endpoints::tenants::{AddTenant, ListTenants, RemoveTenant};
use crate::service::runtime::forms;
use crate::service::system::tenants::{self, Keeper, TenantError, TenantRemoved, TenantState, TenantsShown};
use crate::view::CutShort;

use super::super::App;
use super::super::api::{Answer, answer};
use super::super::problem::{Problem, Segment};
use super::{Slot, Tenants};

/// How long those who still ask a tenant are waited for before it is taken away.
const LEAVING: Duration = Duration::from_secs(5);

impl Tenants {
    fn shown(&self) -> TenantsShown {
        // A directory that was made by hand is taken in by the next start.
        let state =
            |name: &TenantName| self.slot(name).map_or((TenantState::Stopped, None), |slot| slot.state());
        tenants::shown(&self.root(), state)
    }

    async fn take_in(&self, name: TenantName) -> Result<(), TenantError> {
        let (root, added) = (self.root(), name.clone());
        caller::blocking(move || tenants::add(&root, &added)).await??;
        let slot = self.put(Slot::new(name));
        slot.wake(self).await.map_err(|error| TenantError::NotStarted(error.to_string()))
    }

    async fn take_away(&self, name: TenantName) -> Result<TenantRemoved, TenantError> {
        if let Some(slot) = self.take_out(&name) {
            slot.stop(LEAVING).await;
        }
        let root = self.root();
        caller::blocking(move || tenants::remove(&root, &name, Timestamp::now())).await?
    }
}

/// Has something done to its end, also where whoever asked has gone away.
fn finished<T, F>(
    kept: Tenants,
    work: impl FnOnce(Tenants) -> F,
) -> BoxFuture<'static, Result<T, TenantError>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, TenantError>> + Send + 'static,
{
    let done = tokio::spawn(work(kept));
    async move { done.await.unwrap_or(Err(CutShort.into())) }.boxed()
}

impl Keeper for Tenants {
    fn list(&self) -> BoxFuture<'_, TenantsShown> {
        let kept = self.clone();
        async move { caller::blocking(move || kept.shown()).await.unwrap_or_default() }.boxed()
    }

    fn add(&self, name: TenantName) -> BoxFuture<'_, Result<(), TenantError>> {
        finished(self.clone(), |kept| async move { kept.take_in(name).await })
    }

    fn remove(&self, name: TenantName) -> BoxFuture<'_, Result<TenantRemoved, TenantError>> {
        finished(self.clone(), |kept| async move { kept.take_away(name).await })
    }
}

/// The tenants, and how each stands.
#[utoipa::path(get, path = ListTenants::PATH, tag = "access", security(("token" = [])), responses(
    (status = 200, body = TenantsShown), (status = 403, body = Problem),
))]
pub async fn list(State(app): State<App>) -> Answer<TenantsShown> {
    answer(&app, ListTenants).await
}

/// Adds a tenant, and starts it. Its tokens lie in its directory.
#[utoipa::path(put, path = AddTenant::PATH, tag = "access",
    params(("name" = forms::TenantName, Path)), security(("token" = [])), responses(
    (status = 200, body = TenantsShown), (status = 403, body = Problem), (status = 409, body = Problem),
))]
pub async fn add(State(app): State<App>, Segment(name): Segment<String>) -> Answer<TenantsShown> {
    answer(&app, AddTenant { name: TenantName::parse(&name)? }).await
}

/// Takes a tenant away: it is stopped, and its directory is moved out of the way, whole.
#[utoipa::path(delete, path = RemoveTenant::PATH, tag = "access",
    params(("name" = forms::TenantName, Path)), security(("token" = [])), responses(
    (status = 200, body = TenantRemoved), (status = 403, body = Problem), (status = 404, body = Problem),
    (status = 409, body = Problem),
))]
pub async fn remove(State(app): State<App>, Segment(name): Segment<String>) -> Answer<TenantRemoved> {
    answer(&app, RemoveTenant { name: TenantName::parse(&name)? }).await
}
