//! Whole inputs: deep, wide, long, or made of invalid values.

use super::values::{encodings, json_values, numbers, texts};
use super::{EVIL, Form, NESTS, nested};

/// Whole inputs of one bad kind, each of about `size` bytes where its kind has a size.
pub fn inputs(form: Form, size: usize) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>| all.push((name.to_owned(), bytes));
    let fill = |unit: &str| unit.repeat(size / unit.len());
    let numbered = |unit: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        (0..)
            .map(unit)
            .take_while(|one| {
                text.len() + one.len() <= size && {
                    text += one;
                    true
                }
            })
            .for_each(drop);
        text
    };
    add("nothing", Vec::new());
    add("every byte", (0..=255).collect());
    add("one character", vec![b'a'; size]);
    add("zeros", vec![0; size]);
    add("high bytes", vec![0xff; size]);
    add("line ends", fill("\n").into());
    add("characters that are obeyed", EVIL.repeat(size / EVIL.len()).into());
    match form {
        Form::Json => {
            for (name, open, close) in NESTS {
                for depth in [127, 128, 129, size / (open.len() + close.len())] {
                    add(&format!("{name}, {depth} deep"), nested(open, "1", close, depth).into());
                    add(
                        &format!("{name} in a field, {depth} deep"),
                        format!("{{\"x\":{}}}", nested(open, "1", close, depth)).into(),
                    );
                }
                add(&format!("{name}, never closed"), fill(open).into());
            }
            for unit in ["0", "[]", "{}", "\"\"", "null", "[0]", r#"{"":0}"#, "1e5"] {
                add(&format!("a list of {unit}"), format!("[{}{unit}]", fill(&format!("{unit},"))).into());
                for field in
                    ["message", "rate_limits", "data", "resourceLogs", "models", "goals", "balance_infos"]
                {
                    add(
                        &format!("{field}: a list of {unit}"),
                        format!("{{\"{field}\":[{}{unit}]}}", fill(&format!("{unit},"))).into(),
                    );
                }
            }
            add("many keys", format!("{{{}\"z\":0}}", numbered(&|n| format!("\"k{n}\":0,"))).into());
            add("one key again and again", format!("{{{}\"a\":0}}", fill("\"a\":0,")).into());
            add("a long key", format!("{{\"{}\":0}}", fill("k")).into());
            add("a long text", format!("{{\"a\":\"{}\"}}", fill("t")).into());
            add("escapes", format!("{{\"a\":\"{}\"}}", fill("\\u0041")).into());
            add("halves of surrogates", format!("[\"{}\"]", fill("\\ud800")).into());
            add("a long number", fill("9").into());
            add("blanks", format!("{}{{}}", fill(" ")).into());
            add("lines of objects", fill("{\"usage\":{}}\n").into());
            json_values()
                .into_iter()
                .enumerate()
                .for_each(|(n, value)| add(&format!("value {n}"), value.into()));
        }
        Form::Yaml => {
            let deep = size / 2;
            add("brackets", format!("---\na: {}\n---\n", nested("[", "1", "]", deep)).into());
            add("brackets, never closed", format!("---\na: {}\n---\n", fill("[")).into());
            add("dashes", format!("---\n{}x\n---\n", fill("- ")).into());
            add("questions", format!("---\n{}x\n---\n", fill("? ")).into());
            add("tabs and dashes", format!("---\n{}x\n---\n", fill("-\t")).into());
            add("anchors and dashes", format!("---\n{}x\n---\n", fill("&a - ")).into());
            add("tags", format!("---\n{}x\n---\n", fill("!!str ")).into());
            add("columns", format!("---\n{}---\n", numbered(&|n| " ".repeat(n.min(4_000)) + "a:\n")).into());
            add("anchors that refer to themselves", format!("---\n{}---\n", fill("a: &a [*a]\n")).into());
            add("anchors that multiply", multiplying().into());
            add("one key again and again", format!("---\n{}---\n", fill("a: 1\n")).into());
            add("many keys", format!("---\n{}---\n", numbered(&|n| format!("k{n}: 1\n"))).into());
            add("documents", fill("---\na: 1\n").into());
            add("quotes", format!("---\na: \"{}\n---\n", fill("\\x41")).into());
            add("a block of text", format!("---\na: |\n{}---\n", fill("  x\n")).into());
            add("complex keys", format!("---\n{}---\n", fill("? {a: b}\n: c\n")).into());
            add(
                "merges",
                format!("---\na: &a {{b: 1}}\n{}---\n", numbered(&|n| format!("k{n}: {{<<: *a}}\n"))).into(),
            );
            for (n, number) in numbers().into_iter().enumerate() {
                add(&format!("number {n}"), format!("---\ntags: {number}\n---\n").into());
            }
        }
        Form::Toml => {
            add("brackets", format!("a = {}", nested("[", "1", "]", size / 2)).into());
            add("tables in tables", format!("a = {}", nested("{a=", "1", "}", size / 4)).into());
            add("dotted", format!("{} = 1", vec!["a"; size / 2].join(".")).into());
            add("dotted table", format!("[{}]\n", vec!["a"; size / 2].join(".")).into());
            add("many keys", numbered(&|n| format!("k{n} = 1\n")).into());
            add("many tables", numbered(&|n| format!("[t{n}]\n")).into());
            add("one key again and again", fill("a = 1\n").into());
            add("lists of tables", fill("[[reminders]]\n").into());
            add("one table, many dots", numbered(&|n| format!("a.b.k{n} = 1\n")).into());
            add("a long text", format!("a = \"\"\"{}\"\"\"", fill("x\n")).into());
            add("a text without an end", format!("a = \"{}", fill("x")).into());
            for (n, number) in numbers().into_iter().enumerate() {
                add(&format!("number {n}"), format!("a = {number}\n").into());
            }
        }
        Form::Markdown => {
            let marks = [
                "[[",
                "[[a",
                "]][[a",
                "`",
                "` ``",
                "```\n",
                "~~~\n",
                "%%",
                "%% a\n",
                ">",
                "> ",
                "#",
                "# ",
                "#a ",
                "- ",
                "- [ ] ",
                "- [ ] a\n",
                "- [ ] a 📅 ",
                "🔺",
                "🔺 ",
                "📅 2026-01-01 ",
                "[due:: 2026-01-01] ",
                "(id:: a)",
                "🆔 a ",
                "⛔ a,",
                " ^a",
                "a::b ",
                "[a::b]",
                "(",
                "[",
                "{{",
                "{{date:",
                "}}",
                "YYYY",
                "[YYYY",
                "\\",
                "\t",
                " ",
                "---\n",
                "\u{2028}",
                "\r",
                "\r\n",
                "1. ",
                "999999999) ",
            ];
            for mark in marks {
                add(&format!("{mark:?}"), fill(mark).into());
                add(&format!("a task of {mark:?}"), format!("- [ ] {}", fill(mark)).into());
                add(&format!("a field, then {mark:?}"), format!("a::b {}", fill(mark)).into());
            }
            add(
                "a long heading over many tasks",
                format!("# {}\n{}", "h".repeat(size / 2), "- [ ] \n".repeat(size / 14)).into(),
            );
            add("nested lists", numbered(&|n| " ".repeat(n.min(2_000)) + "- [ ] a\n").into());
            add("nested quotes", numbered(&|n| ">".repeat(n.min(2_000)) + "- [ ] a\n").into());
            add("spans of code", numbered(&|n| "`".repeat(n + 1) + " ").into());
            add("a heading in a fence", b"```\n# Log".to_vec());
            add("a heading in a comment", b"%%\n# Log\n- a".to_vec());
            all.extend(
                inputs(Form::Yaml, size)
                    .into_iter()
                    .map(|(name, bytes)| (format!("properties: {name}"), bytes)),
            );
        }
        Form::Protobuf => {
            for path in [
                &[1_u8][..],
                &[1, 2],
                &[1, 2, 2],
                &[1, 2, 2, 6],
                &[1, 2, 2, 7, 1],
                &[1, 2, 2, 7, 1, 7],
                &[1, 1, 1],
            ] {
                add(&format!("empty messages at {path:?}"), along(path, &[], size));
            }
            for depth in [3, 30, 60, 110, size / 8] {
                add(&format!("values, {depth} deep"), deep_value(depth));
            }
            add("groups", [0x0b].repeat(size));
            add("groups that end", [[0x0b].repeat(size / 2), [0x0c].repeat(size / 2)].concat());
            add("a length beyond the end", [&[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0; 8]].concat());
            add("a length without an end", [&[0x0a][..], &[0xff; 12]].concat());
            add("field 0", vec![0x02, 0x00]);
            add("wire types that are none", vec![0x0e, 0x0f, 0x0e]);
            add("unknown fields", [0xfa, 0x7f, 0x00].repeat(size / 3));
            add("text that is no UTF-8", field(1, &field(2, &field(1, &field(1, &[0xff, 0xfe])))));
        }
        Form::Html => {
            let opened = [
                "<div>",
                "<div a='",
                "<!--",
                "&amp;",
                "<![CDATA[",
                "<script>",
                "$",
                "$1,",
                "1,234",
                "1.234,",
                "1 ",
                "-",
                "(",
                "\u{a0}",
                "USD",
                "€",
            ];
            for mark in opened {
                add(&format!("{mark:?}"), fill(mark).into());
                add(&format!("an amount in {mark:?}"), format!("{mark}13.92{mark}").into());
            }
            for (n, number) in numbers().into_iter().chain(texts()).enumerate() {
                add(&format!("an amount {n}"), format!("${number}").into());
                add(
                    &format!("an answer {n}"),
                    format!("{{\"amount\":{number},\"currency\":\"USD\"}}").into(),
                );
            }
        }
        Form::Columns => {
            add("tabs", fill("\t").into());
            add("cookies", fill(".claude.com\tTRUE\t/\tTRUE\t1900000000\ta\tb\n").into());
            add("comments", fill("#HttpOnly_\n").into());
            for (n, value) in numbers().into_iter().chain(texts()).enumerate() {
                add(
                    &format!("a value {n}"),
                    format!(".claude.com\tTRUE\t/\tTRUE\t{value}\tname\t{value}\n").into(),
                );
            }
            all.extend(inputs(Form::Json, size));
        }
        Form::Fields => {
            for unit in [
                "&",
                "=",
                "a=1&",
                "Body=a&",
                "%",
                "%41",
                "%ff",
                "+",
                "a[b]=",
                "MessageSid=x&MessageStatus=sent&",
            ] {
                add(&format!("{unit:?}"), fill(unit).into());
            }
            for (n, value) in numbers().into_iter().chain(texts()).enumerate() {
                add(
                    &format!("a value {n}"),
                    format!("MessageSid=SM1&MessageStatus={value}&ErrorCode={value}&From=%2b{value}").into(),
                );
            }
        }
        Form::Text => {
            for (n, value) in numbers().into_iter().chain(texts()).enumerate() {
                add(&format!("a value {n}"), value.into());
            }
            for unit in [
                "{",
                "{a}",
                "{{",
                "}",
                "/",
                "\\",
                ":",
                ".",
                "-",
                "0",
                "9",
                "é",
                "👩‍🚀",
                "anthropic/",
                "us.",
                "/.claude/worktrees/",
                "a\n",
            ] {
                add(&format!("{unit:?}"), fill(unit).into());
            }
        }
        Form::Bytes => {
            add(
                "lengths at the end of their type",
                [u64::MAX.to_le_bytes(), i64::MIN.to_le_bytes()].concat().repeat(size / 16),
            );
            add("counting", (0..size).map(|n| n as u8).collect());
        }
    }
    let text = match form {
        Form::Json | Form::Columns => r#"{"type":"assistant","message":{"usage":{"input_tokens":1}}}"#,
        Form::Toml => "week_starts = \"monday\"\n",
        _ => "---\ntags: [été]\n---\n- [ ] a task 📅 2026-11-20\n",
    };
    all.extend(encodings(text).into_iter().map(|(name, bytes)| (name.to_owned(), bytes)));
    all
}

