//! Administration of a log, next to [`EventLog`]: verification, backup, health, and closing.

use std::path::Path;

use super::backup::{BackupReport, backup};
use super::block::BlockHash;
use super::event_log::SledLog;
use super::health::Health;
use super::options::Progress;
use super::verify::VerifyReport;
use super::{EventLog, LogError};

/// See the module.
pub trait LogAdmin: Send + Sync + 'static {
    /// The health of the log as this process knows it. Does not use the network; asks the system once for the
    /// free space.
    fn health(&self) -> Health;

    /// After a failed write: cuts the log back to what is durable, checks it, and accepts appends again.
    /// Callers that received [`LogError::UnknownOutcome`] send their events again with the same ids. Blocks.
    ///
    /// # Errors
    /// [`LogError::ReadOnly`] if the cause persists, [`LogError::Unavailable`], [`LogError::Closed`].
    fn reopen(&self) -> Result<(), LogError>;

    /// Verifies the whole log while it is open. `expected` is a head's hash that was written down earlier: if
    /// no block has it, the log was rewritten or truncated. Events appended meanwhile are not verified.
    /// Blocks.
    ///
    /// # Errors
    /// [`LogError::Io`], [`LogError::Unavailable`]. Damage is not an error: the report lists it.
    fn verify(
        &self,
        expected: Option<BlockHash>,
        progress: &mut Progress<'_>,
    ) -> Result<VerifyReport, LogError>;

    /// Backs the log up into a directory while it is open; creates the directory if needed. Blocks.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] if no copy has a block, [`LogError::Unsafe`], [`LogError::Io`],
    /// [`LogError::Unavailable`]. An earlier backup stays valid.
    fn backup(&self, target: &Path, progress: &mut Progress<'_>) -> Result<BackupReport, LogError>;

    /// Finishes pending appends, and closes the log. Later appends return [`LogError::Closed`]. Blocks until
    /// done.
    fn close(&self);
}

/// A complete log: its events, and their administration.
pub trait Log: EventLog + LogAdmin {}

impl<L: EventLog + LogAdmin> Log for L {}

impl LogAdmin for SledLog {
    fn health(&self) -> Health {
        Health {
            refusal: self.read_only(),
            stopped: self.latched(),
            second_copy: Some(self.second_copy()),
            footprint: self.footprint(),
        }
    }

    fn reopen(&self) -> Result<(), LogError> {
        SledLog::reopen(self)
    }

    fn verify(
        &self,
        expected: Option<BlockHash>,
        progress: &mut Progress<'_>,
    ) -> Result<VerifyReport, LogError> {
        SledLog::verify(self, expected, progress)
    }

    fn backup(&self, target: &Path, progress: &mut Progress<'_>) -> Result<BackupReport, LogError> {
        backup(self, target, progress)
    }

    fn close(&self) {
        SledLog::close(self);
    }
}
