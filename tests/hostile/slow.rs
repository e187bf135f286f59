//! Input that is short to write and must not be long to read: marks that open and never close, bad lines without end.
//! A reader that looks for the end of each mark anew takes hours for these; the tests would not come to an end then.

use jiff::civil::datetime;
use mecris::domain::vault::Note;
use mecris::domain::vault::moment::{Weeks, format};
use mecris::domain::vault::periodic::fill;

use crate::support::program::Home;

const LENGTH: usize = 2_000_000;

#[test]
fn marks_that_never_close_are_read_once() {
    let runs: String = (1..1_800).map(|length| "`".repeat(length) + " ").collect();
    for (name, text) in [
        ("links", "[[".repeat(LENGTH / 2)),
        ("links that end elsewhere", format!("]]{}", "[[a".repeat(LENGTH / 3))),
        ("fields", format!("a::b {}", "[".repeat(LENGTH))),
        ("fields that end once", format!("a::b {}]", "[".repeat(LENGTH))),
        ("round fields", format!("a::b {}", "(".repeat(LENGTH))),
        ("spans of code", runs),
        ("comments", "%%".repeat(LENGTH / 2)),
        ("quotes", ">".repeat(LENGTH)),
        ("tags", "#".repeat(LENGTH)),
        ("fences", "```\n".repeat(LENGTH / 4)),
        ("tasks", "- [ ] a 📅 ".repeat(LENGTH / 12)),
        ("front matter", format!("---\n{}", "a: &a [*a]\n".repeat(LENGTH / 11))),
    ] {
        let note = Note::parse(&text);
        assert!(note.links.len() <= 1, "{name}");
    }
}

#[test]
fn templates_and_formats_of_open_marks_are_read_once() {
    let moment = datetime(2026, 11, 3, 9, 5, 0, 0);
    for mark in ["{{", "{{a", "}}{{"] {
        let template = mark.repeat(LENGTH / mark.len());
        assert_eq!(fill(&template, "t", moment, Weeks::Sunday), template);
    }
    let open = "[".repeat(LENGTH);
    assert_eq!(format(moment, &open, Weeks::Sunday), open);
}

/// Anchors that refer to anchors: ten lines that would be a thousand million words.
#[test]
fn properties_that_multiply_are_refused() {
    let mut yaml = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..10 {
        let again = format!("*a{}, ", level - 1).repeat(10);
        yaml += &format!("a{level}: &a{level} [{}]\n", again.trim_end_matches(", "));
    }
    let note = Note::parse(&format!("---\n{yaml}---\n- [ ] a task\n"));
    assert!(note.has_broken_properties);
    assert_eq!(note.tasks.len(), 1);
}

#[test]
fn a_file_of_bad_lines_alone_is_counted_and_not_kept() {
    let home = Home::new();
    home.transcript("a.jsonl", "{\"usage\":x}\n".repeat(400_000));
    let told = home.json(&["import"]);
    assert_eq!(told["bad_lines"], 400_000, "{told}");
    assert!((1..=1_000).contains(&told["obstacles"].as_array().unwrap().len()), "{told}");
}
