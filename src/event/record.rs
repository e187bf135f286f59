//! The envelope's bytes: one event as it stands in a block, laid out by hand so that a scan borrows
//! everything and copies nothing.
//!
//! All numbers are little-endian; instants are microseconds since 1970-01-01T00:00:00Z, signed.
//!
//! ```text
//!  offset size
//!       0    4  length of the whole record, these four bytes included
//!       4    8  position                         from 1
//!      12    8  version in the stream            from 1
//!      20   16  event id
//!      36    8  occurred_at                      µs
//!      44    8  recorded_at                      µs
//!      52    2  schema version of the payload
//!      54    1  flags: 1 correlation, 2 causation, 4 trace; other bits are zero
//!      55    1  length of the tenant             t
//!      56    1  length of the stream             s
//!      57    1  length of the type name          n
//!      58    1  length of the actor              a
//!      59    1  zero
//!      60    4  key id; 0 is plain
//!      64   16  correlation id                   only with flag 1
//!       .   16  causation id                     only with flag 2
//!       .   25  trace: trace id 16, span id 8, flags 1   only with flag 4
//!       .    t  tenant, UTF-8
//!       .    s  stream, UTF-8
//!       .    n  type name, UTF-8
//!       .    a  actor, UTF-8
//!       .    .  payload: the rest
//! ```
//!
//! Decoding checks every length against the bytes at hand before it reads, and allocates nothing
//! (`decode_survives_any_bytes`).

use jiff::Timestamp;

use super::envelope::{
    EventId, Metadata, NewEvent, Position, Recorded, StreamId, TenantId, TraceContext, Version,
};

/// Bytes before the optional ids: no record is shorter.
pub const HEADER_BYTES: usize = 64;

const FLAG_CORRELATION: u8 = 1;
const FLAG_CAUSATION: u8 = 2;
const FLAG_TRACE: u8 = 4;
const TRACE_BYTES: usize = 25;

/// Why bytes are not a record, or an event cannot become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The bytes end before the record does.
    #[error("a record of {needed} bytes stands in {available}")]
    Short {
        /// What the record says it needs.
        needed: usize,
        /// What is there.
        available: usize,
    },
    /// The parts do not fit into the record's own length.
    #[error("a record of {length} bytes cannot hold its own parts")]
    Inconsistent {
        /// The record's own length.
        length: usize,
    },
    /// A bit or byte that must be zero is not: a newer program wrote it, or it is damage.
    #[error("a record uses bits that this version does not know")]
    Unknown,
    /// Tenant, stream, type name or actor is not UTF-8.
    #[error("a name in a record is not UTF-8")]
    NotText,
    /// An instant outside the years -9999 to 9999.
    #[error("an instant in a record is out of range")]
    Instant,
    /// A name has more than 255 bytes.
    #[error("the {field} has {bytes} bytes, and 255 is the limit; shorten it")]
    NameTooLong {
        /// Which name.
        field: &'static str,
        /// Its length.
        bytes: usize,
    },
}

/// An event read in place: everything borrowed from the block's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Its place in the log.
    pub position: Position,
    /// Whose it is.
    pub tenant: &'a str,
    /// Its stream.
    pub stream: &'a str,
    /// Its place in the stream.
    pub version: Version,
    /// Its identity.
    pub id: EventId,
    /// The payload's type.
    pub type_name: &'a str,
    /// The payload's schema version.
    pub schema_version: u16,
    /// When it happened in the world.
    pub occurred_at: Timestamp,
    /// When the log's writer took it.
    pub recorded_at: Timestamp,
    /// The actor that decided it.
    pub actor: &'a str,
    /// The first event or command of the story this belongs to.
    pub correlation: Option<EventId>,
    /// The event that led directly to this one.
    pub causation: Option<EventId>,
    /// The span in which it was decided.
    pub trace: Option<TraceContext>,
    /// The key the payload is sealed with; 0 is plain.
    pub key_id: u32,
    /// The payload's bytes.
    pub payload: &'a [u8],
}

