//! What a response consumed: `message.usage` and the entries of its `iterations`.

use serde::Deserialize;
use sonic_rs::LazyValue;

use crate::domain::tokens::Tokens;
use crate::domain::usage::{OddCount, Usage};

use super::fields::{Count, Text, part};

/// Entries of `usage.iterations` that are inside the line's own numbers, or billed elsewhere.
pub(super) const INSIDE: [&str; 2] = ["message", "fallback"];

/// Entries of `usage.iterations` that the line's own numbers leave out: each is a billed call.
pub(super) const BESIDE: [&str; 2] = ["advisor_message", "compaction"];

/// `message.usage`, as the Messages API returns it; an entry of its `iterations` is made alike.
#[derive(Deserialize)]
pub(super) struct Consumed<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow, default)]
    pub(super) model: Text<'a>,
    #[serde(default)]
    pub(super) input_tokens: Count,
    #[serde(default)]
    pub(super) output_tokens: Count,
    #[serde(default)]
    pub(super) cache_creation_input_tokens: Count,
    #[serde(default)]
    pub(super) cache_read_input_tokens: Count,
    #[serde(borrow)]
    pub(super) cache_creation: Option<LazyValue<'a>>,
    #[serde(borrow)]
    pub(super) server_tool_use: Option<LazyValue<'a>>,
    #[serde(borrow, default)]
    pub(super) service_tier: Text<'a>,
    #[serde(borrow, default)]
    pub(super) speed: Text<'a>,
    #[serde(borrow, default)]
    pub(super) inference_geo: Text<'a>,
    #[serde(borrow)]
    pub(super) iterations: Option<LazyValue<'a>>,
}

#[derive(Default, Deserialize)]
struct CacheCreation {
    #[serde(default)]
    ephemeral_5m_input_tokens: Count,
    #[serde(default)]
    ephemeral_1h_input_tokens: Count,
}

#[derive(Default, Deserialize)]
struct ServerToolUse {
    #[serde(default)]
    web_search_requests: Count,
}

/// Whether entries of unknown kinds are inside a response's own numbers: where those of known kinds do not make them up,
/// and all together do.
pub(super) fn unknown_are_inside(call: &Usage, entries: &[Option<Consumed<'_>>]) -> bool {
    let told = |tokens: &Tokens| {
        let writes = tokens.cache_write_5m + tokens.cache_write_1h;
        [tokens.input, tokens.output, tokens.cache_read, writes]
    };
    let (mut messages, mut all) = ([0_u64; 4], [0_u64; 4]);
    let mut has_any = false;
    for entry in entries.iter().flatten() {
        let kind = entry.kind.word();
        if BESIDE.contains(&kind) || kind == "fallback" {
            continue;
        }
        has_any = true;
        let counts = told(&tokens(entry).0);
        let add = |sums: &mut [u64; 4]| sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        add(&mut all);
        if kind == "message" {
            add(&mut messages);
        }
    }
    let own = told(&call.tokens);
    has_any && all == own && messages != own
}

/// What was consumed, and which of the counts are none.
pub(super) fn tokens(consumed: &Consumed<'_>) -> (Tokens, Vec<OddCount>) {
    let mut odd = Vec::new();
    let mut get = |count: Count, which: OddCount| match count {
        Count::Is(count) => count,
        Count::Odd => {
            if !odd.contains(&which) {
                odd.push(which);
            }
            0
        }
    };
    let (input, output) =
        (get(consumed.input_tokens, OddCount::Input), get(consumed.output_tokens, OddCount::Output));
    let cache_read = get(consumed.cache_read_input_tokens, OddCount::CacheRead);
    let total = get(consumed.cache_creation_input_tokens, OddCount::CacheWrite);
    let (five_minutes, hour) = match part::<CacheCreation>(consumed.cache_creation.as_ref()) {
        // Where the split is absent, or tells of less than the total, the rest counts as five minutes.
        Ok(None) => (total, 0),
        Err(()) => (total + get(Count::Odd, OddCount::CacheWrite), 0),
        Ok(Some(split)) => {
            let five_minutes = get(split.ephemeral_5m_input_tokens, OddCount::CacheWrite);
            let hour = get(split.ephemeral_1h_input_tokens, OddCount::CacheWrite);
            (five_minutes + total.saturating_sub(five_minutes + hour), hour)
        }
    };
    let web_searches = match part::<ServerToolUse>(consumed.server_tool_use.as_ref()) {
        Ok(tools) => get(tools.unwrap_or_default().web_search_requests, OddCount::WebSearches),
        Err(()) => get(Count::Odd, OddCount::WebSearches),
    };
    let tokens = Tokens {
        input,
        output,
        cache_write_5m: five_minutes,
        cache_write_1h: hour,
        cache_read,
        web_searches,
    };
    odd.sort_unstable();
    (tokens, odd)
}
