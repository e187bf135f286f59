//! JSON Schemas of tools, in the few words that every client reads.
//!
//! Clients differ in what they read of JSON Schema, and some drop every tool of a server for one word that they do not
//! know: `$ref` and `$defs`, a list of types, `anyOf`, `format`. So each type is told here with its definitions in their
//! places ([`whole`]), and what clients get of it ([`input`], [`output`]) has one `type`, and besides it nothing but
//! `description`, `properties`, `required`, `items` and `enum`. What a field may not be stands in its description, and
//! [`super::meant`] holds it against the whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use rmcp::model::JsonObject;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// Types of ours are in each other no deeper.
const DEPTH_MAX: usize = 16;
/// A bound that is told; a larger one is met by nothing that makes sense.
const BOUND_MAX: u64 = 1_000_000;
/// A field that may be null.
pub(super) const NULLABLE: &str = "nullable";

/// All that is known of a type: with definitions inside, alternatives merged, and `nullable` in the place of null among
/// the types.
#[must_use]
pub fn whole<T: ToSchema>() -> Value {
    let mut parts = Vec::new();
    T::schemas(&mut parts);
    let parts: BTreeMap<String, Value> = parts
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
        .collect();
    let root = serde_json::to_value(T::schema()).unwrap_or_default();
    Value::Object(inlined(&root, &parts, DEPTH_MAX))
}

/// What a tool takes, of what is known of it ([`whole`]).
#[must_use]
pub fn input(whole: &Value) -> Arc<JsonObject> {
    Arc::new(plain(whole, false))
}

/// What a tool gives, of what is known of it: the fields at the top that are always there, and their types. A field that may
/// be null, or is of several types, is left out: no one type is true of it. Beside lists and objects, single values are left
/// out too: these schemas stand in every conversation.
#[must_use]
pub fn output(whole: &Value) -> Arc<JsonObject> {
    let one_type = |schema: &Value| {
        let is_one = schema[NULLABLE] != true;
        schema["type"].as_str().filter(|_| is_one).map(str::to_owned)
    };
    let mut properties = Map::new();
    let required = whole["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for name in required {
        let schema = &whole["properties"][name];
        match (one_type(schema).as_deref(), one_type(&schema["items"])) {
            (Some("array"), None) | (None, _) => {}
            (Some("array"), Some(of)) => {
                properties.insert(name.to_owned(), json!({ "type": "array", "items": { "type": of } }));
            }
            (Some(of), _) => {
                properties.insert(name.to_owned(), json!({ "type": of }));
            }
        }
    }
    let is_large = |schema: &Value| schema["type"] == "array" || schema["type"] == "object";
    if properties.values().any(is_large) {
        properties.retain(|_, schema| is_large(schema));
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    Arc::new(schema)
}

/// The schema in the few words.
fn plain(schema: &Value, is_required: bool) -> Map<String, Value> {
    let mut plain_one = Map::new();
    plain_one.insert("type".to_owned(), schema.get("type").cloned().unwrap_or(json!("string")));
    if let Some(text) = told(schema, is_required) {
        plain_one.insert("description".to_owned(), json!(text));
    }
    if let Some(words) = schema.get("enum") {
        plain_one.insert("enum".to_owned(), words.clone());
    }
    if let Some(items) = schema.get("items") {
        plain_one.insert("items".to_owned(), Value::Object(plain(items, false)));
    }
    if schema["type"] == "object" {
        let is_required = |name: &str| {
            schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name))
        };
        let fields = schema["properties"].as_object().into_iter().flatten();
        let fields = fields
            .map(|(name, field)| (name.clone(), Value::Object(plain(field, is_required(name)))))
            .collect();
        plain_one.insert("properties".to_owned(), Value::Object(fields));
        if let Some(required) = schema.get("required") {
            plain_one.insert("required".to_owned(), required.clone());
        }
    }
    plain_one
}

/// What a field's description says of it, its bounds where they are near, and an example where it must be given.
fn told(schema: &Value, is_required: bool) -> Option<String> {
    // Of a whole object its tool tells.
    let said = schema["description"].as_str().filter(|_| schema["type"] != "object")?;
    let mut text = said.trim_end_matches('.').replace('\n', " ");
    if let (Some(least), Some(most @ ..=BOUND_MAX)) = (schema["minimum"].as_u64(), schema["maximum"].as_u64())
    {
        text += &format!(" ({least} to {most})");
    }
    if let (true, Some(Value::String(given)), None) = (is_required, example(schema), schema.get("enum")) {
        text += &format!("; such as {given}");
    }
    Some(text + ".")
}

/// A value that the schema itself names as an example.
pub(super) fn example(schema: &Value) -> Option<Value> {
    schema.get("example").or_else(|| schema["examples"].get(0)).cloned()
}

