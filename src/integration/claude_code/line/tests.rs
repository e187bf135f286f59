use crate::domain::tokens::Tokens;
use crate::domain::usage::OddCount;

use super::super::place::directory;
use super::*;

const NOW: &str = "2026-11-23T12:00:00Z";

fn parse(line: &str) -> Parsed {
    LineParser::new(NOW.parse().unwrap()).parse(line.as_bytes())
}

/// An assistant's line with this `usage`.
fn line(usage: &str) -> String {
    format!(
        r#"{{"type":"assistant","timestamp":"2026-11-20T10:00:00.123Z","sessionId":"s-1","cwd":"/w","requestId":"req_1","uuid":"u","isSidechain":false,"message":{{"id":"msg_1","model":"claude-opus-5","content":[{{"type":"text","text":"hello"}}],"usage":{usage}}}}}"#
    )
}

fn usage(line: &str) -> Usage {
    match parse(line) {
        Parsed::Calls(usage, _) => *usage,
        other => panic!("{other:?}"),
    }
}

#[test]
fn tokens_are_kept_apart() {
    let full = r#"{"input_tokens":1,"output_tokens":2,"cache_creation_input_tokens":10,"cache_read_input_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4},"server_tool_use":{"web_search_requests":6,"web_fetch_requests":1},"service_tier":"batch","speed":"fast","inference_geo":"us"}"#;
    let told = usage(&line(full));
    let expected =
        Tokens { input: 1, output: 2, cache_write_5m: 6, cache_write_1h: 4, cache_read: 5, web_searches: 6 };
    assert_eq!(told.tokens, expected, "3 that the split does not tell of count as five minutes");
    assert_eq!(
        (told.service_tier, told.speed, &*told.inference_geo),
        (ServiceTier::Batch, Speed::Fast, "us")
    );
    assert_eq!((&*told.key.message_id, &*told.key.request_id), ("msg_1", "req_1"));
    assert_eq!((&*told.session, &*told.model), ("s-1", "claude-opus-5"));

    let bare = usage(&line(
        r#"{"input_tokens":1,"output_tokens":2,"cache_creation_input_tokens":7,"cache_creation":null,"server_tool_use":null,"service_tier":null,"inference_geo":"not_available"}"#,
    ));
    assert_eq!((bare.tokens.cache_write_5m, bare.tokens.cache_write_1h), (7, 0));
    assert_eq!((bare.service_tier, &*bare.inference_geo), (ServiceTier::Standard, ""));
}

/// A line of Claude Code's own, of these fields and with this content.
fn synthetic(fields: &str, content: &str) -> String {
    format!(
        r#"{{"type":"assistant","timestamp":"2026-11-20T10:00:00Z","uuid":"u",{fields}"message":{{"id":"m","model":"<synthetic>","content":{content},"usage":{{"input_tokens":0,"output_tokens":0}}}}}}"#
    )
}

