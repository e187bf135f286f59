//! What a sum leaves out. Unknown is not zero: a decision over a sum says what the sum lacks, and rests on what it may be
//! at most.
//!
//! | what is not known | what is said | a yes over it |
//! |---|---|---|
//! | a call without a price, or with a part of one | how many calls and tokens are not in the sum | where the sum fits even if these tokens were of the provider's dearest model; else it is not known |
//! | the provider has no price at all | the same | it is not known |
//! | a line that was refused, a file that was not read, in the period | how many | it is not known |
//! | a provider whose own report fails | since when | yes, and that it is old |
//!
//! A no needs none of this: what is known to be spent is spent.

use super::money::Picodollars;

/// What a sum of calls lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lacking {
    /// Calls of which the sum leaves out the cost, or a part of it.
    pub calls: u64,
    /// Their tokens that have no price.
    pub tokens: u64,
    /// What they cost at most; none where nobody knows.
    pub at_most: Option<Picodollars>,
}

impl Default for Lacking {
    /// Nothing.
    fn default() -> Self {
        Self { calls: 0, tokens: 0, at_most: Some(Picodollars::ZERO) }
    }
}

impl Lacking {
    /// Whether the sum is whole.
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

    /// What is spent at most, given what is known to be.
    #[must_use]
    pub fn most(&self, known: Picodollars) -> Option<Picodollars> {
        self.at_most.map(|more| known + more)
    }

    /// In words: `20 calls without a price (40,000 tokens) are not in the sum`; none where it is whole.
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

/// What was spent, as far as it is known, and what that lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// What is known.
    pub known: Picodollars,
    /// What that leaves out.
    pub lacking: Lacking,
}

impl From<Picodollars> for Spent {
    /// A sum that is whole.
    fn from(known: Picodollars) -> Self {
        Self { known, lacking: Lacking::default() }
    }
}

/// What is not known of all sums of a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doubts {
    /// Something may be missing from them: lines that were refused, files that were not read.
    pub missing: Vec<String>,
    /// Something is old.
    pub old: Vec<String>,
}

impl Doubts {
    /// Whether there is none.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.missing.is_empty() && self.old.is_empty()
    }

    /// All of them.
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
