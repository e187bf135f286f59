//! The vault as it was last seen: it is no part of the log, and who answers shares it with who looks.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;

use crate::integration::obsidian::Snapshot;

/// The vault as it was at the last look; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct SharedVault(Arc<RwLock<LastLook>>);

/// What came of the last look.
#[derive(Debug, Clone, Default)]
pub struct LastLook {
    /// What was seen by the last one that succeeded.
    pub snapshot: Option<Arc<Snapshot>>,
    /// When that was.
    pub at: Option<Timestamp>,
    /// Why the last one failed, if it did.
    pub error: Option<String>,
}

impl SharedVault {
    /// What came of the last look.
    #[must_use]
    pub fn last(&self) -> LastLook {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes in what came of a look.
    pub fn take(&self, looked: Result<Arc<Snapshot>, String>, now: Timestamp) {
        let mut last = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match looked {
            Ok(snapshot) => *last = LastLook { snapshot: Some(snapshot), at: Some(now), error: None },
            // What was seen stays shown, with its age.
            Err(error) => last.error = Some(error),
        }
    }

    /// There is none any more.
    pub fn forget(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = LastLook::default();
    }
}
