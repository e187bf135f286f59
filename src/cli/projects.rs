//! `mecris projects`: what was folded into what, and what it is called.

use clap::Subcommand;

use crate::service::endpoints::usage::{AliasProject, ListProjects, UnaliasProject};
use crate::service::usage::projects::AliasBody;

use super::backend::Backend;
use super::output::{CliError, print};
use super::{Common, tables};

/// What can be done with projects.
#[derive(Debug, Clone, Subcommand)]
pub enum ProjectsCommand {
    /// Call a directory, and all below it, by a name: in reports, budgets and what can be afforded, for all that is recorded
    Alias {
        /// The directory, as `mecris projects` shows it
        #[arg(value_name = "DIR")]
        directory: String,
        /// Its name
        name: String,
    },
    /// Call a directory as it is again
    Unalias {
        /// The directory
        #[arg(value_name = "DIR")]
        directory: String,
    },
}

/// Shows the projects, after what was to be done.
///
/// # Errors
/// [`CliError`].
pub fn projects(common: &Common, command: Option<ProjectsCommand>) -> Result<(), CliError> {
    let backend = Backend::open(common)?;
    let shown = match command {
        None => backend.call(ListProjects)?,
        Some(ProjectsCommand::Alias { directory, name }) => {
            backend.call(AliasProject(AliasBody { directory, name }))?
        }
        Some(ProjectsCommand::Unalias { directory }) => backend.call(UnaliasProject { directory })?,
    };
    print(common.json, &shown, tables::usage::projects)
}
