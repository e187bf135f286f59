//! Events: what happened, in a form that outlives the program that wrote it.
//!
//! [`envelope`] is what every event carries whatever it says; [`record`] is the envelope's bytes;
//! [`payload`] is the list of this system's events and what they say, and [`codec`] their bytes. This room does not know
//! where events are stored.

pub mod codec;
pub mod envelope;
pub mod payload;
pub mod record;
pub mod step;

pub use codec::CodecError;
pub use envelope::{
    EventId, Metadata, NewEvent, Position, Recorded, StreamId, TenantId, TraceContext, Version,
};
pub use payload::{Event, decode, encode};
pub use record::RecordRef;
