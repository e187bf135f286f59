//! Arguments as they are meant.
//!
//! Assistants and their clients write arguments with small faults: a number as a text or as `7.0`, a truth as `"True"`, an
//! object as its JSON in a text, an empty text for what they leave out, a field's name in another style. What can only mean
//! one thing is taken as that. All else is an error that names the field, says what it must be, and shows a right call.

use jiff::Timestamp;
use jiff::civil::Date;
use regex::Regex;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value, json};

use super::schema;

/// What a given value is shown of in an error, in characters.
const SHOWN_MAX: usize = 60;
/// Up to here every whole number has a float of its own: 2 to the power of 53.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
/// Names under which some assistants send all arguments in one.
const WRAPPERS: [&str; 6] = ["arguments", "args", "input", "kwargs", "parameters", "params"];
/// Names that are so much alike are a typing error.
const ALIKE: f64 = 0.85;

/// A field that is wrong.
struct Wrong {
    /// Its name, after those of the objects that it is in: `goal.due`.
    path: String,
    /// What is wrong with it.
    reason: String,
}

/// Arguments as they are meant.
pub struct Meant {
    /// By name.
    pub given: Map<String, Value>,
    /// What is read, and yet is not of the form or within the bounds that its field has. Whoever answers says why it is
    /// refused, in words of its own, and this is said beside it.
    pub doubt: Option<String>,
}

/// Whose arguments they are.
#[derive(Clone, Copy)]
pub struct Taker<'a> {
    /// The tool.
    pub tool: &'a str,
    /// All that is known of what it takes ([`schema::whole`]).
    pub takes: &'a Value,
}

impl Taker<'_> {
    /// The arguments as they are meant.
    ///
    /// # Errors
    /// A sentence that names the field and shows a right call.
    pub fn as_meant(self, arguments: Value) -> Result<Meant, String> {
        let given = object_of(arguments)
            .ok_or_else(|| self.sentence("the arguments must be a JSON object", ""))
            .map(|given| self.unwrapped(given))?;
        let mut doubts = Vec::new();
        let given = fields("", self.takes, given, &mut doubts)
            .map_err(|Wrong { path, reason }| self.sentence(&format!("{path} {reason}"), &path))?;
        let doubt =
            doubts.first().map(|Wrong { path, reason }| self.sentence(&format!("{path} {reason}"), path));
        Ok(Meant { given, doubt })
    }

    /// Reads arguments that are as they are meant.
    ///
    /// # Errors
    /// A sentence that names the field and shows a right call.
    pub fn read<T: DeserializeOwned>(self, arguments: &Map<String, Value>) -> Result<T, String> {
        let read = |arguments: &Map<String, Value>| serde_json::from_value(Value::Object(arguments.clone()));
        read(arguments).map_err(|error: serde_json::Error| {
            let reason = error.to_string();
            // The field without which it is another error, or none.
            let is_guilty = |name: &&String| {
                let mut others = arguments.clone();
                if is_required(self.takes, name) {
                    others.insert((*name).clone(), example(&self.takes["properties"][name.as_str()]));
                } else {
                    others.remove(*name);
                }
                read(&others).map_or_else(|other: serde_json::Error| other.to_string() != reason, |_: T| true)
            };
            let path = arguments.keys().find(is_guilty).cloned().unwrap_or_default();
            self.sentence(&format!("{path}: {reason}"), &path)
        })
    }

    /// The arguments inside, where all are sent in one.
    fn unwrapped(self, given: Map<String, Value>) -> Map<String, Value> {
        let mut names = given.keys();
        let (Some(name), None) = (names.next(), names.next()) else { return given };
        if !WRAPPERS.contains(&name.as_str()) || self.takes["properties"].get(name).is_some() {
            return given;
        }
        let inside = given.values().next().filter(|inside| !inside.is_null());
        inside.cloned().and_then(object_of).unwrap_or(given)
    }

    /// What is wrong, and a call that is right.
    fn sentence(self, what: &str, path: &str) -> String {
        let top = path.split('.').next().unwrap_or_default();
        let mut call = Map::new();
        for (name, field) in self.takes["properties"].as_object().into_iter().flatten() {
            if is_required(self.takes, name) || name == top {
                call.insert(name.clone(), example(field));
            }
        }
        format!("{what}; a right call: {} {}", self.tool, Value::Object(call))
    }
}

/// An object, or the JSON of one in a text; nothing is an empty one.
pub(super) fn object_of(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        Value::Null => Some(Map::new()),
        Value::String(text) if text.trim().is_empty() => Some(Map::new()),
        Value::String(text) => serde_json::from_str(&text).ok(),
        _ => None,
    }
}

