//! Calls and all the forms in which a transcript tells them.

use jiff::Timestamp;
use rand::Rng;
use serde_json::{Value, json};

use super::generator::{Line, Maker, Transcript, object, set};
use super::noise;
use super::reference::Object;

const MODELS: [&str; 4] =
    ["claude-opus-5", "claude-sonnet-5", "claude-haiku-4-5-20251001", "claude-nobody-knows-9"];

const WORDS: [(&str, &[&str]); 3] = [
    ("service_tier", &["standard", "default", "standard_only", "", "priority", "batch", "flex", "turbo"]),
    ("speed", &["standard", "", "fast", "ludicrous"]),
    ("inference_geo", &["global", "not_available", "", "us", "eu", "moon"]),
];

const ITERATIONS: [&str; 9] = [
    "message",
    "message",
    "message",
    "fallback",
    "advisor_message",
    "compaction",
    "sampling",
    "sampling",
    "second_opinion",
];

/// What a call was said to consume, in the order of `Call::tokens`.
type Counts = [u64; 6];

fn rfc3339(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).unwrap().to_string()
}

impl Maker {
    /// A moment in one of the forms that mean it.
    pub fn stamp(&mut self, at_ms: i64) -> Value {
        let nine = format!("{}.123456789Z", &rfc3339(at_ms)[..19]);
        match self.random.random_range(0..40) {
            0 => json!(at_ms / 1_000),
            1 => json!(at_ms),
            2 => json!(at_ms * 1_000 + 7),
            3 => json!(at_ms * 1_000_000 + 7_999),
            4 => json!((at_ms / 1_000).to_string()),
            5 => json!(at_ms.to_string()),
            6 => json!((at_ms / 1_000) as f64 + 0.5),
            7 => json!(format!("{}+02:00", rfc3339(at_ms + 7_200_000).trim_end_matches('Z'))),
            8 => json!(format!("{}-05:30", rfc3339(at_ms - 19_800_000).trim_end_matches('Z'))),
            9 => json!(nine),
            _ => json!(rfc3339(at_ms)),
        }
    }

    /// One call, told on one to four lines.
    pub fn call(&mut self, to: &mut Transcript) {
        let (id, request) = (self.name("msg_"), self.name("req_"));
        let (named, told_model) = (self.random.random_range(0..30), self.random.random_range(0..30));
        let model = self.pick(&MODELS);
        let (counts, iterations) = self.consumed();
        let mut words = self.words();
        let last = self.random.random_range(1..=4_u64);
        to.at_ms += self.random.random_range(0..60_000);
        for telling in 1..=last {
            to.at_ms += self.pick(&[0, 0, 7, 900]);
            let mut counts = counts;
            counts[1] = counts[1] * telling / last;
            let mut usage = self.usage(counts);
            if self.one_in(8) {
                words = self.words();
            }
            usage.extend(words.clone());
            if telling == last || self.one_in(4) {
                usage.extend(iterations.clone());
            }
            let mut message = object(json!({"type": "message", "role": "assistant", "stop_reason": null}));
            set(&mut message, "content", json!([{"type": "text", "text": noise::TRAP}]));
            set(&mut message, "usage", usage);
            match told_model {
                0 => set(&mut message, "model", Value::Null),
                1 => {}
                _ => set(&mut message, "model", model),
            }
            let mut line = self.head(to, "assistant");
            match named {
                0 => set(&mut message, "id", Value::Null),
                1 => {}
                2 => drop(line.remove("uuid")),
                _ => set(&mut message, "id", id.as_str()),
            }
            match self.random.random_range(0..20) {
                0 => drop(line.remove("type")),
                1 => set(&mut line, "type", Value::Null),
                _ => {}
            }
            if !self.one_in(3) {
                set(&mut line, "requestId", request.as_str());
            }
            if self.one_in(25) {
                set(&mut line, "timestamp", noise::no_instant(self));
            }
            set(&mut line, "message", message);
            to.lines.push(Line::Told(to.at_ms, line));
        }
    }

