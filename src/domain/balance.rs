//! What is left of the money at a provider: a reading, less what was spent since.
//!
//! A reading is true at its moment. From then on the balance is reckoned: the spend recorded for
//! that provider is taken off, until the next reading, which is a new base whether it is lower (spend
//! that is not recorded here) or higher (money was added).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::money::{MoneyError, Picodollars};

/// A reading above this is a slip of the hand, in whole USD.
const AMOUNT_MAX_USD: i64 = 1_000_000;
/// The longest name of a provider, in bytes.
const PROVIDER_BYTES_MAX: usize = 40;

/// How a balance was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A person typed it in.
    Hand,
}

impl Source {
    /// The word that is stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Hand => "hand",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        (word == Self::Hand.word()).then_some(Self::Hand)
    }
}

/// What a provider said was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Who is paid, as usage names it.
    pub provider: String,
    /// What was left, in USD.
    pub left: Picodollars,
    /// What was bought in all, in USD, if that is known.
    pub total: Option<Picodollars>,
    /// When it was read.
    pub taken_at: Timestamp,
    /// How it was read.
    pub source: Source,
}

/// The last reading of each provider.
pub type Readings = BTreeMap<String, Reading>;

/// Why a reading is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BalanceError {
    /// Not an amount at all.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A comma means thousands to some and decimals to others.
    #[error("'{0}' can be read in two ways; write it without thousands and with a point, like 1234.56")]
    Separator(String),
    /// Another currency than USD.
    #[error("'{0}' is not in USD, and nothing is converted here; give what the provider shows in USD")]
    Currency(String),
    /// Below nothing.
    #[error("a balance of {0} USD is below nothing; where it is used up, set 0")]
    Negative(String),
    /// More than anybody has there.
    #[error("{0} USD is over {AMOUNT_MAX_USD} USD; look whether a decimal point is missing")]
    Absurd(String),
    /// More is left than was bought.
    #[error("{left} USD left of {total} USD bought cannot be; look whether the two are exchanged")]
    MoreThanTotal {
        /// What is said to be left.
        left: String,
        /// What is said to have been bought.
        total: String,
    },
    /// It has not been read yet.
    #[error("{0} is in the future; leave the time out for now")]
    Future(Timestamp),
    /// A newer one is there.
    #[error("there is a newer reading, of {newest}; one of {taken_at} would change nothing")]
    Outdated {
        /// That of the reading that is there.
        newest: Timestamp,
        /// That of the one that was given.
        taken_at: Timestamp,
    },
    /// Not a provider's name.
    #[error("'{0}' is not a provider's name; use one like anthropic, of a-z, 0-9, '-', '_' and '.'")]
    Provider(String),
}

/// Reads an amount as people copy it from a provider's page: `13.92`, `$13.92`, `13.92 USD`.
///
/// # Errors
/// [`BalanceError`]: what is wrong with the text, and how to write it.
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

/// Decides on a reading: what is to be recorded, or none where the very same one is there.
///
/// # Errors
/// [`BalanceError`]: it is refused.
pub fn decide(
    readings: &Readings,
    reading: Reading,
    now: Timestamp,
) -> Result<Option<Reading>, BalanceError> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    let name = &reading.provider;
    if name.is_empty() || name.len() > PROVIDER_BYTES_MAX || !name.bytes().all(is_plain) {
        return Err(BalanceError::Provider(name.clone()));
    }
    for amount in std::iter::once(reading.left).chain(reading.total) {
        if amount < Picodollars::ZERO {
            return Err(BalanceError::Negative(amount.exact()));
        }
        if amount > Picodollars::usd(AMOUNT_MAX_USD) {
            return Err(BalanceError::Absurd(amount.exact()));
        }
    }
    if let Some(total) = reading.total.filter(|total| *total < reading.left) {
        return Err(BalanceError::MoreThanTotal { left: reading.left.exact(), total: total.exact() });
    }
    if reading.taken_at > now {
        return Err(BalanceError::Future(reading.taken_at));
    }
    match readings.get(name) {
        Some(last) if *last == reading => Ok(None),
        Some(last) if last.taken_at > reading.taken_at => {
            Err(BalanceError::Outdated { newest: last.taken_at, taken_at: reading.taken_at })
        }
        _ => Ok(Some(reading)),
    }
}

