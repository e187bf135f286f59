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

    /// Two tellings of one call as one: of each count the greatest. Writes to the cache are told in all, and later by how
    /// long they are kept: of them the greatest sum counts, and the greatest part of an hour.
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

    /// All tokens together, without searches.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.prompt() + self.output
    }
}

impl Tokens {
    /// The sum of counts that nobody has checked yet: what is too much for a number stays too much for a count.
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
