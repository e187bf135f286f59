//! The document by itself: that it is whole, and that all that it says of requests is checked.

use std::collections::BTreeSet;

use super::check::Operations;
use super::*;
use crate::service::endpoints::ALL;

fn operations(document: &Value) -> Vec<(String, Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, item)| {
        let own = item.as_object().unwrap().iter();
        own.map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation.clone()))
    });
    all.collect()
}

/// Each object in a value.
fn objects<'a>(value: &'a Value, found: &mut Vec<&'a Map<String, Value>>) {
    match value {
        Value::Object(object) => {
            found.push(object);
            object.values().for_each(|value| objects(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| objects(value, found)),
        _ => {}
    }
}

fn followed(document: &Value, schema: &Value) -> Value {
    match schema["$ref"].as_str() {
        Some(target) => document.pointer(target.trim_start_matches('#')).unwrap().clone(),
        None => schema.clone(),
    }
}

/// The method stands at a handler and in its endpoint: what the command line sends is what the router takes.
#[test]
fn each_endpoint_is_described_under_its_method_and_path_and_no_other_operation_is() {
    let described: BTreeSet<String> = operations(&openapi()).into_iter().map(|(name, _)| name).collect();
    let is_of_the_api = |name: &&String| name.contains(" /api/v1/") && !name.ends_with("/openapi.json");
    let described: BTreeSet<&str> = described.iter().filter(is_of_the_api).map(String::as_str).collect();
    let known: Vec<String> = ALL.iter().map(|(method, path)| format!("{} {path}", method.name())).collect();
    assert_eq!(described, known.iter().map(String::as_str).collect());
    assert_eq!(described.len(), ALL.len(), "one stands there twice");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = openapi();
    let mut all = Vec::new();
    objects(&document, &mut all);
    let targets: BTreeSet<&str> = all.iter().filter_map(|object| object.get("$ref")?.as_str()).collect();
    assert!(targets.len() > 100);
    for target in targets {
        assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target}");
    }
}

#[test]
fn every_operation_tells_each_problem_that_it_can_answer_with() {
    let document = openapi();
    let all = operations(&document);
    assert!(all.len() > 80);
    for (name, operation) in all {
        let is_open = name.contains(" /health/");
        let has_body = operation["requestBody"].is_object();
        let has_parameters = operation["parameters"].as_array().is_some_and(|list| !list.is_empty());
        assert_eq!(operation["security"].is_array(), !is_open, "{name}: guarded like all but health");
        let mut expected = vec!["400", "403", "413", "500"];
        if !is_open {
            expected.extend(["401", "429", "503"]);
        }
        if has_body {
            expected.push("415");
        }
        if has_body || has_parameters {
            expected.push("422");
        }
        let responses = operation["responses"].as_object().unwrap();
        for status in expected {
            assert!(responses.contains_key(status), "{name} does not tell of {status}");
        }
        for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
            let response = followed(&document, response);
            let is_readiness = name == "GET /health/ready" && status == "503";
            let media = if is_readiness { "application/json" } else { "application/problem+json" };
            let content = response["content"].as_object().unwrap();
            assert_eq!(content.keys().map(String::as_str).collect::<Vec<_>>(), [media], "{name} {status}");
            assert!(
                !response["description"].as_str().unwrap().is_empty() || status == "404",
                "{name} {status}"
            );
        }
    }
}

/// What of JSON Schema the requests' schemas may use: what [`check`] holds a request against, and words for people.
const KNOWN: [&str; 16] = [
    "$ref",
    "additionalProperties",
    "description",
    "enum",
    "example",
    "examples",
    "format",
    "maxLength",
    "maximum",
    "minLength",
    "minimum",
    "oneOf",
    "pattern",
    "properties",
    "required",
    "type",
];

fn keywords(document: &Value, schema: &Value, at: &str, depth: usize) {
    assert!(depth < 12, "{at} is nested too deep");
    for (keyword, value) in schema.as_object().unwrap() {
        assert!(KNOWN.contains(&keyword.as_str()), "{at}: nothing checks '{keyword}'");
        match keyword.as_str() {
            "$ref" => keywords(document, &followed(document, schema), at, depth + 1),
            "properties" => {
                for (name, own) in value.as_object().unwrap() {
                    keywords(document, own, &format!("{at}.{name}"), depth + 1);
                }
            }
            "oneOf" => {
                value.as_array().unwrap().iter().for_each(|own| keywords(document, own, at, depth + 1));
            }
            "pattern" => {
                regex::Regex::new(value.as_str().unwrap()).unwrap();
            }
            "format" => {
                let of_numbers = ["int32", "int64", "double"];
                let known = ["date", "date-time"].contains(&value.as_str().unwrap());
                assert!(known || of_numbers.contains(&value.as_str().unwrap()), "{at}: {value}");
            }
            _ => {}
        }
    }
}