/// A schema with the definitions in their places.
fn inlined(schema: &Value, parts: &BTreeMap<String, Value>, depth: usize) -> Map<String, Value> {
    let Some(depth) = depth.checked_sub(1) else { return Map::new() };
    let Some(given) = schema.as_object() else { return Map::new() };
    let mut whole = Map::new();
    if let Some(name) = given.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next())
        && let Some(part) = parts.get(name)
    {
        whole = inlined(part, parts, depth);
    }
    for key in ["allOf", "oneOf", "anyOf"] {
        let all = given.get(key).and_then(Value::as_array).into_iter().flatten();
        let of_null = |one: &&Value| one["type"] == "null";
        if all.clone().any(|one| of_null(&one)) {
            whole.insert(NULLABLE.to_owned(), json!(true));
        }
        let ones: Vec<_> = all.filter(|one| !of_null(one)).map(|one| inlined(one, parts, depth)).collect();
        whole.extend(if key == "allOf" { together(ones) } else { either(ones) });
    }
    let mut own = given.clone();
    own.retain(|key, _| !matches!(key.as_str(), "$ref" | "allOf" | "oneOf" | "anyOf"));
    if let Some(Value::Array(types)) = own.get("type") {
        let mut types = types.clone();
        if types.contains(&json!("null")) {
            types.retain(|one| one != "null");
            own.insert(NULLABLE.to_owned(), json!(true));
        }
        match types.as_slice() {
            [one] => own.insert("type".to_owned(), one.clone()),
            _ => own.remove("type"),
        };
    }
    if let Some(Value::Object(fields)) = own.get_mut("properties") {
        for field in fields.values_mut() {
            *field = Value::Object(inlined(field, parts, depth));
        }
    }
    if let Some(items) = own.get_mut("items") {
        *items = Value::Object(inlined(items, parts, depth));
    }
    join(&mut whole, own);
    whole
}

/// What holds of a value that is all of these.
fn together(ones: Vec<Map<String, Value>>) -> Map<String, Value> {
    let mut all = Map::new();
    for one in ones {
        join(&mut all, one);
    }
    all
}

/// Adds a schema to one that holds too: fields go to fields, what must be there to what must be there.
fn join(all: &mut Map<String, Value>, one: Map<String, Value>) {
    for (key, value) in one {
        match (all.get_mut(&key), value) {
            (Some(Value::Object(fields)), Value::Object(more)) if key == "properties" => fields.extend(more),
            (Some(Value::Array(names)), Value::Array(more)) if key == "required" => names.extend(more),
            (_, value) => {
                all.insert(key, value);
            }
        }
    }
}

/// What holds of a value that is one of these: a field that all have must be there, and one that is of another type in
/// each has none.
fn either(ones: Vec<Map<String, Value>>) -> Map<String, Value> {
    let mut ones = ones.into_iter();
    let Some(mut common) = ones.next() else { return Map::new() };
    for mut one in ones {
        if common.get("type") != one.get("type") {
            common.remove("type");
        }
        let required = one.remove("required").unwrap_or_default();
        let has = |name: &Value| required.as_array().is_some_and(|names| names.contains(name));
        if let Some(Value::Array(names)) = common.get_mut("required") {
            names.retain(has);
        }
        let (Some(Value::Object(fields)), Some(Value::Object(more))) =
            (common.get_mut("properties"), one.remove("properties"))
        else {
            continue;
        };
        for (name, field) in more {
            match fields.get_mut(&name).and_then(Value::as_object_mut) {
                Some(before) if before.get("type") != field.get("type") => {
                    before.remove("type");
                }
                Some(_) => {}
                None => {
                    fields.insert(name, field);
                }
            }
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inline(schema: &Value, parts: &Value) -> Value {
        let parts = parts.as_object().unwrap().clone().into_iter().collect();
        Value::Object(inlined(schema, &parts, DEPTH_MAX))
    }

    #[test]
    fn definitions_stand_in_their_places_and_null_is_no_type() {
        let parts = json!({
            "Name": { "type": "string", "description": "A name.", "pattern": "^[a-z]+$" },
            "Sum": { "type": "object", "required": ["usd"], "properties": { "usd": { "type": "string" } } },
        });
        let schema = json!({ "allOf": [
            { "$ref": "#/components/schemas/Sum" },
            { "type": "object", "required": ["name"], "properties": {
                "name": { "$ref": "#/components/schemas/Name", "description": "Its name." },
                "other": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Name" }] },
                "days": { "type": ["integer", "null"], "minimum": 1, "maximum": 9, "description": "Days." },
                "value": { "type": ["string", "number"] },
            } },
        ] });
        let whole = inline(&schema, &parts);
        assert_eq!(whole["required"], json!(["usd", "name"]));
        assert_eq!(whole["properties"]["other"]["pattern"], "^[a-z]+$");
        let days = json!({ "type": "integer", "description": "Days (1 to 9)." });
        assert_eq!(Value::Object(plain(&whole, false))["properties"]["days"], days);
        let given = Value::Object(Arc::unwrap_or_clone(output(&whole)));
        assert_eq!(
            given,
            json!({ "type": "object", "properties": {
                "usd": { "type": "string" }, "name": { "type": "string" } } }),
            "of what may be null or anything no type is told"
        );
    }

    #[test]
    fn of_alternatives_only_what_all_have_is_required() {
        let list = |name: &str| {
            json!({ "type": "object", "required": [name, "total"], "properties": {
                name: { "type": "array", "items": { "type": "object" } }, "total": { "type": "object" } } })
        };
        let whole = inline(&json!({ "oneOf": [list("days"), list("weeks")] }), &json!({}));
        assert_eq!(whole["required"], json!(["total"]));
        assert_eq!(output(&whole)["properties"], json!({ "total": { "type": "object" } }));
    }

    #[test]
    fn a_type_within_itself_ends() {
        let parts = json!({ "Tree": { "type": "object", "properties": {
            "below": { "$ref": "#/components/schemas/Tree" } } } });
        assert!(inline(&json!({ "$ref": "#/components/schemas/Tree" }), &parts)["properties"].is_object());
    }
}