impl<'a> RecordRef<'a> {
    /// The record that a new event becomes at a place in the log.
    #[must_use]
    pub fn of(
        event: &'a NewEvent,
        tenant: &'a TenantId,
        stream: &'a StreamId,
        position: Position,
        version: Version,
        recorded_at: Timestamp,
    ) -> Self {
        Self {
            position,
            tenant: tenant.as_str(),
            stream: stream.as_str(),
            version,
            id: event.id,
            type_name: event.type_name,
            schema_version: event.schema_version,
            occurred_at: event.occurred_at,
            recorded_at,
            actor: &event.metadata.actor,
            correlation: event.metadata.correlation,
            causation: event.metadata.causation,
            trace: event.metadata.trace,
            key_id: event.metadata.key_id,
            payload: &event.payload,
        }
    }

    /// Reads the record at the start of `bytes`, and gives the bytes behind it.
    ///
    /// # Errors
    /// [`RecordError`]; nothing is read past `bytes`, and nothing is allocated.
    pub fn decode(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), RecordError> {
        let short = |needed| RecordError::Short { needed, available: bytes.len() };
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(short(HEADER_BYTES))?;
        let length = u32_at(header, 0) as usize;
        let body = bytes.get(HEADER_BYTES..length).ok_or(short(length))?;
        let inconsistent = RecordError::Inconsistent { length };

        let [flags, tenant_len, stream_len, type_len, actor_len, zero] = array_at(header, 54);
        if zero != 0 || flags & !(FLAG_CORRELATION | FLAG_CAUSATION | FLAG_TRACE) != 0 {
            return Err(RecordError::Unknown);
        }
        let (correlation, body) = optional_id(body, flags & FLAG_CORRELATION).ok_or(inconsistent)?;
        let (causation, body) = optional_id(body, flags & FLAG_CAUSATION).ok_or(inconsistent)?;
        let (trace, body) = optional_trace(body, flags).ok_or(inconsistent)?;
        let names_len = [tenant_len, stream_len, type_len, actor_len].map(usize::from);
        let (names, payload) = body.split_at_checked(names_len.iter().sum()).ok_or(inconsistent)?;
        // One check for all four; a border inside a character then fails at the split.
        let names = std::str::from_utf8(names).map_err(|_| RecordError::NotText)?;
        let mut split = Splitter(names);

        let record = Self {
            position: Position(u64_at(header, 4)),
            tenant: split.take(names_len[0])?,
            stream: split.take(names_len[1])?,
            version: Version(u64_at(header, 12)),
            id: EventId(array_at(header, 20)),
            type_name: split.take(names_len[2])?,
            schema_version: u16::from_le_bytes(array_at(header, 52)),
            occurred_at: instant(u64_at(header, 36).cast_signed())?,
            recorded_at: instant(u64_at(header, 44).cast_signed())?,
            actor: split.take(names_len[3])?,
            correlation,
            causation,
            trace,
            key_id: u32_at(header, 60),
            payload,
        };
        Ok((record, &bytes[length..]))
    }

    /// How many bytes [`encode_record`] will write.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        HEADER_BYTES
            + if self.correlation.is_some() { 16 } else { 0 }
            + if self.causation.is_some() { 16 } else { 0 }
            + if self.trace.is_some() { TRACE_BYTES } else { 0 }
            + self.tenant.len()
            + self.stream.len()
            + self.type_name.len()
            + self.actor.len()
            + self.payload.len()
    }

    /// The same, owned.
    #[must_use]
    pub fn to_recorded(&self) -> Recorded {
        Recorded {
            position: self.position,
            tenant: TenantId::new(self.tenant),
            stream: StreamId::new(self.stream),
            version: self.version,
            id: self.id,
            type_name: self.type_name.to_owned(),
            schema_version: self.schema_version,
            occurred_at: self.occurred_at,
            recorded_at: self.recorded_at,
            metadata: Metadata {
                actor: self.actor.to_owned(),
                correlation: self.correlation,
                causation: self.causation,
                trace: self.trace,
                key_id: self.key_id,
            },
            payload: self.payload.to_vec(),
        }
    }
}

