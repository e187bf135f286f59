//! JSON Schemas of tools: those of the API's own description, with the definitions inside.

use std::sync::Arc;

use rmcp::model::JsonObject;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The schema of a type (JSON Schema 2020-12, as OpenAPI 3.1 has it). MCP wants an object at the root.
#[must_use]
pub fn of<T: ToSchema>() -> Arc<JsonObject> {
    let mut parts = Vec::new();
    T::schemas(&mut parts);
    let definitions: JsonObject = parts
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
        .collect();
    let mut root = serde_json::to_value(T::schema()).unwrap_or_default();
    if let Value::Object(root) = &mut root {
        root.entry("type").or_insert(json!("object"));
        if !definitions.is_empty() {
            root.insert("$defs".into(), Value::Object(definitions));
        }
    }
    move_references(&mut root);
    match root {
        Value::Object(root) => Arc::new(root),
        _ => Arc::default(),
    }
}

/// What OpenAPI keeps among its components is kept in `$defs` here.
fn move_references(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                match value {
                    Value::String(target) if key == "$ref" => {
                        *target = target.replace("#/components/schemas/", "#/$defs/");
                    }
                    value => move_references(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(move_references),
        _ => {}
    }
}
