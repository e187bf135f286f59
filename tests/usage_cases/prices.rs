//! What can be priced is priced, what cannot is counted and named: parts without a price, tiers, speeds and regions, and
//! the prices of the day on which a call happened.

use serde_json::{Value, json};

use super::{
    Call, ONE, SONNET, assert_report, bare_prices, call, file, home_with, import, total, used_of_november,
    write_prices,
};
use crate::support::program::Home;

/// In no price table but one of a test's own.
const NOBODY: &str = "claude-nobody-knows-9";
const UNPRICED: &str = "1 call, 1000 in, 1000 out, no price, 1 unpriced";

/// A home with these prices of [`NOBODY`] and these calls, imported.
#[track_caller]
fn priced(prices: Value, calls: &[Call]) -> Home {
    let home = Home::new();
    let mut models = json!({});
    models[format!("anthropic/{NOBODY}")] = prices;
    write_prices(&home, &models);
    home.transcript("a.jsonl", file(calls));
    import(&home);
    home
}

fn searches(count: u64) -> Value {
    json!({ "web_search_requests": count })
}

/// Each call is a session of its id.
fn sessions(calls: Vec<(&str, Call)>) -> Home {
    let calls: Vec<Call> = calls.into_iter().map(|(id, call)| call.session(id)).collect();
    home_with(&calls)
}

#[test]
fn a_call_with_a_part_that_has_no_price_costs_the_rest_of_it() {
    for (name, part) in [
        ("server_tool_use", searches(2)),
        ("cache_read_input_tokens", json!(5000)),
        ("cache_creation_input_tokens", json!(5000)),
    ] {
        let home = priced(bare_prices(), &[call("msg_1").model(NOBODY).usage(name, part)]);
        let said = total(&home);
        assert!(said.starts_with("1 call, 1000 in, 1000 out, "), "{said}");
        assert!(said.ends_with(", 0.003 USD, 1 partly priced"), "{name}: {said}");
    }
}

#[test]
fn a_call_with_two_such_parts_is_partly_priced_once() {
    let odd = call("msg_1").model(NOBODY).usage("server_tool_use", searches(1));
    let home = priced(bare_prices(), &[odd.usage("cache_read_input_tokens", 7)]);
    assert_eq!(total(&home), "1 call, 1000 in, 1000 out, 7 read, 1 searches, 0.003 USD, 1 partly priced");
}

#[test]
fn what_is_partly_priced_is_told_from_what_is_not_in_every_report() {
    let calls = [
        call("msg_1").model(NOBODY),
        call("msg_2").model(NOBODY).usage("server_tool_use", searches(2)),
        call("msg_3").model("claude-unknown-1"),
    ];
    let home = priced(bare_prices(), &calls);
    let all = "3 calls, 3000 in, 3000 out, 2 searches, 0.006 USD, 1 unpriced, 1 partly priced";
    assert_report(&home, "daily", &[("2026-11-10", all)]);
    assert_report(&home, "session", &[("s", all)]);
    assert_report(&home, "project", &[("/w/a", all)]);
    let known = "2 calls, 2000 in, 2000 out, 2 searches, 0.006 USD, 1 partly priced";
    assert_report(
        &home,
        "model",
        &[("anthropic/claude-nobody-knows-9", known), ("anthropic/claude-unknown-1", UNPRICED)],
    );
    assert_eq!(used_of_november(&home, &[]), "0.006");
    let status = home.json(&["status"]);
    assert_eq!(status["all_time"]["partly_priced_messages"], 1, "{status}");
}

#[test]
fn where_nothing_is_partly_priced_reports_do_not_speak_of_it() {
    let report =
        home_with(&[call("msg_1"), call("msg_2").model("claude-unknown-1")]).json(&["report", "model"]);
    assert!(!report.to_string().contains("partly_priced"), "{report}");
}

#[test]
fn haiku_is_charged_for_searches_by_each_of_its_names() {
    let names = ["claude-haiku-4-5", "claude-haiku-4-5-20251001", "claude-haiku-4-5@20251001"];
    for name in names {
        let home = home_with(&[call("msg_1").model(name).usage("server_tool_use", searches(1))]);
        assert_eq!(total(&home), "1 call, 1000 in, 1000 out, 1 searches, 0.016 USD", "{name}");
    }
}

#[test]
fn a_tier_is_priced_by_its_own_prices_where_there_are_any() {
    let mut prices = bare_prices();
    prices["priority"] = json!({"input": "10", "output": "20"});
    prices["web_search_per_call"] = json!("0.01");
    let at = |tier: &str| call("msg_1").model(NOBODY).usage("service_tier", tier);
    let cost = |call: Call| total(&priced(prices.clone(), &[call]));
    assert_eq!(cost(at("priority")), "1 call, 1000 in, 1000 out, 0.03 USD");
    assert_eq!(cost(at("standard")), "1 call, 1000 in, 1000 out, 0.003 USD");
    assert_eq!(cost(at("batch")), UNPRICED);
    // The searches have a price at any tier that is known.
    let searched = at("batch").usage("server_tool_use", searches(2));
    assert_eq!(cost(searched), "1 call, 1000 in, 1000 out, 2 searches, 0.02 USD, 1 partly priced");
}

