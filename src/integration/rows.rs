//! Answers that are read row by row and field by field: what is odd is named, and takes nothing else with it.
//!
//! A list from outside may have one row with a field that is null, missing, of another type or too large. Such a row is left
//! out and named with its place; the rest counts. Where a field does not matter for the figures, only the field is passed
//! over, and named as well. What was left out makes a sum partial, and whoever shows it says so.
//!
//! Values stay as they are written until a field is read: amounts never go through a float, and a number that no type holds
//! costs its own field alone. Nothing is copied and nothing is kept for each row, so that an answer of any form is bounded by
//! its length.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use sonic_rs::{LazyValue, to_array_iter, to_object_iter};

use crate::domain::decimal::{Unit, parse_decimal};
use crate::domain::money::Picodollars;
use crate::domain::tokens::MAX_COUNT;

use super::resilience::{Answer, OutsideError};

/// Odd fields that are named; more are counted.
const NAMED_MAX: usize = 5;
/// Maximum length of a text that is read, in bytes.
const TEXT_MAX: usize = 64 * 1024;
/// Maximum length of a name that says where an odd field stands, in bytes.
const PLACE_MAX: usize = 60;
/// Whole numbers beyond this are not the same in every reader of JSON (RFC 8259, section 6), and are no time and no count
/// of days. So what is read can be reckoned with.
const EXACT: std::ops::RangeInclusive<i64> = -(1 << 53)..=1 << 53;

/// Why a field cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddness {
    /// It is not there.
    Missing,
    /// It is null.
    Null,
    /// It is of another type, or says what cannot be.
    Other,
    /// It is larger than any that is expected.
    TooLarge,
}

impl fmt::Display for Oddness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "is missing",
            Self::Null => "is null",
            Self::Other => "is not what it should be",
            Self::TooLarge => "is too large",
        })
    }
}

/// A field that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OddField {
    /// Its name, with those of the objects around it.
    pub field: Cow<'static, str>,
    /// Why.
    pub oddness: Oddness,
}

/// What a field says, or why it says nothing.
pub type Field<T> = Result<T, OddField>;

/// What of an answer was odd, in words of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Odd {
    named: Vec<String>,
    fields: usize,
    rows: usize,
}

impl Odd {
    /// A field was passed over; its row counts.
    pub fn field(&mut self, place: &str, odd: &OddField) {
        self.fields += 1;
        self.name(format!("{place}: field {} {}", odd.field, odd.oddness));
    }

    /// A row was left out.
    pub fn row(&mut self, place: &str, odd: &OddField) {
        self.rows += 1;
        self.name(format!("{place}: field {} {}, so it is left out", odd.field, odd.oddness));
    }

    /// A row, or more, was left out for another reason.
    pub fn lost(&mut self, place: &str, why: &str) {
        self.rows += 1;
        self.name(format!("{place}: {why}, so it is left out"));
    }

    fn name(&mut self, text: String) {
        if self.named.len() < NAMED_MAX {
            self.named.push(text);
        }
    }

    /// What was odd elsewhere as well.
    pub fn add(&mut self, other: Self) {
        self.fields += other.fields;
        self.rows += other.rows;
        let room = NAMED_MAX.saturating_sub(self.named.len());
        self.named.extend(other.named.into_iter().take(room));
    }

    /// Whether nothing was.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.fields + self.rows == 0
    }

    /// Rows that were left out.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// In words; none where nothing was odd.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        if self.is_nothing() {
            return None;
        }
        let more = (self.fields + self.rows).saturating_sub(self.named.len());
        let named = self.named.join("; ");
        Some(if more == 0 { named } else { format!("{named}; and {more} more") })
    }

    /// The value of a field that does not matter for the figures: where it is odd it is named, and this stands.
    pub fn or<T>(&mut self, place: &str, field: Field<T>, otherwise: T) -> T {
        field.unwrap_or_else(|odd| {
            self.field(place, &odd);
            otherwise
        })
    }

    /// The same of a field that may be absent or null.
    pub fn maybe<T>(&mut self, place: &str, field: Field<T>) -> Option<T> {
        match field {
            Ok(value) => Some(value),
            Err(OddField { oddness: Oddness::Missing | Oddness::Null, .. }) => None,
            Err(odd) => {
                self.field(place, &odd);
                None
            }
        }
    }
}

