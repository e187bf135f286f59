//! Paths that must not leave a folder which others may write to: a vault is synced, shared, cloned.
//!
//! A path is walked component by component, each opened relative to the one before it and never through a link. A link
//! is read and its words are walked in the same way, so that one which stays inside works and one which leads out is
//! found out, whatever lies where. What was found is a folder that is open and a name in it that was no link: who swaps
//! something between the look and the act changes what is inside of the folder, and nothing outside.
//!
//! Not `openat2(RESOLVE_BENEATH)`: it refuses absolute links also where they lead inside, and is Linux's alone.

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
    /// As it was named, and as it really is: absolute links may begin with either.
    names: [PathBuf; 2],
}

/// Why a path leads to nothing that can be used.
#[derive(Debug, thiserror::Error)]
pub enum Astray {
    /// It leads out of the folder.
    #[error("it leads out of the folder")]
    Outside,
    /// A link of it leads nowhere, or in a circle.
    #[error("a link of it leads nowhere")]
    Nowhere,
    /// The file system.
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
    /// The folder that it lies in, open.
    folder: OwnedFd,
    /// Folders below it that are not there yet.
    missing: Vec<OsString>,
    name: OsString,
    kind: Option<FileType>,
}

impl Root {
    /// Opens a folder. It may be named by a link: whoever names it means what that leads to.
    ///
    /// # Errors
    /// What the file system said.
    pub fn open(path: &Path) -> io::Result<Self> {
        let real = std::fs::canonicalize(path)?;
        let folder = rustix::fs::open(&real, folder_flags(), Mode::empty())?;
        Ok(Self { folder, names: [real, std::path::absolute(path)?] })
    }

    /// Finds where a path leads, which may be to nothing: a new file's place.
    ///
    /// # Errors
    /// [`Astray`].
    pub fn find(&self, path: impl AsRef<Path>) -> Result<Place, Astray> {
        let mut todo = components(path.as_ref())?;
        let mut stack: Vec<OwnedFd> = Vec::new();
        let mut links = 0;
        // How many components stood behind the first link whose words are being walked.
        let mut behind_link = None;
        while let Some(step) = todo.pop_front() {
            behind_link = behind_link.filter(|behind| todo.len() >= *behind);
            let Some(name) = step else {
                // `..`: back to what was open before, not to wherever that has been moved since.
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
        // The root itself, or a folder that `..` came back to.
        let folder = duplicate(stack.last().map_or(self.folder.as_fd(), AsFd::as_fd))?;
        Ok(Place { folder, missing: Vec::new(), name: ".".into(), kind: Some(FileType::Directory) })
    }

    /// Reads a file of at most `most` bytes; none where there is nothing.
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

/// The place of what is not there.
fn absent(here: BorrowedFd<'_>, name: OsString, rest: VecDeque<Option<OsString>>) -> Result<Place, Astray> {
    // `..` behind what is not there leads nobody knows where.
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

/// A path's components; none for `..`. An absolute path does not lie in any folder.
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
    /// Whether there is something.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.kind.is_some()
    }

    /// Whether that is a folder.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.kind == Some(FileType::Directory)
    }

    /// Opens what is there to be read, if it is a regular file still. `path` is what errors call it.
    ///
    /// # Errors
    /// [`Refused`] inside; what the file system said.
    pub fn open(&self, path: &Path) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&self.folder, &self.name, flags, Mode::empty());
        let file = File::from(opened.map_err(|error| super::opening(path, error))?);
        if !file.metadata()?.is_file() {
            return Err(Refused::Kind(said(path)).into());
        }
        Ok(file)
    }

    /// Makes the folders that are missing above it, with this mode.
    ///
    /// # Errors
    /// What the file system said.
    pub fn make_folders(&mut self, mode: u32) -> io::Result<()> {
        for name in std::mem::take(&mut self.missing) {
            let made = rustix::fs::mkdirat(&self.folder, &name, raw(mode));
            if !matches!(made, Ok(()) | Err(Errno::EXIST)) {
                made?;
            }
            let folder = rustix::fs::openat(&self.folder, &name, folder_flags(), Mode::empty())?;
            if made.is_ok() {
                // The mask of this process is tighter than that of the person's own programs.
                rustix::fs::fchmod(&folder, raw(mode))?;
            }
            self.folder = folder;
        }
        Ok(())
    }

    /// Writes a file beside it, under a name that cannot be guessed, and syncs it. It is removed where it is dropped.
    ///
    /// # Errors
    /// What the file system said.
    pub fn write_beside(&self, bytes: &[u8], mode: u32) -> io::Result<Beside<'_>> {
        use std::io::Write;
        let name = super::passing_name();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(&self.folder, &name, flags, raw(0o600))?);
        let beside = Beside { place: self, name };
        file.write_all(bytes)?;
        rustix::fs::fchmod(&file, raw(mode))?;
        file.sync_all()?;
        Ok(beside)
    }
}

fn raw(mode: u32) -> Mode {
    Mode::from_raw_mode((mode & 0o7777) as rustix::fs::RawMode)
}

/// A file that was written beside a place.
#[derive(Debug)]
pub struct Beside<'a> {
    place: &'a Place,
    name: String,
}

impl Beside<'_> {
    /// Puts it in its place where what is there is still `before`. Between looking and renaming nobody can come in: the
    /// two are exchanged first, and back again if what came out is something else, a link for one.
    ///
    /// # Errors
    /// What the file system said.
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
                    // Under our name lies another's work now: it stays.
                    std::mem::forget(self);
                    return Err(error.into());
                }
                return Ok(false);
            }
            // A file system that cannot exchange. A link that has come there meanwhile is replaced, not followed.
            Err(_) => renameat(folder, &self.name, folder, name)?,
        }
        rustix::fs::fsync(folder)?;
        Ok(true)
    }

    /// Puts it in its place where nothing is, not even a link that leads nowhere; false where something is.
    ///
    /// # Errors
    /// What the file system said.
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

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        // It is not there where it was renamed; where it cannot be removed, Obsidian and we pass over its name.
        let _ = rustix::fs::unlinkat(&self.place.folder, &self.name, AtFlags::empty());
    }
}

/// Whether a name is that of a regular file with these bytes.
fn holds(folder: BorrowedFd<'_>, name: &Path, bytes: &[u8]) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::openat(folder, name, flags, Mode::empty()) else { return false };
    let file = File::from(file);
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    is_file && bounded(file, bytes.len() as u64).is_ok_and(|found| found == bytes)
}
