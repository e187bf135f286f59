//! Adding a line to a note on disk, and taking it back: whole or not at all, and never over another one's change.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::domain::vault::write::insertion;
use crate::domain::vault::written::Back;
use crate::files::beneath::{Astray, Root};
use crate::files::others::bounded;
use crate::files::persons_mode;

use super::NOTE_MAX;

/// Why a line is not added. The note is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Somebody else wrote to it.
    #[error("{0} changed while it was written to, and is as the other left it; try again")]
    Changed(String),
    /// Somebody else wrote to it since the line was written.
    #[error("{0} was changed since the line was written, and stays as it is; remove the line by hand")]
    ChangedSince(String),
    /// There is no note any more to take a line back from.
    #[error(
        "{0} is not there any more: it was moved, renamed or removed since the line was written; nothing was changed"
    )]
    Gone(String),
    /// It is no text.
    #[error("{0} is no UTF-8 text; have Obsidian save it anew")]
    NoText(String),
    /// It lies outside of the vault, or a link of it does.
    #[error(
        "{0} leads out of the vault, and nothing is written or read there; remove the link, or mend the daily notes' folder and format in Obsidian"
    )]
    Outside(String),
    /// A link of it leads nowhere.
    #[error("{0} is a link that leads nowhere; remove it")]
    Nowhere(String),
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// The line is there now.
    Added(Box<Added>),
    /// It was there.
    Known,
}

/// What was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// All of the note before; none if it was made.
    pub before: Option<Vec<u8>>,
    /// All of it after.
    pub after: Vec<u8>,
    /// Where the new bytes begin.
    pub at: usize,
    /// How many they are.
    pub length: usize,
    /// How many folders were made for it.
    pub folders: usize,
}

impl AppendError {
    fn file(path: String, error: &std::io::Error) -> Self {
        let mut reason = error.to_string();
        if error.kind() == std::io::ErrorKind::ReadOnlyFilesystem {
            // Most often the unit: it may write to its own directory alone.
            reason += "; under systemd name the vault in ReadWritePaths, as docs/operating.md shows";
        }
        Self::File { path, reason }
    }

    /// Why a path of the vault cannot be used.
    pub(crate) fn astray(path: &str, astray: Astray) -> Self {
        let path = path.to_owned();
        match astray {
            Astray::Outside => Self::Outside(path),
            Astray::Nowhere => Self::Nowhere(path),
            Astray::File(error) => Self::file(path, &error),
        }
    }
}

/// Adds `line` below `heading` of the note at `path`, relative to the vault. A note that is not there is made of
/// `fresh`. A link is written behind, not replaced, where that lies in the vault. Blocks.
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
    let failed = |error: std::io::Error| AppendError::file(path.to_owned(), &error);
    let mut place = Root::open(root)
        .map_err(Astray::from)
        .and_then(|root| root.find(path))
        .map_err(|astray| AppendError::astray(path, astray))?;
    if !place.is_there() {
        let (at, added) = insertion(fresh, heading, line).unwrap_or_default();
        let (length, folders) = (fresh.len() + added.len(), place.missing_folders());
        let after = put_in(fresh, at, &added);
        place.make_folders(persons_mode(0o755)).map_err(failed)?;
        let written = place.write_beside(&after, persons_mode(0o644)).map_err(failed)?;
        // Never over a note that came meanwhile.
        written.put().map_err(failed).and_then(|is_written| outcome(is_written, path))?;
        return Ok(Appended::Added(Box::new(Added { before: None, after, at: 0, length, folders })));
    }
    let file = place.open(Path::new(path)).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    let before = bounded(file, NOTE_MAX).map_err(failed)?;
    let text = std::str::from_utf8(&before).map_err(|_| AppendError::NoText(path.to_owned()))?;
    let Some((at, added)) = insertion(text, heading, line) else { return Ok(Appended::Known) };
    let after = put_in(text, at, &added);
    let written = place.write_beside(&after, mode).map_err(failed)?;
    outcome(written.replace(&before).map_err(failed)?, path)?;
    let (before, length) = (Some(before), added.len());
    Ok(Appended::Added(Box::new(Added { before, after, at, length, folders: 0 })))
}

fn put_in(text: &str, at: usize, added: &str) -> Vec<u8> {
    let (before, after) = text.split_at(at);
    [before, added, after].concat().into_bytes()
}

fn outcome(is_written: bool, path: &str) -> Result<(), AppendError> {
    if is_written { Ok(()) } else { Err(AppendError::Changed(path.to_owned())) }
}

