//! Short text files named by a person: settings, prices, recipes, secrets. Owner and links do not matter, but
//! the size is limited, so that a mistyped path has a bounded cost.

use std::io;
use std::path::Path;

use super::others;

/// Maximum size of a settings, price or secret file, in bytes.
pub const TEXT_MAX: u64 = 16 << 20;

/// Reads a text of at most [`TEXT_MAX`] bytes.
///
/// # Errors
/// As [`others::open`]; `FileTooLarge`; `InvalidData` if it is not UTF-8; an I/O error.
pub fn read(path: &Path) -> io::Result<String> {
    read_up_to(path, TEXT_MAX)
}

/// Reads a text of at most `most` bytes.
///
/// # Errors
/// As [`others::open`]; `FileTooLarge`; `InvalidData` if it is not UTF-8; an I/O error.
pub fn read_up_to(path: &Path, most: u64) -> io::Result<String> {
    let bytes = others::read(path, most)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8 text"))
}
