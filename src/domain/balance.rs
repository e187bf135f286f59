//! Balances at providers: a reading, minus spend since then, plus top-ups since then.
//!
//! A reading is exact at its moment. From then on the balance is calculated: recorded spend at that provider
//! is subtracted and top-ups are added, until the next reading. That becomes the new base, whether it is
//! lower (spend that is not recorded here) or higher (an unreported top-up).
//!
//! A provider may be read in several ways. [`Account::base`] chooses the reading to calculate from; the table
//! [`TRUST`] ranks the ways.

mod account;
mod amount;
pub mod doubt;
mod trust;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::code::{Code, Coded};

use super::currency::Currency;
use super::money::{MoneyError, Picodollars};

use crate::domain::words::words;
pub use account::{Account, Accounts, decide};
pub use amount::parse_amount;
pub use doubt::{Doubted, Why};
pub use trust::{TRUST, Trust};

/// Larger readings are typing errors, in whole USD.
pub const AMOUNT_MAX_USD: i64 = 1_000_000;
/// Maximum length of a provider's name, in bytes.
const PROVIDER_BYTES_MAX: usize = 40;
/// Maximum length of the note on how a reading was found, in bytes.
const FOUND_BYTES_MAX: usize = 120;

/// Whether this is a provider's name as in usage: `anthropic`, made of a-z, 0-9, `-`, `_` and `.`.
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
    /// The provider's official API.
    ProviderApi,
    /// The provider refused a call because nothing is left.
    Refusal,
    /// Calculated from other numbers.
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

/// Confidence in a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// One way to read it, and nothing to compare it with.
    Low,
    /// It is near the expected amount.
    Medium,
    /// The provider's own number, or two ways agree.
    High,
}

words! { Confidence { Low: "low", Medium: "medium", High: "high" } }

/// A provider's balance at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The provider, as usage names it.
    pub provider: String,
    /// The balance, in units of 10⁻¹² of `currency`.
    pub left: Picodollars,
    /// The total ever bought, in the same unit, if known.
    pub total: Option<Picodollars>,
    /// The currency; readings not in USD are shown and not used.
    pub currency: Currency,
    /// When it was read.
    pub taken_at: Timestamp,
    pub source: Source,
    pub confidence: Confidence,
    /// How it was found: a short text of ours, such as the name of a recipe's way. Never a page's text.
    pub found: String,
}

impl Reading {
    /// A reading in USD with high confidence.
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

    /// Whether the balance can be calculated from it.
    #[must_use]
    pub fn is_usd(&self) -> bool {
        self.currency == Currency::USD
    }
}

/// Credit that was added at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUp {
    /// The provider.
    pub provider: String,
    /// The amount in USD.
    pub amount: Picodollars,
    pub at: Timestamp,
}

/// A change of a balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BalanceChange {
    /// Believed. As a command: to be believed, unless the account says otherwise.
    Read(Reading),
    /// Held. As a command: the reading's own answer makes no sense for this reason.
    Doubted(Doubted),
    ToppedUp(TopUp),
}

/// Why a reading or a top-up is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BalanceError {
    /// Not an amount.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A comma, which some read as thousands and others as decimals.
    #[error("'{0}' can be read in two ways; write it without thousands and with a point, like 1234.56")]
    Separator(String),
    /// A currency other than USD.
    #[error("'{0}' is not in USD, and nothing is converted here; give what the provider shows in USD")]
    Currency(String),
    /// A negative amount.
    #[error("a balance of {0} USD is below nothing; where it is used up, set 0")]
    Negative(String),
    /// A top-up of zero.
    #[error("{0} USD is not an amount that can be added; give what was paid in, above 0")]
    NothingAdded(String),
    /// An implausibly large amount.
    #[error("{0} is over {AMOUNT_MAX_USD}; look whether a decimal point is missing")]
    Absurd(String),
    /// The balance exceeds the total ever bought.
    #[error("{left} USD left of {total} USD bought cannot be; look whether the two are exchanged")]
    MoreThanTotal {
        /// The balance.
        left: String,
        /// The total ever bought.
        total: String,
    },
    /// A time in the future.
    #[error("{0} is in the future; leave the time out for now")]
    Future(Timestamp),
    /// A newer reading exists.
    #[error("there is a newer reading, of {newest}; one of {taken_at} would change nothing")]
    Outdated {
        /// Time of the existing reading.
        newest: Timestamp,
        /// Time of the given one.
        taken_at: Timestamp,
    },
    /// Not a provider's name.
    #[error("'{0}' is not a provider's name; use one like anthropic, of a-z, 0-9, '-', '_' and '.'")]
    Provider(String),
    /// The note on how it was found is invalid.
    #[error("the note on how a reading was found must be plain text of at most {FOUND_BYTES_MAX} bytes")]
    Found,
}

impl Coded for BalanceError {
    fn code(&self) -> Code {
        Code::Refused
    }
}

#[cfg(test)]
mod tests;
