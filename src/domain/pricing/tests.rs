use crate::domain::usage::OddCount;

use super::*;

const TABLE: &str = r#"{
  "anthropic/tiered": {
    "tiers": [
      {"above_prompt_tokens": 0, "input": "3", "output": "15", "cache_read": "0.3", "cache_write_5m": "3.75", "cache_write_1h": "6"},
      {"above_prompt_tokens": 200000, "input": "6", "output": "22.5", "cache_read": "0.6", "cache_write_5m": "7.5", "cache_write_1h": "12"}
    ],
    "batch": {"input": "1.5", "output": "7.5"},
    "priority": {"input": "4", "output": "20"},
    "flex": {"input": "1", "output": "5"},
    "multipliers": {"us": "1.1", "fast": "2"},
    "web_search_per_call": "0.01"
  },
  "anthropic/bare": {"tiers": [{"above_prompt_tokens": 0, "input": "0.075", "output": "0.6"}]}
}"#;

fn table() -> PriceTable {
    PriceTable {
        version: "test".into(),
        models: serde_json::from_str(TABLE).unwrap(),
        ..PriceTable::default()
    }
}

fn usage(model: &str, tokens: Tokens) -> Usage {
    Usage { provider: "anthropic".into(), model: model.into(), tokens, ..Usage::default() }
}

/// The cost, and what it leaves out.
fn priced(call: &Usage) -> String {
    let priced = table().price(call);
    let cost = priced.cost.map_or_else(|| "none".to_owned(), Picodollars::exact);
    let missing: Vec<String> = priced.missing.iter().map(ToString::to_string).collect();
    if missing.is_empty() { cost } else { format!("{cost}: {}", missing.join(", ")) }
}

fn tokens(input: u64, output: u64) -> Tokens {
    Tokens { input, output, ..Tokens::default() }
}

#[test]
fn each_kind_of_token_has_its_own_price() {
    let all = Tokens {
        input: 10,
        output: 20,
        cache_write_5m: 30,
        cache_write_1h: 40,
        cache_read: 50,
        web_searches: 2,
    };
    // 10×3 + 20×15 + 30×3.75 + 40×6 + 50×0.3 micro-USD, and two searches
    assert_eq!(priced(&usage("tiered", all)), "0.0206975");
}

#[test]
fn the_prompt_s_size_chooses_the_tier_for_the_whole_call() {
    let at = Tokens { input: 1, cache_read: 199_999, output: 1, ..Tokens::default() };
    let above = Tokens { cache_read: 200_000, ..at };
    assert_eq!(priced(&usage("tiered", at)), "0.0600177");
    assert_eq!(priced(&usage("tiered", above)), "0.1200285");
}

#[test]
fn service_tier_speed_and_region_change_the_price() {
    let price = |tier, speed, geo: &str| {
        let mut call = usage("tiered", tokens(1000, 1000));
        (call.service_tier, call.speed, call.inference_geo) = (tier, speed, geo.into());
        priced(&call)
    };
    let cases = [
        (ServiceTier::Standard, Speed::Standard, "", "0.018"),
        (ServiceTier::Batch, Speed::Standard, "", "0.009"),
        (ServiceTier::Priority, Speed::Standard, "", "0.024"),
        (ServiceTier::Flex, Speed::Standard, "", "0.006"),
        (ServiceTier::Standard, Speed::Fast, "", "0.036"),
        (ServiceTier::Standard, Speed::Standard, "us", "0.0198"),
        (ServiceTier::Standard, Speed::Fast, "us", "0.0396"),
    ];
    for (tier, speed, geo, expected) in cases {
        let shown = format!("{tier:?} {speed:?} {geo}");
        assert_eq!(price(tier, speed, geo), expected, "{shown}");
    }
}

#[test]
fn what_the_table_lacks_is_named_and_never_guessed() {
    let cached = Tokens { cache_read: 1, ..Tokens::default() };
    let searched = Tokens { web_searches: 1, ..Tokens::default() };
    let both = Tokens { input: 1_000_000, cache_write_1h: 7, web_searches: 2, ..Tokens::default() };
    let with = |model: &str, change: &dyn Fn(&mut Usage)| {
        let mut call = usage(model, tokens(1000, 1000));
        change(&mut call);
        call
    };
    let turbo = with("tiered", &|call| call.speed = Speed::of("turbo"));
    let mut odd = with("tiered", &|call| call.odd.push(OddCount::CacheRead));
    let cases = [
        (usage("nobody-knows", tokens(1, 1)), "none: no price for anthropic/nobody-knows"),
        (usage("bare", cached), "none: no price for cache reads"),
        (usage("bare", searched), "none: no price for web searches"),
        (usage("bare", both), "0.075: no price for web searches, no price for 1-hour cache writes"),
        (with("bare", &|call| call.speed = Speed::Fast), "none: no factor for 'fast'"),
        (with("bare", &|call| call.service_tier = ServiceTier::Batch), "none: no price for tier 'batch'"),
        (
            with("tiered", &|call| call.service_tier = ServiceTier::of("silver")),
            "none: no price for tier 'silver'",
        ),
        (turbo.clone(), "none: no factor for 'turbo'"),
        (
            Usage { tokens: Tokens { web_searches: 1, ..turbo.tokens }, ..turbo },
            "0.01: no factor for 'turbo'",
        ),
        (odd.clone(), "0.018: cache read count is not a number"),
        (with("tiered", &|call| call.part = "dream".into()), "none: not known whether 'dream' is billed"),
        (with("tiered", &|call| call.part = "compaction".into()), "0.018"),
        (usage("bare", Tokens::default()), "0"),
    ];
    for (call, expected) in cases {
        assert_eq!(priced(&call), expected, "{call:?}");
    }
    let lacking = table().price(&usage("bare", both)).lacking;
    assert_eq!(lacking, Tokens { cache_write_1h: 7, web_searches: 2, ..Tokens::default() });
    odd.model = "nobody-knows".into();
    assert_eq!(table().price(&odd).lacking, odd.tokens);
}

