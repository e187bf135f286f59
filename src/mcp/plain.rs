//! What agents are told names no command by which a limit is lifted or less seems to be spent: those are the person's.
//!
//! The person's texts keep such commands apart, under keys of their own ([`OF_THE_PERSON`]), and this face drops the keys.
//! Reasons and advice about outside systems are told in one sentence with their mend: of those the part that names one
//! is cut.

use serde_json::Value;

/// Keys whose texts are for the person alone.
const OF_THE_PERSON: [&str; 1] = ["mend"];
/// Keys whose texts are ours, and may say in their last parts what the person can do.
const OURS: [&str; 4] = ["reason", "advice", "trouble", "waits_for"];
/// Commands that lift a limit, or change what seems to be spent or left.
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

/// Takes what is for the person alone out of an answer.
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

/// The parts of a sentence that name no such command.
fn without_commands(text: &str) -> String {
    let kept: Vec<&str> = text.split("; ").filter(|part| !names_one(part)).collect();
    if kept.is_empty() { "the person can mend it".to_owned() } else { kept.join("; ") }
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
            "tasks": [{ "text": "ask about `mecris override`; then go on" }],
        });
        let expected = json!({
            "reason": "budget main: nothing is left",
            "alerts": [{ "text": "groq: read long ago." }],
            "parts": { "groq": { "ok": false, "reason": "no key" } },
            "only": { "reason": "the person can mend it" },
            "advice": "nothing was read",
            // A task's words are the person's own: they are shown as they are.
            "tasks": [{ "text": "ask about `mecris override`; then go on" }],
        });
        for_agents(&mut told);
        assert_eq!(told, expected);
    }
}