fn is_required(schema: &Value, name: &str) -> bool {
    schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name))
}

/// An example of what a field takes.
fn example(schema: &Value) -> Value {
    if schema["type"] == "object" {
        let fields = schema["properties"].as_object().into_iter().flatten();
        let required = fields.filter(|(name, _)| is_required(schema, name));
        return Value::Object(required.map(|(name, field)| (name.clone(), example(field))).collect());
    }
    if let Some(given) = schema::example(schema).or_else(|| schema["enum"].get(0).cloned()) {
        return given;
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("integer" | "number"), _) => {
            schema.get("minimum").filter(|least| **least != 0).cloned().unwrap_or(json!(7))
        }
        (Some("boolean"), _) => json!(true),
        (_, Some("date")) => json!("2026-11-23"),
        (_, Some("date-time")) => json!("2026-11-23T12:00:00Z"),
        _ => json!("main"),
    }
}

/// The fields of an object as they are meant, in the order of their names.
fn fields(
    path: &str,
    schema: &Value,
    given: Map<String, Value>,
    doubts: &mut Vec<Wrong>,
) -> Result<Map<String, Value>, Wrong> {
    let none = Map::new();
    let known = schema["properties"].as_object().unwrap_or(&none);
    let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let mut named: Vec<(&str, Value)> = Vec::with_capacity(known.len());
    for (name, value) in given {
        let Some(meant) = name_of(&name, known) else {
            let near = known.keys().filter(|one| strsim::jaro_winkler(one, &name) > ALIKE);
            let near: Vec<&str> = near.map(String::as_str).take(1).collect();
            let all: Vec<&str> = known.keys().map(String::as_str).collect();
            let reason = match (near.first(), all.is_empty()) {
                (Some(near), _) => format!("is not known; did you mean {near}?"),
                (None, true) => "is not known; there are no fields".to_owned(),
                (None, false) => format!("is not known; the fields are {}", all.join(", ")),
            };
            return Err(Wrong { path: at(&shown(&Value::String(name)).replace('"', "")), reason });
        };
        if named.iter().any(|(one, _)| *one == meant) {
            return Err(Wrong { path: at(meant), reason: "is given twice".to_owned() });
        }
        named.push((meant, value));
    }
    named.sort_by_key(|(name, _)| *name);
    let mut read = Map::new();
    for (name, value) in named {
        if value.is_null() || !is_required(schema, name) && is_nothing(&known[name], &value) {
            continue;
        }
        read.insert(name.to_owned(), meant(&at(name), &known[name], value, doubts)?);
    }
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    match required.into_iter().find(|name| !read.contains_key(*name)) {
        Some(missing) => Err(Wrong { path: at(missing), reason: "is missing".to_owned() }),
        None => Ok(read),
    }
}

/// The field that a name means: itself, or the only one that is the same but for its style (`amountUsd`, `amount-usd`).
fn name_of<'a>(name: &str, known: &'a Map<String, Value>) -> Option<&'a str> {
    if let Some((same, _)) = known.get_key_value(name) {
        return Some(same);
    }
    let bare = |name: &str| -> String {
        name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
    };
    let wanted = bare(name);
    let mut alike = known.keys().filter(|one| bare(one) == wanted);
    alike.next().filter(|_| alike.next().is_none()).map(String::as_str)
}

/// Whether a value says that there is none.
fn is_nothing(schema: &Value, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) if text.trim().is_empty() => true,
        // A free text may be this word; a number, a day or one of a few words cannot.
        Value::String(text) if !is_free(schema) => {
            ["null", "none", "undefined"].contains(&text.trim().to_lowercase().as_str())
        }
        _ => false,
    }
}

/// Whether any text does.
fn is_free(schema: &Value) -> bool {
    schema["type"] == "string" && ["enum", "format", "pattern"].iter().all(|key| schema.get(*key).is_none())
}

/// A value as it is meant. What its form or its bounds forbid is a doubt.
fn meant(path: &str, schema: &Value, value: Value, doubts: &mut Vec<Wrong>) -> Result<Value, Wrong> {
    let of =
        |what: &str| Wrong { path: path.to_owned(), reason: format!("must be {}{what}", must_be(schema)) };
    let wrong = |value: &Value| of(&format!(", and is {}", shown(value)));
    match schema["type"].as_str() {
        Some("object") => match object_of(value.clone()) {
            Some(object) => fields(path, schema, object, doubts).map(Value::Object),
            None => Err(wrong(&value)),
        },
        Some("integer") => {
            let number = whole_number(&value).ok_or_else(|| wrong(&value))?;
            if !is_within(schema, &number) {
                doubts.push(of(""));
            }
            Ok(Value::Number(number))
        }
        Some("boolean") => truth(&value).map(Value::Bool).ok_or_else(|| wrong(&value)),
        Some("string") => {
            let given = text_of(&value).ok_or_else(|| wrong(&value))?;
            match candidates(&given).into_iter().find(|text| fits(schema, text)) {
                Some(text) => Ok(Value::String(text)),
                None if schema.get("enum").is_some() || schema.get("format").is_some() => Err(wrong(&value)),
                None => {
                    doubts.push(of(""));
                    Ok(Value::String(given))
                }
            }
        }
        _ => Ok(value),
    }
}