#[test]
fn tiers_by_any_word_are_counted() {
    let tiers = [
        ("default", json!("default")),
        ("standard_only", json!("standard_only")),
        ("empty", json!("")),
        ("null", Value::Null),
        ("batch", json!("batch")),
        ("gold", json!("gold")),
        ("priority_plus", json!("priority_plus")),
    ];
    let calls = tiers.map(|(name, tier)| (name, call(name).usage("service_tier", tier)));
    let home = sessions(calls.into());
    let right = [
        ("default", ONE),
        ("standard_only", ONE),
        ("empty", ONE),
        ("null", ONE),
        ("batch", "1 call, 1000 in, 1000 out, 0.009 USD"),
        ("gold", UNPRICED),
        ("priority_plus", UNPRICED),
    ];
    assert_report(&home, "session", &right);
    assert_eq!(home.json(&["status"])["unpriced"][SONNET], 2);
}

#[test]
fn regions_and_speeds_by_any_word_are_counted() {
    let sonnet = |name: &str, word: &str| {
        call(&format!("msg_{name}_{word}")).model("claude-sonnet-4-6").usage(name, word)
    };
    let home = sessions(vec![
        ("global", sonnet("inference_geo", "global")),
        ("not_available", sonnet("inference_geo", "not_available")),
        ("us", sonnet("inference_geo", "us")),
        ("moon", sonnet("inference_geo", "moon")),
        ("standard", sonnet("speed", "standard")),
        ("ludicrous", sonnet("speed", "ludicrous")),
    ]);
    let right = [
        ("global", ONE),
        ("not_available", ONE),
        ("us", "1 call, 1000 in, 1000 out, 0.0198 USD"),
        ("moon", UNPRICED),
        ("standard", ONE),
        ("ludicrous", UNPRICED),
    ];
    assert_report(&home, "session", &right);
}

#[test]
fn a_call_of_which_two_words_are_unknown_is_unpriced_once() {
    let odd = call("msg_1").usage("speed", "ludicrous").usage("inference_geo", "moon");
    assert_eq!(total(&home_with(&[odd.usage("service_tier", "gold")])), UNPRICED);
}

#[test]
fn fast_where_it_has_no_price_is_counted_and_named() {
    let home = home_with(&[call("msg_1").model("claude-sonnet-4-6").usage("speed", "fast")]);
    assert_eq!(total(&home), UNPRICED);
    assert_eq!(home.json(&["status"])["unpriced"]["anthropic/claude-sonnet-4-6"], 1);
}

#[test]
fn a_long_prompt_of_october_2025_is_priced_as_it_was_then() {
    let then = |id: &str, input: u64, output: u64| call(id).tokens(input, output).at("2025-10-20T10:00:00Z");
    let home = sessions(vec![
        ("short", then("short", 1000, 1000)),
        ("limit", then("limit", 200_000, 1000)),
        ("read", then("read", 1000, 1000).usage("cache_read_input_tokens", 250_000)),
        (
            "written",
            then("written", 0, 1000)
                .usage("cache_creation_input_tokens", 210_000)
                .model("claude-sonnet-4-5[1m]"),
        ),
        ("vertex", then("vertex", 300_000, 10_000).model("claude-sonnet-4-5@20250929")),
        ("bedrock", then("bedrock", 300_000, 10_000).model("us.anthropic.claude-sonnet-4-5-20250929-v1:0")),
        ("today", call("today").tokens(300_000, 10_000)),
    ]);
    let right = [
        ("short", ONE),
        ("limit", "1 call, 200000 in, 1000 out, 0.615 USD"),
        ("read", "1 call, 1000 in, 1000 out, 250000 read, 0.1785 USD"),
        ("written", "1 call, 1000 out, 210000 5m, 1.5975 USD"),
        ("vertex", "1 call, 300000 in, 10000 out, 2.025 USD"),
        ("bedrock", "1 call, 300000 in, 10000 out, 2.2275 USD"),
        ("today", "1 call, 300000 in, 10000 out, 1.05 USD"),
    ];
    assert_report(&home, "session", &right);
}

#[test]
fn the_fast_mode_of_march_2026_is_priced_as_it_was_then() {
    let then = |id: &str| call(id).model("claude-opus-4-6").tokens(0, 1000).at("2026-03-01T10:00:00Z");
    let read = |id: &str| then(id).usage("cache_read_input_tokens", 100_000);
    let home = sessions(vec![
        ("ordinary", read("ordinary")),
        ("fast", read("fast").usage("speed", "fast")),
        ("searched", read("searched").usage("speed", "fast").usage("server_tool_use", searches(1))),
        ("regional", read("regional").usage("speed", "fast").usage("inference_geo", "us")),
    ]);
    let right = [
        ("ordinary", "1 call, 1000 out, 100000 read, 0.075 USD"),
        ("fast", "1 call, 1000 out, 100000 read, 0.45 USD"),
        ("searched", "1 call, 1000 out, 100000 read, 1 searches, 0.46 USD"),
        ("regional", "1 call, 1000 out, 100000 read, 0.495 USD"),
    ];
    assert_report(&home, "session", &right);
}
