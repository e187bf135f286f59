use super::*;

/// `open` so many times, `inner`, and `close` as often.
fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    [&open.repeat(depth), inner, &close.repeat(depth)].concat()
}

#[test]
fn levels_are_counted_where_they_are_levels() {
    let cases = [
        ("nothing", String::new(), Ok(())),
        ("at the limit", nested("[", "1", "]", DEPTH_MAX), Ok(())),
        ("one more", nested("[", "1", "]", DEPTH_MAX + 1), Err(TooDeep)),
        ("objects", nested(r#"{"a":"#, "1", "}", DEPTH_MAX + 1), Err(TooDeep)),
        ("mixed", nested(r#"[{"a":"#, "1", "}]", DEPTH_MAX / 2 + 1), Err(TooDeep)),
        ("side by side", format!("[{}]", "[],".repeat(10_000)), Ok(())),
        ("in a string", format!(r#"{{"a":"{}"}}"#, "[".repeat(10_000)), Ok(())),
        ("in a string with quotes", format!(r#"{{"a":"{}"}}"#, r#"\"["#.repeat(10_000)), Ok(())),
        ("behind an escaped backslash", format!(r#"["\\",{}"#, "[".repeat(200)), Err(TooDeep)),
        ("never closed", "[".repeat(1_000_000), Err(TooDeep)),
        ("closed too often", format!("{}{}", "]".repeat(1_000), "[".repeat(DEPTH_MAX)), Ok(())),
        ("a string without an end", format!("\"{}", "[".repeat(1_000)), Ok(())),
        ("an escape at the end", format!("{}\"\\", "[".repeat(DEPTH_MAX)), Ok(())),
    ];
    for (name, text, expected) in cases {
        assert_eq!(json(text.as_bytes()), expected, "{name}");
    }
}

#[derive(serde::Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    _a: sonic_rs::LazyValue<'a>,
}

#[test]
fn what_lies_deeper_than_anybody_looks_is_null_and_all_else_stays() {
    let deep = |inner: &str| nested("[", inner, "]", LOOKED_INTO);
    for (text, expected) in [
        (deep("1"), deep("1")),
        (deep("[1]"), deep("null")),
        (deep(r#"1,{"a":[["]"]]},"[[",[],2"#), deep(r#"1,null,"[[",null,2"#)),
        (
            format!("[{},{}]", deep("[1]"), deep("2")),
            format!("[{0},{0}]", nested("[", "null", "]", LOOKED_INTO - 1)),
        ),
        (nested(r#"{"a":"#, "1", "}", DEPTH_MAX), nested(r#"{"a":"#, "null", "}", LOOKED_INTO)),
        // Broken stays broken.
        ("[".repeat(DEPTH_MAX), "[".repeat(LOOKED_INTO) + "null"),
        (format!("{}]]]]", deep("[1]")), format!("{}]]]]", deep("null"))),
    ] {
        assert_eq!(
            String::from_utf8(shallow(text.as_bytes()).unwrap().into_owned()).unwrap(),
            expected,
            "{text}"
        );
    }
    assert_eq!(shallow("[".repeat(DEPTH_MAX + 1).as_bytes()), Err(TooDeep));
    // As deep as may be, in every way that a parser may have to pass over it, on a stack as small as any of ours.
    let parse = || {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"[{"a":"#, "}]")] {
            let inner = nested(open, "1", close, (DEPTH_MAX - 1) / open.matches(['[', '{']).count());
            for text in [inner.clone(), format!(r#"{{"_a":{inner}}}"#), format!(r#"{{"b":{inner},"_a":1}}"#)]
            {
                let text = shallow(text.as_bytes()).unwrap();
                let is_read = sonic_rs::from_slice::<Named<'_>>(&text).is_ok();
                assert_eq!(is_read, !text.starts_with(b"{\"a\""), "{}", String::from_utf8_lossy(&text));
            }
        }
    };
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(parse).unwrap().join().unwrap();
}

#[test]
fn levels_of_yaml_are_never_counted_as_fewer_than_there_are() {
    let indented = (0..200).fold(String::new(), |text, n| text + &" ".repeat(n) + "a:\n");
    let cases = [
        ("plain", "tags: [a, b]\ntitle: A day\n".to_owned(), Ok(())),
        ("a list of many", "- a\n".repeat(10_000), Ok(())),
        ("brackets", nested("[", "1", "]", 200), Err(TooDeep)),
        ("brackets over lines", "[\n".repeat(200), Err(TooDeep)),
        ("braces", nested("{a: ", "1", "}", 200), Err(TooDeep)),
        ("dashes", "- ".repeat(200), Err(TooDeep)),
        ("questions", "? ".repeat(200), Err(TooDeep)),
        ("columns", indented, Err(TooDeep)),
        ("a long line", format!("title: {}", "- ".repeat(10_000)), Ok(())),
    ];
    for (name, text, expected) in cases {
        assert_eq!(yaml(&text), expected, "{name}");
    }
}

/// What the module's head says of the parsers that need no help. Each is tried on a stack as small as any of ours.
#[test]
fn the_parsers_that_have_a_limit_of_their_own_keep_it() {
    let parse = || {
        let deep = nested("[", "1", "]", 100_000);
        assert!(serde_json::from_str::<serde_json::Value>(&deep).is_err());
        // What is passed over it reads without a stack.
        assert!(serde_json::from_str::<serde::de::IgnoredAny>(&deep).is_ok());
        assert!(toml::from_str::<toml::Table>(&format!("a = {deep}")).is_err());
        assert!(toml::from_str::<toml::Table>(&format!("a = {}", nested("{b=", "1", "}", 100_000))).is_err());
        assert!(toml::from_str::<toml::Table>(&format!("{} = 1", vec!["a"; 100_000].join("."))).is_err());
        assert!(toml::from_str::<toml::Table>(&format!("[{}]\n", vec!["a"; 100_000].join("."))).is_err());
    };
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(parse).unwrap().join().unwrap();
}
