//! What a schema of the document says of a value, and whether a value is that.

use jiff::Timestamp;
use jiff::civil::Date;
use regex::Regex;
use serde_json::{Number, Value};

use crate::domain::balance::parse_amount;

/// No schema of a request is nested deeper.
const DEPTH_MAX: usize = 16;

/// What a value must be.
#[derive(Debug, Default)]
pub struct Rule {
    types: Vec<String>,
    words: Vec<Value>,
    pattern: Option<Regex>,
    format: Option<Format>,
    length: (Option<u64>, Option<u64>),
    bounds: (Option<Number>, Option<Number>),
    required: Vec<String>,
    properties: Vec<(String, Rule)>,
    is_closed: bool,
    one_of: Vec<Rule>,
    text: String,
}

/// What is meant by a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Date,
    DateTime,
}

impl Rule {
    /// A schema of the document.
    #[must_use]
    pub fn of(document: &Value, schema: &Value) -> Self {
        Self::at(document, schema, 0)
    }

    /// The same, in other words for people.
    #[must_use]
    pub fn told(self, text: &str) -> Self {
        Self { text: text.to_owned(), ..self }
    }

    fn at(document: &Value, schema: &Value, depth: usize) -> Self {
        if depth > DEPTH_MAX {
            return Self::default();
        }
        if let Some(target) = schema["$ref"].as_str() {
            let found = document.pointer(target.trim_start_matches('#')).unwrap_or(&Value::Null);
            let rule = Self::at(document, found, depth + 1);
            let own = schema["description"].as_str();
            return match own {
                Some(text) => Self { text: text.to_owned(), ..rule },
                None => rule,
            };
        }
        let strings = |value: &Value| -> Vec<String> {
            match value {
                Value::String(one) => vec![one.clone()],
                value => value
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|one| Some(one.as_str()?.to_owned()))
                    .collect(),
            }
        };
        let properties = schema["properties"].as_object().into_iter().flatten();
        Self {
            types: strings(&schema["type"]),
            words: schema["enum"].as_array().cloned().unwrap_or_default(),
            pattern: schema["pattern"].as_str().and_then(|pattern| Regex::new(pattern).ok()),
            format: match schema["format"].as_str() {
                Some("date") => Some(Format::Date),
                Some("date-time") => Some(Format::DateTime),
                _ => None,
            },
            length: (schema["minLength"].as_u64(), schema["maxLength"].as_u64()),
            bounds: (schema["minimum"].as_number().cloned(), schema["maximum"].as_number().cloned()),
            required: strings(&schema["required"]),
            properties: properties
                .map(|(name, own)| (name.clone(), Self::at(document, own, depth + 1)))
                .collect(),
            is_closed: schema["additionalProperties"] == false,
            one_of: schema["oneOf"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|own| Self::at(document, own, depth + 1))
                .collect(),
            text: schema["description"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// A text of a query or a path, as the type that is meant.
    #[must_use]
    pub fn typed(&self, text: &str) -> Value {
        let is = |name: &str| self.types.iter().any(|own| own == name);
        let number =
            || text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from)).ok();
        let found = match text {
            "true" if is("boolean") => Some(Value::Bool(true)),
            "false" if is("boolean") => Some(Value::Bool(false)),
            _ if is("integer") => number(),
            _ => None,
        };
        found.unwrap_or_else(|| text.into())
    }

    /// Whether a value is what is described; else what is wrong with it. `at` is its name. Values are not repeated: some are
    /// nobody else's business, and none is needed to mend them.
    ///
    /// # Errors
    /// One sentence: what it must be.
    pub fn check(&self, at: &str, value: &Value) -> Result<(), String> {
        if !self.one_of.is_empty() {
            return self.check_one_of(at, value);
        }
        if !self.types.is_empty() && !self.types.iter().any(|name| is_of_type(name, value)) {
            return Err(self.wrong(at, &format!("must be of the type {}", self.types.join(" or "))));
        }
        if !self.words.is_empty() && !self.words.contains(value) && !value.is_null() {
            let words: Vec<String> =
                self.words.iter().map(|word| word.as_str().unwrap_or_default().to_owned()).collect();
            return Err(self.wrong(at, &format!("must be one of {}", words.join(", "))));
        }
        match value {
            Value::String(text) => self.check_text(at, text),
            Value::Number(number) => self.check_number(at, number),
            Value::Object(object) => self.check_object(at, object),
            _ => Ok(()),
        }
    }

