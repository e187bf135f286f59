//! The browser's profile: a directory of ours where the session lives, used by one process at a time.
//!
//! ```text
//! DATA/console/PROVIDER/          0700
//! ├── profile/                    Chromium's: cookies, local storage
//! ├── failures/                   masked pictures of pages that gave no balance, the last ten
//! ├── browser.log                 what the browser said last
//! ├── lock                        held while it is used
//! └── tried                       touched at each attempt, so that a restart does not ask again
//! DATA/t/1f3a/                    its temporary files, emptied after each use: a short path, for sockets lie below it
//! ```

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};

use crate::files::own;

use super::ConsoleError;
use super::group;

/// So many pictures are kept.
const PICTURES_MAX: usize = 10;

/// A provider's profile, locked.
#[derive(Debug)]
pub struct Profile {
    dir: PathBuf,
    temporary: PathBuf,
    _lock: File,
}

impl Profile {
    /// Makes the profile where it is not there, locks it, and ends browsers that a killed program has left with it.
    ///
    /// # Errors
    /// [`ConsoleError::Busy`], [`ConsoleError::Files`].
    pub fn lock(data_dir: &Path, provider: &str) -> Result<Self, ConsoleError> {
        let dir = data_dir.join("console").join(provider);
        // The kernel takes paths of sockets up to 107 bytes, and Chromium's own part of them is 46.
        let short = &blake3::hash(provider.as_bytes()).to_hex()[..4];
        let temporary = data_dir.join("t").join(short);
        let parents = [data_dir.join("console"), dir.clone(), dir.join("profile"), data_dir.join("t")];
        for made in parents.iter().chain([&temporary]) {
            own::dir(made).map_err(|error| ConsoleError::files(made, &error))?;
        }
        let path = dir.join("lock");
        let lock = own::open_or_make(&path).map_err(|error| ConsoleError::files(&path, &error))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(ConsoleError::Busy),
            Err(error) => return Err(ConsoleError::files(&path, &error.into())),
        }
        // Of a program that was killed; the browser's own directory is its own, and closed.
        own::sweep(&dir, &["profile"]).map_err(|error| ConsoleError::files(&dir, &error))?;
        let profile = Self { dir, temporary, _lock: lock };
        group::end_leftovers(&profile.browser_dir());
        profile.tidy();
        Ok(profile)
    }

    /// Chromium's own directory.
    #[must_use]
    pub fn browser_dir(&self) -> PathBuf {
        self.dir.join("profile")
    }

    /// Where Chromium puts what it needs for a moment.
    #[must_use]
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Where what the browser says is kept, until the next time.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.dir.join("browser.log")
    }

    /// Begins that file anew.
    ///
    /// # Errors
    /// [`ConsoleError::Files`].
    pub fn make_log(&self) -> Result<File, ConsoleError> {
        let path = self.log();
        let file = own::open_or_make(&path).and_then(|file| file.set_len(0).map(|()| file));
        file.map_err(|error| ConsoleError::files(&path, &error))
    }

    /// Removes what a browser that was ended could not remove: its lock, and its temporary files.
    pub fn tidy(&self) {
        for name in ["SingletonLock", "SingletonCookie", "SingletonSocket", "DevToolsActivePort"] {
            // It is not there where the browser removed it.
            let _ = std::fs::remove_file(self.browser_dir().join(name));
        }
        let Ok(entries) = std::fs::read_dir(self.temporary()) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let removed = if is_dir { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            if let Err(error) = removed {
                tracing::debug!(%error, "a temporary file of the browser stays");
            }
        }
    }

    /// Notes that the page is being asked.
    ///
    /// # Errors
    /// [`ConsoleError::Files`].
    pub fn note_attempt(&self) -> Result<(), ConsoleError> {
        let path = self.dir.join("tried");
        own::write(&path, b"").map_err(|error| ConsoleError::files(&path, &error))
    }

    /// Keeps a masked picture of a page, and forgets the oldest.
    ///
    /// # Errors
    /// [`ConsoleError::Files`].
    pub fn keep_picture(
        &self,
        word: &str,
        now: jiff::Timestamp,
        png: &[u8],
    ) -> Result<PathBuf, ConsoleError> {
        let dir = self.dir.join("failures");
        own::dir(&dir).map_err(|error| ConsoleError::files(&dir, &error))?;
        let path = dir.join(format!("{}-{word}.png", now.strftime("%Y-%m-%dT%H%M%S")));
        own::write(&path, png).map_err(|error| ConsoleError::files(&path, &error))?;
        let mut kept: Vec<PathBuf> = std::fs::read_dir(&dir)
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        kept.sort();
        for old in kept.iter().rev().skip(PICTURES_MAX) {
            // One that cannot be removed is removed the next time.
            let _ = std::fs::remove_file(old);
        }
        Ok(path)
    }
}

/// How long ago a provider's page was asked last, by whichever program.
#[must_use]
pub fn since_last_attempt(data_dir: &Path, provider: &str) -> Option<Duration> {
    let tried = data_dir.join("console").join(provider).join("tried");
    let at = std::fs::metadata(tried).and_then(|file| file.modified()).ok()?;
    SystemTime::now().duration_since(at).ok()
}
