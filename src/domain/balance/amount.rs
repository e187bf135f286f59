//! Amounts as people copy them from a provider's page.

use crate::domain::money::{MoneyError, Picodollars};

use super::BalanceError;

/// Parses an amount as people copy it from a provider's page: `13.92`, `$13.92`, `13.92 USD`.
///
/// # Errors
/// [`BalanceError`]: what is wrong with the text, and the expected format.
pub fn parse_amount(text: &str) -> Result<Picodollars, BalanceError> {
    let trimmed = text.trim();
    let (sign, rest) = trimmed.strip_prefix('-').map_or(("", trimmed), |rest| ("-", rest));
    let rest = rest.strip_prefix('$').unwrap_or(rest).trim_start();
    let rest = rest.strip_prefix("USD").or_else(|| rest.strip_suffix("USD")).unwrap_or(rest);
    let digits = rest.strip_suffix('$').unwrap_or(rest).trim();
    let has_number = digits.bytes().any(|byte| byte.is_ascii_digit());
    if has_number && digits.chars().any(|c| c.is_alphabetic() || (!c.is_ascii() && !c.is_whitespace())) {
        return Err(BalanceError::Currency(text.to_owned()));
    }
    if has_number && (digits.contains(',') || digits.matches('.').count() > 1) {
        return Err(BalanceError::Separator(text.to_owned()));
    }
    if digits.starts_with('-') {
        return Err(MoneyError::NotANumber(text.to_owned()).into());
    }
    Ok(Picodollars::parse(&format!("{sign}{digits}"))?)
}
