//! What keeps a log, beside [`EventLog`]: verification, backup, health, and its end.

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
    /// How it stands, from what is known in this process: it waits for no network, and asks the system
    /// once how much room there is.
    fn health(&self) -> Health;

    /// After a failed write: goes back to what is durable, checks it, and takes appends again. Those who
    /// were told [`LogError::UnknownOutcome`] send their events again with the same ids. Blocks.
    ///
    /// # Errors
    /// [`LogError::ReadOnly`] if the cause is still there, [`LogError::Unavailable`], [`LogError::Closed`].
    fn reopen(&self) -> Result<(), LogError>;

    /// Verifies all of it while it is open. `expected` is a head's hash that was written down before: if no
    /// block has it, the log was rewritten or cut off. What is appended meanwhile is not looked at. Blocks.
    ///
    /// # Errors
    /// [`LogError::Io`], [`LogError::Unavailable`]. Damage is no error: it is what the report is for.
    fn verify(
        &self,
        expected: Option<BlockHash>,
        progress: &mut Progress<'_>,
    ) -> Result<VerifyReport, LogError>;

    /// Backs it up into a directory while it is open, creating it if there is none. Blocks.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] where no copy has a block, [`LogError::Unsafe`], [`LogError::Io`],
    /// [`LogError::Unavailable`]. The backup that was there before stays valid.
    fn backup(&self, target: &Path, progress: &mut Progress<'_>) -> Result<BackupReport, LogError>;

    /// Finishes what waits, and closes. Later appends answer [`LogError::Closed`]. Blocks until done.
    fn close(&self);
}

/// A log whole: its events, and what keeps them.
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