#[test]
fn all_that_is_said_of_requests_is_checked() {
    let document = openapi();
    for (name, operation) in operations(&document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(["query", "path"].contains(&parameter["in"].as_str().unwrap()), "{name}");
            keywords(&document, &parameter["schema"], &name, 0);
        }
        if operation["requestBody"].is_object() {
            let content = operation["requestBody"]["content"].as_object().unwrap();
            assert_eq!(
                content.keys().map(String::as_str).collect::<Vec<_>>(),
                ["application/json"],
                "{name}"
            );
            keywords(&document, &content["application/json"]["schema"], &name, 0);
        }
    }
}

#[test]
fn bodies_are_held_against_their_schemas() {
    let document = serde_json::json!({
        "paths": { "/x": { "post": { "requestBody": { "content": { "application/json": {
            "schema": { "$ref": "#/components/schemas/X" } } } } } } },
        "components": { "schemas": {
            "X": {
                "type": "object", "required": ["name"], "additionalProperties": false,
                "properties": {
                    "name": { "type": "string", "pattern": "^[a-z]+$", "maxLength": 3, "description": "A name." },
                    "count": { "type": ["integer", "null"], "minimum": 1, "maximum": 9 },
                    "kind": { "oneOf": [{ "$ref": "#/components/schemas/Kind" }, { "type": "null" }] },
                    "day": { "type": "string", "format": "date" },
                    "at": { "type": "string", "format": "date-time" },
                },
            },
            "Kind": { "type": "string", "enum": ["a", "b"] },
        } },
    });
    let operations = Operations::of(|| document);
    let check = |body: &str| {
        let operation = operations.named("POST", "/x").unwrap();
        operation.check_body(body.as_bytes()).map_err(|problem| problem.detail)
    };
    for body in [
        r#"{"name": "a"}"#,
        r#"{"name": "abc", "count": null, "kind": null}"#,
        r#"{"name": "abc", "count": 9.0}"#,
        r#"{"name": "abc", "count": 9, "kind": "b", "day": "2028-02-29", "at": "2026-11-23T12:00:00.5+01:00"}"#,
    ] {
        assert_eq!(check(body), Ok(()), "{body}");
    }
    let plain = operations.named("POST", "/x").unwrap().plain(br#"{"name": "a", "count": 9.0}"#).unwrap();
    assert_eq!(plain, serde_json::json!({"name": "a", "count": 9}));
    for (body, told) in [
        ("[]", "the body must be of the type object"),
        ("{}", "needs 'name'"),
        (r#"{"name": 1}"#, "name must be of the type string: A name"),
        (r#"{"name": "A"}"#, "name does not match ^[a-z]+$: A name"),
        (r#"{"name": "a\n"}"#, "name does not match"),
        (r#"{"name": "abcd"}"#, "from 0 to 3 characters"),
        (r#"{"name": "a", "count": 0}"#, "count must be at least 1"),
        (r#"{"name": "a", "count": 10}"#, "count must be at most 9"),
        (r#"{"name": "a", "count": 1.5}"#, "integer or null"),
        (r#"{"name": "a", "kind": "c"}"#, "kind must be one of a, b"),
        (r#"{"name": "a", "kind": 5}"#, "kind must be of the type string"),
        (r#"{"name": "a", "day": "2026-02-29"}"#, "day must be a day"),
        (r#"{"name": "a", "day": "20260228"}"#, "day must be a day"),
        (r#"{"name": "a", "at": "2026-11-23 12:00:00Z"}"#, "at must be an instant"),
        (r#"{"name": "a", "at": "2026-11-23T12:00:00"}"#, "at must be an instant"),
        (r#"{"name": "a", "more": 1}"#, "unknown field; there are name, count"),
    ] {
        let detail = check(body).unwrap_err();
        assert!(detail.contains(told), "{body}: {detail}");
    }
}
