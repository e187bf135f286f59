//! `mecris projects`: what was folded into what, and what it is called.

use clap::Subcommand;

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
        None => backend.projects()?,
        Some(ProjectsCommand::Alias { directory, name }) => backend.alias_project(directory, Some(name))?,
        Some(ProjectsCommand::Unalias { directory }) => backend.alias_project(directory, None)?,
    };
    print(common.json, &shown, tables::usage::projects)
}
