//! Money: integers of picodollars, never floats.
//!
//! A price of 0.075 USD per million tokens is 75 000 picodollars per token, so costs are exact. Display
//! rounds, storage never does.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::code::{Code, Coded};

/// An amount in units of 10⁻¹² USD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Picodollars(pub i128);

/// Picodollars per dollar.
pub const PICO: i128 = 1_000_000_000_000;

/// Larger amounts are refused on input (10⁹ dollars), so that sums cannot overflow.
const MAX_USD: i128 = 1_000_000_000;

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not digits with at most one point.
    #[error("'{0}' is not an amount in USD; write it like 50 or 13.92")]
    NotANumber(String),
    /// More than twelve decimal places.
    #[error("'{0}' has more than 12 decimals")]
    TooPrecise(String),
    /// Above the limit.
    #[error("'{0}' is over 1,000,000,000 USD")]
    TooLarge(String),
}

impl Coded for MoneyError {
    fn code(&self) -> Code {
        Code::Refused
    }
}

impl Picodollars {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn usd(dollars: i64) -> Self {
        Self(dollars as i128 * PICO)
    }

    /// Parses a decimal amount in USD, such as `13.92` or `-0.5`.
    ///
    /// # Errors
    /// [`MoneyError`] names what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let error = || MoneyError::NotANumber(text.to_owned());
        let trimmed = text.trim();
        let (negative, digits) = match trimmed.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, trimmed),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return Err(error());
        }
        if fraction.len() > 12 {
            return Err(MoneyError::TooPrecise(text.to_owned()));
        }
        let too_large = || MoneyError::TooLarge(text.to_owned());
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| too_large())? };
        if whole > MAX_USD {
            return Err(too_large());
        }
        let fraction: i128 = format!("{fraction:0<12}").parse().map_err(|_| error())?;
        let amount = whole * PICO + fraction;
        Ok(Self(if negative { -amount } else { amount }))
    }

    /// The exact decimal amount in USD, without trailing zeros: `0.0123`, `5`, `-1.5`.
    #[must_use]
    pub fn exact(self) -> String {
        let magnitude = self.0.unsigned_abs();
        let (whole, fraction) = (magnitude / PICO as u128, magnitude % PICO as u128);
        let sign = if self.0 < 0 { "-" } else { "" };
        if fraction == 0 {
            return format!("{sign}{whole}");
        }
        let digits = format!("{fraction:012}");
        format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
    }

    /// Rounded half to even, to `decimals` places, for people.
    #[must_use]
    pub fn rounded(self, decimals: u32) -> String {
        let decimals = decimals.min(12);
        let unit = 10_i128.pow(12 - decimals);
        let units = divide_half_even(self.0, unit);
        let magnitude = units.unsigned_abs();
        let scale = 10_u128.pow(decimals);
        let sign = if units < 0 { "-" } else { "" };
        let whole = magnitude / scale;
        if decimals == 0 {
            return format!("{sign}{whole}");
        }
        format!("{sign}{whole}.{:0width$}", magnitude % scale, width = decimals as usize)
    }

    /// Rounded up to `decimals` places, for people: an upper bound stays one.
    #[must_use]
    pub fn rounded_up(self, decimals: u32) -> String {
        let unit = 10_i128.pow(12 - decimals.min(12));
        let units = self.0.div_euclid(unit) + i128::from(self.0.rem_euclid(unit) != 0);
        Self(units.saturating_mul(unit)).rounded(decimals)
    }

    /// `self × numerator / denominator`, rounded half to even.
    ///
    /// # Panics
    ///
    /// If `denominator` is not positive: callers divide by numbers of days and fixed scales.
    #[must_use]
    pub fn scale(self, numerator: i128, denominator: i128) -> Self {
        Self(divide_half_even(self.0 * numerator, denominator))
    }
}

/// `part / whole` as a decimal, rounded once, half to even: 5 and 4 to two places give `1.25`. None if
/// `whole` is not positive.
#[must_use]
pub fn ratio(part: Picodollars, whole: Picodollars, decimals: u32) -> Option<String> {
    let decimals = decimals.min(12);
    (whole > Picodollars::ZERO).then(|| {
        let units = divide_half_even(part.0 * 10_i128.pow(decimals), whole.0);
        Picodollars(units * 10_i128.pow(12 - decimals)).rounded(decimals)
    })
}

/// `part / whole` in percent, to one decimal place.
#[must_use]
pub fn percent(part: Picodollars, whole: Picodollars) -> Option<String> {
    ratio(Picodollars(part.0 * 100), whole, 1)
}

