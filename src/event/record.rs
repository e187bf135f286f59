//! The envelope's bytes.
//!
//! All integers are little-endian. A record's position is not in its bytes: it is the block's first
//! position plus the record's number in the block.
//!
//! ```text
//! offset  bytes  field
//!      0      4  length of what follows
//!      4      8  version in the stream
//!     12     16  event id
//!     28      8  occurred at, microseconds since the Unix epoch, signed
//!     36      8  recorded at, the same
//!     44      4  key id (0: plain)
//!     48      2  schema version
//!     50      1  parts: bit 0 correlation, bit 1 causation, bit 2 trace
//!     51      1  length of tenant
//!     52      1  length of stream
//!     53      1  length of type name
//!     54      1  length of actor
//!     55         [correlation 16] [causation 16] [trace id 16, span id 8, flags 1]
//!                tenant, stream, type name, actor (UTF-8), then the payload to the end
//! ```

use jiff::Timestamp;

use super::envelope::{
    EventId, Metadata, NewEvent, Position, Recorded, StreamId, TenantId, TraceContext, Version,
};

const CORRELATION: u8 = 1;
const CAUSATION: u8 = 2;
const TRACE: u8 = 4;

/// Why bytes are not a record, or an event cannot become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The bytes end before the record does.
    #[error("the record is cut off")]
    CutOff,
    /// The fields do not fit the record's length.
    #[error("the record's fields do not fit its length")]
    Malformed,
    /// A name is not UTF-8.
    #[error("a name in the record is not UTF-8")]
    NotText,
    /// A time is outside of what can be told.
    #[error("a time in the record is out of range")]
    Time,
    /// A name is longer than 255 bytes.
    #[error("{0} is longer than 255 bytes")]
    NameTooLong(&'static str),
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

impl RecordRef<'_> {
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

/// Where an event goes, as the log's writer decided.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Whose event.
    pub tenant: &'a str,
    /// Its stream.
    pub stream: &'a str,
    /// Its place in the stream.
    pub version: Version,
    /// When the writer took it.
    pub recorded_at: Timestamp,
}

/// Appends an event's record to `out`.
///
/// # Errors
/// [`RecordError::NameTooLong`]; `out` is unchanged then.
pub fn encode_record(out: &mut Vec<u8>, place: Place<'_>, event: &NewEvent) -> Result<(), RecordError> {
    let metadata = &event.metadata;
    let names = [
        ("tenant", place.tenant),
        ("stream", place.stream),
        ("type name", event.type_name),
        ("actor", metadata.actor.as_str()),
    ];
    let mut lengths = [0; 4];
    for (length, (what, name)) in lengths.iter_mut().zip(names) {
        *length = u8::try_from(name.len()).map_err(|_| RecordError::NameTooLong(what))?;
    }
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&place.version.0.to_le_bytes());
    out.extend_from_slice(&event.id.0);
    out.extend_from_slice(&event.occurred_at.as_microsecond().to_le_bytes());
    out.extend_from_slice(&place.recorded_at.as_microsecond().to_le_bytes());
    out.extend_from_slice(&metadata.key_id.to_le_bytes());
    out.extend_from_slice(&event.schema_version.to_le_bytes());
    let flag = |present: bool, bit: u8| if present { bit } else { 0 };
    out.push(
        flag(metadata.correlation.is_some(), CORRELATION)
            | flag(metadata.causation.is_some(), CAUSATION)
            | flag(metadata.trace.is_some(), TRACE),
    );
    out.extend_from_slice(&lengths);
    for id in [metadata.correlation, metadata.causation].into_iter().flatten() {
        out.extend_from_slice(&id.0);
    }
    if let Some(trace) = metadata.trace {
        out.extend_from_slice(&trace.trace_id);
        out.extend_from_slice(&trace.span_id);
        out.push(trace.flags);
    }
    for (_, name) in names {
        out.extend_from_slice(name.as_bytes());
    }
    out.extend_from_slice(&event.payload);
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

/// Takes fields off the front of a record.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], RecordError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(RecordError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(RecordError::Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn text(&mut self, length: u8) -> Result<&'a str, RecordError> {
        std::str::from_utf8(self.bytes(length.into())?).map_err(|_| RecordError::NotText)
    }

    fn time(&mut self) -> Result<Timestamp, RecordError> {
        Timestamp::from_microsecond(i64::from_le_bytes(self.array()?)).map_err(|_| RecordError::Time)
    }

    fn id(&mut self, is_present: bool) -> Result<Option<EventId>, RecordError> {
        is_present.then(|| self.array().map(EventId)).transpose()
    }
}

impl<'a> RecordRef<'a> {
    /// Reads the record at the front of `bytes`, which stands at `position`; also gives what follows it.
    ///
    /// # Errors
    /// [`RecordError`]; nothing is allocated, whatever the bytes say.
    pub fn decode(bytes: &'a [u8], position: Position) -> Result<(Self, &'a [u8]), RecordError> {
        let (length, rest) = bytes.split_first_chunk().ok_or(RecordError::CutOff)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (record, rest) = rest.split_at_checked(length).ok_or(RecordError::CutOff)?;
        let mut fields = Fields(record);
        let version = Version(u64::from_le_bytes(fields.array()?));
        let id = EventId(fields.array()?);
        let (occurred_at, recorded_at) = (fields.time()?, fields.time()?);
        let key_id = u32::from_le_bytes(fields.array()?);
        let schema_version = u16::from_le_bytes(fields.array()?);
        let [parts, tenant, stream, type_name, actor] = fields.array()?;
        let correlation = fields.id(parts & CORRELATION != 0)?;
        let causation = fields.id(parts & CAUSATION != 0)?;
        let trace = if parts & TRACE != 0 {
            let (trace_id, span_id, [flags]) = (fields.array()?, fields.array()?, fields.array()?);
            Some(TraceContext { trace_id, span_id, flags })
        } else {
            None
        };
        let (tenant, stream) = (fields.text(tenant)?, fields.text(stream)?);
        let (type_name, actor) = (fields.text(type_name)?, fields.text(actor)?);
        let record = Self {
            position,
            tenant,
            stream,
            version,
            id,
            type_name,
            schema_version,
            occurred_at,
            recorded_at,
            actor,
            correlation,
            causation,
            trace,
            key_id,
            payload: fields.0,
        };
        Ok((record, rest))
    }
}

#[cfg(test)]
mod tests;
