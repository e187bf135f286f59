//! Token counts, kept apart by what they cost.

use std::ops::{Add, AddAssign, SubAssign};

use serde::{Deserialize, Serialize};

/// More tokens than this in one count are a broken line, not a message.
pub const MAX_COUNT: u64 = 1_000_000_000_000;

/// What one call, or many, consumed. Field names follow the provider's: `input` excludes the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Tokens {
    /// Uncached input tokens.
    pub input: u64,
    /// Output tokens, thinking included.
    pub output: u64,
    /// Tokens written to the cache for five minutes.
    pub cache_write_5m: u64,
    /// Tokens written to the cache for an hour.
    pub cache_write_1h: u64,
    /// Tokens read from the cache.
    pub cache_read: u64,
    /// Web searches made by the provider (calls, not tokens).
    pub web_searches: u64,
}

impl Tokens {
    /// The size of the prompt, by which tiered prices are chosen: all that was sent, cached or not.
    #[must_use]
    pub fn prompt(&self) -> u64 {
        self.input + self.cache_write_5m + self.cache_write_1h + self.cache_read
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
