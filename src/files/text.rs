//! Short files that a person names: settings, prices, recipes, secrets. Whoever owns them, whatever leads to them, they
//! are read to a limit, so that a mistaken path costs no more than that.

use std::io;
use std::path::Path;

use super::others;

/// No file of settings, prices or secrets is longer, in bytes.
pub const TEXT_MAX: u64 = 16 << 20;

/// Reads a text of at most [`TEXT_MAX`] bytes.
///
/// # Errors
/// As [`others::open`]; `FileTooLarge`; `InvalidData` where it is no UTF-8; what the file system said.
pub fn read(path: &Path) -> io::Result<String> {
    read_up_to(path, TEXT_MAX)
}

/// Reads a text of at most `most` bytes.
///
/// # Errors
/// As [`others::open`]; `FileTooLarge`; `InvalidData` where it is no UTF-8; what the file system said.
pub fn read_up_to(path: &Path, most: u64) -> io::Result<String> {
    let bytes = others::read(path, most)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8 text"))
}
