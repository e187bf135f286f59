//! What lacks a price, projects and refused lines: of a running supervisor, or of the log itself.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::project::check_alias;
use crate::service::usage::projects::{AliasAggregate, AliasBody};
use crate::service::usage::recorder::reprice::{Repriced, WhatIf};
use crate::service::usage::refused::RefusedShown;
use crate::service::usage::repricing;
use crate::service::usage::repricing::Lacks;
use crate::view::projects::ProjectsShown;

use super::{Backend, CliError, bar};

impl Backend {
    /// Prices what lacks a price.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn reprice(&self, is_quiet: bool) -> Result<Repriced, CliError> {
        match self {
            Self::Running(remote) => remote.post("/api/v1/reprice"),
            Self::Own(node) => {
                let bar = if is_quiet { indicatif::ProgressBar::hidden() } else { bar("pricing", false) };
                let importer = node.importer(&[], "cli");
                let repriced = importer.recorder().reprice(&|done, total| {
                    bar.set_length(total as u64);
                    bar.set_position(done as u64);
                });
                bar.finish_and_clear();
                Ok(repriced?)
            }
        }
    }

    /// What everything would cost by the prices of a day.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn what_if(&self, as_of: Date) -> Result<WhatIf, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/reprice", &[("as_of", as_of.to_string())]),
            Self::Own(node) => Ok(node.importer(&[], "cli").recorder().what_if(as_of)?),
        }
    }

    /// What lacks prices.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn lacks(&self) -> Result<Lacks, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/prices/lacking", &[]),
            Self::Own(node) => {
                Ok(repricing::lacks(node.importer(&[], "cli").recorder(), node.prices.current())?)
            }
        }
    }

    /// The projects.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn projects(&self) -> Result<ProjectsShown, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/projects", &[]),
            Self::Own(node) => Ok(node.queries()?.projects()),
        }
    }

    /// Calls a directory by a name, or as it is again.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn alias_project(&self, directory: String, name: Option<String>) -> Result<ProjectsShown, CliError> {
        const PATH: &str = "/api/v1/projects/aliases";
        check_alias(&directory, name.as_deref())?;
        match (self, name) {
            (Self::Running(remote), Some(name)) => remote.put(PATH, &AliasBody { directory, name }),
            (Self::Running(remote), None) => remote.delete_where(PATH, &[("directory", directory)]),
            (Self::Own(node), name) => {
                node.execute::<AliasAggregate>((directory, name), Timestamp::now(), "cli")?;
                self.projects()
            }
        }
    }

    /// What reading transcripts has refused.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn refused(&self) -> Result<RefusedShown, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/import/refused", &[]),
            Self::Own(node) => Ok(node.importer(&[], "cli").refused()),
        }
    }
}
