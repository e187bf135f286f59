//! Two providers and a person who uses them, made from a seed, and the truth about every day: what each call cost,
//! which of them this machine saw, and when the provider came to know what it reports. Told apart from the program:
//! nothing here reckons as it does.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

pub const DAYS: i64 = 60;
/// A step of the simulation, in hours.
pub const STEP_HOURS: i64 = 3;
pub const PROVIDERS: [&str; 2] = ["anthropic", "openai"];
/// What was bought at each provider before anything was spent, in USD.
pub const BOUGHT: i64 = 900;

pub fn first_day() -> Date {
    date(2026, 9, 14)
}

pub fn instant(day: i64, hours: i64) -> Timestamp {
    let start = first_day().to_zoned(TimeZone::UTC).unwrap().timestamp();
    start + SignedDuration::from_hours(day * 24 + hours)
}

pub fn day(number: i64) -> Date {
    first_day() + number.days()
}

/// What this machine knows of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Here {
    /// Its cost.
    Priced,
    /// That it was made, and no price.
    Unpriced,
    /// Nothing: another machine made it.
    Unseen,
}

#[derive(Debug, Clone)]
pub struct Call {
    pub number: usize,
    pub provider: &'static str,
    pub model: &'static str,
    pub at: Timestamp,
    pub day: i64,
    /// What it is billed for in the end, in picodollars.
    pub cost: i128,
    /// What the provider says at first.
    pub cost_at_first: i128,
    /// When the provider first reports it.
    pub reported_from: Timestamp,
    /// When the provider says what it is billed for in the end.
    pub corrected_from: Timestamp,
    pub here: Here,
    /// When this machine comes to know of it.
    pub seen_from: Timestamp,
}

pub struct Market {
    pub calls: Vec<Call>,
}

impl Market {
    pub fn new(seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut calls = Vec::new();
        for day in 0..DAYS {
            for provider in PROVIDERS {
                // Some days nothing happens.
                let count = if random.random_ratio(1, 9) { 0 } else { random.random_range(1..9) };
                for _ in 0..count {
                    let number = calls.len();
                    calls.push(call(&mut random, number, provider, day));
                }
            }
        }
        Self { calls }
    }

    pub fn of(&self, provider: &str, day: i64) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(move |call| call.provider == provider && call.day == day)
    }

    /// What a day cost in truth.
    pub fn truth(&self, provider: &str, day: i64) -> i128 {
        self.of(provider, day).map(|call| call.cost).sum()
    }

    /// What of it this machine can know.
    pub fn estimate(&self, provider: &str, day: i64) -> i128 {
        self.of(provider, day).filter(|call| call.here == Here::Priced).map(|call| call.cost).sum()
    }

    /// What the provider reports of a day at an instant: by model.
    pub fn reported(&self, provider: &str, day: i64, now: Timestamp) -> BTreeMap<&'static str, i128> {
        let mut models = BTreeMap::new();
        for call in self.of(provider, day).filter(|call| call.reported_from <= now) {
            let cost = if call.corrected_from <= now { call.cost } else { call.cost_at_first };
            *models.entry(call.model).or_default() += cost;
        }
        models
    }

    /// What was spent in truth before an instant.
    pub fn spent(&self, provider: &str, until: Timestamp) -> i128 {
        let spent = self.calls.iter().filter(|call| call.provider == provider && call.at < until);
        spent.map(|call| call.cost).sum()
    }

    /// What this machine knows by `now` to have been spent from an instant on.
    pub fn seen_since(&self, provider: &str, since: Timestamp, now: Timestamp) -> i128 {
        let seen = self.calls.iter().filter(|call| {
            call.provider == provider
                && call.here == Here::Priced
                && call.at >= since
                && call.seen_from <= now
        });
        seen.map(|call| call.cost).sum()
    }
}

fn call(random: &mut SmallRng, number: usize, provider: &'static str, day: i64) -> Call {
    let models: [&str; 3] = match provider {
        "anthropic" => ["claude-opus-5", "claude-sonnet-5", "claude-next"],
        _ => ["gpt-5", "gpt-5-mini", "gpt-next"],
    };
    let model = models[random.random_range(0..3)];
    let here = match random.random_range(0..10) {
        0 => Here::Unseen,
        _ if model.ends_with("next") => Here::Unpriced,
        _ => Here::Priced,
    };
    // Not on the borders of a quarter, where a reading may lie.
    let at = instant(day, 0) + SignedDuration::from_millis(random.random_range(1..86_400) * 1_000 - 500);
    let cost = random.random_range(1..3_000_000_000_000_i128);
    let is_corrected = random.random_ratio(1, 5);
    let cost_at_first = if is_corrected { cost + random.random_range(-cost / 2..cost / 2 + 1) } else { cost };
    // Most is reported at once, some a day and a half late; corrections come within two days of the day's end.
    let late = if random.random_ratio(1, 6) { random.random_range(1..36) } else { 0 };
    let reported_from = at + SignedDuration::from_hours(late);
    let corrected_from = instant(day + 1, random.random_range(0..48)).max(reported_from);
    let seen_from = at + SignedDuration::from_mins(random.random_range(0..300));
    Call {
        number,
        provider,
        model,
        at,
        day,
        cost,
        cost_at_first,
        reported_from,
        corrected_from,
        here,
        seen_from,
    }
}
