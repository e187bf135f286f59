//! What a call costs, reckoned as a person would: each count by its price, and what has none left out.

use super::Call;

/// The prices of one token, in picodollars: input, output, cache writes of five minutes and of an hour, cache reads, and of
/// one search.
type Prices = [Option<i128>; 6];

fn prices(model: &str) -> Option<Prices> {
    const OPUS: [i128; 6] = [5_000_000, 25_000_000, 6_250_000, 10_000_000, 500_000, 10_000_000_000];
    const SONNET: [i128; 6] = [2_000_000, 10_000_000, 2_500_000, 0, 200_000, 0];
    let known = match model {
        "claude-opus-5" => OPUS,
        "claude-sonnet-5" => SONNET,
        _ => return None,
    };
    Some(known.map(|price| (price > 0).then_some(price)))
}

/// In picodollars; none where nothing of it has a price.
pub fn cost(call: &Call) -> Option<i128> {
    let kind = call.key.rsplit_once('#').and_then(|(_, part)| part.rsplit_once(':')).map(|(kind, _)| kind);
    if kind.is_some_and(|kind| !["advisor_message", "compaction"].contains(&kind)) {
        return None;
    }
    let mut prices = prices(&call.model)?;
    let is_plain = [&call.tier, &call.speed, &call.geo].iter().all(|word| word.is_empty());
    if !is_plain {
        // No prices for tiers, and no factors: searches cost what they cost.
        prices[..5].fill(None);
    }
    if call.tokens == [0; 6] {
        return is_plain.then_some(0);
    }
    let parts = call.tokens.iter().zip(prices).filter(|(count, _)| **count > 0);
    let parts: Vec<i128> = parts.filter_map(|(count, price)| Some(i128::from(*count) * price?)).collect();
    (!parts.is_empty()).then(|| parts.iter().sum())
}
