//! The vault as it was read last. It is not part of the log; the vault's actor shares it with the queries.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;

use crate::integration::obsidian::Snapshot;

/// The vault as it was read last; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct SharedVault(Arc<RwLock<LastLook>>);

/// Result of the last read.
#[derive(Debug, Clone, Default)]
pub struct LastLook {
    /// What the last successful read found.
    pub snapshot: Option<Arc<Snapshot>>,
    /// When that was.
    pub at: Option<Timestamp>,
    /// Why the last read failed, if it did.
    pub error: Option<String>,
}

impl SharedVault {
    /// The last result.
    #[must_use]
    pub fn last(&self) -> LastLook {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stores a result.
    pub fn take(&self, looked: Result<Arc<Snapshot>, String>, now: Timestamp) {
        let mut last = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match looked {
            Ok(snapshot) => *last = LastLook { snapshot: Some(snapshot), at: Some(now), error: None },
            // The last successful content stays visible, with its age.
            Err(error) => last.error = Some(error),
        }
    }

    /// Forgets the vault, because none is configured any more.
    pub fn forget(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = LastLook::default();
    }
}
