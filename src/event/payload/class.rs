//! What the fields of events say about people: the class of each, which decides who may see it, what is sealed, and what a
//! request for information must answer.
//!
//! `classes!` lists the fields of a payload by class. It names every field, so that a new one without a class does not
//! compile; a payload without classes does not compile as an event.

use std::borrow::Cow;

use schemars::Schema;
use serde_json::Value;

use crate::domain::money::Picodollars;

/// What a value may say about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Nothing: amounts, counts, words of ours.
    None,
    /// It names a person, a session or a thing of theirs by a reference that others can resolve.
    Pseudonymous,
    /// It says something about a person or their work: directories, goals, times of single calls.
    Personal,
    /// Words that a person wrote; they may say anything.
    FreeText,
    /// It gives access, or access can be guessed by it.
    Secret,
}

impl Class {
    /// All classes, from the one that needs the least care.
    pub const ALL: [Self; 5] = [Self::None, Self::Pseudonymous, Self::Personal, Self::FreeText, Self::Secret];

    /// Its word in schemas and documents.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pseudonymous => "pseudonymous",
            Self::Personal => "personal",
            Self::FreeText => "free-text",
            Self::Secret => "secret",
        }
    }
}

/// A field of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub held: Held,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// One value of a class, or several.
    Value(Class),
    /// A structure with fields of its own, or several.
    Parts(&'static [Field]),
}

impl Field {
    /// A field that holds a value; `_get` ties it to the field of that name.
    pub(super) const fn value<S, T: Plain>(name: &'static str, class: Class, _get: fn(&S) -> &T) -> Self {
        Self { name, held: Held::Value(class) }
    }

    /// A field that holds a structure with classes of its own.
    pub(super) const fn parts<S, T: Classified>(name: &'static str, _get: fn(&S) -> &T) -> Self {
        Self { name, held: Held::Parts(T::FIELDS) }
    }

    /// The fields of `fields` and of their parts, as a path and a class: `usage.project`.
    pub fn flat(fields: &[Self]) -> Vec<(String, Class)> {
        let below = |field: &Self| match field.held {
            Held::Value(class) => vec![(field.name.to_owned(), class)],
            Held::Parts(parts) => Self::flat(parts)
                .into_iter()
                .map(|(path, class)| (format!("{}.{path}", field.name), class))
                .collect(),
        };
        fields.iter().flat_map(below).collect()
    }
}

/// A structure whose fields have classes.
pub trait Classified {
    /// All its fields.
    const FIELDS: &'static [Field];
}

impl<T: Classified> Classified for Option<T> {
    const FIELDS: &'static [Field] = T::FIELDS;
}

impl<T: Classified> Classified for Vec<T> {
    const FIELDS: &'static [Field] = T::FIELDS;
}

/// What has no fields of its own, so that one class says all. No structure is: its fields would have no class.
pub(super) trait Plain {}

impl Plain for bool {}
impl Plain for u8 {}
impl Plain for u32 {}
impl Plain for u64 {}
impl Plain for i64 {}
impl Plain for i128 {}
impl Plain for String {}
impl Plain for Cow<'_, str> {}
impl Plain for Picodollars {}
impl<const N: usize> Plain for [u8; N] {}
impl<T: Plain> Plain for Option<T> {}
impl<T: Plain> Plain for Vec<T> {}

/// Gives each field's class in a schema, as `x-class`.
pub(super) fn mark(mut schema: Schema, fields: &[Field]) -> Schema {
    let mut value = schema.as_value().clone();
    mark_at(&mut value, "", fields);
    if let Value::Object(marked) = value {
        schema = marked.into();
    }
    schema
}

fn mark_at(schema: &mut Value, at: &str, fields: &[Field]) {
    for field in fields {
        let Some(property) = schema.pointer_mut(&format!("{at}/properties/{}", field.name)) else { continue };
        match field.held {
            Held::Value(class) => property["x-class"] = class.word().into(),
            Held::Parts(parts) => {
                if let Some(below) = reference(property) {
                    mark_at(schema, below.trim_start_matches('#'), parts);
                }
            }
        }
    }
}

/// What a property refers to, itself or as the items of a list.
fn reference(property: &Value) -> Option<String> {
    match property {
        Value::Object(entries) => match entries.get("$ref") {
            Some(Value::String(reference)) => Some(reference.clone()),
            _ => entries.values().find_map(reference),
        },
        Value::Array(items) => items.iter().find_map(reference),
        _ => None,
    }
}

macro_rules! classes {
    (@field Parts $field:ident) => {
        $crate::event::payload::class::Field::parts(stringify!($field), |it: &Self| &it.$field)
    };
    (@field $class:ident $field:ident) => {
        $crate::event::payload::class::Field::value(
            stringify!($field),
            $crate::event::payload::class::Class::$class,
            |it: &Self| &it.$field,
        )
    };
    ($($name:ident $(<$life:lifetime>)? { $($class:ident: $($field:ident),+;)+ })+) => {$(
        impl $crate::event::payload::class::Classified for $name $(<$life>)? {
            const FIELDS: &'static [$crate::event::payload::class::Field] = {
                // A field that is not named here is an error.
                let _ = |it: &Self| { let Self { $($($field: _,)+)+ } = it; };
                &[$($(classes!(@field $class $field),)+)+]
            };
        }
    )+};
}
pub(super) use classes;
