use std::fmt::Write;

use super::*;

fn written(text: &str) -> Result<PriceTable, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("prices.json");
    std::fs::write(&path, text).unwrap();
    price_table(Some(&path))
}

const OPUS: &str = r#"{"models": {"anthropic/claude-opus-5": {"tiers": [{"above_prompt_tokens": 0, "input": "1", "output": "2"}]}}}"#;

#[test]
fn the_bundled_table_is_whole() {
    let table = price_table(None).unwrap();
    assert!(table.models.len() > 300);
    assert_eq!(table.models["anthropic/claude-opus-5"].list.tiers[0].rates.output.to_string(), "25");
}

#[test]
fn a_person_s_file_replaces_models_and_changes_the_version() {
    let (bundled, table) = (price_table(None).unwrap(), written(OPUS).unwrap());
    assert_eq!(table.models["anthropic/claude-opus-5"].list.tiers[0].rates.output.to_string(), "2");
    assert_eq!(table.models.len(), bundled.models.len());
    assert!(table.version.starts_with(&format!("{}+", bundled.version)), "{}", table.version);
}

/// Prices of a day on, and what stands before them.
fn dated(from: &str, history: &str) -> String {
    let tiers = r#""tiers": [{"above_prompt_tokens": 0, "input": "1", "output": "2"}]"#;
    let history = history.replace("TIERS", tiers);
    format!(r#"{{"models": {{"a/b": {{"from": "{from}", {tiers}, "history": [{history}]}}}}}}"#)
}

/// Aliases that lead to each other in a row, the last to a model.
fn chain(length: usize) -> String {
    let links = (0..length).map(|n| format!(r#""a{n}": "a{}""#, n + 1)).collect::<Vec<_>>().join(", ");
    format!(r#""aliases": {{{links}, "a{length}": "anthropic/claude-opus-5"}}"#)
}

#[test]
fn a_file_that_makes_no_sense_is_refused_in_one_line_that_says_why() {
    let model = |tiers: &str| format!(r#"{{"models": {{"a/b": {{"tiers": [{tiers}]}}}}}}"#);
    let rates = r#""input": "1", "output": "2""#;
    for (text, reason) in [
        (String::new(), "EOF"),
        ("{}".to_owned(), "neither models nor aliases"),
        (model(""), "a/b: its tiers are missing"),
        (model(&format!(r#"{{"above_prompt_tokens": 5, {rates}}}"#)), "begin with above_prompt_tokens 0"),
        (model(r#"{"above_prompt_tokens": 0, "input": "-1", "output": "2"}"#), "price '-1' is negative"),
        (model(r#"{"above_prompt_tokens": 0, "input": "0.0000001", "output": "2"}"#), "more than 6 decimals"),
        (
            format!(
                r#"{{"models": {{"a/b": {{"tiers": [{{"above_prompt_tokens": 0, {rates}}}], "web_search_per_call": "-1"}}}}}}"#
            ),
            "web searches is negative",
        ),
        (OPUS.replace("anthropic/", ""), "write PROVIDER/MODEL"),
        (OPUS.replacen('{', r#"{"unit": "EUR per token","#, 1), "unit 'EUR per token' is not known"),
        (OPUS.replacen('{', r#"{"aliases": {"x": "y", "y": "x"},"#, 1), "alias 'x' leads back to itself"),
        (OPUS.replacen('{', r#"{"aliases": {"z": "x", "x": "y", "y": "x"},"#, 1), "leads back to itself"),
        (OPUS.replacen('{', r#"{"aliases": {"x": "x"},"#, 1), "alias 'x' leads back to itself"),
        (OPUS.replacen('{', r#"{"aliases": {"x": "a/none"},"#, 1), "which the table does not have"),
        (OPUS.replacen('{', &format!("{{{},", chain(18)), 1), "leads over more than 16 others"),
        (
            model(r#"{"above_prompt_tokens": 0, "input": "1000000.1", "output": "2"}"#),
            "over 1000000 USD for a million",
        ),
        (
            format!(
                r#"{{"models": {{"a/b": {{"tiers": [{{"above_prompt_tokens": 0, {rates}}}], "multipliers": {{"us": "101"}}}}}}}}"#
            ),
            "factor for 'us' is over 100",
        ),
        (dated("2026-05-01", r#"{"until": "2026-05-01", TIERS}"#), "two of its prices hold on 2026-05-01"),
        (dated("2026-05-01", r#"{"from": "2026-04-02", "until": "2026-04-01", TIERS}"#), "before they begin"),
        (
            dated(
                "2026-05-01",
                r#"{"until": "2026-02-01", TIERS}, {"from": "2026-01-15", "until": "2026-03-01", TIERS}"#,
            ),
            "two of its prices hold on 2026-01-15",
        ),
        (dated("2026-13-01", ""), "parameter 'month' is not in the required range"),
    ] {
        let message = written(&text).unwrap_err().to_string();
        assert!(message.contains("prices.json") && message.contains(reason), "{text}\n{message}");
        assert!(!message.contains('\n'), "{message}");
    }
}

#[test]
fn ten_thousand_models_are_no_trouble_and_an_alias_leads_through_others() {
    let mut text = r#"{"aliases": {"one": "two", "two": "p/m7"}, "models": {"#.to_owned();
    for number in 0..10_000 {
        let comma = if number == 0 { "" } else { "," };
        write!(text, r#"{comma}"p/m{number}": {{"tiers": [{{"above_prompt_tokens": 0, "input": "1", "output": "2"}}]}}"#)
            .unwrap();
    }
    let table = written(&(text + "}}")).unwrap();
    assert_eq!((table.models.len() > 10_000, &*table.aliases["one"]), (true, "p/m7"));
}
