//! What a tool gives is small, so that it costs an assistant little: long lists are cut, and it is said what is left out.

use serde_json::{Map, Value, json};

use super::rows::{Given, Window};

/// A list has no more items unless all of them are asked for.
pub const LIST_MAX: usize = 12;
/// A small answer is no larger, in bytes of JSON: some clients warn of more.
pub const SMALL_MAX: usize = 24_000;
/// Cut lists that are named; a list within a list may be cut many times.
const NAMED_MAX: usize = 8;
/// The names and numbers of what is left out take no more, in bytes.
const NAMES_MAX: usize = 2_000;
/// Lists whose newest items come last.
const NEWEST_LAST: [&str; 6] = ["days", "weeks", "months", "inferred_days", "spans", "events"];
/// How texts and lists are cut, ever shorter, where they are too long: characters and items.
const CUTS: [(usize, usize); 5] = [(2_000, 50), (500, 12), (200, 6), (80, 3), (40, 1)];
/// What is said where no cut is enough.
pub(super) const TOO_LARGE: &str = "the answer is too large to be given here; ask for less, or ask the API";

/// How all of a question's answer is asked for.
pub(super) const HOW: &str = "ask again with detail: true for all of it, page by page";

/// The answer with its lists cut; `left_out` then says of each how long it is.
#[must_use]
pub fn small(answer: Value) -> Value {
    smaller(Given { answer, window: None }, HOW)
}

/// The same of an answer that may have a part of its list only; `how` says where all of it is.
#[must_use]
pub(super) fn smaller(given: Given, how: &str) -> Value {
    let Given { mut answer, window } = given;
    let mut cuts = Vec::new();
    cut(&mut answer, "", &mut cuts);
    if let Some(Window { list, marks, .. }) = window {
        let shown = answer[list].as_array().map_or(0, Vec::len);
        if shown < marks.len() {
            cuts.push(json!({ "list": format!("/{list}"), "shown": shown, "of": marks.len() }));
        }
    }
    let Some(is_short) = shorten(&mut answer, SMALL_MAX - NAMES_MAX) else {
        return json!({ "left_out": { "lists": [], "count": 1, "how": TOO_LARGE } });
    };
    if let (Value::Object(answer), true) = (&mut answer, is_short || !cuts.is_empty()) {
        let count = cuts.len();
        cuts.truncate(NAMED_MAX);
        let mut left_out = Map::new();
        left_out.insert("lists".to_owned(), Value::Array(cuts));
        left_out.insert("count".to_owned(), json!(count));
        left_out.insert("how".to_owned(), json!(how));
        if is_short {
            left_out.insert("shortened".to_owned(), json!("long texts are cut, and lists more than is told"));
        }
        // A briefing tells of itself what it leaves out.
        if let Some(Value::Object(own)) = answer.get_mut("left_out") {
            own.extend(left_out);
        } else {
            answer.insert("left_out".to_owned(), Value::Object(left_out));
        }
    }
    answer
}

/// Cuts texts, and lists within, until the value has no more bytes of JSON. Whether it had to; none where no cut is
/// enough.
pub(super) fn shorten(value: &mut Value, bytes_max: usize) -> Option<bool> {
    let fits = |value: &Value| value.to_string().len() <= bytes_max;
    if fits(value) {
        return Some(false);
    }
    CUTS.iter().find_map(|&(text_max, list_max)| {
        cut_texts(value, text_max, list_max);
        fits(value).then_some(true)
    })
}

fn cut_texts(value: &mut Value, text_max: usize, list_max: usize) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => {
                if let Some((at, _)) = text.char_indices().nth(text_max) {
                    text.truncate(at);
                    text.push('…');
                }
            }
            Value::Array(items) => {
                items.truncate(list_max);
                open.extend(items);
            }
            Value::Object(fields) => open.extend(fields.values_mut()),
            _ => {}
        }
    }
}

fn cut(value: &mut Value, path: &str, cuts: &mut Vec<Value>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                cut(value, &format!("{path}/{key}"), cuts);
            }
        }
        Value::Array(items) => {
            let count = items.len();
            if count > LIST_MAX {
                let key = path.rsplit('/').next().unwrap_or_default();
                if NEWEST_LAST.contains(&key) {
                    items.drain(..count - LIST_MAX);
                } else {
                    items.truncate(LIST_MAX);
                }
                cuts.push(json!({ "list": path, "shown": LIST_MAX, "of": count }));
            }
            for (n, item) in items.iter_mut().enumerate() {
                cut(item, &format!("{path}/{n}"), cuts);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut_where_they_matter_least_and_it_is_said() {
        let list: Vec<u32> = (0..20).collect();
        let answer = small(json!({ "goals": list, "days": list, "short": [1] }));
        assert_eq!(answer["goals"][0], 0);
        assert_eq!(answer["days"][LIST_MAX - 1], 19);
        assert_eq!(answer["goals"].as_array().unwrap().len(), LIST_MAX);
        assert_eq!(answer["short"], json!([1]));
        assert_eq!(answer["left_out"]["count"], 2);
        assert_eq!(answer["left_out"]["lists"][0], json!({ "list": "/goals", "shown": LIST_MAX, "of": 20 }));
    }

    #[test]
    fn a_list_in_a_list_is_cut_too_and_the_note_stays_short() {
        let inner: Vec<u32> = (0..50).collect();
        let outer: Vec<Value> = (0..50).map(|_| json!({ "models": inner })).collect();
        let answer = small(json!({ "days": outer }));
        assert_eq!(answer["days"][11]["models"].as_array().unwrap().len(), LIST_MAX);
        assert_eq!(answer["left_out"]["count"], LIST_MAX + 1);
        assert_eq!(answer["left_out"]["lists"].as_array().unwrap().len(), NAMED_MAX);
    }

    #[test]
    fn what_is_short_stays_as_it_is() {
        let answer = json!({ "budgets": [{ "name": "main" }], "text": "x" });
        assert_eq!(small(answer.clone()), answer);
    }

    #[test]
    fn long_texts_are_cut_until_the_answer_is_small() {
        let nested = json!([[["x".repeat(9_000)]]]);
        let deep: Vec<Value> =
            (0..40).map(|_| json!({ "text": "é".repeat(3_000), "deep": vec![nested.clone(); 12] })).collect();
        let parts: Map<_, _> = (0..9_000).map(|n| (n.to_string(), json!("up"))).collect();
        for answer in [
            json!({ "tasks": [{ "text": "买".repeat(200_000) }] }),
            json!({ "tasks": deep }),
            json!({ "parts": parts }),
        ] {
            let answer = small(answer);
            assert!(answer.to_string().len() <= SMALL_MAX, "{}", answer.to_string().len());
            assert!(answer["left_out"]["how"].is_string());
        }
    }
}
