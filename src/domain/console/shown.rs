//! Parses amounts as pages show them: `$1,234.56`, `1.234,56 $`, `US$ 13.92`.

use crate::domain::money::Picodollars;

/// How a page writes decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Locale {
    /// `1,234.56`
    Point,
    /// `1.234,56`
    Comma,
}

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShownError {
    /// A dash, a spinner, or nothing.
    #[error("there is no amount yet")]
    NoAmount,
    /// More than one number.
    #[error("there is more than one number")]
    Several,
    /// A separator that may mean thousands or decimals.
    #[error("the separator can be read in two ways; the recipe must state the locale")]
    Separator,
    /// A group that does not have three digits, or more than one decimal separator.
    #[error("the number is not grouped as its locale has it")]
    Grouping,
    /// A currency other than USD, or a word that is not one.
    #[error("it is not an amount in USD")]
    Currency,
    /// A negative amount.
    #[error("it is below nothing")]
    Negative,
}

/// Maximum length of an amount, in characters.
const TEXT_MAX: usize = 40;

/// Parses an amount from a page. Without a locale an ambiguous amount is refused, never guessed.
///
/// # Errors
/// [`ShownError`].
pub fn parse_shown(text: &str, locale: Option<Locale>) -> Result<Picodollars, ShownError> {
    let text: String = text.trim().chars().map(plain).collect();
    let text = text.trim();
    if !text.chars().any(|c| c.is_ascii_digit()) {
        // A foreign currency is reported even if its amount has not loaded yet.
        return Err(if text.contains(['€', '£', '¥', '₹']) {
            ShownError::Currency
        } else {
            ShownError::NoAmount
        });
    }
    if text.chars().count() > TEXT_MAX {
        return Err(ShownError::Several);
    }
    let (is_negative, text) = match text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => (true, inner),
        None => (text.contains('-'), text),
    };
    let first = text.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    let last = text.rfind(|c: char| c.is_ascii_digit()).map_or(text.len(), |at| at + 1);
    let (before, number, after) = (&text[..first], &text[first..last], &text[last..]);
    for mark in [before, after] {
        if !matches!(mark.replace([' ', '-'], "").as_str(), "" | "$" | "USD" | "US$" | "$US" | "USD$") {
            return Err(ShownError::Currency);
        }
    }
    let digits = decimal(number, locale)?;
    let amount = Picodollars::parse(&digits).map_err(|_| ShownError::Grouping)?;
    if is_negative && amount != Picodollars::ZERO {
        return Err(ShownError::Negative);
    }
    Ok(amount)
}

/// Replaces typographic spaces and minus signs by plain ones.
fn plain(c: char) -> char {
    match c {
        '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{2007}' => ' ',
        '\u{2212}' | '\u{2013}' => '-',
        '\u{2019}' => '\'',
        other => other,
    }
}

/// The number with a point and without groups.
fn decimal(number: &str, locale: Option<Locale>) -> Result<String, ShownError> {
    if number.chars().any(|c| !c.is_ascii_digit() && !matches!(c, '.' | ',' | ' ' | '\'')) {
        return Err(ShownError::Several);
    }
    let sign = match locale {
        Some(Locale::Point) => Some('.'),
        Some(Locale::Comma) => Some(','),
        None => sign_of(number)?,
    };
    let (whole, fraction) = match sign.and_then(|sign| number.split_once(sign)) {
        Some((_, fraction)) if !fraction.bytes().all(|byte| byte.is_ascii_digit()) => {
            return Err(ShownError::Grouping);
        }
        Some((whole, fraction)) => (whole, fraction),
        None => (number, ""),
    };
    let groups: Vec<&str> = whole.split(|c: char| !c.is_ascii_digit()).collect();
    let is_grouped = groups.len() == 1
        || (!groups[0].is_empty()
            && groups[0].len() <= 3
            && groups[1..].iter().all(|group| group.len() == 3));
    if !is_grouped {
        // `13 92` is two numbers, `1,23` with a point for decimals is a wrong locale.
        return Err(if whole.contains(' ') { ShownError::Several } else { ShownError::Grouping });
    }
    let whole = groups.concat();
    Ok(if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") })
}

/// The decimal separator, if only one reading is possible.
fn sign_of(number: &str) -> Result<Option<char>, ShownError> {
    let (points, commas) = (number.matches('.').count(), number.matches(',').count());
    let last = number.rfind(['.', ',']);
    match (points, commas, last) {
        (1, 1, Some(at)) => Ok(number[at..].chars().next()),
        (1, 0, Some(at)) | (0, 1, Some(at)) => {
            if number.len() - at - 1 == 3 {
                Err(ShownError::Separator)
            } else {
                Ok(number[at..].chars().next())
            }
        }
        // A separator that occurs more than once groups digits; the other one is the decimal separator.
        (_, _, None) | (_, 0, _) | (0, _, _) => Ok(None),
        (_, 1, _) => Ok(Some(',')),
        (1, _, _) => Ok(Some('.')),
        _ => Err(ShownError::Grouping),
    }
}

#[cfg(test)]
mod tests {
    use super::Locale::{Comma, Point};
    use super::*;

    #[test]
    fn amounts_are_read_as_pages_show_them() {
        for (text, locale, amount) in [
            ("$13.92", None, "13.92"),
            ("13.92", Some(Point), "13.92"),
            ("  US$ 13.92 ", None, "13.92"),
            ("13.92 USD", None, "13.92"),
            ("USD\u{a0}13.92", Some(Point), "13.92"),
            ("$1,234.56", None, "1234.56"),
            ("$1,234.56", Some(Point), "1234.56"),
            ("1.234,56 $", None, "1234.56"),
            ("1.234,56\u{a0}$", Some(Comma), "1234.56"),
            ("1\u{202f}234,56\u{a0}$US", Some(Comma), "1234.56"),
            ("1\u{2019}234.56 USD", Some(Point), "1234.56"),
            ("$1,234", Some(Point), "1234"),
            ("1,234 $", Some(Comma), "1.234"),
            ("$1,234,567.89", None, "1234567.89"),
            ("$1,234,567", None, "1234567"),
            ("$0.00", None, "0"),
            ("-$0.00", None, "0"),
            ("$13", None, "13"),
            ("$13.9", None, "13.9"),
        ] {
            assert_eq!(parse_shown(text, locale), Ok(Picodollars::parse(amount).unwrap()), "{text}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_or_is_no_balance_is_refused() {
        use ShownError::{Currency, Grouping, Negative, NoAmount, Separator, Several};
        for (text, locale, error) in [
            ("$—", None, NoAmount),
            ("", Some(Point), NoAmount),
            ("Loading…", None, NoAmount),
            ("$1,234", None, Separator),
            ("1.234 $", None, Separator),
            ("$1.234,56", Some(Point), Grouping),
            ("$12,34", Some(Point), Grouping),
            ("$1.23.45", Some(Point), Grouping),
            ("-$2.00", None, Negative),
            ("$-2.00", None, Negative),
            ("($2.00)", None, Negative),
            ("\u{2212}2,00 $", Some(Comma), Negative),
            ("€13.92", None, Currency),
            ("13,92 EUR", Some(Comma), Currency),
            ("CA$13.92", None, Currency),
            ("£—", None, Currency),
            ("13.92 credits", None, Currency),
            ("$13.92 of $24.02", None, Several),
            ("13 92", Some(Point), Several),
            ("$13.92 (as of 2026-10-31, last month's statement)", None, Several),
        ] {
            assert_eq!(parse_shown(text, locale), Err(error), "{text}");
        }
    }
}
