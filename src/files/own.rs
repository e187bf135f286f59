//! Directories and files of this program.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::others::bounded;
use super::{Refused, bits, is_leftover, opening, passing_name, said};

/// For the owner alone.
const FILE: u32 = 0o600;
const DIRECTORY: u32 = 0o700;
/// All permissions of group and others.
const OTHERS: u32 = 0o077;
/// Maximum depth of our directories: `data/console/PROVIDER/failures`.
const DEPTH_MAX: usize = 4;

fn open_flags() -> OFlags {
    // Without O_NONBLOCK a pipe that somebody placed there would block us forever.
    OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK
}

/// Creates a directory and its parents for their owner alone; an existing one is closed to others. The path
/// may be a person's own symbolic link: then its target must belong to them.
///
/// # Errors
/// [`Refused`] inside if it belongs to another user; an I/O error.
pub fn dir(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(DIRECTORY).create(path)?;
    close(&open_dir(path, true)?, path, DIRECTORY)
}

/// The same inside one of our directories, where symbolic links are refused.
///
/// # Errors
/// [`Refused`] inside if it is a link or belongs to another user; an I/O error.
pub fn inner_dir(path: &Path) -> io::Result<()> {
    match std::fs::DirBuilder::new().mode(DIRECTORY).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    close(&open_dir(path, false)?, path, DIRECTORY)
}

/// Creates a directory that must not exist yet.
///
/// # Errors
/// [`Refused::Taken`] inside; an I/O error.
pub fn new_dir(path: &Path) -> io::Result<()> {
    match std::fs::DirBuilder::new().mode(DIRECTORY).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Refused::Taken(said(path)).into()),
        made => made,
    }
}

/// Ensures that a directory exists and is ours, and keeps its mode: it is the person's own place.
///
/// # Errors
/// [`Refused`] inside if it belongs to another user; an I/O error.
pub fn persons_dir(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(DIRECTORY).create(path)?;
    open_dir(path, true).map(drop)
}

/// Opens a directory of ours.
fn open_dir(path: &Path, may_be_link: bool) -> io::Result<OwnedFd> {
    // A trailing slash would follow a link.
    let path = path.components().as_path();
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let user = rustix::process::geteuid().as_raw();
    let fd = match rustix::fs::open(path, flags | OFlags::NOFOLLOW, Mode::empty()) {
        // Which of the two occurs depends on the system.
        Err(error @ (Errno::LOOP | Errno::NOTDIR)) => {
            let link = std::fs::symlink_metadata(path)?;
            // Another user's link in a world-writable place is how files are redirected.
            let is_own = link.uid() == user || link.uid() == 0;
            match (link.is_symlink(), may_be_link && is_own) {
                (true, true) => rustix::fs::open(path, flags, Mode::empty())?,
                (true, false) => return Err(Refused::Link(said(path)).into()),
                (false, _) => return Err(error.into()),
            }
        }
        opened => opened?,
    };
    let owner = rustix::fs::fstat(&fd)?.st_uid;
    if owner != user {
        return Err(Refused::Owner { path: said(path), owner, user }.into());
    }
    Ok(fd)
}

/// Removes others' permissions from an open file or directory of ours, and ensures the owner's.
fn close(fd: impl AsFd, path: &Path, least: u32) -> io::Result<()> {
    let mode = bits(Mode::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode)) & 0o777;
    let wanted = (mode | least) & DIRECTORY;
    if mode == wanted {
        return Ok(());
    }
    let is_open = mode & OTHERS != 0;
    match rustix::fs::fchmod(&fd, Mode::from_raw_mode(wanted as rustix::fs::RawMode)) {
        Ok(()) if is_open => {
            tracing::warn!(
                ?path,
                "others could get at it (mode {mode:04o}), and cannot any more ({wanted:04o})"
            );
        }
        Ok(()) => {}
        // A file system without modes, such as a USB stick's: its mount options decide who may read it.
        Err(Errno::PERM | Errno::NOTSUP) => {
            tracing::warn!(?path, "its file system keeps no modes: others may get at it (mode {mode:04o})");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// An opened file, if it is a regular file of ours; closed to others.
fn ours(file: File, path: &Path) -> io::Result<File> {
    let stat = rustix::fs::fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Refused::Kind(said(path)).into());
    }
    let user = rustix::process::geteuid().as_raw();
    if stat.st_uid != user {
        return Err(Refused::Owner { path: said(path), owner: stat.st_uid, user }.into());
    }
    close(&file, path, 0)?;
    Ok(file)
}

fn open_with(path: &Path, flags: OFlags) -> io::Result<File> {
    let mode = Mode::from_raw_mode(FILE as rustix::fs::RawMode);
    let opened = rustix::fs::open(path, flags | open_flags(), mode);
    ours(File::from(opened.map_err(|error| opening(path, error))?), path)
}

/// Opens a file of ours for reading and writing, creating it if needed.
///
/// # Errors
/// [`Refused`] inside; an I/O error.
pub fn open_or_make(path: &Path) -> io::Result<File> {
    open_with(path, OFlags::RDWR | OFlags::CREATE)
}

/// Opens an existing file of ours for reading and writing.
///
/// # Errors
/// [`Refused`] inside; an I/O error.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(path, OFlags::RDWR)
}