    fn check_one_of(&self, at: &str, value: &Value) -> Result<(), String> {
        let mut wrong = String::new();
        for own in &self.one_of {
            match own.check(at, value) {
                Ok(()) => return Ok(()),
                // That it is not null either helps nobody.
                Err(error) if own.types != ["null"] => wrong = error,
                Err(_) => {}
            }
        }
        Err(wrong)
    }

    fn check_text(&self, at: &str, text: &str) -> Result<(), String> {
        let length = text.chars().count() as u64;
        let (least, most) = self.length;
        if least.is_some_and(|least| length < least) || most.is_some_and(|most| length > most) {
            let (least, most) = (least.unwrap_or(0), most.unwrap_or(u64::MAX));
            return Err(self.wrong(at, &format!("must have from {least} to {most} characters")));
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            // An amount can be wrong in many ways, and its parser knows them.
            if self.is_amount()
                && let Err(error) = parse_amount(text)
            {
                return Err(format!("{at}: {error}"));
            }
            return Err(self.wrong(at, &format!("does not match {}", pattern.as_str())));
        }
        match self.format {
            Some(Format::Date) if !is_date(text) => Err(self.wrong(at, "must be a day, YYYY-MM-DD")),
            Some(Format::DateTime) if !is_instant(text) => {
                Err(self.wrong(at, "must be an instant (RFC 3339) such as 2026-11-23T12:00:00Z"))
            }
            _ => Ok(()),
        }
    }

    fn is_amount(&self) -> bool {
        self.pattern.as_ref().is_some_and(|pattern| pattern.as_str().contains("USD"))
    }

    fn check_number(&self, at: &str, number: &Number) -> Result<(), String> {
        match &self.bounds {
            (Some(least), _) if is_less(number, least) => {
                Err(self.wrong(at, &format!("must be at least {least}")))
            }
            (_, Some(most)) if is_less(most, number) => {
                Err(self.wrong(at, &format!("must be at most {most}")))
            }
            _ => Ok(()),
        }
    }

    fn check_object(&self, at: &str, object: &serde_json::Map<String, Value>) -> Result<(), String> {
        if let Some(name) = self.required.iter().find(|name| !object.contains_key(*name)) {
            return Err(self.wrong(at, &format!("needs '{name}'")));
        }
        for (name, value) in object {
            match self.properties.iter().find(|(known, _)| known == name) {
                Some((name, own)) => own.check(name, value)?,
                None if self.is_closed => {
                    let known: Vec<&str> = self.properties.iter().map(|(name, _)| name.as_str()).collect();
                    return Err(
                        self.wrong(at, &format!("has an unknown field; there are {}", known.join(", ")))
                    );
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Writes integers as such, where they are written as decimals.
    pub fn make_plain(&self, value: &mut Value) {
        self.one_of.iter().for_each(|own| own.make_plain(value));
        if self.types.iter().any(|name| name == "integer")
            && let Some(whole) = whole(value)
        {
            *value = whole.into();
        }
        for (name, own) in &self.properties {
            if let Some(value) = value.get_mut(name) {
                own.make_plain(value);
            }
        }
    }

    fn wrong(&self, at: &str, what: &str) -> String {
        let text = self.text.lines().next().unwrap_or_default().trim_end_matches('.');
        if text.is_empty() { format!("{at} {what}") } else { format!("{at} {what}: {text}") }
    }
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64() || whole(value).is_some(),
        _ => false,
    }
}

/// An integer that is written as a decimal: to JSON Schema 1.0 is one.
fn whole(value: &Value) -> Option<i64> {
    /// Beyond it a float does not tell integers apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = value.as_f64().filter(|_| value.is_f64())?;
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}

/// Exact where both are integers, which a float is not beyond 2⁵³.
fn is_less(a: &Number, b: &Number) -> bool {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => a < b,
        _ => a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| a < b),
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<Date>().is_ok()
}

/// RFC 3339 and no more than that: other spellings that a parser of ours may know are not described.
fn is_instant(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_at = |index: usize, allowed: &[u8]| bytes.get(index).is_some_and(|byte| allowed.contains(byte));
    let is_plain = bytes.iter().all(|byte| byte.is_ascii_digit() || b"-+:.TtZz".contains(byte));
    let has_end = is_at(bytes.len().wrapping_sub(1), b"Zz") || is_at(bytes.len().wrapping_sub(6), b"+-");
    is_plain && is_at(10, b"Tt") && is_at(16, b":") && has_end && text.parse::<Timestamp>().is_ok()
}
