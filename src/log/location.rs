//! The location of a log, and operations on a log that no process has open. This module alone knows which
//! implementation of the log is used.

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

/// An opened log.
pub struct Opened {
    pub log: Arc<dyn Log>,
    /// What opening found and repaired.
    pub report: OpenReport,
}

/// Result of inspecting a log.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// The end of what can be read.
    pub head: Head,
    /// The damage, if something is lost.
    pub damage: Option<LogError>,
}

impl Location {
    /// The log of a data directory.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>, options: Options) -> Self {
        Self { data: data.into(), options }
    }

    /// Whether anything was recorded there, as far as can be determined without opening it.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.data.join("journal").exists()
    }

    /// Opens the log, creating it if there is none, and heals what it can. Blocks.
    ///
    /// # Errors
    /// [`LogError::Locked`], [`LogError::Corrupt`] if no copy has a position, [`LogError::Io`].
    pub fn open(&self) -> Result<Opened, LogError> {
        let (log, report) = SledLog::open(&self.data, self.options.clone())?;
        Ok(Opened { log: Arc::new(log), report })
    }

    /// Inspects the log, and writes nothing to it. Blocks.
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

    /// Restores a backup in its place; see [`restore::restore`]. Blocks.
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
