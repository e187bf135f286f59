//! Paths confined to a folder that others may write to: a vault is synced, shared, cloned.
//!
//! A path is walked component by component, each opened relative to the previous one and never through a
//! symbolic link. A link is read, and its target is walked in the same way: one that stays inside works, and
//! one that leads out is detected, wherever things are. The result is an open folder and a name in it that
//! was not a link: whoever swaps something between the check and the use changes the content of that folder,
//! and nothing outside.
//!
//! Not `openat2(RESOLVE_BENEATH)`: it also refuses absolute links that lead inside, and exists on Linux only.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::others::bounded;
use super::{Refused, said};

/// As many links as the kernel follows.
const LINKS_MAX: u32 = 40;

/// A folder that paths must not leave.
#[derive(Debug)]
pub struct Root {
    folder: OwnedFd,
    /// As given, and as resolved: absolute links may begin with either.
    names: [PathBuf; 2],
}

/// Why a path cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Astray {
    /// It leads out of the folder.
    #[error("it leads out of the folder")]
    Outside,
    /// A symbolic link in it leads nowhere, or in a circle.
    #[error("a link of it leads nowhere")]
    Nowhere,
    /// An I/O error.
    #[error(transparent)]
    File(#[from] io::Error),
}

impl From<Errno> for Astray {
    fn from(error: Errno) -> Self {
        Self::File(error.into())
    }
}

/// Where a path leads.
#[derive(Debug)]
pub struct Place {
    /// The open folder that contains it.
    folder: OwnedFd,
    /// Folders below that do not exist yet.
    missing: Vec<OsString>,
    name: OsString,
    kind: Option<FileType>,
}

impl Root {
    /// Opens a folder. Its path may contain symbolic links: whoever names it means their target.
    ///
    /// # Errors
    /// An I/O error.
    pub fn open(path: &Path) -> io::Result<Self> {
        let real = std::fs::canonicalize(path)?;
        let folder = rustix::fs::open(&real, folder_flags(), Mode::empty())?;
        Ok(Self { folder, names: [real, std::path::absolute(path)?] })
    }

    /// Resolves a path, which may not exist: the place of a new file.
    ///
    /// # Errors
    /// [`Astray`].
    pub fn find(&self, path: impl AsRef<Path>) -> Result<Place, Astray> {
        let mut todo = components(path.as_ref())?;
        let mut stack: Vec<OwnedFd> = Vec::new();
        let mut links = 0;
        // How many components followed the first link whose target is being walked.
        let mut behind_link = None;
        while let Some(step) = todo.pop_front() {
            behind_link = behind_link.filter(|behind| todo.len() >= *behind);
            let Some(name) = step else {
                // `..`: back to the folder that was open before, wherever it has been moved since.
                stack.pop().ok_or(Astray::Outside)?;
                continue;
            };
            let here = stack.last().map_or(self.folder.as_fd(), AsFd::as_fd);
            let kind = match rustix::fs::statat(here, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                Err(Errno::NOENT) if behind_link.is_some() => return Err(Astray::Nowhere),
                Err(Errno::NOENT) => return absent(here, name, todo),
                Err(error) => return Err(error.into()),
            };
            match kind {
                FileType::Symlink => {
                    links += 1;
                    if links > LINKS_MAX {
                        return Err(Astray::Nowhere);
                    }
                    let target = rustix::fs::readlinkat(here, &name, Vec::new())?.into_bytes();
                    let target = PathBuf::from(OsString::from_vec(target));
                    behind_link = behind_link.or(Some(todo.len()));
                    let mut more = if target.is_absolute() {
                        stack.clear();
                        let inside = self.names.iter().find_map(|name| target.strip_prefix(name).ok());
                        components(inside.ok_or(Astray::Outside)?)?
                    } else {
                        components(&target)?
                    };
                    more.append(&mut todo);
                    todo = more;
                }
                FileType::Directory if !todo.is_empty() => {
                    let folder = rustix::fs::openat(here, &name, folder_flags(), Mode::empty())?;
                    stack.push(folder);
                }
                kind if todo.is_empty() => {
                    return Ok(Place {
                        folder: duplicate(here)?,
                        missing: Vec::new(),
                        name,
                        kind: Some(kind),
                    });
                }
                _ => return Err(Errno::NOTDIR.into()),
            }
        }
        // The root itself, or a folder that `..` returned to.
        let folder = duplicate(stack.last().map_or(self.folder.as_fd(), AsFd::as_fd))?;
        Ok(Place { folder, missing: Vec::new(), name: ".".into(), kind: Some(FileType::Directory) })
    }

