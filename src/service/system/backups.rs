//! Backups on request of a running supervisor, and where they may be written.
//!
//! The owner at this machine may name any directory. A request over the network, or with a token that an
//! agent may hold, is confined to one root: a freely chosen path would let anyone overwrite files.

use std::path::{Component, Path, PathBuf};

use crate::domain::code::{Code, Coded};
use crate::files::own;
use crate::log::{LogAdmin, LogError, Progress};
use crate::service::audit::BackedUp;

/// Where a caller may have a backup written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Below `backup.root`, by a relative or an absolute path.
    BelowRoot,
    /// Anywhere, by an absolute path: the owner at this machine.
    Anywhere,
}

/// Why no backup was made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BackupFailure {
    /// The path leads out of the root.
    #[error(
        "a backup that is asked for over HTTP lies below {root}; name a path relative to it, or set backup.root"
    )]
    Outside {
        /// The allowed root.
        root: String,
    },
    /// A relative path means nothing to a supervisor.
    #[error("dir must be an absolute path")]
    Relative,
    /// The root cannot be used.
    #[error("backups cannot be written below {root}: {reason}; set backup.root to a directory of yours")]
    Root { root: String, reason: String },
    /// The backup failed.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Coded for BackupFailure {
    fn code(&self) -> Code {
        match self {
            Self::Outside { .. } | Self::Relative | Self::Root { .. } => Code::Refused,
            Self::Log(error) => error.code(),
        }
    }
}

/// The root: the configured one, or `backups` in the data directory.
#[must_use]
pub fn root(configured: Option<&Path>, data_dir: &Path) -> PathBuf {
    configured.map_or_else(|| data_dir.join("backups"), Path::to_owned)
}

/// Resolves the requested directory, if it may be written to. Creates the root if needed. Blocks.
///
/// # Errors
/// [`BackupFailure`]; nothing was written.
pub fn place(asked: &Path, root: &Path, reach: Reach) -> Result<PathBuf, BackupFailure> {
    if reach == Reach::Anywhere {
        return if asked.is_absolute() { Ok(asked.to_owned()) } else { Err(BackupFailure::Relative) };
    }
    let unusable = |error: std::io::Error| BackupFailure::Root {
        root: root.display().to_string(),
        reason: error.to_string(),
    };
    let outside = || BackupFailure::Outside { root: root.display().to_string() };
    own::persons_dir(root).map_err(unusable)?;
    let real_root = std::fs::canonicalize(root).map_err(unusable)?;
    // `..` behind a symbolic link leads elsewhere than it appears.
    if asked.as_os_str().is_empty() || asked.components().any(|part| part == Component::ParentDir) {
        return Err(outside());
    }
    let wanted = real_root.join(asked.strip_prefix(root).unwrap_or(asked));
    // What exists is resolved; what does not exist is created below that.
    let there = wanted.ancestors().find(|path| path.symlink_metadata().is_ok()).ok_or_else(outside)?;
    let rest = wanted.strip_prefix(there).map_err(|_| outside())?;
    let real = std::fs::canonicalize(there).map_err(|_| outside())?.join(rest);
    if real == real_root || !real.starts_with(&real_root) {
        return Err(outside());
    }
    Ok(real)
}

/// Backs up a log to the requested directory. Blocks.
///
/// # Errors
/// [`BackupFailure`].
pub fn back_up(
    log: &dyn LogAdmin,
    asked: &str,
    root: &Path,
    reach: Reach,
    progress: &mut Progress<'_>,
) -> Result<BackedUp, BackupFailure> {
    let target = place(Path::new(asked), root, reach)?;
    Ok(log.backup(&target, progress)?.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_backup_that_is_asked_for_over_http_lies_below_its_root_really() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("data/backups");
        std::fs::create_dir_all(root.join("made")).unwrap();
        std::fs::create_dir(dir.path().join("elsewhere")).unwrap();
        symlink("../../elsewhere", root.join("out")).unwrap();
        symlink("nothing", root.join("dangling")).unwrap();
        symlink("made", root.join("in")).unwrap();
        let real = std::fs::canonicalize(&root).unwrap();
        let place = |asked: &Path| place(asked, &root, Reach::BelowRoot);
        for asked in ["nightly", "made/more", "in/more", "a/b/c"] {
            let found = place(Path::new(asked)).unwrap();
            assert_eq!(found, real.join(asked.replace("in/", "made/")), "{asked}");
            assert_eq!(place(&root.join(asked)).unwrap(), found);
        }
        let elsewhere = dir.path().join("elsewhere");
        for asked in
            ["", ".", "..", "../x", "out", "out/x", "dangling", "dangling/x", "made/../../x", "/tmp/x", "/"]
        {
            let refused = place(Path::new(asked)).unwrap_err();
            assert!(matches!(refused, BackupFailure::Outside { .. }), "{asked}: {refused}");
            assert!(refused.to_string().contains("set backup.root"), "{refused}");
        }
        assert!(place(&elsewhere).is_err() && place(&root).is_err());
        assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
        // The owner at this machine may name any directory.
        assert_eq!(super::place(&elsewhere, &root, Reach::Anywhere).unwrap(), elsewhere);
        let relative = super::place(Path::new("x"), &root, Reach::Anywhere);
        assert!(matches!(relative, Err(BackupFailure::Relative)));
    }
}
