//! Plausibility of amounts read from a provider's own page.
//!
//! Pages are made for people: the layout changes, a dash is shown while loading, and last month's number
//! while this month's is late. So an amount counts only if two ways to it agree, or if it is near the
//! expected amount.

mod shown;

use std::time::Duration;

use super::balance::Confidence;
use super::money::Picodollars;

pub use shown::{Locale, ShownError, parse_shown};

/// Ways that differ by less agree: a page rounds to cents what its JSON has exactly.
const ROUNDING: Picodollars = Picodollars(10_000_000_000);
/// More than this above the expected amount is an unreported top-up or an old number: one way is not enough.
const ABOVE: Picodollars = Picodollars::usd(1);
/// More than this below half of the expected amount is more likely a wrong number than spend on other
/// machines.
const BELOW: Picodollars = Picodollars::usd(5);

/// An amount, and the way that found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The recipe's name of the way.
    pub way: String,
    /// The amount in USD.
    pub amount: Picodollars,
}

/// Bounds of any balance at this provider, in USD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub min: Picodollars,
    pub max: Picodollars,
}

/// A trusted amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The balance in USD.
    pub amount: Picodollars,
    /// High if two ways agree, medium if one way found it near the expected amount.
    pub confidence: Confidence,
    /// The ways, joined by `+`.
    pub found: String,
}

/// Why an amount is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Implausible {
    /// No way found an amount.
    #[error("no amount was found")]
    Nothing,
    /// Out of bounds.
    #[error("{way} shows {amount} USD, which is outside of the recipe's bounds")]
    OutOfBounds { way: String, amount: String },
    /// Two ways found different amounts.
    #[error("{one} shows {first} USD and {other} shows {second} USD")]
    Disagreement { one: String, first: String, other: String, second: String },
    /// One way found an amount far from the expected one.
    #[error(
        "{way} alone shows {amount} USD where {expected} USD was expected; if it is right, record it: mecris balance set {amount}"
    )]
    Unexpected {
        way: String,
        amount: String,
        /// The calculated balance.
        expected: String,
    },
    /// One way found an amount, and there is nothing to compare it with.
    #[error(
        "{way} alone shows {amount} USD, and there is no reading to compare it with; if it is right, record it: mecris balance set {amount}"
    )]
    Alone { way: String, amount: String },
}

/// After this many consecutive challenges a page is not polled until a person asks.
pub const CHALLENGES_MAX: u32 = 3;

/// How long a page must still not be polled: `every`, doubled for each consecutive challenge; none if it is
/// due. [`Duration::MAX`] if only a person may have it read again. A poll that is due within a tenth of the
/// interval is due, because of the jitter.
#[must_use]
pub fn rest(every: Duration, challenges: u32, since_last: Option<Duration>) -> Option<Duration> {
    if challenges >= CHALLENGES_MAX {
        return Some(Duration::MAX);
    }
    let pause = every.saturating_mul(1 << challenges);
    (pause / 10 * 9).checked_sub(since_last?).filter(|left| !left.is_zero())
}

/// Decides whether an amount is trusted. `expected` is the calculated balance, if there is one.
///
/// # Errors
/// [`Implausible`]: what contradicts it.
pub fn accept(
    found: &[Found],
    bounds: Bounds,
    expected: Option<Picodollars>,
) -> Result<Accepted, Implausible> {
    let Some(first) = found.first() else { return Err(Implausible::Nothing) };
    if let Some(wrong) = found.iter().find(|found| found.amount < bounds.min || found.amount > bounds.max) {
        return Err(Implausible::OutOfBounds { way: wrong.way.clone(), amount: wrong.amount.exact() });
    }
    let differs = |other: &&Found| (first.amount.0 - other.amount.0).abs() >= ROUNDING.0;
    if let Some(other) = found.iter().find(differs) {
        return Err(Implausible::Disagreement {
            one: first.way.clone(),
            first: first.amount.exact(),
            other: other.way.clone(),
            second: other.amount.exact(),
        });
    }
    let ways = || found.iter().map(|found| found.way.as_str()).collect::<Vec<_>>().join("+");
    if found.len() > 1 {
        return Ok(Accepted { amount: first.amount, confidence: Confidence::High, found: ways() });
    }
    let (way, amount) = (first.way.clone(), first.amount.exact());
    match expected {
        None => Err(Implausible::Alone { way, amount }),
        Some(expected) if is_near(first.amount, expected) => {
            Ok(Accepted { amount: first.amount, confidence: Confidence::Medium, found: ways() })
        }
        Some(expected) => Err(Implausible::Unexpected { way, amount, expected: expected.exact() }),
    }
}

