//! How the list of events becomes code: `events!`.

use super::class::Field;

/// A type of event, for documents and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// Its name in envelopes, such as `budget-set`.
    pub name: &'static str,
    /// The capability it belongs to.
    pub capability: &'static str,
    /// What it says, in a sentence.
    pub says: &'static str,
    /// Its versions, the newest first.
    pub versions: &'static [EventVersion],
}

/// A version of a type of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventVersion {
    /// Its number in envelopes.
    pub number: u16,
    /// What its payload holds.
    pub fields: &'static [Field],
}

/// Makes the enum of all events, and what goes by it, from one list: by capability, each with its sentence, its type name,
/// and its versions from the newest. The newest version's payload names the variant; each older one has a `From` into it.
macro_rules! events {
    (
        $(#[$about:meta])*
        $event:ident<$a:lifetime>
        $($capability:ident {$(
            #[doc = $says:literal]
            $type:literal {
                $newest:literal: $name:ident $(<$life:lifetime>)?
                $(, $version:literal: $old:ident $(<$old_life:lifetime>)?)*
            }
        )*})*
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
        #[serde(untagged)]
        #[allow(clippy::large_enum_variant)] // one lives at a time, and boxes would cost each decoded call an allocation
        pub enum $event<$a> {$($(
            #[doc = $says]
            $name($name $(<$life>)?),
        )*)*}

        impl<$a> $event<$a> {
            /// Every type of event, by capability.
            pub const CATALOGUE: &'static [$crate::event::payload::EventType] = &[$($(
                $crate::event::payload::EventType {
                    name: $type,
                    capability: stringify!($capability),
                    says: $says.trim_ascii(),
                    versions: &[
                        $crate::event::payload::EventVersion {
                            number: $newest,
                            fields: <$name $(<$life>)? as $crate::event::payload::class::Classified>::FIELDS,
                        },
                        $($crate::event::payload::EventVersion {
                            number: $version,
                            fields: <$old $(<$old_life>)? as $crate::event::payload::class::Classified>::FIELDS,
                        },)*
                    ],
                },
            )*)*];

            /// The newest type name and schema version of this event.
            #[must_use]
            pub fn type_and_version(&self) -> (&'static str, u16) {
                match self {$($(
                    Self::$name(_) => ($type, $newest),
                )*)*}
            }

            /// The JSON Schema of every type and version, as (file name, schema), with the class of each field.
            #[must_use]
            pub fn schemas() -> Vec<(String, schemars::Schema)> {
                use $crate::event::payload::class::{Classified, mark};
                let mut all = Vec::new();
                $($(
                    let schema = schemars::schema_for!($name $(<$life>)?);
                    let schema = mark(schema, <$name $(<$life>)? as Classified>::FIELDS);
                    all.push((format!("{}.v{}.json", $type, $newest), schema));
                    $(
                        let schema = schemars::schema_for!($old $(<$old_life>)?);
                        let schema = mark(schema, <$old $(<$old_life>)? as Classified>::FIELDS);
                        all.push((format!("{}.v{}.json", $type, $version), schema));
                    )*
                )*)*
                all
            }
        }

        /// The bytes of a payload in its newest version.
        ///
        /// # Panics
        /// Never for these types: they are plain data, and the buffer grows.
        #[must_use]
        pub fn encode(event: &$event<'_>) -> Vec<u8> {
            match event {$($(
                $event::$name(payload) => $crate::event::codec::to_bytes(payload),
            )*)*}
        }

        /// Reads a record's payload, lifted to its newest version; text is borrowed from the record.
        ///
        /// # Errors
        /// [`CodecError`](crate::event::CodecError): the type is unknown here, or the bytes do not fit it.
        pub fn decode<$a>(
            record: &$crate::event::record::RecordRef<$a>,
        ) -> Result<$event<$a>, $crate::event::codec::CodecError> {
            use $crate::event::codec::{CodecError, from_bytes};
            Ok(match (record.type_name, record.schema_version) {
                $($(
                    ($type, $newest) => $event::$name(from_bytes(record)?),
                    $(
                        ($type, $version) => {
                            $event::$name(from_bytes::<$old $(<$old_life>)?>(record)?.into())
                        }
                    )*
                )*)*
                (type_name, version) => {
                    return Err(CodecError::Unknown { type_name: type_name.to_owned(), version });
                }
            })
        }
    };
}
pub(super) use events;
