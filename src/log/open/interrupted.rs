//! A restore that was interrupted after the old journal had been set aside: opening completes it.

use std::fs::File;
use std::path::Path;

use super::super::{LogError, io_error};

/// The directory that is about to become the journal.
pub(in crate::log) const FRESH: &str = "journal.new";

/// Moves the fresh journal into place, if a restore had got that far.
///
/// # Errors
/// [`LogError::Io`].
pub(in crate::log) fn finish_interrupted(data: &Path) -> Result<(), LogError> {
    let (fresh, journal) = (data.join(FRESH), data.join("journal"));
    if fresh.exists() && !journal.exists() && set_aside_exists(data) {
        tracing::warn!("a restore had been cut short; it is finished now");
        std::fs::rename(&fresh, &journal).map_err(|error| io_error("renaming", &fresh, &error))?;
        let synced = File::open(data).and_then(|dir| dir.sync_all());
        synced.map_err(|error| io_error("syncing", data, &error))?;
    }
    Ok(())
}

fn set_aside_exists(data: &Path) -> bool {
    let entries = std::fs::read_dir(data).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("replaced-"))
}
