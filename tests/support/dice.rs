//! Numbers that are the same for the same seed, as tests throw them.

use mecris::domain::money::Picodollars;

use crate::hostility::Random;

pub struct Dice(Random);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(Random(seed))
    }

    pub fn next(&mut self) -> u64 {
        self.0.next()
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }

    pub fn cents(&mut self, most_usd: u64) -> Picodollars {
        Picodollars(i128::from(self.below(most_usd * 100)) * 10_000_000_000)
    }
}
