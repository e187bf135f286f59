//! Backups that a running supervisor is asked for: where they may be written to.
//!
//! Who sits at this machine may name any directory of theirs. Who asks over the network, or by a token that an agent may
//! hold, gets what is below one root and nothing else: a path that anybody may choose is a file that anybody may
//! write over.

use std::path::{Component, Path, PathBuf};

use crate::domain::code::{Code, Coded};
use crate::files::own;
use crate::log::{LogAdmin, LogError, Progress};
use crate::service::audit::BackedUp;

/// Where the one who asks may have a backup written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Below `backup.root`, by a relative or an absolute path.
    BelowRoot,
    /// Anywhere, by an absolute path: the owner, at this machine.
    Anywhere,
}

/// Why no backup is taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BackupFailure {
    /// The path leads elsewhere.
    #[error(
        "a backup that is asked for over HTTP lies below {root}; name a path relative to it, or set backup.root"
    )]
    Outside {
        /// Where it may lie.
        root: String,
    },
    /// A path that means nothing to a supervisor.
    #[error("dir must be an absolute path")]
    Relative,
    /// The root cannot be used.
    #[error("backups cannot be written below {root}: {reason}; set backup.root to a directory of yours")]
    Root {
        /// Which.
        root: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The backup itself.
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

/// The root: the one that is set, or `backups` in the data directory.
#[must_use]
pub fn root(configured: Option<&Path>, data_dir: &Path) -> PathBuf {
    configured.map_or_else(|| data_dir.join("backups"), Path::to_owned)
}

/// The directory that was asked for, if it may be written to. The root is made where it is not there. Blocks.
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
    // `..` behind a link leads elsewhere than it seems.
    if asked.as_os_str().is_empty() || asked.components().any(|part| part == Component::ParentDir) {
        return Err(outside());
    }
    let wanted = real_root.join(asked.strip_prefix(root).unwrap_or(asked));
    // What is there already counts as what it really is; what is not there yet is made below that.
    let there = wanted.ancestors().find(|path| path.symlink_metadata().is_ok()).ok_or_else(outside)?;
    let rest = wanted.strip_prefix(there).map_err(|_| outside())?;
    let real = std::fs::canonicalize(there).map_err(|_| outside())?.join(rest);
    if real == real_root || !real.starts_with(&real_root) {
        return Err(outside());
    }
    Ok(real)
}

/// Backs a log up to where that was asked for. Blocks.
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
        // The owner at this machine names what they like.
        assert_eq!(super::place(&elsewhere, &root, Reach::Anywhere).unwrap(), elsewhere);
        let relative = super::place(Path::new("x"), &root, Reach::Anywhere);
        assert!(matches!(relative, Err(BackupFailure::Relative)));
    }
}
