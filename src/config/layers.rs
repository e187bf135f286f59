//! The layers that settings come from: the file, the environment under its usual names, and under ours.
//! Each is a list of keys and values, so that every wrong key can be told, not only the first.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::files::text;

use super::settings::keys::usual_names;
use super::{ConfigError, Origin};

/// No secret is longer, in bytes.
const SECRET_MAX: u64 = 64 << 10;

/// A file with more keys holds something else than settings: each would be looked for among those there are.
const KEYS_MAX: usize = 1_000;

/// Variables of ours that are options of the command line and no settings.
const NO_SETTINGS: &[&str] =
    &["MECRIS_DATA_DIR", "MECRIS_CONFIG", "MECRIS_TENANT", "MECRIS_LOG_FORMAT", "MECRIS_LOG_LEVEL"];

/// A value for a key, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Such as `beeminder.token`.
    pub key: String,
    /// What it is to be.
    pub value: Value,
    /// Where that stands.
    pub origin: Origin,
}

/// The entries of a file.
///
/// # Errors
/// [`ConfigError::Unreadable`], or [`ConfigError::Broken`] where it is not TOML.
pub(super) fn of_file(path: &Path) -> Result<Vec<Entry>, ConfigError> {
    let text = text::read(path).map_err(|error| ConfigError::Unreadable {
        path: path.display().to_string(),
        reason: error.to_string(),
    })?;
    // Found once: a file may have as many keys as lines.
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
    let line = |span: &Range<usize>| ends.partition_point(|end| *end < span.start) + 1;
    let broken = |error: &toml::de::Error| {
        let at = error.span().map_or(String::new(), |span| format!("line {}: ", line(&span)));
        ConfigError::Broken {
            origin: path.display().to_string(),
            detail: format!("{at}{}", error.message().lines().next().unwrap_or("not TOML")),
            fix: "mend the file, or remove it".into(),
        }
    };
    let values: Map<String, Value> = toml::from_str(&text).map_err(|error| broken(&error))?;
    let spans = toml::de::DeTable::parse(&text).map_err(|error| broken(&error))?;
    let mut entries = Vec::new();
    let count = count(&values);
    if count > KEYS_MAX {
        return Err(ConfigError::Broken {
            origin: path.display().to_string(),
            detail: format!("it has {count} keys, more than there are settings"),
            fix: "mend the file, or remove it".into(),
        });
    }
    flatten("", values, &mut |key, value| {
        let origin = Origin::File { path: path.to_owned(), line: line(&span_of(spans.get_ref(), &key)) };
        entries.push(Entry { key, value, origin });
    });
    // In the order of the file, as the person reads it.
    entries.sort_by_key(|entry| match entry.origin {
        Origin::File { line, .. } => line,
        _ => 0,
    });
    Ok(entries)
}

/// Where a dotted key stands in the file; its start where that cannot be told.
fn span_of(table: &toml::de::DeTable<'_>, key: &str) -> Range<usize> {
    let (first, rest) = key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
    let Some((name, value)) = table.iter().find(|(name, _)| name.get_ref().as_ref() == first) else {
        return 0..0;
    };
    match (value.get_ref(), rest) {
        (toml::de::DeValue::Table(inner), Some(rest)) => span_of(inner, rest),
        _ => name.span(),
    }
}

/// How many values a table has that are no tables.
fn count(table: &Map<String, Value>) -> usize {
    let of = |value: &Value| value.as_object().filter(|inner| !inner.is_empty()).map_or(1, count);
    table.values().map(of).sum()
}

/// Calls `each` for every value that is no table.
pub(super) fn flatten(prefix: &str, table: Map<String, Value>, each: &mut dyn FnMut(String, Value)) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            Value::Object(inner) if !inner.is_empty() => flatten(&key, inner, each),
            other => each(key, other),
        }
    }
}

/// The entries of the environment: the usual names first, ours over them.
pub(super) fn of_environment(variables: &[(String, String)]) -> Vec<Entry> {
    let value = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let entry = |key: String, name: &str, value: &str| Entry {
        key,
        value: Value::String(value.to_owned()),
        origin: Origin::Variable { name: name.to_owned() },
    };
    let usual = usual_names().filter_map(|(name, key)| {
        let value = value(&name).filter(|value| !value.is_empty())?;
        Some(entry(key, &name, value))
    });
    let ours = variables.iter().filter_map(|(name, value)| {
        let key = name.strip_prefix("MECRIS_").filter(|_| !NO_SETTINGS.contains(&name.as_str()))?;
        Some(entry(key.to_lowercase().replace("__", "."), name, value))
    });
    usual.chain(ours).collect()
}

/// What this process was given, as far as it is text.
pub(super) fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Puts a value where a dotted key says.
pub(super) fn put(tree: &mut Value, key: &str, value: Value) {
    let mut place = tree;
    for name in key.split('.') {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(table) = place else { return };
        place = table.entry(name).or_insert(Value::Null);
    }
    *place = value;
}

/// What a variable's text may mean where the key is not text: JSON, or a list with commas.
pub(super) fn readings(value: &Value, default: &Value) -> Vec<Value> {
    let Value::String(text) = value else { return vec![value.clone()] };
    let mut readings = vec![value.clone()];
    if default.is_array() && !text.trim_start().starts_with('[') {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        readings.push(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()));
    }
    if let Ok(parsed) = serde_json::from_str(text) {
        readings.push(parsed);
    }
    readings
}

/// Reads a secret's file.
///
/// # Errors
/// What the system said, in words.
pub(super) fn secret_file(path: &Path) -> Result<String, String> {
    let path: PathBuf = match (path.strip_prefix("~"), super::paths::home()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    };
    let text = text::read_up_to(&path, SECRET_MAX).map_err(|error| error.to_string())?;
    if text.trim().is_empty() { Err("it is empty".into()) } else { Ok(text.trim().to_owned()) }
}
