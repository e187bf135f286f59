use super::*;

fn takes() -> Value {
    json!({ "type": "object", "required": ["subject"], "properties": {
        "subject": { "type": "string", "description": "What.", "example": "2026-11-23" },
        "days": { "type": "integer", "minimum": 1, "maximum": 366 },
        "detail": { "type": "boolean" },
        "since": { "type": "string", "format": "date" },
        "by": { "type": "string", "enum": ["model", "daily"] },
        "due": { "type": "string", "pattern": "^(today|[0-9]{4}-[0-9]{2}-[0-9]{2})$", "description": "Until when.", "example": "today" },
        "amount_usd": { "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?$", "example": "5" },
        "goal": { "type": "object", "required": ["due"], "properties": {
            "due": { "type": "string", "format": "date" }, "title": { "type": "string" } } },
    } })
}

fn read(given: Value) -> Result<Value, String> {
    let takes = takes();
    let meant = Taker { tool: "explain", takes: &takes }.as_meant(given)?;
    meant.doubt.map_or(Ok(Value::Object(meant.given)), Err)
}

#[test]
fn what_can_only_mean_one_thing_is_taken_as_that() {
    let cases = [
        (json!({ "days": "7" }), json!({ "days": 7 })),
        (json!({ "days": 7.0 }), json!({ "days": 7 })),
        (json!({ "days": " 7.0 " }), json!({ "days": 7 })),
        (json!({ "days": "\"7\"" }), json!({ "days": 7 })),
        (json!({ "detail": "true" }), json!({ "detail": true })),
        (json!({ "detail": "False" }), json!({ "detail": false })),
        (json!({ "detail": 1 }), json!({ "detail": true })),
        (json!({ "days": null, "since": "", "by": "none", "goal": "" }), json!({})),
        (json!({ "since": " 2026-11-23 " }), json!({ "since": "2026-11-23" })),
        (json!({ "since": "2026-11-23T09:00:00Z" }), json!({ "since": "2026-11-23" })),
        (json!({ "by": "Model" }), json!({ "by": "model" })),
        (json!({ "by": "\"daily\"" }), json!({ "by": "daily" })),
        (json!({ "due": "Today" }), json!({ "due": "today" })),
        (json!({ "amount_usd": 5 }), json!({ "amount_usd": "5" })),
        (json!({ "amountUsd": 4.5 }), json!({ "amount_usd": "4.5" })),
        (json!({ "amount-usd": "4.50" }), json!({ "amount_usd": "4.50" })),
        (json!({ "goal": "{\"due\":\"2026-11-23\"}" }), json!({ "goal": { "due": "2026-11-23" } })),
        (
            json!({ "goal": { "Due": "2026-11-23", "title": 7 } }),
            json!({ "goal": { "due": "2026-11-23", "title": "7" } }),
        ),
    ];
    for (given, expected) in cases {
        let whole = |mut value: Value| {
            value["subject"] = json!("none");
            value
        };
        // The order of fields is theirs that are read, not theirs that were written.
        assert_eq!(read(whole(given.clone())), Ok(whole(expected)), "{given}");
    }
    for given in [
        json!("{\"subject\":\"s\"}"),
        json!({ "arguments": "{\"subject\":\"s\"}" }),
        json!({ "params": { "subject": "s" } }),
    ] {
        assert_eq!(read(given.clone()), Ok(json!({ "subject": "s" })), "{given}");
    }
}

#[test]
fn all_else_is_named_with_a_right_call() {
    let cases = [
        (
            json!({ "subject": "s", "days": "many" }),
            "days must be a whole number from 1 to 366, and is \"many\"",
        ),
        (json!({ "subject": "s", "days": 7.5 }), "days must be a whole number from 1 to 366, and is 7.5"),
        (json!({ "subject": "s", "days": 0 }), "days must be a whole number from 1 to 366"),
        (json!({ "subject": "s", "days": 1e300 }), "days must be"),
        (json!({ "subject": "s", "days": true }), "days must be"),
        (json!({ "subject": "s", "detail": "maybe" }), "detail must be true or false"),
        (json!({ "subject": "s", "detail": 2 }), "detail must be true or false"),
        (json!({ "subject": "s", "since": "2026-02-30" }), "since must be a day"),
        (json!({ "subject": "s", "by": "colour" }), "by must be one of model, daily"),
        (json!({ "subject": "s", "due": "someday" }), "due must be a text (Until when)"),
        (json!({ "subject": ["s"] }), "subject must be a text"),
        (json!({ "subject": null }), "subject is missing"),
        (json!({ "subject": 1e20 }), "subject must be"),
        (json!({ "days": 7 }), "subject is missing"),
        (json!({ "subject": "s", "dayz": 7 }), "dayz is not known; did you mean days?"),
        (json!({ "subject": "s", "x": 7 }), "x is not known; the fields are subject, "),
        (json!({ "subject": "s", "Days": 7, "days": 7 }), "days is given twice"),
        (json!({ "subject": "s", "goal": { "title": "t" } }), "goal.due is missing"),
        (json!({ "subject": "s", "goal": "{\"due\":" }), "goal must be an object"),
        (json!({ "subject": "s", "goal": [] }), "goal must be an object"),
        (json!("subject"), "the arguments must be a JSON object"),
        (json!([1]), "the arguments must be a JSON object"),
    ];
    for (given, expected) in cases {
        let said = read(given.clone()).unwrap_err();
        assert!(said.contains(expected), "{given}: {said}");
        let (_, call) = said.split_once("a right call: explain ").expect(&said);
        let call = serde_json::from_str(call).unwrap();
        assert!(read(call).is_ok(), "what is shown is right: {said}");
    }
}

#[test]
fn a_long_value_is_not_repeated_in_its_error() {
    let said = read(json!({ "subject": "s", "days": "9".repeat(50_000) })).unwrap_err();
    assert!(said.len() < 500, "{said}");
}

#[test]
fn each_tool_s_own_examples_are_right() {
    for (tool, takes) in crate::mcp::tools::all_takes() {
        let taker = Taker { tool, takes };
        let all = takes["properties"].as_object().into_iter().flatten();
        let call: Map<String, Value> = all.map(|(name, field)| (name.clone(), example(field))).collect();
        assert_eq!(
            taker.as_meant(Value::Object(call.clone())).map(|meant| (meant.given.len(), meant.doubt)),
            Ok((call.len(), None)),
            "{tool}"
        );
    }
}
