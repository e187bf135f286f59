//! Finds a few fields of a JSON object that may be broken elsewhere.
//!
//! The gate needs the session, the directory and the event. Beside them stand the prompt and a tool's input, which may hold
//! anything: a raw line end inside a string, a lone surrogate, `NaN`, a comma too many, an end that is missing
//! (anthropics/claude-code#53463). A strict parser refuses all of it for one byte. So this one looks for the fields and skips
//! the rest: it knows strings and brackets, and nothing else.
//!
//! What it never does: look into nested objects (but for the named ones), or into strings. After a point at which it cannot
//! say what is a string and what is not, it reads nothing more. It needs no recursion and no memory.

/// Maximum length of a text that is read, in bytes: a path is no longer.
pub const TEXT_MAX: usize = 4_096;

/// Bytes that one byte of a text takes at most as it is written: `\u0041`.
const ESCAPED: usize = 6;

/// How far an object could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// To its end.
    Whole,
    /// It ends too soon.
    CutShort,
    /// To a point after which nothing is certain.
    Lost,
    /// It is no object.
    NoObject,
}

/// The values that were found, as they are written, and how far the object could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a, const N: usize> {
    /// In the order of the wanted paths.
    pub values: [Option<&'a [u8]>; N],
    /// How far.
    pub end: End,
}

/// A field of the object itself, or of an object directly in it.
pub type Path = (Option<&'static str>, &'static str);

/// Looks for the values at some paths. Of a key that comes twice the last value counts, as in JavaScript. Linear in the
/// length of the input.
#[must_use]
pub fn find<'a, const N: usize>(input: &'a [u8], wanted: &[Path; N]) -> Found<'a, N> {
    let mut scan = Scan { text: input, at: 0 };
    let mut values = [None; N];
    scan.blank(false);
    let end = if scan.eat(b'{') { scan.members(wanted, &mut values) } else { End::NoObject };
    Found { values, end }
}

/// The text of a value; none where it is of another type or too long. What is no character becomes U+FFFD.
#[must_use]
pub fn text(value: &[u8]) -> Option<String> {
    let written = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if written.len() > TEXT_MAX * ESCAPED {
        return None;
    }
    let text = unescaped(written);
    (text.len() <= TEXT_MAX).then_some(text)
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Skips spaces, controls and byte order marks, and commas too where there may be too many.
    fn blank(&mut self, commas: bool) {
        while let Some(byte) = self.peek() {
            if byte <= b' ' || (commas && byte == b',') {
                self.at += 1;
            } else if self.text[self.at..].starts_with("\u{feff}".as_bytes()) {
                self.at += 3;
            } else {
                return;
            }
        }
    }

    /// Reads the members of an object whose bracket is behind. An object of which a field is wanted is gone into, once deep.
    fn members<const N: usize>(&mut self, wanted: &[Path; N], values: &mut [Option<&'a [u8]>; N]) -> End {
        let mut within: Option<&'static str> = None;
        loop {
            self.blank(true);
            match self.peek() {
                None => return End::CutShort,
                Some(b'"') => {}
                Some(b'}') => {
                    self.at += 1;
                    if within.take().is_none() {
                        return End::Whole;
                    }
                    continue;
                }
                Some(_) => return End::Lost,
            }
            let Some(key) = self.string() else { return End::CutShort };
            let key = text(key).unwrap_or_default();
            self.blank(false);
            if !self.eat(b':') {
                return if self.peek().is_none() { End::CutShort } else { End::Lost };
            }
            self.blank(false);
            let parent = wanted.iter().find_map(|(parent, _)| parent.filter(|parent| *parent == key));
            if within.is_none() && parent.is_some() && self.eat(b'{') {
                within = parent;
                continue;
            }
            let Some(value) = self.value() else { return End::CutShort };
            for (path, kept) in wanted.iter().zip(values.iter_mut()) {
                if path.0 == within && path.1 == key && !value.is_empty() {
                    *kept = Some(value);
                }
            }
            self.blank(false);
            if !matches!(self.peek(), None | Some(b',' | b'}')) {
                return End::Lost;
            }
        }
    }

    /// Skips a value, and gives it as it is written; none where it ends too soon.
    fn value(&mut self) -> Option<&'a [u8]> {
        match self.peek()? {
            b'"' => self.string(),
            b'{' | b'[' => self.nested(),
            _ => {
                let begin = self.at;
                let is_over = |byte: &u8| *byte <= b' ' || b",:{}[]\"".contains(byte);
                let length = self.text[begin..].iter().position(is_over)?;
                self.at += length;
                Some(&self.text[begin..self.at])
            }
        }
    }

    /// Skips a string, quotes included.
    fn string(&mut self) -> Option<&'a [u8]> {
        let begin = self.at;
        self.at += 1;
        loop {
            let rest = self.text.get(self.at..)?;
            let found = memchr::memchr2(b'"', b'\\', rest)?;
            self.at += found + 1;
            if rest[found] == b'"' {
                return Some(&self.text[begin..self.at]);
            }
            self.at += 1;
        }
    }

    /// Skips what is in brackets, whatever it is.
    fn nested(&mut self) -> Option<&'a [u8]> {
        let begin = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(&self.text[begin..self.at]);
            }
        }
    }
}

