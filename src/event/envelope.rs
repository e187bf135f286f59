//! The envelope: what every event carries, whatever it says.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::tenant::LOCAL;

/// The place of an event in the log: gapless, from 1. Zero means "before the first event".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before the first event: the head of an empty log.
    pub const START: Self = Self(0);
    /// The first event's position.
    pub const FIRST: Self = Self(1);

    /// The position `count` places further on.
    #[must_use]
    pub fn plus(self, count: u64) -> Self {
        Self(self.0 + count)
    }

    /// The position after this one.
    #[must_use]
    pub fn next(self) -> Self {
        self.plus(1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The place of an event in its stream: gapless, from 1. Zero means "no event yet".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// The version of a stream without events.
    pub const NONE: Self = Self(0);

    /// The version after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The identity of an event: 16 bytes, derived from the source's own key where there is one, so that
/// the same fact told twice is the same event. Appending a known id changes nothing, for ever.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EventId(pub [u8; 16]);

impl EventId {
    /// Derives an id from a kind and the source's own key parts. Parts are length-prefixed, so
    /// `("ab", "c")` and `("a", "bc")` differ.
    #[must_use]
    pub fn derive(kind: &str, parts: &[&str]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in std::iter::once(&kind).chain(parts) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(id)
    }

    /// A fresh random id, for facts that have no key of their own (a command typed by a person).
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// Reads the 32 hexadecimal digits that [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 32 || !text.is_ascii() {
            return None;
        }
        let mut id = [0; 16];
        for (byte, digits) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(id))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// Bytes as lower-case hexadecimal digits, as ids and hashes are shown.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a name. Names longer than 255 bytes are refused when the event is appended.
            #[must_use]
            pub fn new(name: impl Into<Arc<str>>) -> Self {
                Self(name.into())
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        /// Maps keyed by a name can be asked with its text.
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type! {
    /// Whose events these are. One person on a laptop is the tenant `local`.
    TenantId
}
name_type! {
    /// The stream (aggregate) an event belongs to, such as `usage` or `budget/main`.
    StreamId
}

impl TenantId {
    /// The tenant of an installation that serves one person.
    #[must_use]
    pub fn local() -> Self {
        Self::new(LOCAL)
    }
}

/// W3C trace context of the moment an event was decided (`traceparent`, without its version).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// Not all zero.
    pub trace_id: [u8; 16],
    /// Not all zero.
    pub span_id: [u8; 8],
    /// Bit 0: sampled.
    pub flags: u8,
}

impl From<&TraceContext> for opentelemetry::trace::SpanContext {
    fn from(trace: &TraceContext) -> Self {
        use opentelemetry::trace::{SpanId, TraceFlags, TraceId, TraceState};
        let (id, span) = (TraceId::from_bytes(trace.trace_id), SpanId::from_bytes(trace.span_id));
        Self::new(id, span, TraceFlags::new(trace.flags), true, TraceState::NONE)
    }
}

/// Who caused an event, and how it hangs together with others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// The actor that decided it, such as `usage` or `cli`; at most 255 bytes.
    pub actor: String,
    /// The first event or command of the story this belongs to.
    pub correlation: Option<EventId>,
    /// The event that led directly to this one.
    pub causation: Option<EventId>,
    /// The span in which it was decided.
    pub trace: Option<TraceContext>,
    /// The key the payload is sealed with; 0 is plain. Room for per-tenant encryption.
    pub key_id: u32,
}

/// An event that wants to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// See [`EventId`].
    pub id: EventId,
    /// The payload's type, such as `usage-recorded`; at most 255 bytes.
    pub type_name: &'static str,
    /// The payload's schema version, from 1.
    pub schema_version: u16,
    /// When it happened in the world, to the microsecond.
    pub occurred_at: Timestamp,
    /// See [`Metadata`].
    pub metadata: Metadata,
    /// The payload's bytes.
    pub payload: Vec<u8>,
}

/// An event as the log holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the log.
    pub position: Position,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// Its identity.
    pub id: EventId,
    /// The payload's type.
    pub type_name: String,
    /// The payload's schema version.
    pub schema_version: u16,
    /// When it happened in the world.
    pub occurred_at: Timestamp,
    /// When the log's writer took it; never decreases along the log.
    pub recorded_at: Timestamp,
    /// See [`Metadata`].
    pub metadata: Metadata,
    /// The payload's bytes.
    pub payload: Vec<u8>,
}
