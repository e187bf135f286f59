//! Lists from outside with odd rows: the others are kept, the odd one is named, and its source is degraded and not failing.
//! Over the wire, by the clients and by the real program.

#[path = "rows/goals.rs"]
mod goals;
#[path = "rows/reports.rs"]
mod reports;

use serde_json::{Value, json};

use crate::support::program::Running;

/// Forms in which a field may be odd; none where it is missing.
pub fn odd_forms() -> Vec<Option<Value>> {
    let huge: Value = serde_json::from_str("1e300").unwrap();
    let long = Value::from("x".repeat(100_000));
    let forms = [Value::Null, json!([1]), json!({"a": {"b": []}}), huge, long];
    forms.into_iter().map(Some).chain([None]).collect()
}

/// A row with one field in another form.
pub fn with(row: &Value, field: &str, form: Option<&Value>) -> Value {
    let mut row = row.clone();
    match form {
        Some(form) => row[field] = form.clone(),
        None => drop(row.as_object_mut().unwrap().remove(field)),
    }
    row
}

/// A source as the program shows it.
pub fn source(running: &Running, name: &str) -> Value {
    let shown = running.get("/api/v1/sources").json();
    let sources = shown["sources"].as_array().unwrap().iter();
    sources.clone().find(|source| source["name"] == name).cloned().unwrap_or_default()
}
