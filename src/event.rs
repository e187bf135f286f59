//! Events: what happened, in a form that outlives the program that wrote it.
//!
//! [`envelope`] is what every event carries whatever it says; [`record`] is the envelope's bytes;
//! [`payload`] is what this system's events say, and [`codec`] their bytes. This room does not know
//! where events are stored.

pub mod codec;
pub mod envelope;
pub mod payload;
pub mod record;
pub mod step;

pub use codec::{CodecError, decode, encode};
pub use envelope::{
    EventId, Metadata, NewEvent, Position, Recorded, StreamId, TenantId, TraceContext, Version,
};
pub use payload::Event;
pub use record::RecordRef;
