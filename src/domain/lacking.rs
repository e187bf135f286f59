//! Incomplete sums. Unknown is not zero: a decision over a sum reports what the sum lacks, and uses its upper
//! bound.
//!
//! | what is unknown | what is reported | a yes over it |
//! |---|---|---|
//! | a call without a price, or with a part of one | how many calls and tokens are not in the sum | if the sum fits even with these tokens at the provider's highest price; otherwise unknown |
//! | a provider without any price | the same | unknown |
//! | a refused line, or an unread file, in the period | how many | unknown |
//! | a provider whose own report fails | since when | yes, with a note that it is old |
//!
//! A no needs none of this: known spend is certain.

use super::money::Picodollars;

/// What a sum of calls lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lacking {
    /// Calls whose cost, or a part of it, is not in the sum.
    pub calls: u64,
    /// Their tokens without a price.
    pub tokens: u64,
    /// Upper bound of their cost; none if unknown.
    pub at_most: Option<Picodollars>,
}

impl Default for Lacking {
    /// Nothing is lacking.
    fn default() -> Self {
        Self { calls: 0, tokens: 0, at_most: Some(Picodollars::ZERO) }
    }
}

impl Lacking {
    /// Whether the sum is complete.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.calls == 0
    }

    /// Adds what another part of the sum lacks.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.tokens += other.tokens;
        self.at_most = self.at_most.zip(other.at_most).map(|(one, other)| one + other);
    }

    /// Upper bound of the spend, given the known spend.
    #[must_use]
    pub fn most(&self, known: Picodollars) -> Option<Picodollars> {
        self.at_most.map(|more| known + more)
    }

    /// In words: `20 calls without a price (40,000 tokens) are not in the sum`; none if it is complete.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let (calls, are) = match self.calls {
            0 => return None,
            1 => ("1 call".to_owned(), "is"),
            more => (format!("{more} calls"), "are"),
        };
        let most = match self.at_most {
            Some(most) if most > Picodollars::ZERO => format!(": at most {} USD more", most.rounded_up(2)),
            Some(_) => String::new(),
            None => ", and nobody knows what they cost at most".to_owned(),
        };
        Some(match self.tokens {
            0 => format!("{calls} {are} reckoned by the price of another day"),
            tokens => format!("{calls} without a whole price ({tokens} tokens) {are} not in the sum{most}"),
        })
    }
}

/// Known spend, and what it lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    pub known: Picodollars,
    pub lacking: Lacking,
}

impl From<Picodollars> for Spent {
    /// A complete sum.
    fn from(known: Picodollars) -> Self {
        Self { known, lacking: Lacking::default() }
    }
}

/// What all sums of a period may lack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doubts {
    /// Something may be missing: refused lines, unread files.
    pub missing: Vec<String>,
    /// Something is out of date.
    pub old: Vec<String>,
}

impl Doubts {
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.missing.is_empty() && self.old.is_empty()
    }

    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.missing.iter().chain(&self.old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_nobody_can_bound_leave_the_whole_without_a_bound() {
        let of = |calls, tokens, at_most: Option<i64>| Lacking {
            calls,
            tokens,
            at_most: at_most.map(Picodollars::usd),
        };
        let mut sum = Lacking::default();
        assert_eq!((sum.is_nothing(), sum.text()), (true, None));
        sum.add(&of(20, 40_000, Some(3)));
        assert_eq!(sum.most(Picodollars::usd(1)), Some(Picodollars::usd(4)));
        assert_eq!(
            sum.text().unwrap(),
            "20 calls without a whole price (40000 tokens) are not in the sum: at most 3.00 USD more"
        );
        sum.add(&of(1, 5, None));
        assert_eq!((sum.calls, sum.tokens, sum.most(Picodollars::ZERO)), (21, 40_005, None));
        assert!(sum.text().unwrap().ends_with("nobody knows what they cost at most"));
        assert_eq!(of(1, 0, Some(0)).text().unwrap(), "1 call is reckoned by the price of another day");
    }
}
