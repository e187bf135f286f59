//! Every field has a class, in the schemas and in the document.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::*;
use crate::event::payload::{Class, EventType, Field};

/// The properties of all objects of a schema that neither have a class nor refer to an object that is among them.
fn unclassed(schema: &Value) -> Vec<String> {
    let mut objects = vec![schema];
    objects.extend(schema["$defs"].as_object().into_iter().flat_map(|defs| defs.values()));
    let properties = objects.into_iter().filter_map(|object| object["properties"].as_object()).flatten();
    let is_open = |property: &Value| {
        let words = Class::ALL.map(Class::word);
        let class = property["x-class"].as_str();
        class.is_none_or(|class| !words.contains(&class)) && !property.to_string().contains("#/$defs/")
    };
    properties.filter(|(_, property)| is_open(property)).map(|(name, _)| name.clone()).collect()
}

#[test]
fn every_field_of_every_version_has_a_class_in_its_schema() {
    for (file, schema) in Event::schemas() {
        assert_eq!(unclassed(schema.as_value()), Vec::<String>::new(), "{file}");
    }
    let bare = schemars::schema_for!(GoalGone);
    assert_eq!(unclassed(bare.as_value()), ["id"], "the test sees a field without a class");
}

#[test]
fn the_catalogue_says_what_the_code_does() {
    let named: BTreeMap<&str, u16> =
        every_version().iter().map(|(.., event)| event.type_and_version()).collect();
    let listed: BTreeMap<&str, u16> =
        Event::CATALOGUE.iter().map(|kind| (kind.name, kind.versions[0].number)).collect();
    assert_eq!(listed, named);
    for EventType { name, versions, .. } in Event::CATALOGUE {
        let numbers: Vec<u16> = versions.iter().map(|version| version.number).collect();
        let all: Vec<u16> = (1..=versions[0].number).rev().collect();
        assert_eq!(numbers, all, "{name} has gaps");
    }
}

#[test]
fn what_people_wrote_and_what_gives_access_is_where_it_is_expected() {
    let of = |wanted: Class| -> Vec<String> {
        let newest = Event::CATALOGUE.iter().flat_map(|kind| {
            let fields = Field::flat(kind.versions[0].fields);
            fields.into_iter().map(|(field, class)| (format!("{}.{field}", kind.name), class))
        });
        newest.filter(|(_, class)| *class == wanted).map(|(field, _)| field).collect()
    };
    assert_eq!(of(Class::Secret), ["token-issued.hash"]);
    assert_eq!(
        of(Class::FreeText),
        [
            "spend-overridden.reason",
            "limit-requested.reason",
            "limit-refused.reason",
            "odometer-read.note",
            "odometer-corrected.reading.note",
            "local-goal-set.title",
            "datapoint-intended.comment",
            "task-observed.text",
            "token-issued.label",
        ]
    );
}

/// Written by `MECRIS_BLESS=1`.
#[test]
fn the_document_of_events_is_the_table() {
    let mut table = String::new();
    for EventType { name, capability, says, versions } in Event::CATALOGUE {
        let mut by_class: BTreeMap<Class, Vec<String>> = BTreeMap::new();
        for (field, class) in Field::flat(versions[0].fields) {
            by_class.entry(class).or_default().push(format!("`{field}`"));
        }
        let classes: Vec<String> = by_class
            .iter()
            .filter(|(class, _)| **class != Class::None)
            .map(|(class, fields)| format!("{}: {}", class.word(), fields.join(", ")))
            .collect();
        let classes = if classes.is_empty() { Class::None.word().to_owned() } else { classes.join("; ") };
        writeln!(table, "| `{name}` | {} | {capability} | {says} | {classes} |", versions.len()).unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/events.md");
    let kept = std::fs::read_to_string(path).unwrap();
    let rule = "|---|---|---|---|---|\n";
    let at = kept.find(rule).unwrap() + rule.len();
    if std::env::var_os("MECRIS_BLESS").is_some() {
        std::fs::write(path, format!("{}{table}", &kept[..at])).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    assert!(kept[at..] == table, "docs/events.md is not the table; write it with MECRIS_BLESS=1");
}
