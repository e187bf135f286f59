use super::*;
use crate::domain::usage::MessageKey;
use jiff::Timestamp;

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
    PriceTable { version: "test".into(), models: serde_json::from_str(TABLE).unwrap() }
}

fn usage(model: &str, tokens: Tokens) -> Usage {
    Usage {
        key: MessageKey { message_id: "m".into(), request_id: "r".into() },
        provider: "anthropic".into(),
        model: model.into(),
        project: "".into(),
        session: "".into(),
        sidechain: false,
        service_tier: ServiceTier::Standard,
        speed: Speed::Standard,
        inference_geo: "".into(),
        tokens,
        occurred_at: Timestamp::UNIX_EPOCH,
    }
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
    assert_eq!(table().price(&usage("tiered", all)).unwrap().exact(), "0.0206975");
}

#[test]
fn the_prompt_s_size_chooses_the_tier_for_the_whole_call() {
    let at = Tokens { input: 1, cache_read: 199_999, output: 1, ..Tokens::default() };
    let above = Tokens { cache_read: 200_000, ..at };
    assert_eq!(table().price(&usage("tiered", at)).unwrap().exact(), "0.0600177");
    assert_eq!(table().price(&usage("tiered", above)).unwrap().exact(), "0.1200285");
}

#[test]
fn service_tier_speed_and_region_change_the_price() {
    let price = |tier, speed, geo: &str| {
        let mut call = usage("tiered", tokens(1000, 1000));
        (call.service_tier, call.speed, call.inference_geo) = (tier, speed, geo.into());
        table().price(&call).map(Picodollars::exact)
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
        assert_eq!(price(tier, speed, geo).as_deref(), Ok(expected), "{tier:?} {speed:?} {geo}");
    }
}

#[test]
fn what_the_table_lacks_is_named_and_never_guessed() {
    let cached = Tokens { cache_read: 1, ..Tokens::default() };
    let searched = Tokens { web_searches: 1, ..Tokens::default() };
    let mut fast = usage("bare", tokens(1, 1));
    fast.speed = Speed::Fast;
    let mut batch = usage("bare", tokens(1, 1));
    batch.service_tier = ServiceTier::Batch;
    let cases = [
        (usage("nobody-knows", tokens(1, 1)), "anthropic/nobody-knows is not in the price table"),
        (usage("bare", cached), "the price table has no cache read price for anthropic/bare"),
        (usage("bare", searched), "the price table has no web search price for anthropic/bare"),
        (fast, "the price table has no factor 'fast' for anthropic/bare"),
        (batch, "the price table has no batch price for anthropic/bare"),
    ];
    for (call, message) in cases {
        assert_eq!(table().price(&call).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_cost_is_rounded_once_half_to_even() {
    let text = r#"{"anthropic/odd": {"tiers": [{"above_prompt_tokens": 0, "input": "0.000001", "output": "0.000003"}], "multipliers": {"us": "0.5"}}}"#;
    let table = PriceTable { version: "test".into(), models: serde_json::from_str(text).unwrap() };
    let price = |input, output| {
        let mut call = usage("odd", tokens(input, output));
        call.inference_geo = "us".into();
        table.price(&call).unwrap().0
    };
    assert_eq!((price(1, 0), price(3, 0), price(0, 1), price(1, 1)), (0, 2, 2, 2));
}

#[test]
fn a_price_with_too_many_decimals_is_refused() {
    let text = r#"{"a/b": {"tiers": [{"above_prompt_tokens": 0, "input": "0.0000001", "output": "1"}]}}"#;
    let error = serde_json::from_str::<BTreeMap<String, ModelPrices>>(text).unwrap_err();
    assert!(error.to_string().contains("more than 6 decimals"), "{error}");
}
