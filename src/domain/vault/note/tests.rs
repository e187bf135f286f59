//! Notes with everything in them that Obsidian knows.

use super::*;

fn tasks(text: &str) -> Vec<String> {
    Note::parse(text).tasks.iter().map(|task| format!("{} {}", task.line, task.text)).collect()
}

#[test]
fn what_is_no_task_is_not_taken_for_one() {
    let cases: &[(&str, &[&str])] = &[
        ("- [ ] a\n- [ ] b", &["1 a", "2 b"]),
        ("- [ ] a\r\n\r\n- [ ] b\r\n", &["1 a", "3 b"]),
        ("```\n- [ ] code\n```\n- [ ] a", &["4 a"]),
        ("~~~ md\n- [ ] code\n```\n- [ ] code\n~~~\n- [ ] a", &["6 a"]),
        ("````\n```\n- [ ] code\n```\n- [ ] code\n````\n- [ ] a", &["7 a"]),
        ("```\n- [ ] code that is never closed", &[]),
        ("``` `x` ```\n- [ ] a", &["2 a"]),
        ("> ```\n> - [ ] code\n- [ ] a", &["3 a"]),
        ("> ```\n> - [ ] code\n> ```\n> - [ ] a", &["4 a"]),
        ("> [!todo]- Title\n> - [ ] a\n> > - [x] b", &["2 a", "3 b"]),
        ("- item\n  ```\n  - [ ] code\n  ```\n- [ ] a", &["5 a"]),
        ("- [ ] a\n    - [ ] b\n\t\t- [ ] c", &["1 a", "2 b", "3 c"]),
        ("- [ ] a\n\n    - [ ] b", &["1 a", "3 b"]),
        ("words\n\n    - [ ] code\n    - [ ] code\n- [ ] a", &["5 a"]),
        ("    - [ ] code", &[]),
        ("%%\n- [ ] hidden\n%%\n- [ ] a", &["4 a"]),
        ("%% - [ ] hidden %%\n- [ ] a %% why %%", &["2 a %% why %%"]),
        ("- [ ] a %% opens\n- [ ] hidden\n%%\n- [ ] b", &["1 a %% opens", "4 b"]),
        ("`%%`\n- [ ] a", &["2 a"]),
        ("<!--\n- [ ] hidden\n\n- [ ] hidden\n-->\n- [ ] a", &["6 a"]),
        ("<!-- one line -->\n- [ ] a", &["2 a"]),
        ("- [ ] a <!-- why\n- [ ] b -->", &["1 a <!-- why", "2 b -->"]),
        ("> <!--\n> - [ ] hidden\n- [ ] a", &["3 a"]),
        ("- [ ] a\n  <!--\n  - [ ] hidden\n  --> end\n- [ ] b", &["1 a", "5 b"]),
        ("<!-- %%\n-->\n- [ ] a", &["3 a"]),
        ("```\n<!--\n```\n- [ ] a", &["4 a"]),
        ("text\n\n    <!--\n\n- [ ] a", &["5 a"]),
        ("<!--\n```\n-->\n- [ ] a", &["4 a"]),
        ("---\ntasks: |\n  - [ ] yaml\n---\n- [ ] a", &["5 a"]),
        ("\u{feff}---\nx: 1\n---\n- [ ] a", &["4 a"]),
        ("---\n- [ ] never closed", &["2 never closed"]),
        ("\n---\n- [ ] a\n---\n", &["3 a"]),
        ("1. [ ] a\n2) [x] b", &["1 a", "2 b"]),
        ("", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(tasks(text), *expected, "{text:?}");
    }
}

#[test]
fn a_note_s_parts_are_found() {
    let note = Note::parse(
        "---\ntitle: A note\ntags: [Work, a/b]\naliases:\n  - Other\ndue: 2026-01-31\nlink: \"[[Far]]\"\n---\n# One #top\n\
         See [[Note#Part|that]], ![[Picture.png]] and [[#Here]].\nrating:: 5\nIt is [mood:: good] (weather:: wet). #in/side #2026 #y2026 a#no `#code [[Code]]`\n\
         ## Two ##\n```\n# Code #code\n```\n- [ ] task #task\n####### seven\n#tag is no heading\n%% #hidden [[Hidden]] %%",
    );
    assert_eq!(note.property("title").as_deref(), Some("A note"));
    assert_eq!(note.property("due").as_deref(), Some("2026-01-31"));
    assert!(!note.has_broken_properties);
    let tags: Vec<&str> = note.tags.iter().map(String::as_str).collect();
    assert_eq!(tags, ["a/b", "in/side", "tag", "task", "top", "work", "y2026"]);
    let headings: Vec<(u8, &str, u32)> =
        note.headings.iter().map(|heading| (heading.level, heading.text.as_str(), heading.line)).collect();
    assert_eq!(headings, [(1, "One #top", 9), (2, "Two", 13)]);
    assert_eq!(note.links.iter().map(String::as_str).collect::<Vec<_>>(), ["Note", "Picture.png"]);
    let fields: Vec<(&str, &str)> =
        note.fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(fields, [("rating", "5"), ("mood", "good"), ("weather", "wet")]);
    assert_eq!(note.tasks[0].heading.as_deref(), Some("Two"));
}

#[test]
fn broken_properties_hide_nothing_else() {
    for yaml in ["a: [1", "a: b: c", "\t- x", "a: 1\na: 2", "&a [*a]", "just words", "- 1\n- 2"] {
        let note = Note::parse(&format!("---\n{yaml}\n---\n- [ ] a #b"));
        assert!(note.has_broken_properties, "{yaml}");
        assert_eq!((note.tasks.len(), note.tags.len()), (1, 1), "{yaml}");
    }
    let empty = Note::parse("---\n---\n- [ ] a");
    assert!(!empty.has_broken_properties && empty.tasks.len() == 1);
}

#[test]
fn tags_end_at_any_white_space() {
    for space in [' ', '\t', '\u{a0}', '\u{2003}', '\u{3000}'] {
        let note = Note::parse(&format!("---\ntags: \"US${space}13.92, #a{space}b\"\n---"));
        let tags: Vec<&str> = note.tags.iter().map(String::as_str).collect();
        assert_eq!(tags, ["13.92", "a", "b", "us$"], "{space:?}");
    }
}

#[test]
fn a_span_of_code_ends_at_a_run_of_just_as_many_ticks() {
    let cases: &[(&str, &[&str])] = &[
        ("`#a` #b", &["b"]),
        ("`#a`` #b` #c", &["c"]),
        ("``#a` #b`` #c", &["c"]),
        ("`#a ``#b`` #c", &["b", "c"]),
        ("` #a `` #b ``` #c", &["a", "b", "c"]),
        ("`` ` `` #a ` #b `", &["a"]),
    ];
    for (text, expected) in cases {
        // What stands behind a tick is no tag.
        let tags = Note::parse(text).tags;
        assert!(tags.iter().all(|tag| expected.contains(&tag.as_str())), "{text}: {tags:?}");
        assert!(
            expected.iter().all(|tag| tags.contains(*tag) || text.contains(&format!("`#{tag}"))),
            "{text}: {tags:?}"
        );
    }
}

#[test]
fn goals_have_a_tag_or_lie_in_a_folder() {
    let goals = Goals { tag: Some("goal".into()), folder: Some("Goals/".into()) };
    let cases = [
        ("x.md", "#goal", true),
        ("x.md", "#goal/health", true),
        ("x.md", "#goals", false),
        ("Goals/x.md", "", true),
        ("Goals/deep/x.md", "", true),
        ("Goals.md", "", false),
        ("Old Goals/x.md", "", false),
        ("x.md", "---\ntags: Goal\n---\n", true),
    ];
    for (path, text, expected) in cases {
        assert_eq!(goals.include(path, &Note::parse(text)), expected, "{path} {text}");
    }
    assert!(!Goals::default().include("Goals/x.md", &Note::parse("#goal")));
}

#[test]
fn any_text_is_a_note() {
    for text in [
        "\0", "[[", "[[[[]]", "``", "%%", "#", "# ", "- [", ">", "> >", "---", "---\n", "[a::", "(::)", "`a",
        "#日本", "\u{feff}",
    ] {
        for text in [text.to_owned(), text.repeat(1_000)] {
            assert!(Note::parse(&text).tasks.is_empty(), "{text:?}");
        }
    }
}
