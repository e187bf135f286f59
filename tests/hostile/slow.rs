//! Input that is short to write and must not be long to read: marks that open and never close, bad lines without end.
//! A reader that looks for the end of each mark anew takes hours for these; the tests would not come to an end then.

use jiff::civil::datetime;
use mecris::domain::vault::Note;
use mecris::domain::vault::moment::{Weeks, format};
use mecris::domain::vault::periodic::fill;

use crate::hostility::multiplying;
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
        ("fields of a task", format!("- [ ] a {}", "🔺".repeat(LENGTH / 4))),
        ("tags of a task", format!("- [ ] a{}", " #a".repeat(LENGTH / 3))),
        (
            "a long heading over many tasks",
            format!("# {}\n{}", "h".repeat(LENGTH / 2), "- [ ] \n".repeat(LENGTH / 14)),
        ),
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

#[test]
fn properties_that_multiply_are_refused() {
    let note = Note::parse(&multiplying());
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

/// What does not fit into an event is cut, and neither the call nor the calls beside it are lost.
#[test]
fn names_without_end_stop_no_import() {
    let home = Home::new();
    let long = "n".repeat(100_000);
    let call = |id: &str, session: &str, model: &str, cwd: &str| {
        format!(
            r#"{{"type":"assistant","timestamp":"2026-11-20T10:00:00Z","sessionId":"{session}","requestId":"r{model}","cwd":"/{cwd}","message":{{"id":"{id}","model":"claude-{model}","usage":{{"input_tokens":100}}}}}}"#
        )
    };
    let lines = [
        call("1", "s", "m", "w"),
        call("2", &long, "m", "w"),
        call("3", "s", &long, "w"),
        call("4", "t", "m", &long),
        call(&long, "s", "m", "w"),
        call("6", "s", "m", "w"),
    ];
    home.transcript("a.jsonl", lines.join("\n") + "\n");
    let told = home.json(&["import"]);
    assert_eq!((&told["recorded"], &told["bad_lines"]), (&5.into(), &1.into()), "{told}");
    assert_eq!(home.json(&["status"])["all_time"]["messages"], 5);
}
