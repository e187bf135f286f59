//! A model has many names: by its provider's, with a date, a context's size or a region. Each that is listed is that model,
//! and what is not listed is never taken for one.

use super::{ONE, SONNET, assert_report, call, groups, home_with, total, used_of_november};
use crate::support::program::Home;

/// A call by each name, in a session of that name.
fn called(names: &[&str]) -> Home {
    let calls: Vec<_> =
        names.iter().map(|name| call(&format!("msg_{name}")).session(name).model(name)).collect();
    home_with(&calls)
}

/// Holds the one call by each name against its model and its cost.
#[track_caller]
fn are(names: &[&str], model: &str, usd: &str) {
    let home = called(names);
    let one = format!("1 call, 1000 in, 1000 out, {usd} USD");
    for (name, sum) in groups(&home, "session") {
        assert_eq!(sum, one, "{name}");
    }
    assert_eq!(groups(&home, "model").into_keys().collect::<Vec<_>>(), [model], "{names:?}");
}

#[test]
fn sonnet_by_its_direct_names() {
    are(
        &[
            "claude-sonnet-4-5",
            "claude-sonnet-4-5-20250929",
            "claude-sonnet-4-5-latest",
            "claude-sonnet-4-5-20250929[1m]",
            "anthropic/claude-sonnet-4-5-20250929",
            "anthropic/claude-sonnet-4-5[1m]",
            "claude-4.5-sonnet-20250929",
            "anthropic/claude-4.5-sonnet-20250929[1m]",
        ],
        SONNET,
        "0.018",
    );
}

#[test]
fn haiku_by_its_direct_names() {
    let names = ["claude-haiku-4-5", "claude-haiku-4-5-20251001", "claude-haiku-4-5-latest"];
    are(&names, "anthropic/claude-haiku-4-5", "0.006");
    are(&["anthropic/claude-haiku-4-5-20251001"], "anthropic/claude-haiku-4-5", "0.006");
}

#[test]
fn opus_by_its_direct_names() {
    let names = ["claude-opus-4-5", "claude-opus-4-5-20251101", "anthropic/claude-opus-4-5[1m]"];
    are(&names, "anthropic/claude-opus-4-5", "0.03");
    are(&["claude-opus-4-6-20260205", "claude-opus-4-6[1m]"], "anthropic/claude-opus-4-6", "0.03");
}

#[test]
fn the_first_of_a_line_is_itself_and_none_of_its_successors() {
    let names = ["claude-sonnet-4", "claude-sonnet-4-20250514", "claude-4-sonnet-20250514"];
    are(&names, "anthropic/claude-sonnet-4", "0.018");
    are(&["claude-opus-4", "claude-opus-4-20250514"], "anthropic/claude-opus-4", "0.09");
    are(&["claude-opus-4-1", "claude-opus-4-1-20250805"], "anthropic/claude-opus-4-1", "0.09");
}

#[test]
fn vertex_is_paid_for_what_has_an_at() {
    are(&["claude-sonnet-4-5@20250929"], "vertex/claude-sonnet-4-5", "0.018");
    are(&["claude-haiku-4-5@20251001"], "vertex/claude-haiku-4-5", "0.006");
    are(&["claude-opus-4-5@20251101"], "vertex/claude-opus-4-5", "0.03");
    are(&["claude-sonnet-4@20250514"], "vertex/claude-sonnet-4", "0.018");
}

#[test]
fn bedrock_is_paid_a_tenth_more_where_a_region_is_named() {
    are(
        &[
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0[1m]",
        ],
        "bedrock/claude-sonnet-4-5",
        "0.0198",
    );
    are(&["eu.anthropic.claude-haiku-4-5-20251001-v1:0"], "bedrock/claude-haiku-4-5", "0.0066");
    are(&["us.anthropic.claude-opus-4-5-20251101-v1:0"], "bedrock/claude-opus-4-5", "0.033");
}

#[test]
fn bedrock_is_paid_no_more_where_none_is() {
    let names = [
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "global.anthropic.claude-sonnet-4-5-20250929-v1:0[1m]",
    ];
    are(&names, "bedrock/claude-sonnet-4-5", "0.018");
    are(&["global.anthropic.claude-haiku-4-5-20251001-v1:0"], "bedrock/claude-haiku-4-5", "0.006");
    // Later ids have neither a date nor a revision's number.
    are(&["global.anthropic.claude-opus-4-6-v1"], "bedrock/claude-opus-4-6", "0.03");
}

#[test]
fn what_is_searched_for_costs_no_more_in_a_region() {
    let search = serde_json::json!({"web_search_requests": 2});
    let home = home_with(&[call("msg_1")
        .model("us.anthropic.claude-sonnet-4-5-20250929-v1:0")
        .usage("server_tool_use", search)]);
    assert_eq!(total(&home), "1 call, 1000 in, 1000 out, 2 searches, 0.0398 USD");
}

#[test]
fn a_name_that_is_not_listed_is_never_guessed() {
    let names = [
        "claude-sonnet-4-5x",
        "claude-sonnet-4-50",
        "xclaude-sonnet-4-5",
        "my-claude-sonnet-4-5-20250929",
        "claude-sonnet-4-5-20250929-tuned",
        "claude-sonnet",
        "gpt-unknown",
        "us.anthropic.claude-sonnet-4-5x-20250929-v1:0",
        "mars.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "claude-sonnet-4-5x@20250929",
    ];
    let home = called(&names);
    let sessions = groups(&home, "session");
    assert_eq!(sessions.len(), names.len());
    for (name, sum) in sessions {
        assert_eq!(sum, "1 call, 1000 in, 1000 out, no price, 1 unpriced", "{name}");
    }
    let models = groups(&home, "model");
    assert_eq!(models.len(), names.len(), "none is taken for another: {models:?}");
    for name in ["claude-sonnet-4-5x", "xclaude-sonnet-4-5", "my-claude-sonnet-4-5-20250929"] {
        assert!(models.contains_key(&format!("anthropic/{name}")), "{name} is shown as written: {models:?}");
    }
    let status = home.json(&["status"]);
    assert_eq!(status["unpriced"].as_object().unwrap().len(), names.len(), "{status}");
}

#[test]
fn a_call_told_by_two_of_its_model_s_names_is_one_call() {
    let home = home_with(&[
        call("msg_1").model("claude-sonnet-4-5-20250929"),
        call("msg_1").model("claude-sonnet-4-5[1m]").at("2026-11-10T10:00:01Z"),
    ]);
    assert_report(&home, "model", &[(SONNET, ONE)]);
}

#[test]
fn a_budget_for_a_model_covers_all_of_its_names_and_one_for_a_provider_only_its_own() {
    let home = called(&[
        "claude-sonnet-4-5-20250929",
        "anthropic/claude-sonnet-4-5[1m]",
        "claude-sonnet-4-5@20250929",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "claude-haiku-4-5",
    ]);
    assert_eq!(used_of_november(&home, &["--model", "claude-sonnet-4-5"]), "0.0738");
    assert_eq!(used_of_november(&home, &["--model", "claude-haiku-*"]), "0.006");
    assert_eq!(used_of_november(&home, &["--provider", "bedrock"]), "0.0198");
    assert_eq!(used_of_november(&home, &["--provider", "vertex"]), "0.018");
    assert_eq!(
        used_of_november(&home, &["--provider", "anthropic", "--model", "claude-sonnet-4-5"]),
        "0.036"
    );
}
