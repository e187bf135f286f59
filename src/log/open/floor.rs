//! The floor: how far both copies reached when the log was last closed cleanly.
//!
//! A tail that is truncated at a block boundary looks like a log that never went further. The file `closed`
//! records that it did; if both copies end before it, that is a loss and not a torn write. Without the file
//! the log opens all the same.

use std::path::Path;

use crate::event::Position;
use crate::files::own;

const NAME: &str = "closed";
/// Maximum length of the file in bytes; two positions are far shorter.
const LENGTH_MAX: u64 = 4_096;

/// How far the copies reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::log) struct Floor {
    pub journal: Position,
    pub sled: Position,
}

impl Floor {
    /// Reads the floor, if there is a readable one.
    pub fn read(data: &Path) -> Option<Self> {
        let text = String::from_utf8(own::read(&data.join(NAME), LENGTH_MAX).ok()?).ok()?;
        let mut words = text.split_ascii_whitespace();
        let mut position = |name| {
            let (key, value) = words.next()?.split_once('=')?;
            (key == name).then_some(Position(value.parse().ok()?))
        };
        Some(Self { journal: position("journal")?, sled: position("sled")? })
    }

    /// Writes the floor atomically.
    ///
    /// # Errors
    /// The system's error.
    pub fn write(self, data: &Path) -> std::io::Result<()> {
        let text = format!("journal={} sled={}\n", self.journal, self.sled);
        own::write(&data.join(NAME), text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back_and_ignores_what_it_does_not_know() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Floor::read(dir.path()), None);
        let floor = Floor { journal: Position(12), sled: Position(7) };
        floor.write(dir.path()).unwrap();
        assert_eq!(Floor::read(dir.path()), Some(floor));
        std::fs::write(dir.path().join(NAME), "journal=x").unwrap();
        assert_eq!(Floor::read(dir.path()), None);
    }
}
