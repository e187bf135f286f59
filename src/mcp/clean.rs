//! The boundary to agents: what a person would not see is taken out of every text that leaves.
//!
//! Characters that no screen shows (tags, selectors of variants, marks of direction) carry whole sentences to a model. Titles,
//! tasks, names of models and of directories may hold them. All answers of this face pass here once, errors too; the data
//! behind them stay as they are.

use serde_json::Value;

use crate::domain::access::plain::{for_agents, sentence};
use crate::domain::shown;

use super::answers::Answers;

/// Answers whose texts are clean, and are none that are for the person alone ([`crate::domain::access::plain`]).
#[derive(Clone)]
pub struct Clean<A>(pub A);

impl<A: Answers> Answers for Clean<A> {
    async fn call(&self, tool: &str, arguments: Value) -> Result<Value, String> {
        match self.0.call(tool, arguments).await {
            Ok(mut answer) => {
                clean(&mut answer);
                for_agents(&mut answer);
                Ok(answer)
            }
            Err(reason) => Err(sentence(&shown::seen(&reason))),
        }
    }

    async fn changed(&mut self) {
        self.0.changed().await;
    }
}

/// Cleans the texts of a value. Keys are ours, but for maps that are keyed by names from outside.
fn clean(answer: &mut Value) {
    let mut open = vec![answer];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => {
                if let std::borrow::Cow::Owned(seen) = shown::seen(text) {
                    *text = seen;
                }
            }
            Value::Array(items) => open.extend(items),
            Value::Object(object) => {
                if object.keys().any(|key| shown::seen(key) != *key) {
                    let named = std::mem::take(object).into_iter();
                    object.extend(named.map(|(key, value)| (shown::seen(&key).into_owned(), value)));
                }
                open.extend(object.values_mut());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_text_is_cleaned_wherever_it_stands() {
        let mut answer = json!({
            "a": "x\u{e0041}y", "list": [["\u{202e}z", 1, null]], "by": { "claude\u{1b}[2J": { "t": "\u{fe0f}" } },
        });
        clean(&mut answer);
        assert_eq!(
            answer,
            json!({ "a": "xy", "list": [["z", 1, null]], "by": { "claude[2J": { "t": "" } } })
        );
    }
}
