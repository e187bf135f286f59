//! Stores the views in a file, so that a start does not fold the whole log.

use std::path::PathBuf;
use std::sync::Arc;

use crate::event::Position;
use crate::files::own;
use crate::log::{EventLog, LogError};
use crate::view::{Views, snapshot};

/// Events between two stored snapshots: some 30 ms of folding.
const EVERY: u64 = 50_000;

/// Maximum file size: views of several million events. A longer file is not ours.
const FILE_MAX: u64 = 4 << 30;

/// See the module.
#[derive(Clone)]
pub struct Snapshots {
    log: Arc<dyn EventLog>,
    path: PathBuf,
}

impl Snapshots {
    /// Stores views of a log at a path.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, path: PathBuf) -> Self {
        Self { log, path }
    }

    /// The stored views, or empty ones. Blocks.
    ///
    /// # Errors
    /// [`LogError`]: whether they belong to this log cannot be checked.
    pub fn load(&self) -> Result<Views, LogError> {
        let Ok(bytes) = own::read(&self.path, FILE_MAX) else { return Ok(Views::default()) };
        Ok(snapshot::from_bytes(&bytes, &*self.log)?.unwrap_or_else(|| {
            tracing::info!("the kept views are of another schema or log; they are folded anew");
            Views::default()
        }))
    }

    /// Whether enough events have been folded since `kept`.
    #[must_use]
    pub fn is_due(&self, kept: Position, now: Position) -> bool {
        now.0.saturating_sub(kept.0) >= EVERY
    }

    /// Stores the views. Blocks. A failure only makes the next start slower.
    pub fn save(&self, views: &Views) {
        let saved =
            snapshot::to_bytes(views, &*self.log).map_err(|error| error.to_string()).and_then(|bytes| {
                match bytes {
                    Some(bytes) => own::write(&self.path, &bytes).map_err(|error| error.to_string()),
                    None => Ok(()),
                }
            });
        if let Err(error) = saved {
            tracing::warn!(error, "the views were not stored; the next start folds the whole log");
        }
    }
}