/// Takes a decided reading in.
pub fn evolve(readings: &mut Readings, reading: Reading) {
    readings.insert(reading.provider.clone(), reading);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-23T12:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn reading(left: &str, total: Option<&str>, taken_at: &str) -> Reading {
        Reading {
            provider: "anthropic".into(),
            left: Picodollars::parse(left).unwrap(),
            total: total.map(|total| Picodollars::parse(total).unwrap()),
            taken_at: at(taken_at),
            source: Source::Hand,
        }
    }

    #[test]
    fn amounts_are_read_as_pages_show_them_and_refused_where_they_could_mean_two_things() {
        for text in ["13.92", "$13.92", " 13.92 USD", "USD 13.92", "13.92 $"] {
            assert_eq!(parse_amount(text), Ok(Picodollars(13_920_000_000_000)), "{text}");
        }
        assert_eq!(parse_amount("-$2"), Ok(Picodollars::usd(-2)));
        for text in ["1,234", "1.234,56", "$1,234.56", "1.234.567"] {
            assert_eq!(parse_amount(text), Err(BalanceError::Separator(text.into())), "{text}");
        }
        for text in ["13.92 EUR", "€13.92", "13 GBP", "£1,234"] {
            assert_eq!(parse_amount(text), Err(BalanceError::Currency(text.into())), "{text}");
        }
        for text in ["", "$", "$—", "--1", "much"] {
            assert!(matches!(parse_amount(text), Err(BalanceError::Money(_))), "{text}");
        }
    }

    #[test]
    fn readings_that_cannot_be_are_refused() {
        let refused = |reading| decide(&Readings::new(), reading, at(NOW)).unwrap_err();
        let early = "2026-11-23T11:00:00Z";
        assert!(matches!(refused(reading("-1", None, early)), BalanceError::Negative(_)));
        assert!(matches!(refused(reading("5", Some("-1"), early)), BalanceError::Negative(_)));
        assert!(matches!(refused(reading("1000001", None, early)), BalanceError::Absurd(_)));
        assert!(matches!(refused(reading("24", Some("13"), early)), BalanceError::MoreThanTotal { .. }));
        assert!(matches!(refused(reading("5", None, "2026-11-23T12:00:01Z")), BalanceError::Future(_)));
        for provider in ["", "Anthropic", "a b", &"a".repeat(41)] {
            let reading = Reading { provider: provider.into(), ..reading("5", None, early) };
            assert!(matches!(refused(reading), BalanceError::Provider(_)), "{provider}");
        }
        assert!(decide(&Readings::new(), reading("0", Some("0"), NOW), at(NOW)).unwrap().is_some());
    }

    #[test]
    fn a_newer_reading_is_a_new_base_whether_lower_or_higher() {
        let mut readings = Readings::new();
        for (left, taken_at) in
            [("10", "2026-11-23T09:00:00Z"), ("4", "2026-11-23T10:00:00Z"), ("54", "2026-11-23T10:00:00Z")]
        {
            let decided = decide(&readings, reading(left, None, taken_at), at(NOW)).unwrap().unwrap();
            evolve(&mut readings, decided);
        }
        assert_eq!(readings["anthropic"].left, Picodollars::usd(54));
        let again = reading("54", None, "2026-11-23T10:00:00Z");
        assert_eq!(decide(&readings, again, at(NOW)), Ok(None));
        let older = reading("60", None, "2026-11-23T09:59:59Z");
        assert!(matches!(decide(&readings, older, at(NOW)), Err(BalanceError::Outdated { .. })));
    }
}
