//! Where the files of tenants lie in a data directory.
//!
//! ```text
//! mecris/              lock, server.json, mecris.sock, tls-*.pem: of the program
//! ├── journal/         the barrier (`log/barrier.rs`): programs from before there were tenants stop at it
//! └── tenants/
//!     ├── local/       the person's: log, views, cursors, tokens, contacts, pseudonyms' secret, browser profiles, backups
//!     └── acme/        another tenant's, with its settings beside them in config.toml
//! ```
//!
//! Before there were tenants, what is now in `tenants/local` lay in the data directory itself. It is moved at the first start:
//! each entry by one rename, the journal last, into `tenants/.moving`, which is renamed to `tenants/local` at the end. A start that
//! was cut short is gone on with by the next one; nothing is ever written over. A link stays where each token was.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::paths::{SOCKET_FILE, TENANTS_DIR, tenant_dir};
use crate::domain::tenant::{LOCAL, TenantName};
use crate::event::TenantId;
use crate::files::own;
use crate::log::{Held, LogError, barrier, hold};

/// Entries of a data directory that are the program's, not the tenant's.
const PROGRAMS: [&str; 6] =
    ["lock", "server.json", SOCKET_FILE, "tls-certificate.pem", "tls-key.pem", TENANTS_DIR];
/// Holds the owner's token.
pub const TOKEN_FILE: &str = "token";
/// Holds the agents' token.
pub const AGENT_TOKEN_FILE: &str = "agent-token";
/// Where the tenant `local` is put together. No tenant is named so.
const MOVING: &str = ".moving";
const JOURNAL: &str = "journal";

/// Where a tenant's files lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The data directory.
    pub root: PathBuf,
    /// Whose.
    pub tenant: TenantName,
    /// The tenant's own directory.
    pub dir: PathBuf,
}

impl Place {
    /// A tenant's place in a data directory.
    #[must_use]
    pub fn of(root: impl Into<PathBuf>, tenant: TenantName) -> Self {
        let root = root.into();
        let dir = tenant_dir(&root, &tenant);
        Self { root, tenant, dir }
    }

    /// The place of the person whose program it is.
    #[must_use]
    pub fn local(root: impl Into<PathBuf>) -> Self {
        Self::of(root, TenantName::local())
    }

    /// As events name the tenant.
    #[must_use]
    pub fn tenant_id(&self) -> TenantId {
        TenantId::new(self.tenant.as_str())
    }

    /// Sees to it that the tenant's directory is there, and closed to others. Blocks.
    ///
    /// # Errors
    /// [`PlaceError::Files`].
    pub fn make(&self) -> Result<(), PlaceError> {
        own::inner_dir(&self.dir).map_err(|error| failed(&self.dir, &error))
    }

    /// Whether there is such a tenant.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.dir.is_dir()
    }
}

/// Why a data directory cannot be laid out.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The file system refuses.
    #[error(
        "cannot use the data directory {path}: {reason}; check its owner and mode, or name another with --data-dir"
    )]
    Files {
        /// Which file or directory.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The same thing lies in the old place and in the new one.
    #[error("{old} and {new} are both there; move one of them away: only you know which is the right one")]
    Twice {
        /// Where it lay before there were tenants.
        old: String,
        /// Where it lies now.
        new: String,
    },
    /// A link would lead elsewhere from the new place.
    #[error(
        "{path} is a relative link, which would lead elsewhere from {TENANTS_DIR}/local; make it an absolute one"
    )]
    RelativeLink {
        /// The link.
        path: String,
    },
    /// Another process has the directory.
    #[error(transparent)]
    Log(#[from] LogError),
}

