//! A barrier against older programs in a directory whose log has moved elsewhere.
//!
//! A program that knows only the old place would find no log there, and begin a second one. So a journal stays there whose first
//! block has a format that no released program knows: opening it is refused with "use a newer one". The second block is an
//! ordinary one, written when the first was durable; it proves that the first is no torn write, which opening would cut off.

use std::io;
use std::path::Path;

use jiff::Timestamp;

use crate::event::record::RecordRef;
use crate::event::{EventId, Position, Version};
use crate::files::own;

use super::block::{Commit, CommitWriter, FORMAT};
use super::journal::segment_path;

/// The format of the first block.
const UNKNOWN_FORMAT: u16 = u16::MAX;
/// Where the format stands in a block's header.
const FORMAT_AT: std::ops::Range<usize> = 8..10;

fn record(position: Position, version: Version) -> RecordRef<'static> {
    RecordRef {
        position,
        tenant: "local",
        stream: "moved",
        version,
        id: EventId([position.0 as u8; 16]),
        type_name: "log-moved",
        schema_version: 1,
        occurred_at: Timestamp::UNIX_EPOCH,
        recorded_at: Timestamp::UNIX_EPOCH,
        actor: "log",
        correlation: None,
        causation: None,
        trace: None,
        key_id: 0,
        payload: &[],
    }
}

/// The bytes of the segment.
fn segment() -> Vec<u8> {
    let commit =
        |committed, starts_segment| Commit { committed, recorded_at: Timestamp::UNIX_EPOCH, starts_segment };
    let write = |commit, position: Position, previous| {
        let mut writer = CommitWriter::new(commit, position, previous, Vec::new());
        // These records are ours, and short.
        let _ = writer.push(&record(position, Version(position.0)));
        writer.finish()
    };
    let (mut bytes, sealed) = write(commit(Position::START, true), Position::FIRST, [0; 32]);
    let previous = sealed.first().map_or([0; 32], |sealed| sealed.hash);
    let (second, _) = write(commit(Position::FIRST, false), Position::FIRST.next(), previous);
    bytes[FORMAT_AT].copy_from_slice(&UNKNOWN_FORMAT.to_le_bytes());
    bytes.extend(second);
    bytes
}

/// Whether a directory's journal is the barrier.
#[must_use]
pub fn stands_in(data: &Path) -> bool {
    let path = segment_path(&data.join("journal"), Position::FIRST);
    own::read(&path, 4_096).is_ok_and(|bytes| {
        bytes.get(FORMAT_AT) == Some(&UNKNOWN_FORMAT.to_le_bytes()) && UNKNOWN_FORMAT != FORMAT
    })
}

/// Puts the barrier into a directory that has no journal.
///
/// # Errors
/// What the file system said.
pub fn put_up(data: &Path) -> io::Result<()> {
    let journal = data.join("journal");
    own::dir(&journal)?;
    own::write(&segment_path(&journal, Position::FIRST), &segment())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{LogError, Options, SledLog};

    #[test]
    fn a_program_that_opens_it_as_a_log_is_told_to_be_newer() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!stands_in(dir.path()));
        put_up(dir.path()).unwrap();
        assert!(stands_in(dir.path()));
        for _ in 0..2 {
            let error = SledLog::open(dir.path(), Options::default()).map(drop).unwrap_err();
            assert!(matches!(error, LogError::Corrupt { position: Position::FIRST, .. }), "{error}");
            assert!(error.to_string().contains("is not known to this mecris; use a newer one"), "{error}");
        }
        assert!(stands_in(dir.path()), "opening changes nothing");
    }
}