#[test]
fn a_call_costs_what_held_on_its_day() {
    let text = r#"{"anthropic/dated": {"from": "2026-05-01", "tiers": [{"above_prompt_tokens": 0, "input": "3", "output": "15"}],
        "history": [{"from": "2025-10-01", "until": "2026-02-28", "tiers": [{"above_prompt_tokens": 0, "input": "6", "output": "30"}]}]}}"#;
    let table = PriceTable { models: serde_json::from_str(text).unwrap(), ..PriceTable::default() };
    for (at, expected) in [
        ("2026-11-29T00:00:00Z", "3"),
        ("2026-05-01T00:00:00Z", "3"),
        // The price in March is unknown: the later price is used, and marked.
        ("2026-04-30T23:59:59Z", "3: by the price of 2026-05-01"),
        ("2026-02-28T23:59:59Z", "6"),
        ("2025-10-01T00:00:00Z", "6"),
        ("2025-09-30T23:59:59Z", "6: by the price of 2025-10-01"),
    ] {
        let mut call = usage("dated", tokens(1_000_000, 0));
        call.occurred_at = at.parse().unwrap();
        let priced = table.price(&call);
        let missing: Vec<String> = priced.missing.iter().map(ToString::to_string).collect();
        let shown = [vec![priced.cost.unwrap().exact()], missing].concat().join(": ");
        assert_eq!(shown, expected, "{at}");
        assert_eq!(priced.lacking, Tokens::default());
    }
}

#[test]
fn a_reseller_s_region_has_its_own_factor() {
    let text = r#"{"anthropic/claude-opus-5": {"tiers": [{"above_prompt_tokens": 0, "input": "10", "output": "20"}], "multipliers": {"regional": "1.1"}},
        "bedrock/claude-opus-4-5": {"tiers": [{"above_prompt_tokens": 0, "input": "7", "output": "8"}]},
        "anthropic/claude-opus-4-5": {"tiers": [{"above_prompt_tokens": 0, "input": "5", "output": "25"}]}}"#;
    let mut table = PriceTable { models: serde_json::from_str(text).unwrap(), ..PriceTable::default() };
    table.aliases.insert("house-model".to_owned(), "anthropic/claude-opus-5".to_owned());
    for (model, expected) in [
        ("eu.anthropic.claude-opus-5-v1:0", Some("11")),
        ("global.anthropic.claude-opus-5-v1:0", Some("10")),
        // Its own price list, which knows no region.
        ("anthropic.claude-opus-4-5-20251101-v1:0", Some("7")),
        ("us.anthropic.claude-opus-4-5-20251101-v1:0", None),
        ("house-model", Some("10")),
        ("house-model-2", None),
    ] {
        let priced = table.price(&usage(model, tokens(1_000_000, 0)));
        assert_eq!(priced.cost.map(Picodollars::exact).as_deref(), expected, "{model} {:?}", priced.missing);
    }
}

#[test]
fn a_bound_is_no_less_than_any_price_of_the_provider() {
    let all = Tokens {
        input: 3,
        output: 5,
        cache_write_5m: 7,
        cache_write_1h: 11,
        cache_read: 13,
        web_searches: 2,
    };
    let bound = table().dearest("anthropic").unwrap().bound(&all);
    for model in ["tiered", "bare"] {
        for (tier, speed, geo) in
            [("", "", ""), ("priority", "fast", "us"), ("batch", "", "us"), ("", "fast", "us")]
        {
            let mut call = usage(model, all);
            (call.service_tier, call.speed, call.inference_geo) =
                (ServiceTier::of(tier), Speed::of(speed), geo.into());
            assert!(table().price(&call).cost.unwrap_or_default() <= bound, "{model} {tier} {speed} {geo}");
        }
    }
    assert_eq!(table().dearest("nobody"), None);
}

#[test]
fn a_cost_is_rounded_once_half_to_even() {
    let text = r#"{"anthropic/odd": {"tiers": [{"above_prompt_tokens": 0, "input": "0.000001", "output": "0.000003"}], "multipliers": {"us": "0.5"}}}"#;
    let table = PriceTable { models: serde_json::from_str(text).unwrap(), ..PriceTable::default() };
    let price = |input, output| {
        let mut call = usage("odd", tokens(input, output));
        call.inference_geo = "us".into();
        table.price(&call).cost.unwrap().0
    };
    assert_eq!((price(1, 0), price(3, 0), price(0, 1), price(1, 1)), (0, 2, 2, 2));
}

#[test]
fn a_price_with_too_many_decimals_is_refused() {
    let text = r#"{"a/b": {"tiers": [{"above_prompt_tokens": 0, "input": "0.0000001", "output": "1"}]}}"#;
    let error = serde_json::from_str::<BTreeMap<String, list::ModelPrices>>(text).unwrap_err();
    assert!(error.to_string().contains("more than 6 decimals"), "{error}");
}
