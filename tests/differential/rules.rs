//! The plain reader's own rules, one by one, on lines made by hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::reference::{Files, read};
use super::{Call, now};

const AT: &str = "\"2026-11-10T10:00:00Z\"";
const AT_US: i64 = 1_794_304_800_000_000;

/// What is read of files of these lines.
fn calls(files: &[(&str, &[String])]) -> BTreeMap<String, Call> {
    let files: Files =
        files.iter().map(|(path, lines)| (PathBuf::from(path), lines.join("\n").into_bytes())).collect();
    read(&files, now())
}

/// The only call of a line.
fn only(line: String) -> Option<Call> {
    let calls = calls(&[("-w/s.jsonl", &[line])]);
    assert!(calls.len() <= 1, "{calls:?}");
    calls.into_values().next()
}

/// A call's line, with more fields (`"name":value,`).
fn line(id: &str, at: &str, more: &str, usage: &str) -> String {
    format!(
        r#"{{"type":"assistant","sessionId":"s","cwd":"/w","timestamp":{at},{more}"message":{{"id":"{id}","model":"m","usage":{usage}}}}}"#
    )
}

fn tokens(usage: &str) -> [u64; 6] {
    only(line("a", AT, "", usage)).unwrap().tokens
}

#[test]
fn a_call_is_all_that_its_lines_tell_of_it() {
    let lines = [
        line("a", AT, "", r#"{"input_tokens":7,"output_tokens":20}"#),
        line("a", r#""2026-11-10T09:00:00Z""#, r#""requestId":"r","#, r#"{"output_tokens":9}"#),
        line("a", r#""2026-11-11T10:00:00Z""#, r#""isSidechain":true,"#, r#"{"cache_read_input_tokens":3}"#),
    ];
    let calls = calls(&[("-w/s.jsonl", &lines)]);
    let expected = Call {
        key: "a".to_owned(),
        model: "m".to_owned(),
        project: "/w".to_owned(),
        session: "s".to_owned(),
        sidechain: false,
        tier: String::new(),
        speed: String::new(),
        geo: String::new(),
        at_us: AT_US - 3_600_000_000,
        tokens: [7, 20, 0, 0, 3, 0],
        cost: None,
    };
    assert_eq!(calls, BTreeMap::from([("a".to_owned(), expected)]));
}

#[test]
fn cache_writes_are_the_total_and_what_is_known_of_its_parts() {
    for (usage, five_and_hour) in [
        (r#"{"cache_creation_input_tokens":50}"#, [50_u64, 0]),
        (r#"{"cache_creation_input_tokens":50,"cache_creation":null}"#, [50, 0]),
        (r#"{"cache_creation_input_tokens":50,"cache_creation":{"ephemeral_1h_input_tokens":20}}"#, [30, 20]),
        (r#"{"cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":5}}"#, [4, 5]),
        (r#"{"cache_creation_input_tokens":3,"cache_creation":{"ephemeral_5m_input_tokens":4}}"#, [4, 0]),
    ] {
        assert_eq!(tokens(usage)[2..4], five_and_hour, "{usage}");
    }
    // Told twice: 50 in all, of which 20 are for an hour.
    let lines = [
        line("a", AT, "", r#"{"cache_creation_input_tokens":50}"#),
        line(
            "a",
            AT,
            "",
            r#"{"cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":20}}"#,
        ),
    ];
    assert_eq!(calls(&[("-w/s.jsonl", &lines)])["a"].tokens, [0, 0, 30, 20, 0, 0]);
}

#[test]
fn a_count_is_a_whole_number_however_it_is_written() {
    for (written, count) in [
        ("12", 12),
        ("12.0", 12),
        ("1e3", 1_000),
        (r#""12""#, 12),
        (r#""0012""#, 12),
        ("1000000000000", 1_000_000_000_000),
        ("1000000000001", 0),
        ("null", 0),
        ("-1", 0),
        ("12.5", 0),
        ("true", 0),
        (r#""+12""#, 0),
        (r#""""#, 0),
        ("[12]", 0),
    ] {
        assert_eq!(tokens(&format!(r#"{{"input_tokens":{written}}}"#))[0], count, "{written}");
    }
    assert_eq!(tokens(r#"{"server_tool_use":{"web_search_requests":"2"}}"#)[5], 2);
    assert_eq!(tokens(r#"{"server_tool_use":null}"#)[5], 0);
}

#[test]
fn a_moment_is_a_text_or_a_number_of_any_unit() {
    for (written, at_us) in [
        (AT, Some(AT_US)),
        (r#""2026-11-10T12:00:00.0000009+02:00""#, Some(AT_US)),
        ("1794304800", Some(AT_US)),
        ("1794304800.5", Some(AT_US + 500_000)),
        ("1794304800001", Some(AT_US + 1_000)),
        ("1794304800000001", Some(AT_US + 1)),
        ("1794304800000001999", Some(AT_US + 1)),
        (r#""1794304800""#, Some(AT_US)),
        (r#""1794304800001""#, Some(AT_US + 1_000)),
        // An hour ahead is believed, and no more.
        (r#""2026-11-23T13:00:00Z""#, Some(1_795_438_800_000_000)),
        (r#""2026-11-23T13:00:00.000001Z""#, None),
        ("32500000000", None),
        (r#""2026-11-10T10:00:00""#, Some(1_794_304_800_000_000)),
        (r#""""#, None),
        ("null", None),
    ] {
        assert_eq!(only(line("a", written, "", "{}")).map(|call| call.at_us), at_us, "{written}");
    }
}

#[test]
fn ordinary_words_are_none_and_others_are_kept() {
    let words =
        |usage: &str| only(line("a", AT, "", usage)).map(|call| [call.tier, call.speed, call.geo]).unwrap();
    for usage in [
        "{}",
        r#"{"service_tier":null,"speed":null,"inference_geo":null}"#,
        r#"{"service_tier":"standard","speed":"standard","inference_geo":"global"}"#,
        r#"{"service_tier":"default","speed":"","inference_geo":"not_available"}"#,
        r#"{"service_tier":"standard_only"}"#,
    ] {
        assert_eq!(words(usage), ["", "", ""], "{usage}");
    }
    let odd = r#"{"service_tier":"turbo","speed":"default","inference_geo":"standard"}"#;
    assert_eq!(words(odd), ["turbo", "default", "standard"]);
}

#[test]
fn what_is_no_call_or_has_no_name_is_nothing() {
    let good = line("a", AT, "", "{}");
    for nothing in [
        good.replace(r#""m""#, r#""<synthetic>""#),
        good.replace(r#""assistant""#, r#""user""#),
        good.replace(r#""usage":{}"#, r#""usage":[]"#),
        good.replace(r#""a""#, "null"),
        good.replace("timestamp", "time"),
        format!("[{good}]"),
        good[..good.len() - 1].to_owned(),
    ] {
        assert_eq!(only(nothing.clone()), None, "{nothing}");
    }
    let call = only(good.clone()).unwrap();
    for same in [
        format!("\u{feff}{good}"),
        format!(" {good}\t\r\n\r\n"),
        good.replace(r#""assistant""#, "null"),
        good.replace(r#""type":"assistant","#, ""),
        good.replace(r#""id":"a""#, r#""id":null"#).replace(r#""cwd""#, r#""uuid":"a","cwd""#),
    ] {
        assert_eq!(only(same.clone()).as_ref(), Some(&call), "{same}");
    }
    assert_eq!(only(good.replace(r#""model":"m","#, "")).unwrap().model, "");
}

/// Whatever the order of the files.
#[test]
fn a_copy_belongs_to_the_session_that_it_was_copied_from() {
    let parent = line("a", AT, "", "{}");
    let earlier = parent.replace("10:00:00", "09:00:00").replace(r#""/w""#, r#""/elsewhere""#);
    let forked = r#""forkedFrom":{"sessionId":"s"},"sessionId":"fork""#;
    let fork = earlier.replace(r#""sessionId":"s""#, forked);
    let resumed = parent.replace(r#""sessionId":"s""#, r#""sessionId":"another""#);
    for names in [["1", "2", "3"], ["3", "1", "2"], ["2", "3", "1"]] {
        let [one, two, three] = names.map(|name| format!("-w/{name}.jsonl"));
        let calls = calls(&[
            (&one, std::slice::from_ref(&parent)),
            (&two, std::slice::from_ref(&fork)),
            (&three, &[resumed.replace("10:00:00", "11:00:00")]),
        ]);
        let call = &calls["a"];
        assert_eq!((call.session.as_str(), call.project.as_str()), ("s", "/w"), "{names:?}");
        assert_eq!(call.at_us, AT_US - 3_600_000_000, "the earliest, whoever tells it");
    }
    // A fork alone still knows whose call it is; one of itself is none.
    let alone = |line: &String| only(line.clone()).unwrap().session;
    assert_eq!(alone(&fork), "s");
    assert_eq!(alone(&fork.replace(r#"{"sessionId":"s"}"#, r#"{"sessionId":""}"#)), "fork");
    assert_eq!(alone(&fork.replace(r#"{"sessionId":"s"}"#, "null")), "fork");
}

#[test]
fn a_progress_line_tells_a_subagents_call() {
    let inner = line("a", AT, "", r#"{"output_tokens":5}"#);
    let wrap = |inner: &str| {
        format!(
            r#"{{"type":"progress","sessionId":"outer","cwd":"/outer","timestamp":"2026-11-10T11:00:00Z","data":{{"message":{inner}}}}}"#
        )
    };
    let told = |inner: &str| {
        only(wrap(inner)).map(|call| (call.session, call.at_us - AT_US, call.project, call.sidechain))
    };
    let told_as =
        |session: &str, later_us: i64| Some((session.to_owned(), later_us, "/outer".to_owned(), true));
    assert_eq!(told(&inner), told_as("s", 0));
    let bare = inner.replace(r#""sessionId":"s","#, "").replace(AT, "null");
    assert_eq!(told(&bare), told_as("outer", 3_600_000_000));
    assert_eq!(told(&inner.replace(AT, r#""soon""#)), None);
    assert_eq!(told(&inner.replace(r#""assistant""#, r#""user""#)), None);
    assert_eq!(told(&inner.replace(r#""type":"assistant","#, "")), None);
}

#[test]
fn iterations_that_the_call_leaves_out_are_calls_of_their_own() {
    let parts = |output: u64| {
        let usage = format!(
            r#"{{"output_tokens":{output},"iterations":[{{"type":"message","output_tokens":3}},{{"type":"advisor_message","model":"o","input_tokens":2}},{{"type":"compaction"}},{{"type":"fallback","output_tokens":9}},{{"type":"news","output_tokens":4}}]}}"#
        );
        let calls = calls(&[("-w/s.jsonl", &[line("a", AT, "", &usage)])]);
        let told = |call: Call| (call.key, call.model, call.tokens[0], call.tokens[1]);
        calls.into_values().map(told).collect::<Vec<_>>()
    };
    let call =
        |key: &str, model: &str, input: u64, output: u64| (key.to_owned(), model.to_owned(), input, output);
    let inside = |output: u64| {
        vec![
            call("a", "m", 0, output),
            call("a#advisor_message:1", "o", 2, 0),
            call("a#compaction:2", "m", 0, 0),
        ]
    };
    assert_eq!(parts(7), inside(7), "three of the message and four of the news");
    for output in [3, 5] {
        assert_eq!(parts(output), [inside(output), vec![call("a#news:4", "m", 0, 4)]].concat());
    }
}

#[test]
fn a_project_is_where_the_session_began() {
    let lines = [
        r#"{"type":"assistant","cwd":"/half","#.to_owned(),
        r#"{"type":"user","cwd":"","message":{"cwd":"/inner","content":"\"cwd\":\"/text\""}}"#.to_owned(),
        line("a", AT, "", "{}").replace(r#""cwd":"/w","#, ""),
        r#"{"type":"summary","cwd":"C:\\begun"}"#.to_owned(),
        line("b", AT, "", "{}"),
    ];
    let side = [line("c", AT, "", "{}").replace(r#""/w""#, r#""/side""#)];
    let orphan = [line("d", AT, "", "{}").replace(r#""/w""#, r#""/side""#)];
    let calls = calls(&[
        ("-w/s.jsonl", &lines),
        ("-w/s/subagents/deep/agent-1.jsonl", &side),
        ("-w/other/subagents/agent-2.jsonl", &orphan),
        ("-w/none.jsonl", &[line("e", AT, "", "{}").replace("cwd", "dir")]),
    ]);
    let projects: Vec<_> = calls.values().map(|call| call.project.as_str()).collect();
    assert_eq!(projects, ["/w", "/w", "/w", "/side", ""]);
}
