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
