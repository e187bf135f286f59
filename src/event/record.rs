//! The envelope's bytes.

use jiff::Timestamp;

use super::envelope::{EventId, Metadata, Position, Recorded, StreamId, TenantId, TraceContext, Version};

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
