//! Token counts, separated by price.

use std::ops::{Add, AddAssign, SubAssign};

use serde::{Deserialize, Serialize};

/// Larger counts come from a broken line.
pub const MAX_COUNT: u64 = 1_000_000_000_000;

/// Consumption of one or more calls. Field names follow the provider's: `input` excludes the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Tokens {
    /// Uncached input tokens.
    pub input: u64,
    /// Output tokens, including thinking.
    pub output: u64,
    /// Tokens written to the five-minute cache.
    pub cache_write_5m: u64,
    /// Tokens written to the one-hour cache.
    pub cache_write_1h: u64,
    /// Tokens read from the cache.
    pub cache_read: u64,
    /// Web searches made by the provider (calls, not tokens).
    pub web_searches: u64,
}

impl Tokens {
    /// The prompt size, which selects the price tier: all input, cached or not.
    #[must_use]
    pub fn prompt(&self) -> u64 {
        self.input + self.cache_write_5m + self.cache_write_1h + self.cache_read
    }

    /// Merges two readings of one call: the maximum of each count. Cache writes are first reported in total,
    /// and later by lifetime: their maximum sum counts, and the maximum one-hour part.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let writes = |tokens: &Self| tokens.cache_write_5m + tokens.cache_write_1h;
        let hour = self.cache_write_1h.max(other.cache_write_1h);
        Self {
            input: self.input.max(other.input),
            output: self.output.max(other.output),
            cache_write_5m: writes(self).max(writes(other)) - hour,
            cache_write_1h: hour,
            cache_read: self.cache_read.max(other.cache_read),
            web_searches: self.web_searches.max(other.web_searches),
        }
    }

    /// The counts, in the order of the fields.
    #[must_use]
    pub fn counts(&self) -> [u64; 6] {
        let Self { input, output, cache_write_5m, cache_write_1h, cache_read, web_searches } = *self;
        [input, output, cache_write_5m, cache_write_1h, cache_read, web_searches]
    }

    /// All tokens, without searches.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.prompt() + self.output
    }
}

impl Tokens {
    /// The sum of unchecked counts: a count that is too large stays too large.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cache_write_5m: self.cache_write_5m.saturating_add(other.cache_write_5m),
            cache_write_1h: self.cache_write_1h.saturating_add(other.cache_write_1h),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            web_searches: self.web_searches.saturating_add(other.web_searches),
        }
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        self.input += other.input;
        self.output += other.output;
        self.cache_write_5m += other.cache_write_5m;
        self.cache_write_1h += other.cache_write_1h;
        self.cache_read += other.cache_read;
        self.web_searches += other.web_searches;
    }
}

impl SubAssign for Tokens {
    fn sub_assign(&mut self, other: Self) {
        self.input -= other.input;
        self.output -= other.output;
        self.cache_write_5m -= other.cache_write_5m;
        self.cache_write_1h -= other.cache_write_1h;
        self.cache_read -= other.cache_read;
        self.web_searches -= other.web_searches;
    }
}

impl Add for Tokens {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}
