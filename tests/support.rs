//! What several tests need.

#[path = "support/corpus.rs"]
pub mod corpus;
#[path = "support/program.rs"]
pub mod program;

use jiff::Timestamp;
use mecris::event::{EventId, Metadata, NewEvent, StreamId, TenantId};
use mecris::log::{Append, Expected};

/// An event whose id and payload follow from a number.
pub fn numbered_event(number: u64) -> NewEvent {
    NewEvent {
        id: EventId::derive("numbered", &[&number.to_string()]),
        type_name: "numbered",
        schema_version: 1,
        occurred_at: Timestamp::UNIX_EPOCH,
        metadata: Metadata { actor: "test".into(), ..Metadata::default() },
        payload: vec![number as u8; 100 + (number % 200) as usize],
    }
}

/// An append of numbered events to a stream.
pub fn append(stream: &str, expected: Expected, numbers: impl IntoIterator<Item = u64>) -> Append {
    Append {
        tenant: TenantId::local(),
        stream: StreamId::new(stream),
        expected,
        events: numbers.into_iter().map(numbered_event).collect(),
    }
}
