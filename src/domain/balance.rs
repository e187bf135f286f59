//! What is left of the money at a provider: a reading, less what was spent since, plus what was added since.
//!
//! A reading is true at its moment. From then on the balance is reckoned: the spend recorded for that
//! provider is taken off and money that was added is put on, until the next reading, which is a new base
//! whether it is lower (spend that is not recorded here) or higher (money was added, and nobody said so).
//!
//! A provider may be read in several ways. Which reading is reckoned from is [`Account::base`]; how the
//! ways rank is the table [`TRUST`].

mod account;
mod amount;
mod trust;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::code::{Code, Coded};

use super::currency::Currency;
use super::money::{MoneyError, Picodollars};

use crate::domain::words::words;
pub use account::{Account, Accounts, decide};
pub use amount::parse_amount;
pub use trust::{TRUST, Trust};

/// A reading above this is a slip of the hand, in whole USD.
pub const AMOUNT_MAX_USD: i64 = 1_000_000;
/// The longest name of a provider, in bytes.
const PROVIDER_BYTES_MAX: usize = 40;
/// The longest word about how a reading was found, in bytes.
const FOUND_BYTES_MAX: usize = 120;

/// Whether this is a provider's name as usage has it: `anthropic`, of a-z, 0-9, `-`, `_` and `.`.
#[must_use]
pub fn is_provider(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    !name.is_empty() && name.len() <= PROVIDER_BYTES_MAX && name.bytes().all(is_plain)
}

/// How a balance was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A person typed it in.
    Hand,
    /// The provider's own billing page, read by a browser.
    Console,
    /// The provider's official API tells balances.
    ProviderApi,
    /// The provider refused a call because nothing is left.
    Refusal,
    /// It was reckoned from other numbers.
    Derived,
}

words! {
    Source {
        Hand: "hand",
        Console: "console",
        ProviderApi: "provider-api",
        Refusal: "refusal",
        Derived: "derived",
    }
}

/// How sure whoever read it is of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// One way to read it, and nothing to hold it against.
    Low,
    /// It lies where it was expected.
    Medium,
    /// The provider's own number, or two ways agree.
    High,
}

words! { Confidence { Low: "low", Medium: "medium", High: "high" } }

/// What a provider said was left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Who is paid, as usage names it.
    pub provider: String,
    /// What was left, in units of 10⁻¹² of `currency`.
    pub left: Picodollars,
    /// What was bought in all, in the same unit, if that is known.
    pub total: Option<Picodollars>,
    /// The currency; what is not USD is shown and not reckoned with.
    pub currency: Currency,
    /// When it was read.
    pub taken_at: Timestamp,
    /// How it was read.
    pub source: Source,
    /// How sure that is.
    pub confidence: Confidence,
    /// How it was found: a short text of ours, such as the name of a recipe's path. Never a page's text.
    pub found: String,
}

impl Reading {
    /// A reading in USD of which one is sure.
    #[must_use]
    pub fn usd(provider: &str, left: Picodollars, taken_at: Timestamp, source: Source, found: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            left,
            total: None,
            currency: Currency::USD,
            taken_at,
            source,
            confidence: Confidence::High,
            found: found.to_owned(),
        }
    }

    /// Whether the balance can be reckoned from it.
    #[must_use]
    pub fn is_usd(&self) -> bool {
        self.currency == Currency::USD
    }
}

/// Money that was added at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUp {
    /// Who was paid.
    pub provider: String,
    /// How much was added, in USD.
    pub amount: Picodollars,
    /// When.
    pub at: Timestamp,
}

/// What happened to a balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BalanceChange {
    /// It was read.
    Read(Reading),
    /// Money was added.
    ToppedUp(TopUp),
}

/// Why a reading or a top-up is refused.
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
    /// Nothing was added.
    #[error("{0} USD is not an amount that can be added; give what was paid in, above 0")]
    NothingAdded(String),
    /// More than anybody has there.
    #[error("{0} is over {AMOUNT_MAX_USD}; look whether a decimal point is missing")]
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
    /// How it was found is not a short word.
    #[error("how a reading was found is told in {FOUND_BYTES_MAX} bytes of plain text at most")]
    Found,
}

impl Coded for BalanceError {
    fn code(&self) -> Code {
        Code::Refused
    }
}

#[cfg(test)]
mod tests;
