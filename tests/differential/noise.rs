//! What stands in transcripts around the calls, what looks like something and is nothing, and how lines are written.

use rand::Rng;
use rand::seq::SliceRandom;
use serde_json::{Value, json};

use super::generator::{Line, Maker, Transcript, object, set};

/// Text in which a hasty reader finds what it seeks.
pub const TRAP: &str = "say \"cwd\": \"/trap\" and \"usage\": {\"input_tokens\": 7} → größe, 葉, 🧵\\";

/// A line that tells no call.
pub fn line(maker: &mut Maker, of: &Transcript) -> Line {
    let id = maker.name("msg_none_");
    let usage = json!({"input_tokens": 3, "output_tokens": 5});
    let message = json!({"id": id, "model": "claude-opus-5", "usage": usage});
    let (kind, name, value) = match maker.random.random_range(0..14) {
        0..=2 => ("user", "message", json!({"role": "user", "content": TRAP})),
        3 => ("summary", "summary", json!(TRAP)),
        4 => {
            let iterations = json!([{"type": "advisor_message", "input_tokens": 9}]);
            let usage = json!({"input_tokens": 0, "iterations": iterations});
            ("assistant", "message", json!({"id": id, "model": "<synthetic>", "usage": usage}))
        }
        5 => {
            let usage = maker.pick(&[json!(null), json!([usage]), json!("none"), json!(5)]);
            ("assistant", "message", json!({"id": id, "model": "claude-opus-5", "usage": usage}))
        }
        6 => ("assistant", "message", json!(TRAP)),
        7 => ("system", "message", message),
        8 => ("progress", "data", json!({"type": "hook_progress", "usage": usage})),
        9 => {
            let inner = [
                json!({"type": "user", "timestamp": "2026-11-01T10:00:00Z", "message": message}),
                json!({"timestamp": "2026-11-01T10:00:00Z", "message": message}),
                json!({"type": "assistant", "message": TRAP}),
                json!(TRAP),
                json!(null),
            ];
            ("progress", "data", json!({"type": "agent_progress", "message": maker.pick(&inner)}))
        }
        10 => return without_cwd(maker),
        _ => return rubbish(maker),
    };
    let mut line = maker.head(of, kind);
    set(&mut line, name, value);
    if kind == "user" {
        set(&mut line, "toolUseResult", json!({"totalTokens": 99_999, "usage": usage}));
    }
    Line::Told(of.at_ms, line)
}

/// A line from which it cannot be known where the session began, although it may look so.
pub fn without_cwd(maker: &mut Maker) -> Line {
    let lines = [
        json!({"type": "summary", "summary": TRAP, "leafUuid": "u-1"}),
        json!({"type": "file-history-snapshot", "snapshot": {"cwd": "/trap"}, "isSnapshotUpdate": false}),
        json!({"type": "user", "cwd": null, "message": {"cwd": "/trap", "content": TRAP}}),
        json!({"type": "user", "cwd": "", "message": {"content": "cwd"}}),
        json!({"type": "system", "cwd": ["/trap"], "content": TRAP}),
        json!({}),
    ];
    match maker.random.random_range(0..3) {
        0 => rubbish(maker),
        _ => Line::Told(0, object(maker.pick(&lines))),
    }
}

/// A line that is no JSON object in UTF-8.
fn rubbish(maker: &mut Maker) -> Line {
    let whole = json!({
        "type": "assistant", "cwd": "/trap", "sessionId": "trap", "timestamp": "2026-11-01T10:00:00Z",
        "message": {"id": "msg_TRAP", "model": "claude-opus-5", "usage": {"input_tokens": 1}},
    });
    let whole = whole.to_string();
    let others = ["not JSON, in spite of its \"usage\"", "[{\"usage\":{}}]", "\"usage\"", "null", "17", "}"];
    Line::Rubbish(match maker.random.random_range(0..4) {
        // A line whose writer died.
        0 | 1 => whole.as_bytes()[..maker.random.random_range(1..whole.len())].to_vec(),
        2 => {
            let mut bytes = whole.into_bytes();
            let letter = bytes.windows(4).position(|four| four == b"TRAP").unwrap();
            bytes[letter] = 0xff;
            bytes
        }
        _ => maker.pick(&others).as_bytes().to_vec(),
    })
}

