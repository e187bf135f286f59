//! Adding a line to a note on disk: whole or not at all, and never over another one's change.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::domain::vault::write::append;

/// Why a line is not added. The note is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Somebody else wrote to it.
    #[error("{0} changed while it was written to, and is as the other left it; try again")]
    Changed(String),
    /// It is no text.
    #[error("{0} is no UTF-8 text; have Obsidian save it anew")]
    NoText(String),
    /// It lies outside of the vault.
    #[error("{0} lies outside of the vault; mend the daily notes' folder and format in Obsidian")]
    Outside(String),
    /// The file system.
    #[error("{path}: {reason}; check its owner and mode, and the disk")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        reason: String,
    },
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// The line is there now.
    Added,
    /// It was there.
    Known,
}

/// Adds `line` below `heading` of the note at `path`, relative to the vault. A note that is not there is made of
/// `fresh`. Blocks.
///
/// # Errors
/// [`AppendError`].
pub fn add_line(
    root: &Path,
    path: &str,
    heading: &str,
    line: &str,
    fresh: &str,
) -> Result<Appended, AppendError> {
    let whole = root.join(path);
    let failed =
        |error: std::io::Error| AppendError::File { path: path.to_owned(), reason: error.to_string() };
    // A link is written behind, not replaced.
    let target = match std::fs::canonicalize(&whole) {
        Ok(target) => Some(target),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    let Some(target) = target else {
        return create(root, path, &whole, &append(fresh, heading, line).unwrap_or_else(|| fresh.to_owned()));
    };
    let before = std::fs::read(&target).map_err(failed)?;
    let text = std::str::from_utf8(&before).map_err(|_| AppendError::NoText(path.to_owned()))?;
    let Some(after) = append(text, heading, line) else { return Ok(Appended::Known) };
    let mode = std::fs::metadata(&target).map_err(failed)?.permissions().mode();
    let temporary = write_beside(&target, after.as_bytes(), mode).map_err(failed)?;
    let replaced = replace(&temporary, &target, &before);
    if !matches!(replaced, Ok(true)) {
        let _ = std::fs::remove_file(&temporary);
    }
    match replaced {
        Ok(true) => Ok(Appended::Added),
        Ok(false) => Err(AppendError::Changed(path.to_owned())),
        Err(error) => Err(failed(error)),
    }
}

/// Puts the new file in the place of the old one where that is still as it was. Between looking and renaming
/// nobody can come in: the two are exchanged first, and back again if what came out is something else.
fn replace(temporary: &Path, target: &Path, before: &[u8]) -> std::io::Result<bool> {
    if std::fs::read(target)? != before {
        return Ok(false);
    }
    match renameat_with(CWD, temporary, CWD, target, RenameFlags::EXCHANGE) {
        Ok(()) => {
            if std::fs::read(temporary)? == before {
                std::fs::remove_file(temporary)?;
                return Ok(true);
            }
            renameat_with(CWD, temporary, CWD, target, RenameFlags::EXCHANGE)?;
            Ok(false)
        }
        // A file system that cannot exchange.
        Err(_) => std::fs::rename(temporary, target).map(|()| true),
    }
}

fn create(root: &Path, path: &str, whole: &Path, text: &str) -> Result<Appended, AppendError> {
    let failed =
        |error: std::io::Error| AppendError::File { path: path.to_owned(), reason: error.to_string() };
    let folder = whole.parent().unwrap_or(root);
    std::fs::create_dir_all(folder).map_err(failed)?;
    // Folders may be links.
    let inside = std::fs::canonicalize(folder).and_then(|folder| Ok((folder, std::fs::canonicalize(root)?)));
    let (folder, root) = inside.map_err(failed)?;
    if !folder.starts_with(&root) {
        return Err(AppendError::Outside(path.to_owned()));
    }
    let temporary = write_beside(whole, text.as_bytes(), 0o644).map_err(failed)?;
    // Never over a note that came meanwhile; a link is refused where a name is taken.
    let linked = std::fs::hard_link(&temporary, whole);
    let _ = std::fs::remove_file(&temporary);
    match linked {
        Ok(()) => Ok(Appended::Added),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(AppendError::Changed(path.to_owned())),
        Err(error) => Err(failed(error)),
    }
}

/// Writes a file beside another one, by a name that Obsidian and we pass over.
fn write_beside(target: &Path, bytes: &[u8], mode: u32) -> std::io::Result<PathBuf> {
    let name = format!(".mecris-{:016x}.tmp", rand::random::<u64>());
    let temporary = target.with_file_name(name);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(mode & 0o7777).open(&temporary)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(error) = written {
        let _ = std::fs::remove_file(&temporary);
        return Err(error);
    }
    Ok(temporary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_that_changed_meanwhile_is_left_as_the_other_one_left_it() {
        let dir = tempfile::tempdir().unwrap();
        let (target, temporary) = (dir.path().join("a.md"), dir.path().join(".new"));
        std::fs::write(&target, "the other's").unwrap();
        std::fs::write(&temporary, "ours").unwrap();
        assert!(!replace(&temporary, &target, b"before").unwrap());
        assert_eq!(std::fs::read(&target).unwrap(), b"the other's");
        assert!(replace(&temporary, &target, b"the other's").unwrap());
        assert_eq!(std::fs::read(&target).unwrap(), b"ours");
        assert!(!temporary.exists());
    }

    #[test]
    fn a_note_keeps_its_mode_and_a_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("real.md"), "# Log\n").unwrap();
        std::fs::set_permissions(dir.path().join("real.md"), std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("real.md", dir.path().join("link.md")).unwrap();
        assert_eq!(add_line(dir.path(), "link.md", "Log", "- a", ""), Ok(Appended::Added));
        assert_eq!(add_line(dir.path(), "link.md", "Log", "- a", ""), Ok(Appended::Known));
        let real = dir.path().join("real.md");
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "# Log\n- a\n");
        assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(dir.path().join("link.md").is_symlink());
    }

    #[test]
    fn no_new_note_lies_outside_of_the_vault() {
        let dir = tempfile::tempdir().unwrap();
        let vault = dir.path().join("vault");
        std::fs::create_dir_all(&vault).unwrap();
        std::fs::create_dir(dir.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("../elsewhere", vault.join("out")).unwrap();
        let refused = add_line(&vault, "out/a.md", "Log", "- a", "");
        assert_eq!(refused, Err(AppendError::Outside("out/a.md".to_owned())));
        assert_eq!(std::fs::read_dir(dir.path().join("elsewhere")).unwrap().count(), 0);
        assert_eq!(add_line(&vault, "in/a.md", "Log", "- a", "fresh"), Ok(Appended::Added));
        assert_eq!(std::fs::read_to_string(vault.join("in/a.md")).unwrap(), "fresh\n\n## Log\n\n- a");
    }
}
