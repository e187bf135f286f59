//! `mecris tenant`: whose money and goals this program keeps, beside the person's own.

use clap::Subcommand;
use jiff::Timestamp;

use crate::domain::tenant::TenantName;
use crate::service::runtime::node::StartError;
use crate::service::runtime::place::{self, Place};
use crate::service::system::tenants::{self, TenantRemoved, TenantState, TenantsShown};

use super::output::{CliError, print};
use super::remote::Remote;
use super::{Common, tables};

/// What can be done with tenants.
#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// The tenants, and how each stands
    List,
    /// Add one: a log, settings and tokens of its own
    Add {
        /// Its name: lower-case letters, digits and hyphens
        name: TenantName,
    },
    /// Take one away: it is stopped, and its files are moved out of the way, whole
    Remove {
        /// Its name
        name: TenantName,
        /// Do it
        #[arg(long)]
        yes: bool,
    },
}

/// Carries out `mecris tenant`.
///
/// # Errors
/// [`CliError`].
pub fn tenant(common: &Common, command: Option<TenantCommand>) -> Result<(), CliError> {
    // Whoever runs the program keeps its tenants, whichever the other commands ask for.
    let place = Place::local(common.place()?.root);
    let remote = Remote::running(&place);
    if remote.is_none() {
        place::lay_out(&place.root).map_err(StartError::from)?;
    }
    match command.unwrap_or(TenantCommand::List) {
        TenantCommand::List => print(common.json, &list(&place, remote.as_ref())?, tables::system::tenants),
        TenantCommand::Add { name } => {
            let shown = match &remote {
                Some(remote) => remote.put(&format!("/api/v1/tenants/{name}"), &serde_json::json!({}))?,
                None => {
                    tenants::add(&place.root, &name)?;
                    list(&place, None)?
                }
            };
            print(common.json, &shown, |shown| tables::system::tenant_added(shown, name.as_str()))
        }
        TenantCommand::Remove { name, yes: false } => Err(CliError::Usage(format!(
            "nothing is done yet: `mecris tenant remove {name} --yes` stops the tenant and moves its files out of the way"
        ))),
        TenantCommand::Remove { name, yes: true } => {
            let removed: TenantRemoved = match &remote {
                Some(remote) => remote.delete(&format!("/api/v1/tenants/{name}"))?,
                None => tenants::remove(&place.root, &name, Timestamp::now())?,
            };
            print(common.json, &removed, |removed| {
                format!("the tenant {} is gone; its files lie whole in {}\n", removed.name, removed.moved_to)
            })
        }
    }
}

fn list(place: &Place, remote: Option<&Remote>) -> Result<TenantsShown, CliError> {
    match remote {
        Some(remote) => remote.get("/api/v1/tenants", &[]),
        None => Ok(tenants::shown(&place.root, |_| (TenantState::Stopped, None))),
    }
}