/// Appends a record's bytes to `out`. Instants are cut to the microsecond.
///
/// # Errors
/// [`RecordError::NameTooLong`]; `out` is then as it was.
pub fn encode_record(out: &mut Vec<u8>, record: &RecordRef<'_>) -> Result<(), RecordError> {
    let tenant_len = name_len("tenant", record.tenant)?;
    let stream_len = name_len("stream", record.stream)?;
    let type_len = name_len("type name", record.type_name)?;
    let actor_len = name_len("actor", record.actor)?;
    let length = record.encoded_len();
    let length = u32::try_from(length).map_err(|_| RecordError::Inconsistent { length })?;

    let mut flags = 0;
    flags |= if record.correlation.is_some() { FLAG_CORRELATION } else { 0 };
    flags |= if record.causation.is_some() { FLAG_CAUSATION } else { 0 };
    flags |= if record.trace.is_some() { FLAG_TRACE } else { 0 };

    let mut header = [0; HEADER_BYTES];
    header[0..4].copy_from_slice(&length.to_le_bytes());
    header[4..12].copy_from_slice(&record.position.0.to_le_bytes());
    header[12..20].copy_from_slice(&record.version.0.to_le_bytes());
    header[20..36].copy_from_slice(&record.id.0);
    header[36..44].copy_from_slice(&record.occurred_at.as_microsecond().to_le_bytes());
    header[44..52].copy_from_slice(&record.recorded_at.as_microsecond().to_le_bytes());
    header[52..54].copy_from_slice(&record.schema_version.to_le_bytes());
    header[54..60].copy_from_slice(&[flags, tenant_len, stream_len, type_len, actor_len, 0]);
    header[60..64].copy_from_slice(&record.key_id.to_le_bytes());

    out.reserve(length as usize);
    out.extend_from_slice(&header);
    for id in [record.correlation, record.causation].into_iter().flatten() {
        out.extend_from_slice(&id.0);
    }
    if let Some(trace) = &record.trace {
        out.extend_from_slice(&trace.trace_id);
        out.extend_from_slice(&trace.span_id);
        out.push(trace.flags);
    }
    for name in [record.tenant, record.stream, record.type_name, record.actor] {
        out.extend_from_slice(name.as_bytes());
    }
    out.extend_from_slice(record.payload);
    Ok(())
}

fn name_len(field: &'static str, name: &str) -> Result<u8, RecordError> {
    u8::try_from(name.len()).map_err(|_| RecordError::NameTooLong { field, bytes: name.len() })
}

fn instant(microseconds: i64) -> Result<Timestamp, RecordError> {
    Timestamp::from_microsecond(microseconds).map_err(|_| RecordError::Instant)
}

/// `N` bytes of the header; every caller's offset is a constant within it.
fn array_at<const N: usize>(header: &[u8; HEADER_BYTES], offset: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&header[offset..offset + N]);
    bytes
}

fn u32_at(header: &[u8; HEADER_BYTES], offset: usize) -> u32 {
    u32::from_le_bytes(array_at(header, offset))
}

fn u64_at(header: &[u8; HEADER_BYTES], offset: usize) -> u64 {
    u64::from_le_bytes(array_at(header, offset))
}

fn optional_id(body: &[u8], flag: u8) -> Option<(Option<EventId>, &[u8])> {
    if flag == 0 {
        return Some((None, body));
    }
    let (id, rest) = body.split_first_chunk()?;
    Some((Some(EventId(*id)), rest))
}

fn optional_trace(body: &[u8], flags: u8) -> Option<(Option<TraceContext>, &[u8])> {
    if flags & FLAG_TRACE == 0 {
        return Some((None, body));
    }
    let (trace_id, rest) = body.split_first_chunk()?;
    let (span_id, rest) = rest.split_first_chunk()?;
    let (flags, rest) = rest.split_first()?;
    Some((Some(TraceContext { trace_id: *trace_id, span_id: *span_id, flags: *flags }), rest))
}

/// Cuts names off the front of the text they stand in.
struct Splitter<'a>(&'a str);

impl<'a> Splitter<'a> {
    fn take(&mut self, len: usize) -> Result<&'a str, RecordError> {
        let (name, rest) = self.0.split_at_checked(len).ok_or(RecordError::NotText)?;
        self.0 = rest;
        Ok(name)
    }
}

#[cfg(test)]
mod tests;
