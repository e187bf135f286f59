//! How a line is written: numbers as text or with a point, times as numbers, a byte order mark, ends of lines. None of it
//! drops a call, and what is no count is marked.

use std::fs::{self, OpenOptions};
use std::io::Write;

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::{Call, ONE, SONNET, THREE, TWO, assert_report, call, file, home_with, import, total};
use crate::support::program::Home;

const BOM: &str = "\u{feff}";
/// 2026-11-10T10:00:00Z, in seconds.
const NOVEMBER_10: i64 = 1_794_304_800;
const DAY: i64 = 86_400;

/// With the ends that lines have on Windows.
fn windows(text: &str) -> String {
    text.replace('\n', "\r\n")
}

/// What a person typed, the first line of most transcripts.
fn typed(cwd: &str) -> String {
    let line = json!({
        "type": "user", "uuid": "u-0", "sessionId": "s", "cwd": cwd, "timestamp": "2026-11-10T09:59:00Z",
        "message": {"role": "user", "content": "hello"},
    });
    format!("{line}\n")
}

#[test]
fn a_count_in_text_or_with_a_point_is_that_count() {
    let home = home_with(&[call("msg_1").usage("input_tokens", "1000").usage("output_tokens", 1000.0)]);
    assert_eq!(total(&home), ONE);
    let all = call("msg_1")
        .usage("cache_read_input_tokens", "2000")
        .usage("cache_creation_input_tokens", 1000.0)
        .usage(
            "cache_creation",
            json!({"ephemeral_1h_input_tokens": "1000", "ephemeral_5m_input_tokens": 0.0}),
        )
        .usage("server_tool_use", json!({"web_search_requests": "2"}));
    let right = "1 call, 1000 in, 1000 out, 1000 1h, 2000 read, 2 searches, 0.0446 USD";
    assert_eq!(total(&home_with(&[all])), right);
}

#[test]
fn null_is_no_count_and_nothing_odd() {
    let home = home_with(&[call("msg_1")
        .usage("cache_read_input_tokens", Value::Null)
        .usage("cache_creation", json!({"ephemeral_1h_input_tokens": null}))
        .usage("server_tool_use", json!({"web_search_requests": null}))]);
    assert_eq!(total(&home), ONE);
}

/// A call with a count that is none costs no more than its other parts, and says that it is not all.
#[track_caller]
fn is_marked(odd: Call, counts: &str, usd: &str) {
    let line = odd.line();
    let home = home_with(&[odd, call("msg_good").session("good")]);
    let sessions = super::groups(&home, "session");
    assert_eq!(sessions["good"], ONE, "{line}");
    let partly = format!("1 call, {counts}, {usd} USD, 1 partly priced");
    let not = format!("1 call, {counts}, no price, 1 unpriced");
    assert!([partly, not].contains(&sessions["s"]), "{}: {line}", sessions["s"]);
}

#[test]
fn a_count_that_is_none_is_nothing_and_marks_its_call() {
    for odd in [json!(-5), json!(1.5), json!("x"), json!("-5")] {
        is_marked(call("msg_1").usage("input_tokens", odd.clone()), "1000 out", "0.015");
        is_marked(call("msg_1").usage("output_tokens", odd.clone()), "1000 in", "0.003");
        is_marked(call("msg_1").usage("cache_read_input_tokens", odd), "1000 in, 1000 out", "0.018");
    }
}

#[test]
fn a_time_in_seconds_or_parts_of_them_is_told_by_its_size() {
    let home = home_with(&[
        call("msg_1").at(NOVEMBER_10),
        call("msg_2").at((NOVEMBER_10 + DAY) * 1_000),
        call("msg_3").at((NOVEMBER_10 + 2 * DAY) * 1_000_000),
        call("msg_4").at((NOVEMBER_10 + 3 * DAY) * 1_000_000_000),
        call("msg_5").at("2026-11-14T10:00:00+02:00"),
    ]);
    let days = ["2026-11-10", "2026-11-11", "2026-11-12", "2026-11-13", "2026-11-14"];
    assert_report(&home, "daily", &days.map(|day| (day, ONE)));
}

#[test]
fn a_time_in_milliseconds_long_ago_is_its_day_too() {
    // 2025-10-20T10:00:00Z.
    let home = home_with(&[call("msg_1").at(1_760_954_400_000_i64), call("msg_2").at(1_760_954_400)]);
    assert_report(&home, "daily", &[("2025-10-20", TWO)]);
}

#[test]
fn a_number_that_is_ahead_of_the_clock_is_refused_like_any_time() {
    let home = Home::new();
    let ahead = (Timestamp::now() + 2.hours()).as_millisecond();
    home.transcript("a.jsonl", file(&[call("msg_1").at(ahead), call("msg_2")]));
    let imported = home.json(&["import"]);
    assert_eq!((&imported["recorded"], &imported["bad_lines"]), (&json!(1), &json!(1)), "{imported}");
    assert_eq!(total(&home), ONE);
}

#[test]
fn parts_that_are_null_drop_no_call() {
    let mut bare = call("msg_1").field("isSidechain", Value::Null).field("uuid", Value::Null);
    bare = bare.field("requestId", Value::Null).field("sessionId", Value::Null).field("cwd", Value::Null);
    let nothing =
        call("msg_2").field("message", json!({"id": "msg_2", "model": "claude-sonnet-4-5", "usage": null}));
    let home = home_with(&[bare, nothing]);
    assert_report(&home, "model", &[(SONNET, ONE)]);
}

#[test]
fn a_byte_order_mark_hides_no_first_line() {
    for text in [
        format!("{BOM}{}", file(&[call("msg_1"), call("msg_2"), call("msg_3")])),
        format!("{BOM}{}", windows(&file(&[call("msg_1"), call("msg_2"), call("msg_3")]))),
        format!("{BOM}\r\n\r\n{}", windows(&file(&[call("msg_1"), call("msg_2"), call("msg_3")]))),
        windows(&format!("{}\n\n{}", file(&[call("msg_1")]), file(&[call("msg_2"), call("msg_3")]))),
    ] {
        let home = Home::new();
        home.transcript("a.jsonl", &text);
        import(&home);
        assert_eq!(total(&home), THREE, "{text:?}");
    }
}

#[test]
fn a_byte_order_mark_before_what_a_person_typed_hides_no_project() {
    let home = Home::new();
    let later = call("msg_1").cwd("/w/elsewhere");
    home.transcript("a.jsonl", format!("{BOM}{}{}", windows(&typed("/w/begun")), windows(&later.line())));
    import(&home);
    assert_report(&home, "project", &[("/w/begun", ONE)]);
}

#[test]
fn every_file_may_have_its_mark_and_grow_behind_it() {
    let home = Home::new();
    let path = home.transcript("a.jsonl", format!("{BOM}{}", windows(&call("msg_1").line())));
    home.transcript("b.jsonl", format!("{BOM}{}", call("msg_2").line()));
    import(&home);
    assert_eq!(total(&home), TWO);
    // A line that is not whole yet, and its rest.
    let line = windows(&call("msg_3").line());
    let (front, rest) = line.split_at(line.len() - 1);
    let append = |text: &str| {
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    append(front);
    home.json(&["import"]);
    append(rest);
    import(&home);
    assert_eq!(total(&home), THREE);
    assert_eq!(import(&home)["bytes"], 0);
    fs::remove_file(&path).unwrap();
    import(&home);
    assert_eq!(total(&home), THREE);
}