/// The rows that could be read, and what was odd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// In their order.
    pub rows: Vec<T>,
    /// What was odd.
    pub odd: Odd,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), odd: Odd::default() }
    }
}

impl<T> std::ops::Deref for Listed<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.rows
    }
}

impl<T> Listed<T> {
    /// Takes in a row, or why there is none.
    pub fn take(&mut self, place: &str, row: Field<T>) {
        match row {
            Ok(row) => self.rows.push(row),
            Err(odd) => self.odd.row(place, &odd),
        }
    }
}

/// A value as it is written.
pub struct Raw<'a>(LazyValue<'a>);

impl Raw<'_> {
    fn text(&self) -> &str {
        self.0.as_raw_str()
    }

    /// A value below this one; the last where there are several of the name.
    fn found(&self, name: &str) -> Option<Raw<'_>> {
        if !self.text().starts_with('{') {
            return None;
        }
        let members = to_object_iter(self.text()).map_while(Result::ok);
        members.filter(|(key, _)| *key == *name).map(|(_, value)| Raw(value)).last()
    }

    fn get(&self, name: &'static str) -> Field<Raw<'_>> {
        let oddness = match self.found(name) {
            Some(value) if value.text() != "null" => return Ok(value),
            Some(_) => Oddness::Null,
            None => Oddness::Missing,
        };
        Err(odd(name, oddness))
    }

    /// Reads a field by its words.
    fn read<T>(&self, name: &'static str, read: impl FnOnce(&str) -> Result<T, Oddness>) -> Field<T> {
        let value = self.get(name)?;
        read(value.text()).map_err(|oddness| odd(name, oddness))
    }

    /// A field that is an object, read by itself. What is odd in it is named with its name.
    ///
    /// # Errors
    /// [`OddField`].
    pub fn object<T>(&self, name: &'static str, read: impl FnOnce(&Raw<'_>) -> Field<T>) -> Field<T> {
        let value = self.get(name)?;
        if !value.text().starts_with('{') {
            return Err(odd(name, Oddness::Other));
        }
        read(&value).map_err(|inner| OddField { field: format!("{name}.{}", inner.field).into(), ..inner })
    }

    /// A field that is a list; each of its values with its number.
    ///
    /// # Errors
    /// [`OddField`].
    pub fn list(&self, name: &'static str, mut each: impl FnMut(usize, &Raw<'_>)) -> Field<()> {
        let value = self.get(name)?;
        value.items(&mut each).map_err(|oddness| odd(name, oddness))
    }

    /// The values of a list.
    ///
    /// # Errors
    /// It is none.
    pub fn items(&self, each: &mut dyn FnMut(usize, &Raw<'_>)) -> Result<(), Oddness> {
        if !self.text().starts_with('[') {
            return Err(Oddness::Other);
        }
        for (number, value) in to_array_iter(self.text()).map_while(Result::ok).enumerate() {
            each(number, &Raw(value));
        }
        Ok(())
    }

    /// Whether it is an object.
    ///
    /// # Errors
    /// [`OddField`] named `field`.
    pub fn must_be_object(&self, field: &'static str) -> Field<()> {
        match self.text() {
            text if text.starts_with('{') => Ok(()),
            "null" => Err(odd(field, Oddness::Null)),
            _ => Err(odd(field, Oddness::Other)),
        }
    }

    /// A field that is text.
    ///
    /// # Errors
    /// [`OddField`].
    pub fn string(&self, name: &'static str) -> Field<String> {
        self.read(name, |text| string(text, TEXT_MAX))
    }

    /// The same of a name: one line of at most `most` bytes.
    ///
    /// # Errors
    /// [`OddField`].
    pub fn name(&self, name: &'static str, most: usize) -> Field<String> {
        self.read(name, |text| {
            let text = string(text, most)?;
            if text.chars().any(char::is_control) { Err(Oddness::Other) } else { Ok(text) }
        })
    }

    /// A field that is true or false.
    ///
    /// # Errors
    /// [`OddField`].
    pub fn flag(&self, name: &'static str) -> Field<bool> {
        self.read(name, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Oddness::Other),
        })
    }

    /// A whole number; a fraction is rounded down.
    ///
    /// # Errors
    /// [`OddField`].
    pub fn whole(&self, name: &'static str) -> Field<i64> {
        self.read(name, |text| {
            let number = match text.parse::<i64>() {
                Ok(number) => number,
                Err(_) => float(text)?.floor() as i64,
            };
            if EXACT.contains(&number) { Ok(number) } else { Err(Oddness::TooLarge) }
        })
    }

    /// A number.
    ///
    /// # Errors
    /// [`OddField`].
    pub fn number(&self, name: &'static str) -> Field<f64> {
        self.read(name, float)
    }

    /// A count: a whole number of 0 or more, also as `12.0`.
    ///
    /// # Errors
    /// [`OddField`].
    pub fn count(&self, name: &'static str) -> Field<u64> {
        self.read(name, |text| {
            let count = match text.parse::<u64>() {
                Ok(count) => count,
                Err(_) => match float(text)? {
                    number if number > MAX_COUNT as f64 => return Err(Oddness::TooLarge),
                    number if number >= 0.0 && number.fract() == 0.0 => number as u64,
                    _ => return Err(Oddness::Other),
                },
            };
            if count > MAX_COUNT { Err(Oddness::TooLarge) } else { Ok(count) }
        })
    }

    /// An amount by its digits, written as a number or as text.
    ///
    /// # Errors
    /// [`OddField`].
    pub fn amount(&self, name: &'static str, unit: Unit) -> Field<Picodollars> {
        use crate::domain::money::MoneyError;
        self.read(name, |text| {
            let digits = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
            parse_decimal(digits, unit).map_err(|error| match error {
                MoneyError::TooLarge(_) => Oddness::TooLarge,
                _ => Oddness::Other,
            })
        })
    }

    /// An instant in RFC 3339.
    ///
    /// # Errors
    /// [`OddField`].
    pub fn instant(&self, name: &'static str) -> Field<Timestamp> {
        self.read(name, |text| string(text, PLACE_MAX)?.parse().map_err(|_| Oddness::Other))
    }

    /// What to call a row: `goal bike` by a name of it that is shown as it is, else its number in the list.
    #[must_use]
    pub fn place(&self, kind: &str, name: &'static str, list: &str, number: usize) -> String {
        let is_plain = |name: &String| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        match self.name(name, PLACE_MAX).ok().filter(is_plain) {
            Some(name) => format!("{kind} {name}"),
            None => format!("{list}[{number}]"),
        }
    }
}