/// Spend that is not recorded here lowers a balance, so the tolerance below is larger than above. If by our
/// prices more was spent than there was, the page shows 0.
fn is_near(amount: Picodollars, expected: Picodollars) -> bool {
    let expected = expected.max(Picodollars::ZERO);
    let least = Picodollars(expected.0 / 2) - BELOW;
    amount <= expected + ABOVE && amount >= least
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Picodollars {
        Picodollars::parse(text).unwrap()
    }

    fn decide(found: &[&str], expected: Option<&str>) -> Result<(String, Confidence), &'static str> {
        let found: Vec<Found> = found
            .iter()
            .enumerate()
            .map(|(n, amount)| Found { way: format!("way-{n}"), amount: usd(amount) })
            .collect();
        let bounds = Bounds { min: usd("0"), max: usd("10000") };
        match accept(&found, bounds, expected.map(usd)) {
            Ok(accepted) => Ok((accepted.amount.exact(), accepted.confidence)),
            Err(Implausible::Nothing) => Err("nothing"),
            Err(Implausible::OutOfBounds { .. }) => Err("bounds"),
            Err(Implausible::Disagreement { .. }) => Err("disagreement"),
            Err(Implausible::Unexpected { .. }) => Err("unexpected"),
            Err(Implausible::Alone { .. }) => Err("alone"),
        }
    }

    /// What was found, what was expected, and the decision.
    type Row<'a> = (&'a [&'a str], Option<&'a str>, Result<(String, Confidence), &'static str>);

    #[test]
    fn an_amount_counts_when_two_ways_agree_or_it_lies_where_it_was_expected() {
        use Confidence::{High, Medium};
        let high = |amount: &str| Ok((amount.to_owned(), High));
        let medium = |amount: &str| Ok((amount.to_owned(), Medium));
        let table: &[Row<'_>] = &[
            (&[], None, Err("nothing")),
            (&[], Some("10"), Err("nothing")),
            (&["13.92"], None, Err("alone")),
            (&["13.92"], Some("13.92"), medium("13.92")),
            (&["13.92"], Some("13"), medium("13.92")),
            (&["14.01"], Some("13"), Err("unexpected")), // a top-up, or last month's number
            (&["24.02"], Some("13.92"), Err("unexpected")),
            (&["7"], Some("13.92"), medium("7")), // another machine spends too
            (&["1.96"], Some("13.92"), medium("1.96")),
            (&["1.95"], Some("13.92"), Err("unexpected")),
            (&["0"], Some("9.99"), medium("0")),
            (&["0"], Some("13.92"), Err("unexpected")), // a page that has not loaded shows 0 too
            (&["0"], Some("-3"), medium("0")),
            (&["13.92", "13.92"], None, high("13.92")),
            (&["13.9249", "13.92"], None, high("13.9249")), // the page rounds
            (&["13.93", "13.92"], None, Err("disagreement")),
            (&["50", "50"], Some("3"), high("50")), // a top-up that both ways show
            (&["0", "0"], Some("100"), high("0")),
            (&["13.92", "13.92", "1.39"], Some("13.92"), Err("disagreement")),
            (&["10000.01"], Some("10000"), Err("bounds")),
            (&["-0.01", "-0.01"], None, Err("bounds")),
        ];
        for (found, expected, verdict) in table {
            assert_eq!(&decide(found, *expected), verdict, "{found:?} where {expected:?} was expected");
        }
    }

    #[test]
    fn a_page_is_read_seldom_more_seldom_after_a_challenge_and_not_at_all_after_three() {
        let hours = |count: u64| Duration::from_hours(count);
        let minutes = Duration::from_mins;
        for (challenges, since_last, left) in [
            (0, None, None),
            (0, Some(hours(0)), Some(minutes(324))), // six hours minus a tenth
            (0, Some(hours(5)), Some(minutes(24))),
            (0, Some(minutes(324)), None),
            (0, Some(hours(48)), None),
            (1, Some(hours(6)), Some(minutes(288))),
            (1, Some(hours(12)), None),
            (2, Some(hours(12)), Some(minutes(576))),
            (2, Some(hours(24)), None),
            (3, Some(hours(1_000)), Some(Duration::MAX)),
            (4, None, Some(Duration::MAX)),
        ] {
            assert_eq!(rest(hours(6), challenges, since_last), left, "{challenges} {since_last:?}");
        }
    }
}
