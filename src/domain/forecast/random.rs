//! A random number generator with the same output on every machine and in every version: `SplitMix64`
//! (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). A library's generator may
//! change, and forecasts with it.

/// See the module.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below a limit; 0 if the limit is 0.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(limit);
        (wide >> 64) as u64
    }

    /// A Poisson-distributed number with mean 1, at most 5.
    pub(super) fn poisson(&mut self) -> u64 {
        // Cumulative sums of e^-1 times 1, 1, 1/2, 1/6, 1/24, in 10000ths.
        const UP_TO: [u64; 5] = [3_679, 7_358, 9_197, 9_810, 9_963];
        let drawn = self.below(10_000);
        UP_TO.iter().filter(|limit| drawn >= **limit).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_paper_s_reference_code() {
        let mut random = Random::new(1_234_567);
        let drawn = [random.next(), random.next(), random.next()];
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn poisson_has_mean_and_variance_one() {
        let mut random = Random::new(1);
        let drawn: Vec<u64> = (0..100_000).map(|_| random.poisson()).collect();
        let (sum, squares) =
            (drawn.iter().sum::<u64>(), drawn.iter().map(|count| count * count).sum::<u64>());
        assert!((98_000..102_000).contains(&sum), "{sum}");
        // The mean square is the variance plus the squared mean: 2.
        assert!((195_000..205_000).contains(&squares), "{squares}");
    }
}