/// An odd field.
pub const fn odd(field: &'static str, oddness: Oddness) -> OddField {
    OddField { field: Cow::Borrowed(field), oddness }
}

fn string(text: &str, most: usize) -> Result<String, Oddness> {
    if !text.starts_with('"') {
        return Err(Oddness::Other);
    }
    // Escapes are longer than what they stand for.
    if text.len() > most.saturating_mul(6) + 2 {
        return Err(Oddness::TooLarge);
    }
    let text: String = sonic_rs::from_str(text).map_err(|_| Oddness::Other)?;
    if text.len() > most { Err(Oddness::TooLarge) } else { Ok(text) }
}

fn float(text: &str) -> Result<f64, Oddness> {
    // Rust reads `inf` and `nan`, which JSON does not have.
    let begins = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    let number: f64 = text.parse().map_err(|_| Oddness::Other)?;
    match (begins, number.is_finite()) {
        (true, true) => Ok(number),
        (true, false) => Err(Oddness::TooLarge),
        (false, _) => Err(Oddness::Other),
    }
}

impl Answer {
    /// Reads the body row by row.
    ///
    /// # Errors
    /// [`OutsideError::Malformed`]: it is no JSON, or what `read` says.
    pub fn rows<T>(&self, read: impl FnOnce(&Raw<'_>) -> Result<T, OutsideError>) -> Result<T, OutsideError> {
        let body = self.shallow()?;
        let malformed = |what| OutsideError::Malformed { system: self.system(), what };
        // A byte that is no text costs its own field; and sonic-rs takes it for granted that there is none.
        let text = String::from_utf8_lossy(&body);
        let whole: LazyValue<'_> =
            sonic_rs::from_str(&text).map_err(|_| malformed("a body that is not JSON"))?;
        read(&Raw(whole))
    }

    /// Reads the body as one list.
    ///
    /// # Errors
    /// [`OutsideError::Malformed`]: it is none.
    pub fn list(&self, mut each: impl FnMut(usize, &Raw<'_>)) -> Result<(), OutsideError> {
        let another = OutsideError::Malformed { system: self.system(), what: "JSON of another shape" };
        self.rows(|whole| whole.items(&mut each).map_err(|_| another))
    }
}

#[cfg(test)]
mod tests;