/// Creates a file that must not exist yet.
///
/// # Errors
/// [`Refused::Taken`] inside; an I/O error.
pub fn make(path: &Path) -> io::Result<File> {
    open_with(path, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)
}

/// Reads a text file of ours, such as a token, of at most `most` bytes; its mode is fixed if others could
/// read it.
///
/// # Errors
/// [`Refused`] inside; `NotFound`, or another I/O error.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    open_with(path, OFlags::RDONLY)?.take(most).read_to_string(&mut text)?;
    Ok(text)
}

/// Reads a file of ours of at most `most` bytes.
///
/// # Errors
/// As [`open_to_read`]; `FileTooLarge`.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    bounded(open_to_read(path)?, most)
}

/// Opens any user's file for reading, if it is a regular file and not a link.
///
/// # Errors
/// [`Refused`] inside; an I/O error.
pub fn open_to_read(path: &Path) -> io::Result<File> {
    let opened = std::fs::File::options()
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path);
    let file = opened.map_err(|error| {
        let is_link = Errno::from_io_error(&error) == Some(Errno::LOOP);
        if is_link { Refused::Link(said(path)).into() } else { error }
    })?;
    if !file.metadata()?.is_file() {
        return Err(Refused::Kind(said(path)).into());
    }
    Ok(file)
}

/// Writes a file of ours atomically and durably.
///
/// # Errors
/// [`Refused`] inside; an I/O error.
pub fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut fresh = Fresh::beside(path)?;
    fresh.write_all(contents)?;
    fresh.keep()
}

/// A temporary file next to its target. [`keep`](Self::keep) moves it into place; dropping it before that
/// removes it.
#[derive(Debug)]
pub struct Fresh {
    dir: OwnedFd,
    file: File,
    temporary: OsString,
    name: OsString,
    is_kept: bool,
}

impl Fresh {
    /// Starts a file for the target `path`, in an existing directory of ours.
    ///
    /// # Errors
    /// [`Refused`] inside; an I/O error.
    pub fn beside(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(Errno::ISDIR)?.to_owned();
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let dir = open_dir(parent.unwrap_or(Path::new(".")), true)?;
        let temporary = OsString::from(passing_name());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | open_flags();
        let file =
            rustix::fs::openat(&dir, &temporary, flags, Mode::from_raw_mode(FILE as rustix::fs::RawMode));
        let file = File::from(file.map_err(|error| opening(path, error))?);
        Ok(Self { dir, file, temporary, name, is_kept: false })
    }

    /// Syncs it and moves it into place, over an existing file: a link there is replaced and not followed.
    ///
    /// # Errors
    /// An I/O error; the target is unchanged.
    pub fn keep(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        rustix::fs::renameat(&self.dir, &self.temporary, &self.dir, &self.name)?;
        self.is_kept = true;
        Ok(rustix::fs::fsync(&self.dir)?)
    }
}

impl Write for Fresh {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if !self.is_kept {
            // The next sweep removes what is left.
            let _ = rustix::fs::unlinkat(&self.dir, &self.temporary, AtFlags::empty());
        }
    }
}

/// Result of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files and directories that others could access, and no longer can.
    pub closed: usize,
    /// Temporary files of killed writers that were removed.
    pub removed: usize,
}

/// Closes everything in a directory of ours to others, which older versions did not do, and removes temporary
/// files of killed writers: call it while holding the directory's lock. Links are not followed, and folders
/// in `skip` are not entered.
///
/// # Errors
/// [`Refused`] inside if the directory is not ours. What cannot be fixed inside it is logged and left.
pub fn sweep(dir: &Path, skip: &[&str]) -> io::Result<Swept> {
    drop(open_dir(dir, true)?);
    let mut swept = Swept::default();
    sweep_below(dir, skip, DEPTH_MAX, &mut swept);
    if swept != Swept::default() {
        let Swept { closed, removed } = swept;
        tracing::warn!(
            ?dir,
            closed,
            removed,
            "what others could get at is closed, and what was left behind is gone"
        );
    }
    Ok(swept)
}

fn sweep_below(dir: &Path, skip: &[&str], depth: usize, swept: &mut Swept) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() && name.to_str().is_some_and(is_leftover) {
            swept.removed += usize::from(std::fs::remove_file(&path).is_ok());
            continue;
        }
        if metadata.mode() & OTHERS != 0 && (metadata.is_file() || metadata.is_dir()) {
            match close_entry(&path, metadata.is_dir()) {
                Ok(()) => swept.closed += 1,
                Err(error) => tracing::warn!(?path, %error, "others may get at it"),
            }
        }
        if metadata.is_dir() && depth > 0 && !skip.iter().any(|skipped| name == OsStr::new(skipped)) {
            sweep_below(&path, skip, depth - 1, swept);
        }
    }
}

/// Removes others' permissions, and keeps the owner's.
fn close_entry(path: &PathBuf, is_dir: bool) -> io::Result<()> {
    let kind = if is_dir { OFlags::DIRECTORY } else { OFlags::empty() };
    let fd = rustix::fs::open(path, OFlags::RDONLY | kind | open_flags(), Mode::empty())
        .map_err(|error| opening(path, error))?;
    let mode = Mode::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) & Mode::RWXU;
    Ok(rustix::fs::fchmod(&fd, mode)?)
}
