//! Currencies: calculations are in USD; amounts in other currencies are stored and shown, never converted,
//! never summed.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An ISO 4217 code, such as `USD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Why a text is not a currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a currency; use its code of three letters, like USD")]
pub struct CurrencyError(pub String);

impl Currency {
    /// The currency of all calculations.
    pub const USD: Self = Self(*b"USD");

    /// Parses a code in any case.
    ///
    /// # Errors
    /// [`CurrencyError`].
    pub fn parse(text: &str) -> Result<Self, CurrencyError> {
        let code: Option<[u8; 3]> = text.trim().as_bytes().try_into().ok();
        let letters = code.filter(|code| code.iter().all(u8::is_ascii_alphabetic));
        letters.map(|code| Self(code.map(|byte| byte.to_ascii_uppercase()))).ok_or_else(|| {
            // Text from a page may be long.
            CurrencyError(text.chars().take(16).collect())
        })
    }

    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_three_letters() {
        for text in ["USD", "usd", " Usd "] {
            assert_eq!(Currency::parse(text), Ok(Currency::USD), "{text}");
        }
        assert_eq!(Currency::parse("cny").unwrap().to_string(), "CNY");
        for text in ["", "$", "US", "USDT", "€", "U5D", "ÄB"] {
            assert!(Currency::parse(text).is_err(), "{text}");
        }
    }
}
