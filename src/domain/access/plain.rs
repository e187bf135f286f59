//! Removes from responses to agents every command that lifts a limit or reduces the apparent spend: those are
//! for the person.
//!
//! One rule is applied at each edge where a response leaves: at MCP for all responses (`mcp::clean`), at HTTP
//! for callers without the scope for such commands (`http::plain`). Texts for the person keep these commands
//! under keys of their own ([`OF_THE_PERSON`]), and those keys are dropped. Reasons, advice and problems are
//! sentences that include their fix: the parts that name such a command are cut.

use serde_json::Value;

/// Keys whose texts are for the person alone.
const OF_THE_PERSON: [&str; 1] = ["mend"];
/// Keys with texts of ours, whose last parts may say what the person can do.
const OURS: [&str; 6] = ["reason", "advice", "trouble", "waits_for", "detail", "systemMessage"];
/// Commands that lift a limit, or change the apparent spend or balance.
pub const LIFTING: [&str; 9] = [
    "mecris override",
    "mecris budget set",
    "mecris budget virtual",
    "mecris budget remove",
    "mecris balance",
    "mecris odometer",
    "mecris limit",
    "mecris reload",
    "mecris token",
];

/// Removes what is for the person alone from a response.
pub fn for_agents(answer: &mut Value) {
    let mut open = vec![answer];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(object) => {
                object.retain(|key, _| !OF_THE_PERSON.contains(&key.as_str()));
                for (key, value) in object.iter_mut() {
                    match value {
                        Value::String(text) if OURS.contains(&key.as_str()) => *text = sentence(text),
                        value => open.push(value),
                    }
                }
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
}

/// A sentence of ours, without the parts that name such a command.
#[must_use]
pub fn sentence(text: &str) -> String {
    if names_one(text) { without_commands(text) } else { text.to_owned() }
}

fn names_one(text: &str) -> bool {
    LIFTING.iter().any(|command| text.contains(command))
}

/// The sentences, and parts of sentences, that name no such command.
fn without_commands(text: &str) -> String {
    let parts = |sentence: &str| {
        let kept: Vec<&str> = sentence.split("; ").filter(|part| !names_one(part)).collect();
        kept.join("; ")
    };
    let sentences: Vec<String> =
        text.split(". ").map(parts).filter(|sentence| !sentence.is_empty()).collect();
    match sentences.join(". ") {
        kept if kept.is_empty() => "the person can mend it".to_owned(),
        // The last part was cut, and its full stop with it.
        kept if text.ends_with('.') && !kept.ends_with('.') => kept + ".",
        kept => kept,
    }
}

/// Whether the bytes of a response may contain something for the person alone: responses that do not are
/// passed through unparsed.
#[must_use]
pub fn may_name_one(answer: &[u8]) -> bool {
    let holds = |word: &str| memchr::memmem::find(answer, word.as_bytes()).is_some();
    OF_THE_PERSON.iter().any(|key| holds(&format!("\"{key}\"")))
        || LIFTING.iter().any(|command| holds(command))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_the_person_may_do_is_not_told_and_all_else_is() {
        let mut told = json!({
            "reason": "budget main: nothing is left", "mend": "`mecris override` allows more",
            "alerts": [{ "text": "groq: read long ago.", "mend": "`mecris odometer record`." }],
            "parts": { "groq": { "ok": false, "reason": "no key; the balance comes from `mecris balance set`" } },
            "only": { "reason": "`mecris override --usd 5`" },
            "advice": "nothing was read; tell it with `mecris odometer record`",
            "systemMessage": "Mecris stopped this. 5.00 of 5.00 USD spent; so it is. Raise it with `mecris budget set`; or `mecris limit`.",
            "tasks": [{ "text": "ask about `mecris override`; then go on" }],
        });
        assert!(may_name_one(told.to_string().as_bytes()));
        assert!(!may_name_one(br#"{"reason":"nothing is left","text":"mecris status"}"#));
        let expected = json!({
            "reason": "budget main: nothing is left",
            "alerts": [{ "text": "groq: read long ago." }],
            "parts": { "groq": { "ok": false, "reason": "no key" } },
            "only": { "reason": "the person can mend it" },
            "advice": "nothing was read",
            "systemMessage": "Mecris stopped this. 5.00 of 5.00 USD spent; so it is.",
            // A task's text is the person's own: it is shown unchanged.
            "tasks": [{ "text": "ask about `mecris override`; then go on" }],
        });
        for_agents(&mut told);
        assert_eq!(told, expected);
    }
}
