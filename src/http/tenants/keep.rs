//! The handlers about tenants: whoever runs the program keeps them.

#![allow(clippy::missing_errors_doc)]

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;

use crate::domain::tenant::TenantName;
use crate::service::runtime::forms;
use crate::service::system::tenants::{self, TenantError, TenantRemoved, TenantState, TenantsShown};

use super::super::App;
use super::super::api::{Answer, blocking};
use super::super::problem::{Problem, Segment};
use super::{Slot, Tenants};

/// How long those who still ask a tenant are waited for before it is taken away.
const LEAVING: Duration = Duration::from_secs(5);

fn kept(app: &App) -> Result<Tenants, Problem> {
    let mend = "tenants are kept by whoever runs the program, with the owner's token of the tenant local";
    app.tenants.clone().ok_or_else(|| Problem::forbidden(mend))
}

async fn shown(kept: Tenants) -> Answer<TenantsShown> {
    blocking(move || {
        // A directory that was made by hand is taken in by the next start.
        let state =
            |name: &TenantName| kept.slot(name).map_or((TenantState::Stopped, None), |slot| slot.state());
        Ok::<_, Problem>(tenants::shown(&kept.root(), state))
    })
    .await
}

/// The tenants, and how each stands.
#[utoipa::path(get, path = "/api/v1/tenants", tag = "access", security(("token" = [])), responses(
    (status = 200, body = TenantsShown), (status = 403, body = Problem),
))]
pub async fn list(State(app): State<App>) -> Answer<TenantsShown> {
    shown(kept(&app)?).await
}

/// Adds a tenant, and starts it. Its tokens lie in its directory.
#[utoipa::path(put, path = "/api/v1/tenants/{name}", tag = "access",
    params(("name" = forms::TenantName, Path)), security(("token" = [])), responses(
    (status = 200, body = TenantsShown), (status = 403, body = Problem), (status = 409, body = Problem),
))]
pub async fn add(State(app): State<App>, Segment(name): Segment<String>) -> Answer<TenantsShown> {
    let kept = kept(&app)?;
    let name = TenantName::parse(&name).map_err(TenantError::from)?;
    let (root, added) = (kept.root(), name.clone());
    let Json(()) = blocking(move || tenants::add(&root, &added)).await?;
    if let Err(error) = kept.put(Slot::new(name)).wake(&kept).await {
        return Err(Problem::internal(format!("the tenant is there, and cannot be started: {error}")));
    }
    shown(kept).await
}

/// Takes a tenant away: it is stopped, and its directory is moved out of the way, whole.
#[utoipa::path(delete, path = "/api/v1/tenants/{name}", tag = "access",
    params(("name" = forms::TenantName, Path)), security(("token" = [])), responses(
    (status = 200, body = TenantRemoved), (status = 403, body = Problem), (status = 404, body = Problem),
    (status = 409, body = Problem),
))]
pub async fn remove(State(app): State<App>, Segment(name): Segment<String>) -> Answer<TenantRemoved> {
    let kept = kept(&app)?;
    let name = TenantName::parse(&name).map_err(TenantError::from)?;
    if name.is_local() {
        return Err(TenantError::Local.into());
    }
    if let Some(slot) = kept.take_out(&name) {
        slot.stop(LEAVING).await;
    }
    let root = kept.root();
    blocking(move || tenants::remove(&root, &name, Timestamp::now())).await
}
