//! Hostile input: one generator for the fuzzer's seeds, for its mutator, for the smoke run and for the tests of `hostile`.
//!
//! It generates three things: whole inputs of one bad kind ([`inputs`]: depth, width, length, numbers, encodings, characters,
//! duplicate keys), good inputs with one good value replaced by a bad one ([`planted`]), and good inputs with damaged
//! bytes ([`damaged`]). The output is the same in every run.

use std::sync::LazyLock;

#[path = "hostile/shapes.rs"]
mod shapes;
#[path = "hostile/values.rs"]
mod values;

pub use shapes::{deep_value, inputs, multiplying};
use values::{json_values, numbers, quoted, texts};

/// The format of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    Yaml,
    Toml,
    Markdown,
    Protobuf,
    Html,
    /// Columns between tabs.
    Columns,
    /// Fields of a posted form.
    Fields,
    /// Typed text.
    Text,
    /// Our own binary formats.
    Bytes,
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, and without a dependency in two workspaces.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Clears the screen, writes to the clipboard, sets the title, turns the line, ends it, and hides a sentence.
pub const EVIL: &str =
    "\u{1b}[2J\u{1b}]52;c;ZXZpbA==\u{7}\u{9b}31m\u{202e}x\u{2028}y\r\u{7f}\u{e0049}\u{e0047}\u{200b}";

/// Ways to nest values: the name, what opens a level and what closes it.
pub const NESTS: [(&str, &str, &str); 3] =
    [("arrays", "[", "]"), ("objects", r#"{"a":"#, "}"), ("both", r#"[{"a":"#, "}]")];

pub fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    [&open.repeat(depth), inner, &close.repeat(depth)].concat()
}

/// The ranges of the values in a good input.
fn places(form: Form, input: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    let ends: &[u8] = match form {
        Form::Json => b",:{}[] \n\t",
        Form::Fields => b"&=",
        Form::Columns => b"\t\n,:{}[]",
        _ => b"\n=:, ",
    };
    while at < input.len() {
        let start = at;
        if input[at] == b'"' && matches!(form, Form::Json | Form::Toml | Form::Columns) {
            at += 1;
            while at < input.len() && input[at] != b'"' {
                at += 1 + usize::from(input[at] == b'\\');
            }
            at = (at + 1).min(input.len());
        } else {
            while at < input.len() && !ends.contains(&input[at]) {
                at += 1;
            }
        }
        // A value before a colon is a key; it is replaced too, but rarely useful.
        if at > start {
            found.push(start..at);
        } else {
            at += 1;
        }
    }
    found
}

/// A good input with one to three of its values replaced by hostile ones.
pub fn planted(form: Form, good: &[u8], random: &mut Random) -> Vec<u8> {
    static VALUES: LazyLock<[Vec<String>; 3]> = LazyLock::new(|| [json_values(), numbers(), texts()]);
    let [json, numbers, texts] = &*VALUES;
    let mut input = good.to_vec();
    for _ in 0..=random.below(3) {
        let places = places(form, &input);
        if places.is_empty() {
            break;
        }
        let place = random.one(&places).clone();
        let value = match (form, random.below(4)) {
            (Form::Json, _) => random.one(json).clone(),
            (Form::Toml | Form::Yaml | Form::Columns | Form::Markdown, 0) => random.one(json).clone(),
            (Form::Toml, 1) => quoted(random.one::<String>(texts)),
            (_, 1) => random.one(numbers).clone(),
            _ => random.one(texts).clone(),
        };
        input.splice(place, value.into_bytes());
    }
    input
}

/// A good input with one to five places damaged.
pub fn damaged(good: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=random.below(5) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        match random.below(5) {
            0 => bytes[at] = random.next() as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes.truncate(at),
            3 => bytes.insert(at, random.next() as u8),
            _ => {
                let end = (at + 1 + random.below(40)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}