/// What is no moment, or one that has not come.
pub fn no_instant(maker: &mut Maker) -> Value {
    maker.pick(&[
        json!(null),
        json!("2999-01-01T00:00:00Z"),
        json!(32_500_000_000_u64),
        json!(32_500_000_000_000_u64),
        json!("32500000000"),
        json!("yesterday"),
        json!("2026-11-10T10:00:00"),
        json!(""),
        json!(true),
        json!({}),
    ])
}

/// What stands for a count and is none.
pub fn no_count(maker: &mut Maker, count: u64) -> Value {
    let negative = -1 - count as i64;
    maker.pick(&[
        json!(negative),
        json!(count as f64 + 0.5),
        json!(1_000_000_000_001_u64),
        json!(1e300),
        json!("many"),
        json!(""),
        json!(format!("+{count}")),
        json!(format!("{count}.0")),
        json!(true),
        json!([count]),
        json!({"count": count}),
    ])
}

/// How a file's JSON is written.
#[derive(Clone, Copy)]
struct Hand {
    is_spaced: bool,
    /// Other letters are escaped.
    is_ascii: bool,
}

impl Maker {
    /// The bytes of a file; beside them, how many there are up to the end of the first line that has a `cwd`.
    pub fn write(&mut self, lines: &[Line]) -> (Vec<u8>, usize) {
        let hand = Hand { is_spaced: self.one_in(4), is_ascii: self.one_in(4) };
        let is_windows = self.one_in(6);
        let mut bytes = if self.one_in(8) { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        let mut least = None;
        for line in lines {
            if self.one_in(25) {
                bytes.extend(b"\n");
            }
            let pad = if self.one_in(30) { " \t" } else { "" };
            bytes.extend(pad.as_bytes());
            match line {
                Line::Rubbish(rubbish) => bytes.extend(rubbish),
                Line::Told(_, line) => {
                    let mut fields: Vec<(String, Value)> = line.clone().into_iter().collect();
                    if self.one_in(3) {
                        fields.shuffle(&mut self.random);
                    }
                    bytes.extend(written(&Value::Object(fields.into_iter().collect()), hand).as_bytes());
                }
            }
            bytes.extend(pad.as_bytes());
            bytes.extend(if is_windows || self.one_in(40) { "\r\n" } else { "\n" }.as_bytes());
            let Line::Told(_, line) = line else { continue };
            let has_cwd = line.get("cwd").and_then(Value::as_str).is_some_and(|cwd| !cwd.is_empty());
            if least.is_none() && has_cwd {
                least = Some(bytes.len());
            }
        }
        if self.one_in(5) {
            // The last line has no end.
            bytes.truncate(bytes.trim_ascii_end().len());
        }
        let least = least.unwrap_or(0).min(bytes.len());
        (bytes, least)
    }
}

fn written(value: &Value, hand: Hand) -> String {
    let (comma, colon) = if hand.is_spaced { (", ", ": ") } else { (",", ":") };
    match value {
        Value::Object(object) => {
            let fields: Vec<_> = object
                .iter()
                .map(|(name, value)| format!("{}{colon}{}", quoted(name, hand), written(value, hand)))
                .collect();
            format!("{{{}}}", fields.join(comma))
        }
        Value::Array(list) => {
            let items: Vec<_> = list.iter().map(|item| written(item, hand)).collect();
            format!("[{}]", items.join(comma))
        }
        Value::String(text) => quoted(text, hand),
        other => other.to_string(),
    }
}

fn quoted(text: &str, hand: Hand) -> String {
    let text = Value::from(text).to_string();
    if !hand.is_ascii {
        return text;
    }
    let mut escaped = String::new();
    for letter in text.chars() {
        if letter.is_ascii() {
            escaped.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                escaped += &format!("\\u{unit:04x}");
            }
        }
    }
    escaped
}