    /// Removes a folder if it is empty; false if it is not.
    ///
    /// # Errors
    /// [`Astray`].
    pub fn remove_folder(&self, path: impl AsRef<Path>) -> Result<bool, Astray> {
        let place = self.find(path)?;
        match rustix::fs::unlinkat(&place.folder, &place.name, AtFlags::REMOVEDIR) {
            Ok(()) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a file of at most `most` bytes; none if it does not exist.
    ///
    /// # Errors
    /// [`Astray`].
    pub fn read(&self, path: impl AsRef<Path>, most: u64) -> Result<Option<Vec<u8>>, Astray> {
        let path = path.as_ref();
        let place = self.find(path)?;
        if !place.is_there() {
            return Ok(None);
        }
        Ok(Some(bounded(place.open(path)?, most)?))
    }
}

/// The place of a file that does not exist.
fn absent(here: BorrowedFd<'_>, name: OsString, rest: VecDeque<Option<OsString>>) -> Result<Place, Astray> {
    // `..` after a missing component is undefined.
    let rest: Option<Vec<OsString>> = rest.into_iter().collect();
    let mut missing = vec![name];
    missing.extend(rest.ok_or(Astray::Outside)?);
    let name = missing.pop().unwrap_or_default();
    Ok(Place { folder: duplicate(here)?, missing, name, kind: None })
}

fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn duplicate(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    fd.try_clone_to_owned()
}

/// A path's components; none for `..`. An absolute path is in no folder.
fn components(path: &Path) -> Result<VecDeque<Option<OsString>>, Astray> {
    let one = |component: Component<'_>| match component {
        Component::Normal(name) => Some(Ok(Some(name.to_owned()))),
        Component::ParentDir => Some(Ok(None)),
        Component::CurDir => None,
        Component::RootDir | Component::Prefix(_) => Some(Err(Astray::Outside)),
    };
    path.components().filter_map(one).collect()
}

impl Place {
    /// Whether it exists.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.kind.is_some()
    }

    /// Whether it is a folder.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.kind == Some(FileType::Directory)
    }

    /// Opens it for reading, if it is still a regular file. `path` is its name in errors.
    ///
    /// # Errors
    /// [`Refused`] inside; an I/O error.
    pub fn open(&self, path: &Path) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&self.folder, &self.name, flags, Mode::empty());
        let file = File::from(opened.map_err(|error| super::opening(path, error))?);
        if !file.metadata()?.is_file() {
            return Err(Refused::Kind(said(path)).into());
        }
        Ok(file)
    }

    /// How many folders above it do not exist yet.
    #[must_use]
    pub fn missing_folders(&self) -> usize {
        self.missing.len()
    }

    /// Removes it if its content is still `before`; false if it is not. It is renamed first: what turns out to be
    /// another one's work gets its name back.
    ///
    /// # Errors
    /// An I/O error.
    pub fn remove(&self, before: &[u8]) -> io::Result<bool> {
        use rustix::fs::{RenameFlags, renameat_with};
        let Self { folder, name, .. } = self;
        if !holds(folder.as_fd(), name.as_ref(), before) {
            return Ok(false);
        }
        let aside = super::passing_name();
        renameat_with(folder, name, folder, &aside, RenameFlags::NOREPLACE)?;
        if !holds(folder.as_fd(), aside.as_ref(), before) {
            renameat_with(folder, &aside, folder, name, RenameFlags::NOREPLACE)?;
            return Ok(false);
        }
        rustix::fs::unlinkat(folder, &aside, AtFlags::empty())?;
        rustix::fs::fsync(folder)?;
        Ok(true)
    }

    /// Creates the missing folders above it, with this mode.
    ///
    /// # Errors
    /// An I/O error.
    pub fn make_folders(&mut self, mode: u32) -> io::Result<()> {
        for name in std::mem::take(&mut self.missing) {
            let made = rustix::fs::mkdirat(&self.folder, &name, raw(mode));
            if !matches!(made, Ok(()) | Err(Errno::EXIST)) {
                made?;
            }
            let folder = rustix::fs::openat(&self.folder, &name, folder_flags(), Mode::empty())?;
            if made.is_ok() {
                // The umask of this process is stricter than that of the person's own programs.
                rustix::fs::fchmod(&folder, raw(mode))?;
            }
            self.folder = folder;
        }
        Ok(())
    }

    /// Writes a temporary file next to it, under an unguessable name, and syncs it. Dropping it removes the
    /// file.
    ///
    /// # Errors
    /// An I/O error.
    pub fn write_beside(&self, bytes: &[u8], mode: u32) -> io::Result<TemporaryFile<'_>> {
        use std::io::Write;
        let name = super::passing_name();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(&self.folder, &name, flags, raw(0o600))?);
        let beside = TemporaryFile { place: self, name };
        file.write_all(bytes)?;
        rustix::fs::fchmod(&file, raw(mode))?;
        file.sync_all()?;
        Ok(beside)
    }
}

