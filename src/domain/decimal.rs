//! Amounts as foreign interfaces write them: decimals of any length, in cents or in whole units, possibly
//! with an exponent.

use super::money::{MoneyError, Picodollars};

/// Maximum number of digits of an amount.
const DIGITS_MAX: usize = 64;
/// Maximum exponent of an amount.
const EXPONENT_MAX: i32 = 64;
/// The limit of every amount, in units of 10⁻¹²: 10⁹ whole units.
const MAX: i128 = 1_000_000_000 * super::money::PICO;

/// The unit of an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Whole dollars, or whole units of another currency.
    Whole,
    /// Hundredths.
    Cents,
}

/// Parses an amount such as `123.78912`, `1.5e-05` or `-0.5` exactly. Digits beyond 10⁻¹² are rounded half to
/// even: they are rounding errors of a float at the other side.
///
/// # Errors
/// [`MoneyError`] names what is wrong with the text.
pub fn parse_decimal(text: &str, unit: Unit) -> Result<Picodollars, MoneyError> {
    let shown = || text.chars().take(DIGITS_MAX).collect::<String>();
    let refused = || MoneyError::NotANumber(shown());
    let trimmed = text.trim();
    let (is_negative, rest) = trimmed.strip_prefix('-').map_or((false, trimmed), |rest| (true, rest));
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let exponent: i32 = exponent.parse().map_err(|_| refused())?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) {
        return Err(refused());
    }
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(Picodollars::ZERO);
    }
    if digits.len() > DIGITS_MAX || exponent.abs() > EXPONENT_MAX {
        return Err(MoneyError::TooLarge(shown()));
    }
    let fraction = i32::try_from(fraction.len()).unwrap_or(EXPONENT_MAX);
    let power = exponent - fraction + if unit == Unit::Cents { 10 } else { 12 };
    let magnitude =
        shift(digits, power).filter(|pico| *pico <= MAX).ok_or_else(|| MoneyError::TooLarge(shown()))?;
    Ok(Picodollars(if is_negative { -magnitude } else { magnitude }))
}

/// `digits × 10^power`, rounded half to even; none where it is too large.
fn shift(digits: &str, power: i32) -> Option<i128> {
    let zeros = usize::try_from(power.unsigned_abs()).ok()?;
    if power >= 0 {
        return format!("{digits}{}", "0".repeat(zeros)).parse().ok();
    }
    // Less than a tenth of the last unit is zero, however many zeros precede it.
    if zeros > digits.len() {
        return Some(0);
    }
    let padded = digits;
    let (head, tail) = padded.split_at(padded.len() - zeros);
    let kept: i128 = if head.is_empty() { 0 } else { head.parse().ok()? };
    let half = format!("5{}", "0".repeat(zeros - 1));
    let is_up = match tail.cmp(half.as_str()) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => kept % 2 == 1,
    };
    Some(kept + i128::from(is_up))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_read_exactly() {
        use Unit::{Cents, Whole};
        for (text, unit, pico) in [
            ("123.78912", Cents, 1_237_891_200_000),
            ("42.0315", Cents, 420_315_000_000),
            ("0", Cents, 0),
            ("0.0000000001", Cents, 1),
            ("0.00000000005", Cents, 0),
            ("0.00000000015", Cents, 2),
            ("0.000000000151", Cents, 2),
            ("-17", Cents, -170_000_000_000),
            ("0.06", Whole, 60_000_000_000),
            // Python's output for 0.06 and for 1.5/100000.
            ("0.060000000000000005", Whole, 60_000_000_000),
            ("1.5e-05", Whole, 15_000_000),
            ("2E3", Whole, 2_000_000_000_000_000),
            ("1e-30", Whole, 0),
            ("100.00", Whole, 100_000_000_000_000),
            (format!("0.{}1", "0".repeat(70_000)).as_str(), Whole, 0),
            (format!("{}1.5", "0".repeat(70_000)).as_str(), Whole, 1_500_000_000_000),
            ("999999999.999999999999", Whole, 999_999_999_999_999_999_999),
        ] {
            assert_eq!(parse_decimal(text, unit), Ok(Picodollars(pico)), "{text}");
        }
        for text in [
            "", "-", ".", "e5", "1e", "1,5", "$1", "NaN", "Infinity", "0x10", "1.2.3", "1e5.5", "--1", "null",
        ] {
            assert!(matches!(parse_decimal(text, Whole), Err(MoneyError::NotANumber(_))), "{text}");
        }
        let nines = "9".repeat(80);
        for text in ["1000000001", "1e10", "1e99", "1e-99", nines.as_str()] {
            assert!(matches!(parse_decimal(text, Whole), Err(MoneyError::TooLarge(_))), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_in_cents_is_a_hundredth_of_one_in_units(pico in -10_i128.pow(18)..10_i128.pow(18)) {
            let text = Picodollars(pico * 100).exact();
            prop_assert_eq!(parse_decimal(&text, Unit::Cents), Ok(Picodollars(pico)));
            prop_assert_eq!(parse_decimal(&text, Unit::Whole), Ok(Picodollars(pico * 100)));
        }
    }
}
