//! Where a log lies, and what can be done with one that no process has open. Which kind of log that
//! is stands here alone: nobody else names one.

use std::path::PathBuf;
use std::sync::Arc;

use crate::event::Position;

use super::block::BlockHash;
use super::options::{OpenReport, Options, Progress};
use super::repair::{self, RepairPlan, RepairReport};
use super::restore::{self, RestoreReport};
use super::verify::{self, VerifyReport};
use super::{Head, Log, LogError, SledLog};

/// See the module.
#[derive(Debug, Clone)]
pub struct Location {
    data: PathBuf,
    options: Options,
}

/// A log that was opened.
pub struct Opened {
    /// The log.
    pub log: Arc<dyn Log>,
    /// What opening found and mended.
    pub report: OpenReport,
}

/// What a look at a log found.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// The end of what can be read.
    pub head: Head,
    /// What lies there, where something is lost.
    pub damage: Option<LogError>,
}

impl Location {
    /// The log of a data directory.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>, options: Options) -> Self {
        Self { data: data.into(), options }
    }

    /// Whether anything was recorded there, as far as can be told without opening it.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.data.join("journal").exists()
    }

    /// Opens it, creating it if there is none, and heals what it can. Blocks.
    ///
    /// # Errors
    /// [`LogError::Locked`], [`LogError::Corrupt`] when no copy has a position, [`LogError::Io`].
    pub fn open(&self) -> Result<Opened, LogError> {
        let (log, report) = SledLog::open(&self.data, self.options.clone())?;
        Ok(Opened { log: Arc::new(log), report })
    }

    /// Looks at it and writes nothing to the log. Blocks.
    ///
    /// # Errors
    /// [`LogError::Locked`], [`LogError::Io`].
    pub fn inspect(&self) -> Result<Inspected, LogError> {
        let (log, _, damage) = SledLog::open_read_only(&self.data, self.options.clone())?;
        let head = log.head();
        log.close();
        Ok(Inspected { head, damage })
    }

    /// Verifies it; see [`verify::verify`]. Blocks.
    ///
    /// # Errors
    /// As there.
    pub fn verify(
        &self,
        expected: Option<BlockHash>,
        progress: &mut Progress<'_>,
    ) -> Result<VerifyReport, LogError> {
        verify::verify(&self.data, &self.options, expected, progress)
    }

    /// What a repair would do; see [`repair::plan`]. Blocks.
    ///
    /// # Errors
    /// As there.
    pub fn plan_repair(&self, progress: &mut Progress<'_>) -> Result<RepairPlan, LogError> {
        repair::plan(&self.data, &self.options, progress)
    }

    /// Repairs it; see [`repair::apply`]. Blocks.
    ///
    /// # Errors
    /// As there.
    pub fn repair(&self, progress: &mut Progress<'_>) -> Result<RepairReport, LogError> {
        repair::apply(&self.data, &self.options, progress)
    }

    /// Puts a backup in its place; see [`restore::restore`]. Blocks.
    ///
    /// # Errors
    /// As there.
    pub fn restore(
        &self,
        backup: &std::path::Path,
        until: Option<Position>,
        progress: &mut Progress<'_>,
    ) -> Result<RestoreReport, LogError> {
        restore::restore(backup, &self.data, until, &self.options, progress)
    }
}
