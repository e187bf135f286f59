//! Events: what happened, in a form that outlives the program that wrote it.
//!
//! [`envelope`] is what every event carries whatever it says; [`record`] is the envelope's bytes.
//! This room does not know where events are stored.

pub mod envelope;
pub mod record;

pub use envelope::{
    EventId, Metadata, NewEvent, Position, Recorded, StreamId, TenantId, TraceContext, Version,
};
pub use record::RecordRef;
