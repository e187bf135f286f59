//! `usage.iterations`: what the top level leaves out and was billed is a call of its own; what it holds is not billed twice.

use serde_json::{Value, json};

use super::{Call, ONE, SONNET, assert_report, call, file, home_in_steps, home_with, import, total};
use crate::support::program::Home;

const OPUS: &str = "anthropic/claude-opus-4-7";

/// An entry of this type.
fn entry(kind: &str, input: u64, output: u64) -> Value {
    json!({"type": kind, "input_tokens": input, "output_tokens": output})
}

/// An advisor's call to Opus 4.7, of 0.03 USD.
fn advice() -> Value {
    let mut entry = entry("advisor_message", 1000, 1000);
    entry["model"] = json!("claude-opus-4-7");
    entry
}

/// The call of [`ONE`] with these entries beside its own.
fn with(others: &[Value]) -> Call {
    let own = entry("message", 1000, 1000);
    let all: Vec<Value> = [&[own], others].concat();
    call("msg_1").usage("iterations", all)
}

const ADVISED: [(&str, &str); 2] = [(SONNET, ONE), (OPUS, "1 call, 1000 in, 1000 out, 0.03 USD")];

#[test]
fn a_compaction_is_a_call_of_the_line_s_own_model() {
    let home = home_with(&[with(&[entry("compaction", 180_000, 3500)])]);
    // 0.54 and 0.0525 beside 0.018.
    assert_report(&home, "model", &[(SONNET, "2 calls, 181000 in, 4500 out, 0.6105 USD")]);
}

#[test]
fn a_compaction_comes_first_and_is_priced_by_its_own_cache_too() {
    let compaction = json!({
        "type": "compaction", "input_tokens": 0, "output_tokens": 1000, "cache_read_input_tokens": 100_000,
        "cache_creation_input_tokens": 2000, "cache_creation": {"ephemeral_1h_input_tokens": 2000},
    });
    let home =
        home_with(&[call("msg_1").usage("iterations", vec![compaction, entry("message", 1000, 1000)])]);
    // 0.015, 0.03 and 0.012 beside 0.018.
    assert_eq!(total(&home), "2 calls, 1000 in, 2000 out, 2000 1h, 100000 read, 0.075 USD");
}

#[test]
fn each_of_several_advisors_is_a_call() {
    let home = home_with(&[with(&[advice(), advice(), entry("compaction", 1000, 1000)])]);
    assert_report(
        &home,
        "model",
        &[(SONNET, "2 calls, 2000 in, 2000 out, 0.036 USD"), (OPUS, "2 calls, 2000 in, 2000 out, 0.06 USD")],
    );
}

#[test]
fn an_advisor_is_named_like_any_model() {
    let mut bedrock = advice();
    bedrock["model"] = json!("us.anthropic.claude-sonnet-4-5-20250929-v1:0");
    let mut nobody = advice();
    nobody["model"] = json!("claude-nobody-knows-9");
    let home = home_with(&[with(&[bedrock, nobody])]);
    assert_report(
        &home,
        "model",
        &[
            (SONNET, ONE),
            ("bedrock/claude-sonnet-4-5", "1 call, 1000 in, 1000 out, 0.0198 USD"),
            ("anthropic/claude-nobody-knows-9", "1 call, 1000 in, 1000 out, no price, 1 unpriced"),
        ],
    );
}

#[test]
fn what_the_top_level_holds_is_not_billed_twice() {
    let mut fallback = entry("fallback", 1000, 1000);
    fallback["model"] = json!("claude-opus-4-7");
    for iterations in [
        json!([entry("message", 400, 600), entry("message", 600, 400)]),
        json!([fallback.clone(), entry("message", 1000, 1000)]),
        json!([entry("message", 1000, 1000), fallback]),
        json!([]),
        Value::Null,
    ] {
        let home = home_with(&[call("msg_1").usage("iterations", iterations.clone())]);
        assert_report(&home, "model", &[(SONNET, ONE)]);
        assert_eq!(total(&home), ONE, "{iterations}");
    }
}

#[test]
fn an_unknown_kind_that_the_top_level_leaves_out_is_counted_and_has_no_price() {
    let home = home_with(&[with(&[entry("dreaming", 30, 40)])]);
    assert_eq!(total(&home), "2 calls, 1030 in, 1040 out, 0.018 USD, 1 unpriced");
    let status = home.json(&["status"]);
    assert_eq!(status["all_time"]["unpriced_messages"], 1, "{status}");
}

#[test]
fn an_unknown_kind_that_the_top_level_holds_is_no_call() {
    let iterations = json!([entry("message", 400, 600), entry("dreaming", 600, 400)]);
    assert_eq!(total(&home_with(&[call("msg_1").usage("iterations", iterations)])), ONE);
}

#[test]
fn a_line_told_again_repeats_its_entries_too() {
    let told = with(&[advice()]);
    for again in [
        told.clone().request("req_other"),
        told.clone().without("requestId").at("2026-11-10T10:00:01Z"),
        told.clone().session("resumed").at("2026-11-10T18:00:00Z"),
        told.clone().in_progress(),
    ] {
        assert_report(&home_with(&[told.clone(), again.clone()]), "model", &ADVISED);
        let home = home_in_steps(&[vec![told.clone()], vec![again]]);
        assert_report(&home, "model", &ADVISED);
        assert_report(&home, "session", &[("s", "2 calls, 2000 in, 2000 out, 0.048 USD")]);
    }
}

#[test]
fn entries_that_come_while_a_message_streams_are_counted_when_they_come() {
    let home = home_in_steps(&[
        vec![call("msg_1").tokens(1000, 1)],
        vec![with(&[advice()])],
        // A last line without them takes nothing away.
        vec![call("msg_1").at("2026-11-10T10:00:02Z")],
    ]);
    assert_report(&home, "model", &ADVISED);
}

#[test]
fn entries_of_a_line_without_a_message_id_are_known_by_its_uuid() {
    let nameless = with(&[advice()]).without_id();
    let other = nameless.clone().field("uuid", "u-other");
    let home = home_with(&[nameless.clone(), nameless, other]);
    assert_report(
        &home,
        "model",
        &[(SONNET, "2 calls, 2000 in, 2000 out, 0.036 USD"), (OPUS, "2 calls, 2000 in, 2000 out, 0.06 USD")],
    );
}

#[test]
fn entries_belong_where_their_line_does() {
    let home = Home::new();
    let copy = with(&[advice()]).session("fork").cwd("/w/fork").forked_from("parent");
    home.transcript("0-fork.jsonl", file(&[copy]));
    import(&home);
    home.transcript("1-parent.jsonl", file(&[with(&[advice()]).session("parent").cwd("/w/parent")]));
    import(&home);
    let both = "2 calls, 2000 in, 2000 out, 0.048 USD";
    assert_report(&home, "session", &[("parent", both)]);
    assert_report(&home, "project", &[("/w/parent", both)]);
    assert_report(&home, "daily", &[("2026-11-10", both)]);
}

#[test]
fn a_subagent_s_compaction_counts_like_any() {
    let home = Home::new();
    let side = with(&[entry("compaction", 1000, 1000)]).sidechain();
    home.transcript("s/subagents/agent-1.jsonl", file(&[side]));
    import(&home);
    assert_report(&home, "session", &[("s", "2 calls, 2000 in, 2000 out, 0.036 USD")]);
}
