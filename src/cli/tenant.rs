//! `mecris tenant`: whose money and goals this program keeps, beside the person's own.

use clap::Subcommand;

use crate::domain::tenant::TenantName;
use crate::service::endpoints::tenants::{AddTenant, ListTenants, RemoveTenant};

use super::backend::Backend;
use super::output::{CliError, print};
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
    let backend = || Backend::open(&Common { tenant: TenantName::local(), ..common.clone() });
    match command.unwrap_or(TenantCommand::List) {
        TenantCommand::List => print(common.json, &backend()?.call(ListTenants)?, tables::system::tenants),
        TenantCommand::Add { name } => {
            let shown = backend()?.call(AddTenant { name: name.clone() })?;
            print(common.json, &shown, |shown| tables::system::tenant_added(shown, name.as_str()))
        }
        TenantCommand::Remove { name, yes: false } => Err(CliError::Usage(format!(
            "nothing is done yet: `mecris tenant remove {name} --yes` stops the tenant and moves its files out of the way"
        ))),
        TenantCommand::Remove { name, yes: true } => {
            let removed = backend()?.call(RemoveTenant { name })?;
            print(common.json, &removed, |removed| {
                format!("the tenant {} is gone; its files lie whole in {}\n", removed.name, removed.moved_to)
            })
        }
    }
}