fn raw(mode: u32) -> Mode {
    Mode::from_raw_mode((mode & 0o7777) as rustix::fs::RawMode)
}

/// A temporary file next to its target.
#[derive(Debug)]
pub struct TemporaryFile<'a> {
    place: &'a Place,
    name: String,
}

impl TemporaryFile<'_> {
    /// Replaces the target if its content is still `before`. There is no race between check and rename: the
    /// two files are exchanged first, and exchanged back if the old one turns out to be something else, such
    /// as a link.
    ///
    /// # Errors
    /// An I/O error.
    pub fn replace(self, before: &[u8]) -> io::Result<bool> {
        use rustix::fs::{RenameFlags, renameat, renameat_with};
        let Place { folder, name, .. } = self.place;
        if !holds(folder.as_fd(), name.as_ref(), before) {
            return Ok(false);
        }
        let exchange = || renameat_with(folder, &self.name, folder, name, RenameFlags::EXCHANGE);
        match exchange() {
            Ok(()) if holds(folder.as_fd(), self.name.as_ref(), before) => {}
            Ok(()) => {
                if let Err(error) = exchange() {
                    // Another program's work has our temporary name now: it stays.
                    std::mem::forget(self);
                    return Err(error.into());
                }
                return Ok(false);
            }
            // The file system cannot exchange files. A link that appeared there meanwhile is replaced, not
            // followed.
            Err(_) => renameat(folder, &self.name, folder, name)?,
        }
        rustix::fs::fsync(folder)?;
        Ok(true)
    }

    /// Renames it to its target if nothing is there, not even a dangling link; false if something is.
    ///
    /// # Errors
    /// An I/O error.
    pub fn put(self) -> io::Result<bool> {
        let Place { folder, name, .. } = self.place;
        match rustix::fs::linkat(folder, &self.name, folder, name, AtFlags::empty()) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        rustix::fs::fsync(folder)?;
        Ok(true)
    }
}

impl Drop for TemporaryFile<'_> {
    fn drop(&mut self) {
        // After a rename it is gone; if it cannot be removed, Obsidian and this program ignore its name.
        let _ = rustix::fs::unlinkat(&self.place.folder, &self.name, AtFlags::empty());
    }
}

/// Whether a name is a regular file with these bytes.
fn holds(folder: BorrowedFd<'_>, name: &Path, bytes: &[u8]) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::openat(folder, name, flags, Mode::empty()) else { return false };
    let file = File::from(file);
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    is_file && bounded(file, bytes.len() as u64).is_ok_and(|found| found == bytes)
}
