//! Healing: rewrites a damaged block of the journal from sled's copy, byte for byte.

use std::io;

use crate::event::Position;

use super::block::Block;
use super::options::{LogCopy, Repair};
use super::shared::{Shared, read};

/// Rewrites the block at `first` if it is still damaged and sled has it intact.
///
/// # Errors
/// The disk's error; the block can be healed again later.
pub(super) fn block(shared: &Shared, first: Position, detail: &str) -> io::Result<Option<Repair>> {
    let Some(span) = read(&shared.journal).span(first, first, 1) else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    span.read(&mut bytes);
    if Block::read_at(&bytes, first).is_ok() {
        return Ok(None);
    }
    let healthy = shared.store.as_ref().and_then(|store| store.block(first));
    let (Some(file), Some(healthy)) = (&span.file, healthy) else {
        return Err(io::Error::other("sled does not have it either"));
    };
    if healthy.len() != span.bytes() {
        return Err(io::Error::other("sled has another block there"));
    }
    file.write_at(&healthy, span.offset)?;
    file.sync_data()?;
    tracing::warn!(position = %first, %detail, "a damaged block of the journal was written again from sled");
    let last = Position(span.end.0 - 1);
    Ok(Some(Repair { copy: LogCopy::Journal, first, last, detail: detail.to_owned() }))
}
