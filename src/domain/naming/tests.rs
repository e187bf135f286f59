use super::*;

fn shown(provider: &str, written: &str) -> String {
    let name = resolve(provider, written);
    let region = if name.is_regional { " regional" } else { "" };
    format!("{} {} {}{region}", name.provider, name.maker, name.model)
}

#[test]
fn the_same_model_has_many_names() {
    const SONNET: &str = "anthropic anthropic claude-sonnet-4-5";
    const BEDROCK: &str = "bedrock anthropic claude-sonnet-4-5";
    for (written, expected) in [
        ("claude-sonnet-4-5", SONNET),
        ("claude-sonnet-4-5[1m]", SONNET),
        ("claude-sonnet-4-5-20250929[1m]", SONNET),
        ("anthropic/claude-sonnet-4-5", SONNET),
        ("anthropic/claude-4.5-sonnet-20250929", SONNET),
        ("anthropic/claude-sonnet-4.5", SONNET),
        ("anthropic:claude-sonnet-4-5", SONNET),
        ("claude-sonnet-4-5-latest", SONNET),
        ("claude-4.5-sonnet-thinking", SONNET),
        ("claude-sonnet-4-5-20250929-high", SONNET),
        ("claude-sonnet-4-5@20250929", "vertex anthropic claude-sonnet-4-5"),
        ("publishers/anthropic/models/claude-sonnet-4-5@20250929", "vertex anthropic claude-sonnet-4-5"),
        ("vertex_ai/claude-sonnet-4-5", "vertex anthropic claude-sonnet-4-5"),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", BEDROCK),
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", BEDROCK),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock anthropic claude-sonnet-4-5 regional"),
        (
            "bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "bedrock anthropic claude-sonnet-4-5 regional",
        ),
        (
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "bedrock anthropic claude-sonnet-4-5 regional",
        ),
        ("apac.anthropic.claude-opus-4-6-v1", "bedrock anthropic claude-opus-4-6 regional"),
        ("openrouter/anthropic/claude-sonnet-4.5", "openrouter anthropic claude-sonnet-4-5"),
        ("claude-sonnet-4-6-20260217", "anthropic anthropic claude-sonnet-4-6"),
        ("claude-opus-4-7[1m]", "anthropic anthropic claude-opus-4-7"),
        ("claude-sonnet-4", "anthropic anthropic claude-sonnet-4"),
        ("claude-sonnet-4-20250514", "anthropic anthropic claude-sonnet-4"),
        ("claude-4-opus-20250514", "anthropic anthropic claude-opus-4"),
        ("claude-3.5-haiku-20241022", "anthropic anthropic claude-3-5-haiku-20241022"),
        ("gpt-5.5", "openai openai gpt-5.5"),
        ("openai/gpt-5", "openai openai gpt-5"),
        ("moonshotai/kimi-k2", "moonshot moonshot kimi-k2"),
    ] {
        assert_eq!(shown("anthropic", written), expected, "{written}");
    }
    assert_eq!(shown("google", "gemini-3-pro"), "gemini gemini gemini-3-pro");
    assert_eq!(shown("amazon-bedrock", "claude-opus-5"), "bedrock anthropic claude-opus-5");
}

#[test]
fn what_no_rule_knows_stays_as_it_is() {
    let long = "x".repeat(400);
    for written in [
        "claude-sonnet-4-5x",
        "claude-sonnet-4-55",
        "my-claude-sonnet-4-5",
        "claude-sonnet-45",
        "claude-3-opus-20240229",
        "claude-opus-6",
        "[1m]",
        "",
        "/",
        "us.anthropic.",
        "a.b.c",
        "claude-sonnet-4-5-2025092",
        "claude--sonnet",
        &long,
    ] {
        let name = resolve("anthropic", written);
        assert!(!KNOWN.contains(&&*name.model), "{written}: {name:?}");
    }
    assert_eq!(shown("anthropic", "some/where/else"), "anthropic anthropic some/where/else");
    assert_eq!(
        shown("anthropic", "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"),
        "bedrock anthropic abc"
    );
}

#[test]
fn every_alias_leads_to_a_known_name_and_none_to_an_alias() {
    for (alias, known) in ALIASES {
        assert!(KNOWN.contains(&known), "{known}");
        assert!(!KNOWN.contains(&alias) && ALIASES.iter().all(|(other, _)| *other != known), "{alias}");
        assert_eq!(resolve("anthropic", alias).model, known);
    }
    for known in KNOWN {
        assert_eq!(resolve("anthropic", known).model, known);
    }
}
