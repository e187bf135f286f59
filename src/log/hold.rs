//! The lock of a data directory: one process at a time. The system releases it however the process ends.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use crate::files;

use super::{LogError, io_error};

/// A lock may outlive its process for a moment if a child was just being started: the child holds the lock
/// too until it has become its own program.
const LOCK_TRIES: u32 = 20;
/// Pause between tries.
pub(super) const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The lock of a directory, given back when this is dropped.
#[derive(Debug)]
pub struct Held(#[allow(dead_code)] File);

/// Takes the lock of a directory.
///
/// # Errors
/// [`LogError::Locked`], [`LogError::Io`].
pub fn hold(data: &Path) -> Result<Held, LogError> {
    take_lock(data).map(Held)
}

/// Takes the lock of a data directory; waits briefly for a process that is releasing it.
///
/// # Errors
/// [`LogError::Locked`], [`LogError::Io`].
pub(super) fn take_lock(data: &Path) -> Result<File, LogError> {
    let path = data.join("lock");
    let file = files::own::open_or_make(&path).map_err(|error| io_error("opening", &path, &error))?;
    for tries_left in (0..LOCK_TRIES).rev() {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if tries_left > 0 => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => {
                return Err(LogError::Locked { path: data.display().to_string() });
            }
            Err(TryLockError::Error(error)) => return Err(io_error("locking", &path, &error)),
        }
    }
    Ok(file)
}

/// Whether a process currently holds the lock of a data directory. Waits for nothing and creates nothing.
#[must_use]
pub fn is_held(data: &Path) -> bool {
    let held = |file: File| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    files::own::open_to_read(&data.join("lock")).is_ok_and(held)
}
