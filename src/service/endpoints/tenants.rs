//! Tenants: whoever runs the program lists, adds and takes them away.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::code::Code;
use crate::domain::tenant::TenantName;
use crate::service::aggregate::caller;
use crate::service::runtime::client::ServiceError;
use crate::service::system::tenants::{self, Keeper, TenantError, TenantRemoved, TenantState, TenantsShown};
use crate::service::system::tree::Supervised;

use super::refusal::Refusal;
use super::{Endpoint, Host, Method};

/// Whoever keeps the tenants of the program that runs.
fn keeper(system: &Supervised) -> Result<&Arc<dyn Keeper>, ServiceError> {
    let words = "tenants are kept by whoever runs the program, with the owner's token of the tenant local";
    system.keeper().ok_or_else(|| Refusal::new(Code::Forbidden, words).into())
}

/// The tenants, and how each stands.
#[derive(Serialize)]
pub struct ListTenants;

impl Endpoint for ListTenants {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/tenants";
    type Out = TenantsShown;

    async fn answer(self, host: &Host) -> Result<TenantsShown, ServiceError> {
        match host {
            Host::Tree(system) => Ok(keeper(system)?.list().await),
            Host::Alone { node, .. } => {
                let root = node.root.clone();
                Ok(caller::blocking(move || tenants::shown(&root, |_| (TenantState::Stopped, None))).await?)
            }
        }
    }
}

/// Adds a tenant, and starts it. Its tokens lie in its directory.
#[derive(Serialize)]
pub struct AddTenant {
    /// Its name.
    pub name: TenantName,
}

impl Endpoint for AddTenant {
    const METHOD: Method = Method::Put;
    const PATH: &'static str = "/api/v1/tenants/{name}";
    const HAS_BODY: bool = false;
    type Out = TenantsShown;

    async fn answer(self, host: &Host) -> Result<TenantsShown, ServiceError> {
        match host {
            Host::Tree(system) => keeper(system)?.add(self.name).await?,
            Host::Alone { node, .. } => {
                let root = node.root.clone();
                caller::blocking(move || tenants::add(&root, &self.name)).await??;
            }
        }
        ListTenants.answer(host).await
    }
}

/// Takes a tenant away: it is stopped, and its directory is moved out of the way, whole.
#[derive(Serialize)]
pub struct RemoveTenant {
    /// Its name.
    pub name: TenantName,
}

impl Endpoint for RemoveTenant {
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/v1/tenants/{name}";
    type Out = TenantRemoved;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        if self.name.is_local() { Err(TenantError::Local.into()) } else { Ok(()) }
    }

    async fn answer(self, host: &Host) -> Result<TenantRemoved, ServiceError> {
        self.check(Timestamp::now())?;
        match host {
            Host::Tree(system) => Ok(keeper(system)?.remove(self.name).await?),
            Host::Alone { node, .. } => {
                let root = node.root.clone();
                Ok(caller::blocking(move || tenants::remove(&root, &self.name, Timestamp::now())).await??)
            }
        }
    }
}
