//! What a provider's own page shows, and whether it may be believed.
//!
//! A page is made for eyes: it changes its layout, shows a dash while it loads, and last month's figure where this
//! month's is late. So an amount counts only when two ways to it agree, or when it lies where it was expected.

mod shown;

use std::time::Duration;

use super::balance::Confidence;
use super::money::Picodollars;

pub use shown::{Locale, ShownError, parse_shown};

/// Ways that differ by less than this agree: a page rounds to cents what its JSON has exactly.
const ROUNDING: Picodollars = Picodollars(10_000_000_000);
/// Above what is expected by more than this is a top-up that nobody told, or an old figure: one way is not enough.
const ABOVE: Picodollars = Picodollars::usd(1);
/// Below half of what is expected by more than this is likelier a wrong figure than spend on other machines.
const BELOW: Picodollars = Picodollars::usd(5);

/// An amount, and the way it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The recipe's name of the way.
    pub way: String,
    /// What stands there, in USD.
    pub amount: Picodollars,
}

/// What no balance of this provider can be outside of, in USD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The least.
    pub min: Picodollars,
    /// The most.
    pub max: Picodollars,
}

/// An amount that may be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What is left, in USD.
    pub amount: Picodollars,
    /// High where two ways agree, medium where one lies where it was expected.
    pub confidence: Confidence,
    /// The ways, joined by `+`.
    pub found: String,
}

/// Why an amount is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Implausible {
    /// There is none.
    #[error("no amount was found")]
    Nothing,
    /// No balance is like that.
    #[error("{way} shows {amount} USD, which is outside of the recipe's bounds")]
    OutOfBounds {
        /// The way.
        way: String,
        /// What it shows.
        amount: String,
    },
    /// Two ways to the same thing lead to two things.
    #[error("{one} shows {first} USD and {other} shows {second} USD")]
    Disagreement {
        /// A way.
        one: String,
        /// What it shows.
        first: String,
        /// Another way.
        other: String,
        /// What that shows.
        second: String,
    },
    /// One way, and far from what was expected.
    #[error(
        "{way} alone shows {amount} USD where {expected} USD was expected; if it is right, tell it: mecris balance set {amount}"
    )]
    Unexpected {
        /// The way.
        way: String,
        /// What it shows.
        amount: String,
        /// What the reckoned balance is.
        expected: String,
    },
    /// One way, and nothing to hold it against.
    #[error(
        "{way} alone shows {amount} USD, and no reading is there to hold it against; if it is right, tell it: mecris balance set {amount}"
    )]
    Alone {
        /// The way.
        way: String,
        /// What it shows.
        amount: String,
    },
}

/// After so many challenges in a row a page is left alone until a person asks.
pub const CHALLENGES_MAX: u32 = 3;

/// How long a page is still left alone: `every`, and twice as long after each challenge in a row; none where it is
/// due. [`Duration::MAX`] where only a person can have it read again. What is due within a tenth is due: looks are
/// spread by a tenth.
#[must_use]
pub fn rest(every: Duration, challenges: u32, since_last: Option<Duration>) -> Option<Duration> {
    if challenges >= CHALLENGES_MAX {
        return Some(Duration::MAX);
    }
    let pause = every.saturating_mul(1 << challenges);
    (pause / 10 * 9).checked_sub(since_last?).filter(|left| !left.is_zero())
}

/// Decides whether what was found is believed. `expected` is the balance as it is reckoned now, if there is one.
///
/// # Errors
/// [`Implausible`]: what speaks against it.
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

/// Spend that is not recorded here lowers a balance, so there is more room below than above. Who has spent more than
/// there was, by our prices, sees 0 on the page.
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

    /// What was found, what was expected, and what is decided.
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
            (&["14.01"], Some("13"), Err("unexpected")), // a top-up, or last month's figure
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
            (&["50", "50"], Some("3"), high("50")), // a top-up that both tell of
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
            (0, Some(hours(0)), Some(minutes(324))), // six hours less a tenth
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
