//! Payload bytes: bincode, pinned to one configuration. Which type they are of is said by the envelope, and listed in
//! [`super::payload`].
//!
//! bincode 2.0.1 is frozen; should it have to go, `wincode` writes the same bytes as
//! `config::legacy()`. The golden files in `schemas/golden/` hold whichever codec to them.

use serde::{Deserialize, Serialize};

use super::record::RecordRef;

/// No payload is longer: a block holds at most 64 KiB. Without a limit, bincode panics on a length
/// that is not one (`payloads_that_do_not_fit_are_refused`).
const LIMIT: usize = 64 * 1024;

/// The one configuration of every payload ever written.
const CONFIG: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Fixint,
    bincode::config::Limit<LIMIT>,
> = bincode::config::legacy().with_limit::<LIMIT>();

/// Why a payload cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// A newer program wrote it.
    #[error("event type {type_name} version {version} is not known to this mecris; use a newer one")]
    Unknown {
        /// The envelope's type name.
        type_name: String,
        /// The envelope's schema version.
        version: u16,
    },
    /// The bytes do not fit the type.
    #[error("payload of {type_name} version {version} cannot be read: {detail}")]
    Malformed {
        /// The envelope's type name.
        type_name: String,
        /// The envelope's schema version.
        version: u16,
        /// What bincode said.
        detail: String,
    },
}

/// The bytes of any payload type.
///
/// # Panics
/// Never for payloads: they are plain data, and the buffer grows.
pub fn to_bytes<T: Serialize>(payload: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(payload, CONFIG).expect("plain data into a growing buffer")
}

/// Reads a record's payload as the type `T`, which the caller chose; text is borrowed from the record.
pub(super) fn from_bytes<'a, T: Deserialize<'a>>(record: &RecordRef<'a>) -> Result<T, CodecError> {
    let malformed = |detail: String| CodecError::Malformed {
        type_name: record.type_name.to_owned(),
        version: record.schema_version,
        detail,
    };
    let (payload, read) = bincode::serde::borrow_decode_from_slice(record.payload, CONFIG)
        .map_err(|error| malformed(error.to_string()))?;
    if read != record.payload.len() {
        return Err(malformed(format!("{} bytes are left over", record.payload.len() - read)));
    }
    Ok(payload)
}