fn failed(path: &Path, error: &io::Error) -> PlaceError {
    PlaceError::Files { path: path.display().to_string(), reason: error.to_string() }
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Whether the tenants have their places.
fn is_laid_out(root: &Path) -> bool {
    let tenants = root.join(TENANTS_DIR);
    tenants.join(LOCAL).is_dir() && !exists(&tenants.join(MOVING)) && barrier::stands_in(root)
}

/// Gives the tenants of a data directory their places, where they do not have them. Blocks.
///
/// # Errors
/// [`PlaceError`].
pub fn lay_out(root: &Path) -> Result<(), PlaceError> {
    own::dir(root).map_err(|error| failed(root, &error))?;
    if is_laid_out(root) {
        return Ok(());
    }
    let _held = hold(root)?;
    lay_out_held(root)
}

/// Takes a data directory for as long as a program runs, and gives its tenants their places. Blocks.
///
/// # Errors
/// [`PlaceError`].
pub fn take(root: &Path) -> Result<Held, PlaceError> {
    own::dir(root).map_err(|error| failed(root, &error))?;
    let held = hold(root)?;
    lay_out_held(root)?;
    Ok(held)
}

/// The same as [`lay_out`], by who has the lock.
fn lay_out_held(root: &Path) -> Result<(), PlaceError> {
    if is_laid_out(root) {
        return Ok(());
    }
    let tenants = root.join(TENANTS_DIR);
    let (moving, local) = (tenants.join(MOVING), tenants.join(LOCAL));
    let made = |dir: &Path| own::inner_dir(dir).map_err(|error| failed(dir, &error));
    made(&tenants)?;
    // An empty directory is nobody's.
    let has_local = exists(&local) && std::fs::remove_dir(&local).is_err();
    let has_log = exists(&root.join(JOURNAL)) && !barrier::stands_in(root);
    if has_local && (has_log || exists(&moving)) {
        return Err(twice(&if has_log { root.join(JOURNAL) } else { moving }, &local));
    }
    // What lies beside a barrier, or beside the tenant's directory, is not what was there before there were tenants.
    let is_old = !has_local && !barrier::stands_in(root);
    let olds = if is_old { olds(root)? } else { Vec::new() };
    if olds.is_empty() && !exists(&moving) {
        made(&local)?;
    } else {
        made(&moving)?;
        for name in olds {
            move_one(&root.join(&name), &moving.join(&name))?;
        }
    }
    sync(root)?;
    if !barrier::stands_in(root) {
        barrier::put_up(root).map_err(|error| failed(root, &error))?;
    }
    if exists(&moving) {
        std::fs::rename(&moving, &local).map_err(|error| failed(&local, &error))?;
        leave_links(root);
        tracing::info!(dir = %local.display(), "what lay in the data directory is the tenant local's now, and was moved there");
    }
    sync(&tenants)
}

/// What is to be moved: the journal last, for as long as it is in its old place an older program can still go on.
fn olds(root: &Path) -> Result<Vec<std::ffi::OsString>, PlaceError> {
    let listed = std::fs::read_dir(root).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let listed = listed.map_err(|error| failed(root, &error))?;
    let mut olds: Vec<_> = listed.into_iter().map(|entry| entry.file_name()).collect();
    olds.retain(|name| !PROGRAMS.iter().any(|own| name == own));
    olds.sort_by_key(|name| (name == JOURNAL, name.clone()));
    Ok(olds)
}

/// Scripts that read a token where it was read it there still.
fn leave_links(root: &Path) {
    for name in [TOKEN_FILE, AGENT_TOKEN_FILE] {
        let target = Path::new(TENANTS_DIR).join(LOCAL).join(name);
        if root.join(&target).is_file()
            && !exists(&root.join(name))
            && let Err(error) = std::os::unix::fs::symlink(&target, root.join(name))
        {
            tracing::warn!(%error, name, "scripts find this token in tenants/local alone");
        }
    }
}

fn twice(old: &Path, new: &Path) -> PlaceError {
    PlaceError::Twice { old: old.display().to_string(), new: new.display().to_string() }
}

fn move_one(old: &Path, new: &Path) -> Result<(), PlaceError> {
    if exists(new) {
        return Err(twice(old, new));
    }
    if std::fs::read_link(old).is_ok_and(|target| target.is_relative()) {
        return Err(PlaceError::RelativeLink { path: old.display().to_string() });
    }
    std::fs::rename(old, new).map_err(|error| failed(old, &error))?;
    // A rename is durable when both directories are.
    for dir in [old.parent(), new.parent()].into_iter().flatten() {
        sync(dir)?;
    }
    Ok(())
}

fn sync(dir: &Path) -> Result<(), PlaceError> {
    std::fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| failed(dir, &error))
}