fn whole_number(value: &Value) -> Option<Number> {
    let of_float = |float: f64| {
        // The range is checked: no digit is lost.
        #[allow(clippy::cast_possible_truncation)]
        let whole = || Number::from(float as i64);
        (float.fract() == 0.0 && float.abs() <= EXACT_MAX).then(whole)
    };
    match value {
        Value::Number(number) if number.is_f64() => of_float(number.as_f64()?),
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => {
            let text = unquoted(text);
            let whole =
                text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from));
            whole.ok().or_else(|| of_float(text.parse().ok()?))
        }
        _ => None,
    }
}

fn is_within(schema: &Value, number: &Number) -> bool {
    let bound = |key: &str| schema[key].as_i64().map(i128::from);
    let number = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    number.is_some_and(|number| {
        bound("minimum").is_none_or(|least| least <= number)
            && bound("maximum").is_none_or(|most| number <= most)
    })
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::String(text) => match unquoted(text).to_lowercase().as_str() {
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A text, or a number as one.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        // A float of so many digits is no longer what was written.
        Value::Number(number) if !number.is_f64() || number.as_f64()?.abs() < EXACT_MAX => {
            Some(number.to_string())
        }
        _ => None,
    }
}

/// What a text may mean: itself, else what is without what is around it, else that in small letters, else the day of an
/// instant.
fn candidates(given: &str) -> Vec<String> {
    let bare = unquoted(given);
    let day = bare.parse::<Timestamp>().ok().and_then(|_| bare.get(..10)).map(str::to_owned);
    [Some(given.to_owned()), Some(bare.to_owned()), Some(bare.to_lowercase()), day]
        .into_iter()
        .flatten()
        .collect()
}

fn fits(schema: &Value, text: &str) -> bool {
    let words = schema["enum"].as_array();
    let pattern = schema["pattern"].as_str().and_then(|pattern| Regex::new(pattern).ok());
    words.is_none_or(|words| words.iter().any(|word| word == text))
        && pattern.is_none_or(|pattern| pattern.is_match(text))
        && has_length(schema, text)
        && match schema["format"].as_str() {
            Some("date") => text.parse::<Date>().is_ok() && text.len() == 10,
            Some("date-time") => text.parse::<Timestamp>().is_ok(),
            _ => true,
        }
}

fn has_length(schema: &Value, text: &str) -> bool {
    let bound = |key: &str| schema[key].as_u64().and_then(|bound| usize::try_from(bound).ok());
    let length = text.chars().count();
    bound("minLength").is_none_or(|least| least <= length)
        && bound("maxLength").is_none_or(|most| length <= most)
}

/// Without the spaces around it, and without the quotation marks of a text that was written as JSON twice.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inside.map_or(text, str::trim)
}

/// What a field must be.
fn must_be(schema: &Value) -> String {
    let what = match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("object"), _) => "an object".to_owned(),
        (Some("integer"), _) => match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
            (Some(least), Some(most)) => format!("a whole number from {least} to {most}"),
            (Some(least), None) => format!("a whole number of at least {least}"),
            _ => "a whole number".to_owned(),
        },
        (Some("boolean"), _) => "true or false".to_owned(),
        (_, Some("date")) => "a day, YYYY-MM-DD".to_owned(),
        (_, Some("date-time")) => "an instant, such as 2026-11-23T12:00:00Z".to_owned(),
        _ => "a text".to_owned(),
    };
    let words: Vec<&str> =
        schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !words.is_empty() {
        return format!("one of {}", words.join(", "));
    }
    match schema["description"].as_str() {
        Some(told) if schema["type"] == "string" && schema.get("format").is_none() => {
            format!("{what} ({})", told.trim_end_matches('.').replace('\n', " "))
        }
        _ => what,
    }
}

/// A value in an error: its beginning.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= SHOWN_MAX {
        return text;
    }
    let start: String = text.chars().take(SHOWN_MAX).collect();
    format!("{start}… ({} characters)", text.chars().count())
}

#[cfg(test)]
mod tests;
