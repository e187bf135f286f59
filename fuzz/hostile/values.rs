//! Single values: numbers, times, texts, bytes in other encodings, and their JSON forms.

use super::{EVIL, NESTS, nested};

/// Numbers at the edges of every type, and texts that some parsers accept as numbers.
pub fn numbers() -> Vec<String> {
    let plain = "0 -0 -0.0 1 -1 0.1 1e3 1E+3 1e-3 12.0 01 00 +1 .5 5. 1e 1e+ -e5 0x10 0b1 0o7 1_000 1,000 1.2.3 --1 ∞ ½ ١٢٣ \
        NaN nan Infinity -inf .inf null true 1e308 1e309 -1e309 1e400 1e-400 1e-324 5e-324 1e999999999999999999999 \
        1e-2147483649 0e99999999999 9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 \
        18446744073709551615 18446744073709551616 9007199254740993 4294967296 2147483648 65536 1000000000000 1000000000001 \
        1000000000 1000000001 999999999.999999999999 0.0000000000001 -1000000000 253402300799 253402300800 -377705116800 \
        170141183460469231731687303715884105727 170141183460469231731687303715884105728 340282366920938463463374607431768211456";
    let mut all: Vec<String> = plain.split_whitespace().map(str::to_owned).collect();
    let zeros = "0".repeat(70_000);
    all.extend([
        format!("0.{zeros}1"),
        format!("1{zeros}"),
        format!("{zeros}1"),
        "9".repeat(400),
        format!("1e{}", "9".repeat(400)),
    ]);
    all
}

/// Times, days and zones: valid, invalid, and at the ends of time.
pub const MOMENTS: [&str; 24] = [
    "2026-11-20T10:00:00Z",
    "2026-11-20",
    "2026-02-30",
    "0000-00-00",
    "9999-12-31",
    "-9999-01-01",
    "-009999-01-01T00:00:00Z",
    "9999-12-30T22:00:00.999999999Z",
    "2026-11-20T24:00:00Z",
    "2026-11-20T23:59:60Z",
    "2026-11-20T10:00:00+25:59",
    "2026-11-20T10:00:00-26:00",
    "2026-11-20T10:00:00[Europe/Berlin]",
    "2026-11-20T10:00:00Z[u-ca=hebrew]",
    "22:00",
    "24:00",
    "22:00-07:00",
    "never",
    "04-01",
    "02-29",
    "2026-13",
    "Europe/Berln",
    "UTC+1",
    "../../etc/localtime",
];

/// Texts, as they are.
pub fn texts() -> Vec<String> {
    let mut all: Vec<String> = [
        "",
        " ",
        "\u{feff}",
        "\0",
        "a\0b",
        "\n",
        "\r\n",
        "\t",
        EVIL,
        "\u{202e}",
        "\u{e0041}\u{e0042}",
        "e\u{301}",
        "ﬀ",
        "İ",
        "ß",
        "👩‍👩‍👧‍👦",
        "𝟏𝟐",
        "../../etc/passwd",
        "/",
        "//",
        "c:\\w",
        "\\\\server\\share",
        "/w/.claude/worktrees/x",
        "a/b",
        "#",
        "::",
        "{{title}}",
        "{",
        "}}",
        "[[",
        "]]",
        "`",
        "%%",
        "---",
        "...",
        "- [ ] x",
        "$1,234.56",
        "1.234,56 €",
        "($5)",
        "US$\u{a0}13.92",
        "monday",
        "__proto__",
        "<script>",
        "&#x1b;",
        "'; DROP",
        "%s%n",
        "%00",
        "%ff",
        "${x}",
        "=1+1",
    ]
    .map(str::to_owned)
    .to_vec();
    all.extend(MOMENTS.map(str::to_owned));
    all.extend([
        "a".repeat(300),
        "a".repeat(70_000),
        "é".repeat(33),
        "🔺".repeat(3_000),
        "\u{301}".repeat(5_000),
        "[".repeat(5_000),
    ]);
    all
}

/// Bytes that are not UTF-8, or text in another encoding.
pub fn encodings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let utf16 = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let with = |more: &[u8]| {
        [&text.as_bytes()[..text.floor_char_boundary(text.len() / 2)], more, text.as_bytes()].concat()
    };
    vec![
        ("byte order mark", ["\u{feff}".as_bytes(), text.as_bytes()].concat()),
        ("UTF-16, little end first", [&[0xff, 0xfe], utf16(u16::to_le_bytes).as_slice()].concat()),
        ("UTF-16, big end first", utf16(u16::to_be_bytes)),
        ("a lone continuation", with(&[0x80])),
        ("an overlong slash", with(&[0xc0, 0xaf])),
        ("an encoded surrogate", with(&[0xed, 0xa0, 0x80])),
        ("beyond Unicode", with(&[0xf4, 0x90, 0x80, 0x80])),
        ("cut within a character", [text.as_bytes(), &[0xe2, 0x82]].concat()),
        ("Latin-1", with(&[0xe9])),
        ("nothing but zeros", vec![0; 64]),
    ]
}

pub fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c < ' ' => quoted += &format!("\\u{:04x}", c as u32),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// Single values in JSON.
pub fn json_values() -> Vec<String> {
    let mut all = numbers();
    all.extend(numbers().iter().map(|number| format!("\"{number}\"")));
    all.extend(texts().iter().map(|text| quoted(text)));
    let strings = [
        r#""\ud800""#,
        r#""\udc00\ud800""#,
        r#""\ud83d\u""#,
        r#""\u0000""#,
        r#""\x41""#,
        r#""\"#,
        "\"a\tb\"",
        "\"\u{1b}[2J\"",
        r#""A\u030a""#,
        "[]",
        "{}",
        "[[]]",
        "[null]",
        "[0,0]",
        r#"{"a":1,"a":2}"#,
        r#"{"":{"":{"":0}}}"#,
        "[1,]",
        "[,]",
        "{,}",
        "'a'",
        "//",
    ];
    all.extend(strings.map(str::to_owned));
    for (_, open, close) in NESTS {
        all.extend([3, 127, 129, 20_000].map(|depth| nested(open, "1", close, depth)));
        all.push(open.repeat(20_000));
    }
    all
}
