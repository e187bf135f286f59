//! Opening files that others write, without blocking on any of them: settings, secrets, prices, transcripts.
//!
//! A path may lead to anything. Opening a FIFO waits for its other side, reading `/dev/zero` never ends, and
//! opening a device may have side effects. So only regular files are opened, without waiting, and an opened
//! file is checked again, because it may have been swapped in between. Symbolic links are followed: whoever
//! names a file means its target.

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// What is at a path instead of a file, in words; none if it is a file.
#[must_use]
pub fn no_file(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a directory")
    } else if kind.is_fifo() {
        Some("a FIFO")
    } else if kind.is_socket() {
        Some("a socket")
    } else if kind.is_char_device() || kind.is_block_device() {
        Some("a device")
    } else {
        Some("no file")
    }
}

/// Opens a file for reading. Never waits, and never opens anything but a file.
///
/// # Errors
/// `InvalidInput` if it is not a file; an I/O error.
pub fn open(path: &Path) -> io::Result<File> {
    // Before opening it, because opening a device may have side effects.
    check(std::fs::metadata(path)?.file_type())?;
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
    // And again afterwards, because it may have been swapped since.
    check(file.metadata()?.file_type())?;
    Ok(file)
}

/// Reads a file of at most `most` bytes.
///
/// # Errors
/// As [`open`]; `FileTooLarge`.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    bounded(open(path)?, most)
}

fn check(kind: FileType) -> io::Result<()> {
    let refused = |what| {
        let reason = format!("it is {what}, and only a file is read; put a file in its place");
        io::Error::new(io::ErrorKind::InvalidInput, reason)
    };
    no_file(kind).map_or(Ok(()), |what| Err(refused(what)))
}

/// Reads a whole file, or refuses one with more than `most` bytes.
pub(crate) fn bounded(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let reason = format!("it has more than {most} bytes, too many for such a file");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_read_and_only_as_far_as_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("file"), "12345").unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        assert_eq!(read(&at("link"), 5).unwrap(), b"12345");
        assert_eq!(read(&at("file"), 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read(&at("nothing"), 99).unwrap_err().kind(), io::ErrorKind::NotFound);

        rustix::fs::mkfifoat(rustix::fs::CWD, at("fifo"), rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
        let _listener = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", at("device")).unwrap();
        for (name, what) in
            [("fifo", "a FIFO"), ("socket", "a socket"), ("device", "a device"), (".", "a directory")]
        {
            let refused = read(&at(name), 99).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput, "{name}: {refused}");
            assert!(refused.to_string().contains(what), "{name}: {refused}");
        }
    }
}