fn unescaped(written: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written;
    let push = |bytes: &mut Vec<u8>, c: char| bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let Some((&kind, after)) = rest.split_first() else { break };
        rest = after;
        match kind {
            b'b' => bytes.push(0x08),
            b'f' => bytes.push(0x0c),
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'u' => {
                let (c, after) = code_point(rest);
                rest = after;
                push(&mut bytes, c);
            }
            other => bytes.push(other),
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

/// What stands behind `\u`, a second half included, and what follows it.
fn code_point(rest: &[u8]) -> (char, &[u8]) {
    let unit = |text: &[u8]| {
        let digits = std::str::from_utf8(text.get(..4)?).ok()?;
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let Some(first) = unit(rest) else { return (char::REPLACEMENT_CHARACTER, rest) };
    let after = &rest[4..];
    let second = after.strip_prefix(b"\\u").and_then(unit).filter(|second| (0xdc00..0xe000).contains(second));
    match (first, second) {
        (0xd800..0xdc00, Some(second)) => {
            let c = char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00));
            (c.unwrap_or(char::REPLACEMENT_CHARACTER), &after[6..])
        }
        _ => (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: [Path; 3] = [(None, "session_id"), (None, "cwd"), (Some("workspace"), "project_dir")];

    fn read(input: &[u8]) -> ([Option<String>; 3], End) {
        let found = find(input, &WANTED);
        (found.values.map(|value| value.and_then(text)), found.end)
    }

    /// An object with a session and a directory around `odd`.
    fn around(odd: &str) -> Vec<u8> {
        format!(r#"{{"session_id":"s-1",{odd},"cwd":"/w"}}"#).into_bytes()
    }

    #[test]
    fn whatever_stands_beside_them_the_fields_are_read() {
        let deep = format!(r#""x":{}{}"#, "[{\"session_id\":".repeat(50_000), "}]".repeat(50_000));
        let huge = format!(r#""prompt":"{}""#, "x".repeat(5_000_000));
        let odd = [
            "\"prompt\":\"a\nb\tc\u{1}\"",
            "\"prompt\":\"a\0b\"",
            r#""prompt":"\ud800""#,
            r#""prompt":"\ud800\ud800 \uZZZZ \q""#,
            r#""prompt":"\\\"session_id\":\"other\"""#,
            r#""prompt":"\"session_id\":\"other\",\"cwd\":\"/x\"""#,
            r#""n":NaN"#,
            r#""n":-Infinity,"m":undefined,"o":+1.e"#,
            r#""a":1,,"b":2"#,
            r#""a":,"b":"#,
            r#""a":[1,2,],"b":{"c":1,}"#,
            r#""a":1,"a":2"#,
            r#""tool_input":{"session_id":"other","cwd":"/x"}"#,
            r#""list":[{"session_id":"other"},"session_id"]"#,
            r#""workspace":[{"project_dir":"/x"}]"#,
            r#""other":{"workspace":{"project_dir":"/x"}}"#,
            r#""a":[}"#,
            &deep,
            &huge,
        ];
        for odd in odd {
            let (found, end) = read(&around(odd));
            let shown = &odd[..odd.len().min(80)];
            assert_eq!(found, [Some("s-1".to_owned()), Some("/w".to_owned()), None], "{shown}");
            assert_eq!(end, End::Whole, "{shown}");
        }
        // Bytes that are no text.
        let mut bytes = around("\"prompt\":\"X\"");
        let at = bytes.iter().position(|byte| *byte == b'X').unwrap();
        bytes[at] = 0xff;
        assert_eq!(read(&bytes).0[1].as_deref(), Some("/w"));
    }

    #[test]
    fn marks_before_the_object_and_words_after_it_change_nothing() {
        for whole in [
            "\u{feff}{\"cwd\":\"/w\"}",
            " \r\n\0{\u{feff}\"cwd\" : \"/w\" ,}",
            "{\"cwd\":\"/w\"}}{\"cwd\":\"/x\"}",
        ] {
            assert_eq!(
                read(whole.as_bytes()),
                ([None, Some("/w".to_owned()), None], End::Whole),
                "{whole:?}"
            );
        }
    }

    #[test]
    fn of_an_object_that_is_cut_short_the_fields_before_the_cut_are_read() {
        let whole = br#"{"session_id":"s-1","workspace":{"project_dir":"/p","x":[1]},"cwd":"/w","tool_input":{"a":["b"]}}"#;
        for length in 0..whole.len() {
            let (found, end) = read(&whole[..length]);
            assert_ne!(end, End::Whole, "{length}");
            let is_behind = |written: &str| {
                let at = whole.windows(written.len()).position(|part| part == written.as_bytes()).unwrap();
                length >= at + written.len()
            };
            let expected = [("\"s-1\"", "s-1"), ("\"/w\"", "/w"), ("\"/p\"", "/p")]
                .map(|(written, text)| is_behind(written).then(|| text.to_owned()));
            assert_eq!(found, expected, "{length}");
        }
    }

    #[test]
    fn after_a_point_of_doubt_nothing_is_read() {
        // A quote that is not escaped: what follows may be the text of a prompt.
        for odd in [
            r#""prompt":"he said "session_id":"other"""#,
            r#""prompt":"a"b":"c","#,
            "prompt:1",
            "[1]",
            r#""a""#,
        ] {
            let input = format!(r#"{{"session_id":"s-1",{odd},"session_id":"other","cwd":"/x"}}"#);
            let (found, end) = read(input.as_bytes());
            assert_eq!(
                (found[0].as_deref(), found[1].as_deref(), end),
                (Some("s-1"), None, End::Lost),
                "{odd}"
            );
        }
        for none in ["", " ", "[{\"cwd\":\"/w\"}]", "\"cwd\"", "null", "cwd", "\u{feff}"] {
            assert_eq!(read(none.as_bytes()), ([None, None, None], End::NoObject), "{none}");
        }
    }

    #[test]
    fn texts_mean_what_json_says_and_the_last_of_two_counts() {
        let cases: [(&str, Option<&str>); 12] = [
            (r#""""#, Some("")),
            (r#""a\/b\\c\"\n\u00e9\ud83d\ude80""#, Some("a/b\\c\"\né🚀")),
            (r#""\ud800x""#, Some("\u{fffd}x")),
            (r#""\udc00\ud800\u0041""#, Some("\u{fffd}\u{fffd}A")),
            (r#""\u00g1""#, Some("\u{fffd}00g1")),
            (r#""\u+123""#, Some("\u{fffd}+123")),
            ("\"a\nb\"", Some("a\nb")),
            ("5", None),
            ("null", None),
            ("{}", None),
            ("[\"a\"]", None),
            (r#""é""#, Some("é")),
        ];
        for (value, expected) in cases {
            let input = format!(r#"{{"cwd":{value}}}"#);
            assert_eq!(read(input.as_bytes()).0[1].as_deref(), expected, "{value}");
        }
        let longest = "x".repeat(TEXT_MAX);
        assert_eq!(text(format!("\"{longest}\"").as_bytes()).as_deref(), Some(longest.as_str()));
        assert_eq!(text(format!("\"{longest}x\"").as_bytes()), None);
        assert_eq!(read(br#"{"cwd":"/a","cwd":"/b"}"#).0[1].as_deref(), Some("/b"));
        assert_eq!(read(br#"{"c\u0077d":"/a"}"#).0[1].as_deref(), Some("/a"));
        assert_eq!(read(br#"{"cwd":"/a","cwd":"/b"#).0[1].as_deref(), Some("/a"), "half of a text is none");
    }
}
