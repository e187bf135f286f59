//! Schemas as the plainest client reads them: one that knows six types and six words, and drops a server for another.

use serde_json::{Value, json};

use super::ask;
use crate::support::program::Home;

const TYPES: [&str; 6] = ["string", "number", "integer", "boolean", "object", "array"];
const WORDS: [&str; 6] = ["type", "description", "properties", "required", "items", "enum"];
/// All tools together, in bytes: they stand in every conversation.
const LIST_MAX: usize = 20_000;

/// Holds a schema against what the plainest client knows.
fn read(schema: &Value) -> Result<(), String> {
    let words = schema.as_object().ok_or_else(|| format!("no object: {schema}"))?;
    if let Some(word) = words.keys().find(|word| !WORDS.contains(&word.as_str())) {
        return Err(format!("it does not know {word}"));
    }
    let of = words.get("type").and_then(Value::as_str).filter(|of| TYPES.contains(of));
    let of = of.ok_or_else(|| format!("it knows no such type: {schema}"))?;
    match (of, words.get("properties"), words.get("items")) {
        ("object", _, None) | ("array", None, Some(_)) => {}
        ("object" | "array", ..) => {
            return Err(format!("an {of} without its parts, or with others: {schema}"));
        }
        (_, None, None) => {}
        _ => return Err(format!("parts of a {of}")),
    }
    let properties = words.get("properties").and_then(Value::as_object);
    for name in words.get("required").and_then(Value::as_array).into_iter().flatten() {
        if !properties.is_some_and(|fields| fields.contains_key(name.as_str().unwrap_or_default())) {
            return Err(format!("{name} is required and not described"));
        }
    }
    if let Some(words) = words.get("enum") {
        let all_texts = words.as_array().is_some_and(|words| words.iter().all(Value::is_string));
        if of != "string" || !all_texts {
            return Err(format!("an enumeration of what is no text: {schema}"));
        }
    }
    for (name, field) in properties.into_iter().flatten() {
        read(field).map_err(|why| format!("{name}: {why}"))?;
    }
    words.get("items").map_or(Ok(()), read)
}

/// Whether a value is as a schema says, as the plainest client checks it.
pub fn fits(schema: &Value, value: &Value) -> Result<(), String> {
    let is_so = match schema["type"].as_str().unwrap_or_default() {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        _ => false,
    };
    if !is_so {
        return Err(format!("{value} is not {}", schema["type"]));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            return Err(format!("{name} is missing"));
        }
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            fits(field, value).map_err(|why| format!("{name}: {why}"))?;
        }
    }
    for item in value.as_array().into_iter().flatten() {
        fits(&schema["items"], item)?;
    }
    Ok(())
}

#[test]
fn the_plainest_client_reads_every_schema() {
    let home = Home::new();
    let running = home.start(&[]);
    let listed = ask(&running, "tools/list", json!({}));
    let tools = listed["result"]["tools"].as_array().unwrap();
    assert!(tools.len() >= 25, "{listed}");
    for tool in tools {
        for schema in ["inputSchema", "outputSchema"] {
            read(&tool[schema]).unwrap_or_else(|why| panic!("{} {schema}: {why}", tool["name"]));
        }
        assert!(tool["inputSchema"]["properties"].is_object(), "{tool}");
        for (name, field) in tool["inputSchema"]["properties"].as_object().unwrap() {
            assert!(field["description"].is_string() || field["type"] == "object", "{name} of {tool}");
        }
        assert!(!tool["outputSchema"]["properties"].as_object().unwrap().is_empty(), "{tool}");
        assert!(tool["title"].is_string() && tool["description"].as_str().unwrap().len() < 400, "{tool}");
    }
    let bytes = listed["result"].to_string().len();
    assert!(bytes <= LIST_MAX, "{bytes} bytes");
    let refused = ask(&running, "tools/list", json!({ "cursor": "made-up" }));
    assert!(refused["error"]["message"].as_str().unwrap().contains("cursor"), "{refused}");
}

#[test]
fn the_plainest_client_is_as_plain_as_it_says() {
    for schema in [
        json!({}),
        json!({ "type": ["string", "null"] }),
        json!({ "$ref": "#/$defs/X" }),
        json!({ "type": "object", "properties": { "x": { "anyOf": [{ "type": "string" }] } } }),
        json!({ "type": "object", "$defs": {} }),
        json!({ "type": "string", "format": "date" }),
        json!({ "type": "array" }),
        json!({ "type": "object", "required": ["x"], "properties": {} }),
        json!({ "type": "integer", "enum": [1] }),
        json!({ "type": "array", "items": { "type": "null" } }),
    ] {
        assert!(read(&schema).is_err(), "{schema}");
    }
}