/// Integer division, rounding half to even. `divisor` must be positive.
#[must_use]
pub fn divide_half_even(dividend: i128, divisor: i128) -> i128 {
    assert!(divisor > 0, "a divisor of money is positive");
    let (quotient, remainder) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    match (remainder * 2).cmp(&divisor) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
    }
}

/// For people: `$12.34`; below a dollar `$0.0123`.
impl fmt::Display for Picodollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = if self.0 != 0 && self.0.abs() < PICO { 4 } else { 2 };
        let text = self.rounded(decimals);
        let shown = match text.strip_prefix('-') {
            Some(rest) => format!("-${rest}"),
            None => format!("${text}"),
        };
        f.pad(&shown)
    }
}

impl Add for Picodollars {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Picodollars {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Picodollars {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Picodollars {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl SubAssign for Picodollars {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Sum for Picodollars {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// The exact decimal string for people and programs; the integer for the log.
impl Serialize for Picodollars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.exact())
        } else {
            serializer.serialize_i128(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Picodollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            Self::parse(&text).map_err(serde::de::Error::custom)
        } else {
            i128::deserialize(deserializer).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_read_exactly_or_refused_with_a_reason() {
        for (text, pico) in
            [("50", 50 * PICO), ("13.92", 13_920_000_000_000), ("-0.5", -PICO / 2), (".000000000001", 1)]
        {
            assert_eq!(Picodollars::parse(text), Ok(Picodollars(pico)), "{text}");
        }
        for text in ["", "-", ".", "1,000", "1e3", "$5", "NaN", "+1", "--1"] {
            assert!(matches!(Picodollars::parse(text), Err(MoneyError::NotANumber(_))), "{text}");
        }
        assert!(matches!(Picodollars::parse("0.0000000000001"), Err(MoneyError::TooPrecise(_))));
        assert!(matches!(Picodollars::parse("1000000001"), Err(MoneyError::TooLarge(_))));
        assert!(matches!(Picodollars::parse(&"9".repeat(60)), Err(MoneyError::TooLarge(_))));
    }

    #[test]
    fn shares_are_rounded_once() {
        let usd = Picodollars::usd;
        for (part, whole, decimals, expected) in [
            (5, 4, 4, Some("1.2500")),
            (1, 3, 4, Some("0.3333")),
            (2, 3, 4, Some("0.6667")),
            (-1, 8, 2, Some("-0.12")),
            (0, 9, 1, Some("0.0")),
            (1_000_000_000, 3, 4, Some("333333333.3333")),
            (1, 0, 4, None),
            (1, -2, 4, None),
        ] {
            assert_eq!(ratio(usd(part), usd(whole), decimals).as_deref(), expected, "{part}/{whole}");
        }
        assert_eq!(percent(usd(1), usd(8)).as_deref(), Some("12.5"));
        assert_eq!(percent(usd(-2), usd(3)).as_deref(), Some("-66.7"));
    }

    #[test]
    fn display_rounds_half_to_even() {
        for (text, shown) in
            [("0.125", "0.12"), ("0.375", "0.38"), ("-0.125", "-0.12"), ("2.005", "2.00"), ("1.999", "2.00")]
        {
            assert_eq!(Picodollars::parse(text).unwrap().rounded(2), shown, "{text}");
        }
        assert_eq!(Picodollars::parse("0.01234").unwrap().to_string(), "$0.0123");
        assert_eq!(Picodollars::parse("-12.5").unwrap().to_string(), "-$12.50");
    }

    proptest! {
        #[test]
        fn the_exact_text_reads_back(pico in -10_i128.pow(20)..10_i128.pow(20)) {
            let amount = Picodollars(pico);
            prop_assert_eq!(Picodollars::parse(&amount.exact()), Ok(amount));
        }

        #[test]
        fn a_sum_is_the_same_in_any_order_and_partition(
            amounts in prop::collection::vec(-10_i128.pow(20)..10_i128.pow(20), 0..40),
            cut in 0_usize..40,
        ) {
            let total: Picodollars = amounts.iter().map(|&pico| Picodollars(pico)).sum();
            let reversed: Picodollars = amounts.iter().rev().map(|&pico| Picodollars(pico)).sum();
            let (left, right) = amounts.split_at(cut.min(amounts.len()));
            let halves = [left, right].map(|half| half.iter().map(|&pico| Picodollars(pico)).sum::<Picodollars>());
            prop_assert_eq!(total, reversed);
            prop_assert_eq!(total, halves[0] + halves[1]);
        }
    }
}
