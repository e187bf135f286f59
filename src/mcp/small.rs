//! What a tool gives is small, so that it costs an assistant little: long lists are cut, and it is said what is left out.

use serde_json::{Map, Value, json};

/// A list has no more items unless all of them are asked for.
pub const LIST_MAX: usize = 12;
/// Cut lists that are named; a list within a list may be cut many times.
const NAMED_MAX: usize = 8;
/// Lists whose newest items come last.
const NEWEST_LAST: [&str; 6] = ["days", "weeks", "months", "inferred_days", "spans", "events"];

/// The answer with its lists cut; `left_out` then says of each how long it is.
#[must_use]
pub fn small(mut answer: Value) -> Value {
    let mut cuts = Vec::new();
    cut(&mut answer, "", &mut cuts);
    if let (Value::Object(answer), false) = (&mut answer, cuts.is_empty()) {
        let count = cuts.len();
        cuts.truncate(NAMED_MAX);
        let mut left_out = Map::new();
        left_out.insert("lists".to_owned(), Value::Array(cuts));
        left_out.insert("count".to_owned(), json!(count));
        left_out.insert("how".to_owned(), json!("ask again with detail: true for all of it"));
        answer.insert("left_out".to_owned(), Value::Object(left_out));
    }
    answer
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
}
