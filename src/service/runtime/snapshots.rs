//! Keeps the views in a file, so that a start after a stop or a kill need not fold the whole log.

use std::path::PathBuf;
use std::sync::Arc;

use crate::event::Position;
use crate::files::own;
use crate::log::{EventLog, LogError};
use crate::view::{Views, snapshot};

/// Events that are folded before the views are kept again: some 30 ms of folding.
const EVERY: u64 = 50_000;

/// The views of some millions of events; a longer file is none of ours.
const FILE_MAX: u64 = 4 << 30;

/// See the module.
#[derive(Clone)]
pub struct Snapshots {
    log: Arc<dyn EventLog>,
    path: PathBuf,
}

impl Snapshots {
    /// Keeps views of a log in a file.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, path: PathBuf) -> Self {
        Self { log, path }
    }

    /// The views as they were kept, or empty ones. Blocks.
    ///
    /// # Errors
    /// [`LogError`]: whether they are of this log cannot be asked.
    pub fn load(&self) -> Result<Views, LogError> {
        let Ok(bytes) = own::read(&self.path, FILE_MAX) else { return Ok(Views::default()) };
        Ok(snapshot::from_bytes(&bytes, &*self.log)?.unwrap_or_else(|| {
            tracing::info!("the kept views are of another schema or log; they are folded anew");
            Views::default()
        }))
    }

    /// Whether enough has been folded since `kept`.
    #[must_use]
    pub fn is_due(&self, kept: Position, now: Position) -> bool {
        now.0.saturating_sub(kept.0) >= EVERY
    }

    /// Keeps views. Blocks. What fails here costs time at the next start, and nothing else.
    pub fn save(&self, views: &Views) {
        let saved =
            snapshot::to_bytes(views, &*self.log).map_err(|error| error.to_string()).and_then(|bytes| {
                match bytes {
                    Some(bytes) => own::write(&self.path, &bytes).map_err(|error| error.to_string()),
                    None => Ok(()),
                }
            });
        if let Err(error) = saved {
            tracing::warn!(error, "the views were not kept; the next start folds them anew");
        }
    }
}