    /// Tier, speed and place, as far as they are told.
    fn words(&mut self) -> Object {
        let mut words = Object::new();
        for (name, list) in WORDS {
            match self.random.random_range(0..6) {
                0 | 1 => set(&mut words, name, self.pick(list)),
                2 => set(&mut words, name, Value::Null),
                _ => {}
            }
        }
        words
    }

    fn counts(&mut self) -> Counts {
        let mut below = |most: u64| self.random.random_range(0..most);
        let (writes, hours, searches) = (below(2), below(2), below(8) / 7);
        [
            below(400),
            below(3_000),
            writes * below(9_000),
            writes * hours * below(900),
            below(150_000),
            searches * below(4),
        ]
    }

    /// What a call consumes in all, and beside it the field that tells it part by part.
    fn consumed(&mut self) -> (Counts, Object) {
        let whole = self.counts();
        let mut told = Object::new();
        match self.random.random_range(0..9) {
            0..=4 => return (whole, told),
            5 => {
                let nothing = self.pick(&[json!(null), json!([]), json!({}), json!("none")]);
                set(&mut told, "iterations", nothing);
                return (whole, told);
            }
            _ => {}
        }
        let (mut messages, mut both) = ([0; 6], [0; 6]);
        let mut elements = Vec::new();
        for _ in 0..self.random.random_range(1..=4) {
            let kind = self.pick(&ITERATIONS);
            let counts = if self.one_in(8) { [0; 6] } else { self.counts() };
            let mut element = self.usage(counts);
            set(&mut element, "type", kind);
            match self.random.random_range(0..6) {
                0 | 1 => set(&mut element, "model", self.pick(&MODELS)),
                2 => set(&mut element, "model", Value::Null),
                _ => {}
            }
            elements.push(Value::Object(element));
            for at in 0..6 {
                if kind == "message" {
                    messages[at] += counts[at];
                }
                if !["fallback", "advisor_message", "compaction"].contains(&kind) {
                    both[at] += counts[at];
                }
            }
        }
        set(&mut told, "iterations", elements);
        (self.pick(&[both, both, messages, whole]), told)
    }

    /// Counts as `usage` has them.
    fn usage(&mut self, counts: Counts) -> Object {
        let [input, output, five, hour, read, searches] = counts;
        let mut usage = Object::new();
        let split = self.random.random_range(0..9);
        let total = if split == 0 { 0 } else { five + hour };
        for (name, count) in [
            ("input_tokens", input),
            ("output_tokens", output),
            ("cache_creation_input_tokens", total),
            ("cache_read_input_tokens", read),
        ] {
            if count > 0 || self.one_in(2) {
                set(&mut usage, name, self.count(count));
            }
        }
        let mut parts = Object::new();
        if split != 1 {
            let five = if split == 2 { five / 2 } else { five };
            set(&mut parts, "ephemeral_5m_input_tokens", self.count(five));
        }
        set(&mut parts, "ephemeral_1h_input_tokens", self.count(hour));
        match split {
            3 => {}
            4 => set(&mut usage, "cache_creation", Value::Null),
            _ => set(&mut usage, "cache_creation", parts),
        }
        match self.random.random_range(0..8) {
            0 if searches == 0 => set(&mut usage, "server_tool_use", Value::Null),
            1..=6 if searches == 0 => {}
            _ => {
                let tools = json!({"web_search_requests": self.count(searches), "web_fetch_requests": 1});
                set(&mut usage, "server_tool_use", tools);
            }
        }
        usage
    }

    /// A count in one of the forms that mean it, or rarely in one that means nothing.
    fn count(&mut self, count: u64) -> Value {
        match self.random.random_range(0..80) {
            0..=3 => json!(count as f64),
            4..=6 => json!(count.to_string()),
            7 => json!(format!("00{count}")),
            8 => noise::no_count(self, count),
            9 if count == 0 => Value::Null,
            _ => json!(count),
        }
    }
}