/// Gives a note back as it was before a line was written to it: `undone` says what it was, from what it is now, or none
/// if that is another one's. As many as `folders` above a note that is removed are removed too, if they are empty. Blocks.
/// True if something was changed; false if it was so already.
///
/// # Errors
/// [`AppendError`].
pub fn take_back(
    root: &Path,
    path: &str,
    folders: u32,
    undone: impl FnOnce(&[u8]) -> Option<Back>,
) -> Result<bool, AppendError> {
    let failed = |error: std::io::Error| AppendError::file(path.to_owned(), &error);
    let astray = |astray| AppendError::astray(path, astray);
    let inside = Root::open(root).map_err(failed)?;
    let place = inside.find(path).map_err(astray)?;
    if !place.is_there() {
        return Err(AppendError::Gone(path.to_owned()));
    }
    let file = place.open(Path::new(path)).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    let now = bounded(file, NOTE_MAX).map_err(failed)?;
    let is_written = match undone(&now) {
        None => return Err(AppendError::ChangedSince(path.to_owned())),
        Some(Back::Done) => return Ok(false),
        Some(Back::Bytes(before)) => {
            let written = place.write_beside(&before, mode).map_err(failed)?;
            written.replace(&now).map_err(failed)?
        }
        Some(Back::Removed) => place.remove(&now).map_err(failed)?,
    };
    outcome(is_written, path)?;
    let mut folder = path;
    for _ in 0..folders {
        let Some((above, _)) = folder.rsplit_once('/') else { break };
        // One that holds something else by now stays, and so does all above it.
        if !inside.remove_folder(above).unwrap_or(false) {
            break;
        }
        folder = above;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Whether the line was added.
    fn add_line(
        root: &Path,
        path: &str,
        heading: &str,
        line: &str,
        fresh: &str,
    ) -> Result<bool, AppendError> {
        let added = super::add_line(root, path, heading, line, fresh)?;
        if let Appended::Added(added) = &added {
            let now = std::fs::read(root.join(path)).unwrap();
            let (at, end) = (added.at, added.at + added.length);
            let before = [&now[..at], &now[end..]].concat();
            assert_eq!((&now, &before), (&added.after, added.before.as_ref().unwrap_or(&Vec::new())));
        }
        Ok(added != Appended::Known)
    }

    #[test]
    fn a_note_keeps_its_mode_and_a_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("real.md"), "# Log\n").unwrap();
        std::fs::set_permissions(dir.path().join("real.md"), std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("real.md", dir.path().join("link.md")).unwrap();
        assert_eq!(add_line(dir.path(), "link.md", "Log", "- a", ""), Ok(true));
        assert_eq!(add_line(dir.path(), "link.md", "Log", "- a", ""), Ok(false));
        let real = dir.path().join("real.md");
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "# Log\n- a\n");
        assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(dir.path().join("link.md").is_symlink());
    }

    /// A vault with links that lead out of it, in every way that was thought of, and what they lead to.
    fn with_links_out() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let vault = dir.path().join("vault");
        std::fs::create_dir_all(vault.join("real")).unwrap();
        std::fs::create_dir_all(dir.path().join("elsewhere/deep")).unwrap();
        std::fs::write(dir.path().join("victim"), "# mine\n").unwrap();
        std::fs::write(dir.path().join("elsewhere/a.md"), "# mine\n").unwrap();
        let victim = dir.path().join("victim");
        for (target, link) in [
            (Path::new("../victim"), "relative.md"),
            (&victim, "absolute.md"),
            (Path::new("relative.md"), "twice.md"),
            (Path::new("../elsewhere"), "out"),
            (Path::new("../../elsewhere/deep"), "real/deep"),
            (Path::new("../nothing.md"), "dangling.md"),
            (Path::new("real/../../victim"), "winding.md"),
            (Path::new("/proc/self/cwd/x.md"), "magic.md"),
        ] {
            symlink(target, vault.join(link)).unwrap();
        }
        (dir, vault)
    }

    #[test]
    fn no_line_is_written_through_a_link_out_of_the_vault() {
        let (dir, vault) = with_links_out();
        for path in [
            "relative.md",
            "absolute.md",
            "twice.md",
            "out/a.md",
            "out/new.md",
            "out/more/new.md",
            "real/deep/new.md",
            "dangling.md",
            "winding.md",
            "magic.md",
            "../victim",
            "real/../../victim",
            "/etc/hostname",
            "not/there/../../../victim",
        ] {
            let refused = add_line(&vault, path, "Log", "- x; $(touch owned)", "");
            assert_eq!(refused, Err(AppendError::Outside(path.to_owned())));
        }
        assert_eq!(std::fs::read_to_string(dir.path().join("victim")).unwrap(), "# mine\n");
        assert_eq!(std::fs::read_to_string(dir.path().join("elsewhere/a.md")).unwrap(), "# mine\n");
        let names = |path: &str| std::fs::read_dir(dir.path().join(path)).unwrap().count();
        assert_eq!((names("elsewhere"), names("elsewhere/deep"), names("")), (2, 0, 3), "nothing new");
        assert_eq!(add_line(&vault, "in/a.md", "Log", "- a", "fresh"), Ok(true));
        assert_eq!(std::fs::read_to_string(vault.join("in/a.md")).unwrap(), "fresh\n\n## Log\n\n- a");
    }

    #[test]
    fn what_is_no_note_is_refused_and_nothing_hangs() {
        let (_dir, vault) = with_links_out();
        symlink("nothing.md", vault.join("inside.md")).unwrap();
        symlink("circle.md", vault.join("circle.md")).unwrap();
        for path in ["inside.md", "circle.md"] {
            let refused = add_line(&vault, path, "Log", "- a", "");
            assert_eq!(refused, Err(AppendError::Nowhere(path.to_owned())));
        }
        rustix::fs::mknodat(
            rustix::fs::CWD,
            vault.join("pipe.md"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        symlink(&vault, vault.join("self.md")).unwrap();
        for path in ["pipe.md", "real", "self.md"] {
            let refused = add_line(&vault, path, "Log", "- a", "");
            assert!(matches!(refused, Err(AppendError::File { .. })), "{path}: {refused:?}");
        }
        // A link that leads inside works, also an absolute one.
        std::fs::write(vault.join("real/note.md"), "").unwrap();
        symlink(vault.join("real"), vault.join("alias")).unwrap();
        assert_eq!(add_line(&vault, "alias/note.md", "Log", "- a", ""), Ok(true));
        assert!(std::fs::read_to_string(vault.join("real/note.md")).unwrap().contains("- a"));
    }

    /// Takes a line back that was just written.
    fn undo(root: &Path, path: &str, added: &Added) -> Result<bool, AppendError> {
        take_back(root, path, u32::try_from(added.folders).unwrap(), |now| {
            let before = || added.before.clone().map_or(Back::Removed, Back::Bytes);
            (now == added.after).then(before)
        })
    }

    #[test]
    fn what_was_written_is_taken_back_to_the_byte_and_only_within_the_vault() {
        let (dir, vault) = with_links_out();
        let write = |path: &str, fresh: &str| match super::add_line(&vault, path, "Log", "- a", fresh) {
            Ok(Appended::Added(added)) => added,
            other => panic!("{other:?}"),
        };
        // A note that was there, with its mode and its line ends.
        std::fs::write(vault.join("a.md"), "\u{feff}# Log\r\nx").unwrap();
        std::fs::set_permissions(vault.join("a.md"), std::fs::Permissions::from_mode(0o640)).unwrap();
        let added = write("a.md", "");
        assert_eq!(undo(&vault, "a.md", &added), Ok(true));
        assert_eq!(std::fs::read(vault.join("a.md")).unwrap(), "\u{feff}# Log\r\nx".as_bytes());
        assert_eq!(std::fs::metadata(vault.join("a.md")).unwrap().permissions().mode() & 0o777, 0o640);
        // One that was made goes, with the folders that were made for it, unless they hold something else by now.
        let added = write("new/deep/b.md", "fresh");
        assert_eq!(undo(&vault, "new/deep/b.md", &added), Ok(true));
        assert!(!vault.join("new").exists());
        let added = write("new/deep/b.md", "fresh");
        std::fs::write(vault.join("new/mine.md"), "mine").unwrap();
        assert_eq!(undo(&vault, "new/deep/b.md", &added), Ok(true));
        assert!(vault.join("new/mine.md").exists() && !vault.join("new/deep").exists());
        let added = write("real/c.md", "");
        assert_eq!((added.folders, undo(&vault, "real/c.md", &added)), (0, Ok(true)));
        assert!(vault.join("real").exists());
        // Changed since, gone, or swapped for a link out of the vault: as it is.
        let added = write("a.md", "");
        std::fs::write(vault.join("a.md"), "another's").unwrap();
        assert_eq!(undo(&vault, "a.md", &added), Err(AppendError::ChangedSince("a.md".into())));
        assert_eq!(std::fs::read_to_string(vault.join("a.md")).unwrap(), "another's");
        std::fs::remove_file(vault.join("a.md")).unwrap();
        assert_eq!(undo(&vault, "a.md", &added), Err(AppendError::Gone("a.md".into())));
        std::fs::write(dir.path().join("victim"), &added.after).unwrap();
        symlink("../victim", vault.join("a.md")).unwrap();
        assert_eq!(undo(&vault, "a.md", &added), Err(AppendError::Outside("a.md".into())));
        assert_eq!(std::fs::read(dir.path().join("victim")).unwrap(), added.after);
    }
}
