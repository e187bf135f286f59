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
        Parsed::Usage(usage) => *usage,
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
    assert_eq!((&*told.session, &*told.project, &*told.model), ("s-1", "/w", "claude-opus-5"));

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
    assert!(matches!(parse(&quoted), Parsed::Usage(_)), "a call is a call");
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
        (line(r#"{"input_tokens":-1}"#), "not a whole number"),
        (line(r#"{"input_tokens":1.5}"#), "not a whole number"),
        (line(r#"{"input_tokens":"7"}"#), "not a whole number"),
        (line(r#"{"input_tokens":1000000000001}"#), "over 1,000,000,000,000"),
        (line(r#"{"output_tokens":99999999999999999999999}"#), "not a whole number"),
        (line(r#"{"input_tokens":1,"cache_creation":7}"#), "unexpected shape"),
        (line(r#"{"input_tokens":1,"service_tier":"gold"}"#), "service tier"),
        (good.replace("2026-11-20T10:00:00.123Z", "2026-11-23T13:00:01Z"), "in the future"),
        (good.replace("2026-11-20T10:00:00.123Z", "yesterday"), "not one"),
        (good.replace(r#""timestamp":"2026-11-20T10:00:00.123Z","#, ""), "no timestamp"),
    ];
    for (line, reason) in cases {
        match parse(&line) {
            Parsed::Bad(said) => assert!(said.contains(reason), "{said} for {line}"),
            other => panic!("{other:?} for {line}"),
        }
    }
    let mut broken = good.into_bytes();
    let at = broken.iter().position(|&byte| byte == b'h').unwrap();
    broken[at] = 0xff;
    assert_eq!(LineParser::new(NOW.parse().unwrap()).parse(&broken), Parsed::Bad("not UTF-8"));
}