/// The tenants that a data directory has, by name. Blocks.
#[must_use]
pub fn tenants(root: &Path) -> Vec<TenantName> {
    let listed = std::fs::read_dir(root.join(TENANTS_DIR)).into_iter().flatten().flatten();
    let dirs = listed.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut names: Vec<_> =
        dirs.filter_map(|entry| TenantName::parse(entry.file_name().to_str()?).ok()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// A data directory as it was before there were tenants.
    fn old() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in ["journal", "sled"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
            std::fs::write(dir.path().join(name).join("content"), name).unwrap();
        }
        for name in ["token", "contacts.json", "lock", "server.json", "something-else"] {
            std::fs::write(dir.path().join(name), name).unwrap();
        }
        dir
    }

    const ALL: [&str; 5] = ["contacts.json", "journal", "sled", "something-else", "token"];

    fn is_moved(root: &Path) {
        assert_eq!(names(&root.join("tenants/local")), ALL);
        assert_eq!(std::fs::read_to_string(root.join("tenants/local/journal/content")).unwrap(), "journal");
        assert_eq!(names(root), ["journal", "lock", "server.json", "tenants", "token"]);
        assert_eq!(std::fs::read_link(root.join("token")).unwrap(), Path::new("tenants/local/token"));
        assert!(is_laid_out(root));
    }

    #[test]
    fn what_lay_there_is_moved_once_and_what_is_the_program_s_stays() {
        let dir = old();
        for _ in 0..2 {
            lay_out(dir.path()).unwrap();
            is_moved(dir.path());
        }
        assert_eq!(tenants(dir.path()), [TenantName::local()]);
    }

    #[test]
    fn a_move_that_is_cut_short_after_any_step_is_gone_on_with() {
        for moved in 0..=ALL.len() {
            let dir = old();
            let moving = dir.path().join("tenants/.moving");
            std::fs::create_dir_all(&moving).unwrap();
            let olds = olds(dir.path()).unwrap();
            assert_eq!(olds.last().unwrap(), JOURNAL);
            for name in &olds[..moved] {
                std::fs::rename(dir.path().join(name), moving.join(name)).unwrap();
            }
            lay_out(dir.path()).unwrap();
            is_moved(dir.path());
        }
        // All is moved and the barrier stands, and only the last rename is missing.
        let dir = old();
        lay_out(dir.path()).unwrap();
        std::fs::rename(dir.path().join("tenants/local"), dir.path().join("tenants/.moving")).unwrap();
        lay_out(dir.path()).unwrap();
        is_moved(dir.path());
    }

    #[test]
    fn nothing_is_written_over() {
        let dir = old();
        std::fs::create_dir_all(dir.path().join("tenants/local/journal")).unwrap();
        let error = lay_out(dir.path()).unwrap_err();
        assert!(error.to_string().contains("are both there; move one of them away"), "{error}");
        assert_eq!(names(dir.path()).len(), 8, "nothing was moved: {:?}", names(dir.path()));
    }

    #[test]
    fn a_relative_link_is_named_and_an_absolute_one_moved() {
        let dir = old();
        std::os::unix::fs::symlink("elsewhere", dir.path().join("backups")).unwrap();
        let error = lay_out(dir.path()).unwrap_err();
        assert!(matches!(error, PlaceError::RelativeLink { .. }), "{error}");
        std::fs::remove_file(dir.path().join("backups")).unwrap();
        std::os::unix::fs::symlink("/elsewhere", dir.path().join("backups")).unwrap();
        lay_out(dir.path()).unwrap();
        let link = std::fs::read_link(dir.path().join("tenants/local/backups")).unwrap();
        assert_eq!(link, Path::new("/elsewhere"));
    }

    #[test]
    fn a_new_directory_has_its_places_and_who_holds_it_is_respected() {
        let dir = tempfile::tempdir().unwrap();
        let held = hold(dir.path()).unwrap();
        assert!(matches!(lay_out(dir.path()), Err(PlaceError::Log(LogError::Locked { .. }))));
        drop(held);
        let held = take(dir.path()).unwrap();
        assert_eq!(names(dir.path()), ["journal", "lock", "tenants"]);
        // It is laid out: who only looks needs no lock.
        lay_out(dir.path()).unwrap();
        drop(held);
    }
}