#[test]
fn a_refusal_for_want_of_credit_is_told_from_every_other_line() {
    let said = r#"[{"type":"text","text":"Credit balance is too low"}]"#;
    let other = r#"[{"type":"text","text":"You've hit your limit"}]"#;
    let api = r#"[{"type":"text","text":"API Error: 400 Your credit balance is too low to access the Anthropic API"}]"#;
    let at = Parsed::NoCredit("2026-11-20T10:00:00Z".parse().unwrap());
    for (fields, content, is_told) in [
        (r#""isApiErrorMessage":true,"#, said, true),
        (r#""isApiErrorMessage":true,"#, api, true),
        (r#""isApiErrorMessage":true,"error":"billing_error","#, other, true),
        (r#""isApiErrorMessage":true,"error":"rate_limit","#, other, false),
        (r#""isApiErrorMessage":true,"error":{"status":400},"#, said, true),
        (r#""isApiErrorMessage":true,"#, "null", false),
        (r#""isApiErrorMessage":true,"#, r#""Credit balance is too low""#, false),
        // Nobody's words about it are a refusal.
        (r#""isApiErrorMessage":false,"#, said, false),
        (r#""isApiErrorMessage":"true","#, said, false),
        ("", said, false),
    ] {
        let expected = if is_told { at.clone() } else { Parsed::Other };
        assert_eq!(parse(&synthetic(fields, content)), expected, "{fields} {content}");
    }
    let quoted = synthetic(r#""isApiErrorMessage":true,"#, said).replace("<synthetic>", "claude-opus-5");
    assert!(matches!(parse(&quoted), Parsed::Calls(..)), "a call is a call");
    let ahead = synthetic(r#""isApiErrorMessage":true,"#, said).replace("2026-11-20", "2026-11-24");
    assert_eq!(parse(&ahead), Parsed::Other);
}

#[test]
fn what_is_not_a_call_is_passed_over() {
    let lines = [
        "",
        r#"{"type":"user","message":{"role":"user","content":"tell me about \"usage\": {\"input_tokens\": 5}"}}"#,
        r#"{"type":"user","message":"text","toolUseResult":{"totalTokens":9,"usage":{"input_tokens":9,"output_tokens":9}}}"#,
        r#"{"type":"user","message":{"usage":{"input_tokens":9}},"timestamp":"2026-11-20T10:00:00Z"}"#,
        r#"{"type":"summary","summary":"the \"usage\" of commas"}"#,
        r#"{"type":"assistant","message":{"id":"m","model":"<synthetic>","usage":{"input_tokens":0,"output_tokens":0}},"timestamp":"2026-11-20T10:00:00Z"}"#,
        r#"{"type":"assistant","message":{"id":"m","model":"claude-opus-5","content":"\"usage\""},"timestamp":"2026-11-20T10:00:00Z"}"#,
        r#"{"type":"progress","data":{"type":"bash_progress","output":"\"usage\""}}"#,
    ];
    for line in lines {
        assert_eq!(parse(line), Parsed::Other, "{line}");
    }
}

#[test]
fn a_subagent_s_call_counts_by_its_own_key_also_where_progress_repeats_it() {
    let own = line(r#"{"input_tokens":1,"output_tokens":2}"#)
        .replace(r#""isSidechain":false"#, r#""isSidechain":true"#);
    let wrapped = format!(
        r#"{{"type":"progress","sessionId":"s-1","cwd":"/w","timestamp":"2026-11-20T10:00:01Z","data":{{"type":"agent_progress","message":{own}}}}}"#
    );
    assert!(usage(&own).sidechain);
    assert_eq!(usage(&own), usage(&wrapped));
}

#[test]
fn keys_fall_back_to_what_the_line_has() {
    let usage_text = r#"{"input_tokens":1,"output_tokens":2}"#;
    let no_request = usage(&line(usage_text).replace(r#""requestId":"req_1","#, ""));
    assert_eq!((&*no_request.key.message_id, &*no_request.key.request_id), ("msg_1", ""));
    let no_id = usage(&line(usage_text).replace(r#""id":"msg_1","#, ""));
    assert_eq!(&*no_id.key.message_id, "u");
}

#[test]
fn bad_lines_are_told_apart_and_never_quoted() {
    let good = line(r#"{"input_tokens":1,"output_tokens":2}"#);
    let cases = [
        (good[..good.len() / 2].to_owned(), "not a whole JSON object"),
        (good.replace("\"message\":{", "\"message\":{{"), "not JSON"),
        (good.replace("2026-11-20T10:00:00.123Z", "2026-11-23T13:00:01Z"), "in the future"),
        (good.replace("2026-11-20T10:00:00.123Z", "yesterday"), "not one"),
        (good.replace(r#""timestamp":"2026-11-20T10:00:00.123Z","#, ""), "no timestamp"),
    ];
    for (line, reason) in cases {
        match parse(&line) {
            Parsed::Bad(said) => assert!(said.reason.contains(reason), "{said:?} for {line}"),
            other => panic!("{other:?} for {line}"),
        }
    }
    let mut broken = good.into_bytes();
    let at = broken.iter().position(|&byte| byte == b'h').unwrap();
    broken[at] = 0xff;
    let parsed = LineParser::new(NOW.parse().unwrap()).parse(&broken);
    assert!(matches!(parsed, Parsed::Bad(Refusal { reason: "not UTF-8", may_cost: true, until: None })));
}

#[test]
fn a_line_ahead_of_the_clock_says_when_it_will_be_believed() {
    let ahead = line("{}").replace("2026-11-20T10:00:00.123Z", "2026-11-23T13:00:01Z");
    let Parsed::Bad(refusal) = parse(&ahead) else { panic!("it is ahead") };
    assert_eq!(refusal.until, Some("2026-11-23T12:00:01Z".parse().unwrap()));
    let now = refusal.until.unwrap();
    assert!(matches!(LineParser::new(now).parse(ahead.as_bytes()), Parsed::Calls(..)));
}

/// The tokens of a line, and which of its counts are none.
fn counted(usage_text: &str) -> (Tokens, Vec<OddCount>) {
    let told = usage(&line(usage_text));
    (told.tokens, told.odd)
}

#[test]
fn an_odd_number_is_named_and_the_others_count() {
    let output = Tokens { output: 2, ..Tokens::default() };
    for odd in [
        "-1",
        "1.5",
        r#""x""#,
        r#""-7""#,
        "true",
        "[1]",
        "{}",
        "1000000000001",
        "99999999999999999999999",
        "1e300",
    ] {
        let text = format!(r#"{{"input_tokens":{odd},"output_tokens":2}}"#);
        assert_eq!(counted(&text), (output, vec![OddCount::Input]), "{odd}");
    }
    for (count, expected) in [
        ("12", 12),
        ("12.0", 12),
        (r#""12""#, 12),
        ("1e3", 1000),
        ("null", 0),
        ("1000000000000", 1_000_000_000_000),
    ] {
        let text = format!(r#"{{"input_tokens":{count},"output_tokens":2}}"#);
        assert_eq!(counted(&text), (Tokens { input: expected, ..output }, vec![]), "{count}");
    }
    let odd =
        r#"{"output_tokens":2,"cache_creation_input_tokens":7,"cache_creation":7,"server_tool_use":[]}"#;
    let expected = Tokens { cache_write_5m: 7, ..output };
    assert_eq!(counted(odd), (expected, vec![OddCount::CacheWrite, OddCount::WebSearches]));
}

#[test]
fn words_that_nobody_knows_are_kept_as_they_are() {
    let told = |field: &str| usage(&line(&format!(r#"{{"output_tokens":2,{field}}}"#)));
    for standard in [
        r#""service_tier":"default""#,
        r#""service_tier":"standard_only""#,
        r#""service_tier":"""#,
        r#""speed":null"#,
    ] {
        let told = told(standard);
        assert_eq!((told.service_tier, told.speed), (ServiceTier::Standard, Speed::Standard), "{standard}");
    }
    assert_eq!(told(r#""service_tier":"gold""#).service_tier, ServiceTier::of("gold"));
    assert_eq!(told(r#""speed":"turbo""#).speed.word(), "turbo");
    assert_eq!(&*told(r#""inference_geo":"eu""#).inference_geo, "eu");
    let long = told(&format!(r#""speed":"{}""#, "ü".repeat(100)));
    assert_eq!(long.speed.word().len(), 64);
    assert_eq!(told(r#""speed":{"a":[]},"service_tier":7"#).service_tier.word(), "7");
}

#[test]
fn moments_are_read_as_they_are_written() {
    let good = line(r#"{"output_tokens":2}"#);
    let at =
        |value: &str| usage(&good.replace(r#""2026-11-20T10:00:00.123Z""#, value)).occurred_at.to_string();
    for value in [
        "1795168800",
        "1795168800000",
        "1795168800000000",
        "1795168800000000000",
        r#""1795168800000""#,
        "1795168800.0",
        r#""2026-11-20T10:00:00""#,
        r#""2026-11-20T11:00:00+01:00""#,
    ] {
        assert_eq!(at(value), "2026-11-20T10:00:00Z", "{value}");
    }
}

/// The calls within a response: kind, model and tokens of output.
fn within(own: &str, entries: &str) -> Vec<String> {
    let text = line(&format!(r#"{{{own},"iterations":{entries}}}"#));
    let Parsed::Calls(call, parts) = parse(&text) else { panic!("no call") };
    assert_eq!(&*call.key.message_id, "msg_1");
    let shown = |part: &Usage| {
        assert_eq!(
            (&part.session, part.occurred_at, &*part.key.request_id),
            (&call.session, call.occurred_at, "")
        );
        format!("{} {} {}", part.key.message_id, part.model, part.tokens.output)
    };
    parts.iter().map(shown).collect()
}

#[test]
fn calls_within_a_response_that_it_leaves_out_are_calls_of_their_own() {
    let own = r#""input_tokens":10,"output_tokens":5"#;
    let message = r#"{"type":"message","input_tokens":10,"output_tokens":5}"#;
    let advisor = r#"{"type":"advisor_message","model":"claude-opus-4-7","output_tokens":7}"#;
    let compaction = r#"{"type":"compaction","output_tokens":8}"#;
    let list = format!("[{message},{advisor},{compaction},{{\"type\":\"fallback\",\"output_tokens\":5}}]");
    let expected = ["msg_1#advisor_message:1 claude-opus-4-7 7", "msg_1#compaction:2 claude-opus-5 8"];
    assert_eq!(within(own, &list), expected);
    // What nobody knows is beside the response's own numbers, unless it makes them up.
    let dream = r#"{"type":"dream","input_tokens":4,"output_tokens":2}"#;
    assert_eq!(within(own, &format!("[{message},{dream}]")), ["msg_1#dream:1 claude-opus-5 2"]);
    let rest = r#"{"type":"message","input_tokens":6,"output_tokens":3}"#;
    assert!(within(own, &format!("[{rest},{dream}]")).is_empty());
    assert_eq!(within(own, r#"[7,null,[],{"output_tokens":1}]"#), ["msg_1#unnamed:3 claude-opus-5 1"]);
    for none in ["null", "7", "{}", "[]", r#""x""#] {
        assert!(within(own, none).is_empty(), "{none}");
    }
}

#[test]
fn a_copied_line_belongs_to_the_session_that_it_was_copied_from() {
    let copy = |from: &str| {
        let fields = format!(r#""forkedFrom":{from},"sessionId":"s-1""#);
        let told = usage(&line(r#"{"output_tokens":2}"#).replace(r#""sessionId":"s-1""#, &fields));
        (told.session.to_string(), told.copied)
    };
    assert_eq!(copy(r#"{"sessionId":"s-0","messageUuid":"u"}"#), ("s-0".to_owned(), true));
    for own in [r#"{"sessionId":"s-1"}"#, r#"{"sessionId":""}"#, "{}", "null", "7"] {
        assert_eq!(copy(own), ("s-1".to_owned(), false), "{own}");
    }
}

#[test]
fn the_first_bytes_of_a_file_may_be_a_mark() {
    let marked = format!("\u{feff}{}\r", line(r#"{"output_tokens":2}"#));
    assert_eq!(usage(&marked).tokens.output, 2);
    assert_eq!(directory("\u{feff}{\"cwd\":\"/w\"}\r".as_bytes()), Some((String::new(), "/w".to_owned())));
    assert_eq!(directory(br#"{"message":{"cwd":"/w"},"cwd":""}"#), None);
}
