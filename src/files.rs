//! Writing files safely, and keeping others from them.
//!
//! Everything written here is a person's own: tokens, telephone numbers, the log of all spend. So directories
//! are created with mode 0700 and files with 0600, in the call that creates them. A symbolic link in the last
//! component of a path is never followed. Files of another user are refused. A file is written next to its
//! target under an unguessable name, synced and renamed. What an older version or a mistake has left readable
//! is closed, with a log line.
//!
//! ```text
//!   own        directories and files of ours            data directory, backups, the console's profile
//!   text       short files that a person names           settings, prices, recipes, secrets: bounded
//!   others     files that others write                transcripts, and all of the above: never waited for
//!   beneath    paths that must not leave a folder        the vault, where a link may lie that another has made
//! ```
//!
//! The owner is the effective user. Root is not an exception: another user's directory is not ours, and files
//! that root creates in it would lock its owner out.

pub mod beneath;
pub mod others;
pub mod own;
#[cfg(test)]
mod tests;
pub mod text;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::Mode;
use rustix::io::Errno;

/// Why a path is not touched. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Its last component is a symbolic link.
    #[error("{0} is a link, and what it leads to is not ours to write; remove it, or name what it leads to")]
    Link(String),
    /// It belongs to another user.
    #[error("{path} belongs to user {owner}, and this runs as user {user}; name another, or chown it")]
    Owner {
        /// The path.
        path: String,
        /// Its owner's uid.
        owner: u32,
        /// Our effective uid.
        user: u32,
    },
    /// It is a device, a pipe, a socket or a directory.
    #[error("{0} is no regular file; remove it")]
    Kind(String),
    /// It exists, and must not.
    #[error("{0} is there already; remove it, or name another")]
    Taken(String),
    /// It leads out of the directory that it must stay in.
    #[error("{path} does not lie below {root}")]
    Outside {
        /// The given path.
        path: String,
        /// The directory.
        root: String,
    },
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        Self::other(refused)
    }
}

/// The refusal inside an I/O error, if it is one.
#[must_use]
pub fn refusal(error: &io::Error) -> Option<&Refused> {
    error.get_ref()?.downcast_ref()
}

/// The person's umask, before [`close_umask`].
static PERSONS: AtomicU32 = AtomicU32::new(0o022);

/// Restricts files of this process and its children to their owner, including those that libraries create.
/// Call it once, at startup.
pub fn close_umask() {
    let before = rustix::process::umask(Mode::from_raw_mode(0o077));
    PERSONS.store(bits(before), Ordering::Relaxed);
}

/// The mode for files that are the person's and not ours, such as a new note: as their own programs would
/// create it.
#[must_use]
pub(crate) fn persons_mode(most: u32) -> u32 {
    most & !PERSONS.load(Ordering::Relaxed)
}

/// A mode's bits.
#[allow(clippy::useless_conversion)] // they are 16 bits on macOS
fn bits(mode: Mode) -> u32 {
    mode.bits().into()
}

/// The path in error messages.
fn said(path: &Path) -> String {
    path.display().to_string()
}

/// An error of opening with `O_NOFOLLOW`: a symbolic link is a refusal.
fn opening(path: &Path, error: Errno) -> io::Error {
    match error {
        Errno::LOOP => Refused::Link(said(path)).into(),
        Errno::EXIST => Refused::Taken(said(path)).into(),
        other => other.into(),
    }
}

/// An unguessable name for a temporary file, which [`is_leftover`] recognizes.
fn passing_name() -> String {
    format!(".mecris-{:016x}.tmp", rand::random::<u64>())
}

/// Whether a name is that of a temporary file of a killed writer.
#[must_use]
pub fn is_leftover(name: &str) -> bool {
    let inner = name.strip_prefix(".mecris-").and_then(|rest| rest.strip_suffix(".tmp"));
    inner.is_some_and(|inner| inner.len() == 16 && inner.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
