//! Fields as lines have them: read leniently, so that one odd field never drops a call.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use sonic_rs::LazyValue;

use crate::domain::depth::{self, TooDeep};
use crate::domain::tokens::MAX_COUNT;

/// Words that say how a call was billed are kept to this length, in bytes.
const WORD_MAX: usize = 64;

/// No directory is longer, in bytes.
pub(in crate::integration::claude_code) const DIRECTORY_MAX: usize = 4_096;
/// Names are kept to this length, in bytes: an event with all of its names is some kilobytes long, and holds 64.
pub(super) const NAME_MAX: usize = 1_024;

/// A text; a number counts as its digits. Anything else is as if it were absent.
#[derive(Debug, Clone, Default)]
pub(in crate::integration::claude_code) struct Text<'a>(pub(super) Option<Cow<'a, str>>);

impl Text<'_> {
    pub(in crate::integration::claude_code) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The text; empty where there is none.
    pub(super) fn or_empty(&self) -> &str {
        self.get().unwrap_or_default()
    }

    /// A name, as far as an event has room for it: nobody's is longer, and no call is dropped for one that is.
    pub(in crate::integration::claude_code) fn name(&self) -> Option<&str> {
        self.get().map(|name| &name[..name.floor_char_boundary(NAME_MAX)])
    }

    /// A word that says how a call was billed, no longer than makes sense.
    pub(super) fn word(&self) -> &str {
        let word = self.or_empty();
        &word[..word.floor_char_boundary(WORD_MAX)]
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(number.to_string()))))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(number.to_string()))))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Text(None))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Text(None))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Text(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// The first values of a list; those behind them are passed over, and take no memory.
pub(super) struct First<'a, const MOST: usize>(pub(super) Vec<LazyValue<'a>>);

impl<'de: 'a, 'a, const MOST: usize> Deserialize<'de> for First<'a, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FirstVisitor<const MOST: usize>;
        impl<'de, const MOST: usize> Visitor<'de> for FirstVisitor<MOST> {
            type Value = First<'de, MOST>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while values.len() < MOST
                    && let Some(value) = seq.next_element()?
                {
                    values.push(value);
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(values))
            }
        }
        deserializer.deserialize_seq(FirstVisitor)
    }
}

/// A count of tokens: a whole number of 0 or more, also as `12.0` or `"12"`. Null counts as nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    Is(u64),
    /// Something was told that is no count.
    Odd,
}

impl Default for Count {
    fn default() -> Self {
        Self::Is(0)
    }
}

impl Count {
    fn of(number: u64) -> Self {
        if number <= MAX_COUNT { Self::Is(number) } else { Self::Odd }
    }

    fn of_float(number: f64) -> Self {
        // The limit is far below the numbers that a double cannot hold exactly.
        let is_count =
            number.is_finite() && (0.0..=MAX_COUNT as f64).contains(&number) && number.fract() == 0.0;
        if is_count { Self::Is(number as u64) } else { Self::Odd }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;
        impl<'de> Visitor<'de> for CountVisitor {
            type Value = Count;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a count")
            }
            fn visit_u64<E>(self, count: u64) -> Result<Count, E> {
                Ok(Count::of(count))
            }
            fn visit_i64<E>(self, count: i64) -> Result<Count, E> {
                Ok(u64::try_from(count).map_or(Count::Odd, Count::of))
            }
            fn visit_f64<E>(self, count: f64) -> Result<Count, E> {
                Ok(Count::of_float(count))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Count, E> {
                Ok(Count::Odd)
            }
            fn visit_str<E>(self, text: &str) -> Result<Count, E> {
                let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let count = text.parse().ok().filter(|_| is_digits);
                Ok(count.map_or(Count::Odd, Count::of))
            }
            fn visit_unit<E>(self) -> Result<Count, E> {
                Ok(Count::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Count, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Count::Odd)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Count, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Count::Odd)
            }
        }
        deserializer.deserialize_any(CountVisitor)
    }
}

/// A part of a line that may be anything: read as the object that is expected, none where it is absent or null.
///
/// # Errors
/// It is something else.
pub(super) fn part<'a, T: Deserialize<'a>>(value: Option<&'a LazyValue<'a>>) -> Result<Option<T>, ()> {
    read(value, false)
}

/// The same of a list.
///
/// # Errors
/// It is something else.
pub(super) fn list<'a, T: Deserialize<'a>>(value: Option<&'a LazyValue<'a>>) -> Result<Option<T>, ()> {
    read(value, true)
}

fn read<'a, T: Deserialize<'a>>(value: Option<&'a LazyValue<'a>>, is_list: bool) -> Result<Option<T>, ()> {
    match value.map(LazyValue::as_raw_str) {
        None | Some("null") => Ok(None),
        // serde would take a list for an object of as many fields.
        Some(raw) if !raw.starts_with(['{', '[']) || raw.starts_with('[') != is_list => Err(()),
        Some(raw) => sonic_rs::from_str(raw).map(Some).map_err(|_| ()),
    }
}

/// A moment: RFC 3339, or a number of seconds, milliseconds, microseconds or nanoseconds since the Unix epoch, which
/// their size tells apart. Text without an offset is UTC.
pub(super) fn moment(value: &LazyValue<'_>) -> Option<Timestamp> {
    let text: Text<'_> = sonic_rs::from_str(value.as_raw_str()).ok()?;
    let Some(text) = text.get() else {
        // Seconds with a fraction.
        let seconds: f64 = value.as_raw_str().parse().ok()?;
        return (seconds.abs() < 1e11)
            .then(|| Timestamp::from_microsecond((seconds * 1e6) as i64).ok())
            .flatten();
    };
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(number) = text.parse::<i64>() {
        return of_number(number);
    }
    let civil: DateTime = text.parse().ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn of_number(number: i64) -> Option<Timestamp> {
    match number.unsigned_abs() {
        0..100_000_000_000 => Timestamp::from_second(number).ok(),
        100_000_000_000..100_000_000_000_000 => Timestamp::from_millisecond(number).ok(),
        100_000_000_000_000..100_000_000_000_000_000 => Timestamp::from_microsecond(number).ok(),
        _ => Timestamp::from_nanosecond(i128::from(number)).ok(),
    }
}

/// A line as far down as it is read.
pub(in crate::integration::claude_code) fn shallow(text: &str) -> Result<Cow<'_, str>, TooDeep> {
    Ok(match depth::shallow(text.as_bytes())? {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        // What is cut out begins and ends with a bracket: text stays text.
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).unwrap_or_default()),
    })
}

/// Without whitespace around it, and without the mark by which some editors begin a file.
pub(in crate::integration::claude_code) fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii();
    line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line).trim_ascii()
}
