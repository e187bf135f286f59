//! The files that this program writes, and how others are kept from them.
//!
//! What is written here is a person's own: tokens, telephone numbers, the log of all that they spent. So a directory is
//! made with mode 0700 and a file with 0600, in the very call that makes it; the last component of a path is never
//! followed where it is a link; what belongs to somebody else is refused; a file is written beside its place, synced
//! and renamed, under a name that cannot be guessed; and what an older version or a careless hand has left open is
//! closed, with a line that says so.
//!
//! ```text
//!   own        directories and files of ours            data directory, backups, the console's profile
//!   text       short files that a person names           settings, prices, recipes, secrets: bounded
//!   others     files that others write                transcripts, and all of the above: never waited for
//!   beneath    paths that must not leave a folder        the vault, where a link may lie that another has made
//! ```
//!
//! Owner means the effective user. Root is no exception: a directory of another user's is not ours, and files that root
//! makes in it would lock its owner out.

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

/// Why a path is left alone. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Its last component is a link.
    #[error("{0} is a link, and what it leads to is not ours to write; remove it, or name what it leads to")]
    Link(String),
    /// It is somebody else's.
    #[error("{path} belongs to user {owner}, and this runs as user {user}; name another, or chown it")]
    Owner {
        /// Which.
        path: String,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        user: u32,
    },
    /// It is a device, a pipe, a socket or a directory.
    #[error("{0} is no regular file; remove it")]
    Kind(String),
    /// It is there, and must not be.
    #[error("{0} is there already; remove it, or name another")]
    Taken(String),
    /// It leads out of the directory that it must stay in.
    #[error("{path} does not lie below {root}")]
    Outside {
        /// What was named.
        path: String,
        /// Where it must lie.
        root: String,
    },
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        Self::other(refused)
    }
}

/// The refusal inside of an error of the file system, where it is one.
#[must_use]
pub fn refusal(error: &io::Error) -> Option<&Refused> {
    error.get_ref()?.downcast_ref()
}

/// The mask that the person had set, before [`close_umask`].
static PERSONS: AtomicU32 = AtomicU32::new(0o022);

/// What this process and its children make is for its owner alone, also where a library makes it. Once, at the start.
pub fn close_umask() {
    let before = rustix::process::umask(Mode::from_raw_mode(0o077));
    PERSONS.store(bits(before), Ordering::Relaxed);
}

/// The mode of something that is the person's and not ours, such as a new note: as their own programs would make it.
#[must_use]
pub(crate) fn persons_mode(most: u32) -> u32 {
    most & !PERSONS.load(Ordering::Relaxed)
}

/// A mode's bits.
#[allow(clippy::useless_conversion)] // they are 16 on macOS
fn bits(mode: Mode) -> u32 {
    mode.bits().into()
}

/// The path as it is said in errors.
fn said(path: &Path) -> String {
    path.display().to_string()
}

/// An error of opening with `O_NOFOLLOW`: a link is a refusal.
fn opening(path: &Path, error: Errno) -> io::Error {
    match error {
        Errno::LOOP => Refused::Link(said(path)).into(),
        Errno::EXIST => Refused::Taken(said(path)).into(),
        other => other.into(),
    }
}

/// A name for a file on its way, which cannot be guessed, and which [`is_leftover`] knows.
fn passing_name() -> String {
    format!(".mecris-{:016x}.tmp", rand::random::<u64>())
}

/// Whether a name is that of a file that was on its way when its writer was killed.
#[must_use]
pub fn is_leftover(name: &str) -> bool {
    let inner = name.strip_prefix(".mecris-").and_then(|rest| rest.strip_suffix(".tmp"));
    inner.is_some_and(|inner| inner.len() == 16 && inner.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