/// Nested anchors: ten lines that expand to 10⁹ words.
pub fn multiplying() -> String {
    let mut yaml = "---\na0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..10 {
        let again = format!("*a{}, ", level - 1).repeat(10);
        yaml += &format!("a{level}: &a{level} [{}]\n", again.trim_end_matches(", "));
    }
    yaml + "---\n- [ ] a task\n"
}

/// A length-delimited protobuf field.
pub fn field(number: u8, inner: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    prost::encoding::encode_varint(inner.len() as u64, &mut bytes);
    bytes.extend_from_slice(inner);
    bytes
}

/// As many copies of a message at the end of a path as fit into `size` bytes.
fn along(path: &[u8], message: &[u8], size: usize) -> Vec<u8> {
    let Some((last, above)) = path.split_last() else { return Vec::new() };
    let one = field(*last, message);
    let many = one.repeat(size / one.len());
    above.iter().rev().fold(many, |inner, number| field(*number, &inner))
}

/// The body of a log record: `AnyValue` holds a list of `AnyValue`s, and each level is a field with its length.
pub fn deep_value(depth: usize) -> Vec<u8> {
    let mut value = vec![0x10, 0x01];
    for _ in 0..depth {
        value = field(5, &field(1, &value));
    }
    // ExportLogsServiceRequest > ResourceLogs > ScopeLogs > LogRecord > body
    field(1, &field(2, &field(2, &field(5, &value))))
}
