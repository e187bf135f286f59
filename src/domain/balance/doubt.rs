//! Plausibility before trust: amounts that a program read and that are held until a second look agrees, or a
//! person says so.
//!
//! | held | until |
//! |---|---|
//! | an answer of nothing that shows nothing of the account (0 of 0) | a person's word |
//! | an answer that contradicts itself | an answer that does not |
//! | a first amount of nothing | the next look says so too |
//! | a fall to nothing from more than 5 USD | the next look says so too |
//! | a rise without a known top-up | the next look says so too |
//! | nothing in one currency where there is money in another | a person's word |
//!
//! A person's word and a provider's refusal of a call are never held: whoever made that call knows.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::clock;
use crate::domain::money::Picodollars;
use crate::domain::words::words;

use super::account::Account;
use super::{Confidence, Reading, Source};

/// From no more than this a balance may fall to nothing between two looks.
const SMALL: Picodollars = Picodollars::usd(5);
/// A balance that rose by no more than this did not rise: providers correct what they charged.
const CORRECTED: Picodollars = Picodollars::usd(1);
/// A first look that is older is no first look: what it saw is not compared with.
const COMPARED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Why an amount is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Nothing left of nothing bought.
    NothingOfNothing,
    /// Every amount in the answer is zero, and no answer ever showed more.
    BareNothing,
    /// The amounts of one answer contradict each other.
    Contradiction,
    /// The first amount ever told is nothing.
    FirstNothing,
    /// It fell to nothing at once.
    FellToNothing,
    /// It rose, and no top-up is known.
    Rose,
    /// The account's money is in another currency.
    OtherCurrency,
}

words! {
    Why {
        NothingOfNothing: "nothing-of-nothing",
        BareNothing: "bare-nothing",
        Contradiction: "contradiction",
        FirstNothing: "first-nothing",
        FellToNothing: "fell-to-nothing",
        Rose: "rose",
        OtherCurrency: "other-currency",
    }
}

impl Why {
    /// The reason, as a part of a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NothingOfNothing => {
                "it tells nothing left of nothing bought: this key cannot read it, or nothing was ever paid in"
            }
            Self::BareNothing => {
                "every amount that it tells is 0, and none was ever more: this key cannot read it, or nothing was \
                 ever paid in"
            }
            Self::Contradiction => "the amounts of its answer contradict each other",
            Self::FirstNothing => "the first amount that it tells is nothing",
            Self::FellToNothing => "it fell to nothing at once",
            Self::Rose => "it rose, and no top-up is known",
            Self::OtherCurrency => "the account's money is in another currency",
        }
    }

    /// Whether the same again, at another look, is believed.
    #[must_use]
    pub fn ends_by_a_second_look(self) -> bool {
        matches!(self, Self::FirstNothing | Self::FellToNothing | Self::Rose)
    }

    /// Whether it may be that the key cannot read the balance.
    #[must_use]
    pub fn may_be_the_key(self) -> bool {
        matches!(self, Self::NothingOfNothing | Self::BareNothing)
    }
}

/// An amount that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubted {
    /// What was read.
    pub reading: Reading,
    /// Why it is not believed.
    pub why: Why,
}

/// The amounts of one answer about one currency, before anything is known of the account.
#[derive(Debug, Clone, Copy, Default)]
pub struct Answer<'a> {
    /// What is left.
    pub left: Picodollars,
    /// What was bought in all, if that is told.
    pub total: Option<Picodollars>,
    /// What the amount consists of, if that is told: vouchers, cash.
    pub parts: &'a [Picodollars],
    /// Whether it says that calls can be made, if it says anything of that.
    pub suffices: Option<bool>,
}

/// Whether an answer makes sense by itself.
#[must_use]
pub fn judge(answer: &Answer<'_>) -> Option<Why> {
    let Answer { left, total, parts, suffices } = *answer;
    let zero = Picodollars::ZERO;
    match total {
        Some(total) if total == zero && left == zero => return Some(Why::NothingOfNothing),
        // More was used than was bought, of nothing.
        Some(total) if total <= zero && left < zero => return Some(Why::Contradiction),
        _ => {}
    }
    let is_spent = left <= zero;
    let has_part = parts.iter().any(|part| *part > zero);
    let is_bare = left == zero && parts.iter().all(|part| *part == zero);
    match suffices {
        Some(true) if is_spent => return Some(if is_bare { Why::BareNothing } else { Why::Contradiction }),
        Some(false) if left > CORRECTED => return Some(Why::Contradiction),
        _ => {}
    }
    // A debt in cash takes nothing from a voucher.
    if is_spent && has_part && parts.iter().copied().sum::<Picodollars>() > zero {
        return Some(Why::Contradiction);
    }
    (is_bare && total.is_none() && suffices.is_none()).then_some(Why::BareNothing)
}

impl Account {
    /// The amounts that are held, by source and currency.
    pub fn doubted(&self) -> impl Iterator<Item = &Doubted> {
        self.held.values()
    }

    /// Why a reading is not believed yet at `now`; none if it is. `of_answer` is what its own answer comes to.
    pub(super) fn doubt(&self, reading: &Reading, of_answer: Option<Why>, now: Timestamp) -> Option<Why> {
        if matches!(reading.source, Source::Hand | Source::Refusal) {
            return None;
        }
        let is_spent = reading.left <= Picodollars::ZERO;
        let base = self.last_in(reading, now);
        let word = base.filter(|base| matches!(base.source, Source::Hand | Source::Refusal));
        let is_agreed = is_spent && word.is_some_and(|word| word.left <= Picodollars::ZERO);
        match of_answer {
            Some(_) if is_agreed => return None,
            // An account whose money was seen can be used up.
            Some(Why::BareNothing) if self.has_shown_money(reading) => {}
            Some(why) => return Some(why),
            None => {}
        }
        let why = self.doubt_of_change(reading, base, now)?;
        (!self.is_second_look(reading, why)).then_some(why)
    }

    fn doubt_of_change(&self, reading: &Reading, base: Option<&Reading>, now: Timestamp) -> Option<Why> {
        let is_spent = reading.left <= Picodollars::ZERO;
        let Some(base) = base else {
            let has_other = self.others_in_money(reading);
            return is_spent.then_some(if has_other { Why::OtherCurrency } else { Why::FirstNothing });
        };
        let before = if reading.is_usd() { base.left + self.added(base.taken_at, now) } else { base.left };
        if is_spent {
            return (before > SMALL).then_some(Why::FellToNothing);
        }
        // Two ways on a page agree already that it rose.
        let is_confirmed = reading.source == Source::Console && reading.confidence == Confidence::High;
        (reading.left > before + CORRECTED && !is_confirmed).then_some(Why::Rose)
    }

    /// The last reading that is believed, in the same currency.
    fn last_in(&self, reading: &Reading, now: Timestamp) -> Option<&Reading> {
        if reading.is_usd() {
            return self.base(now).filter(|base| !clock::is_ahead(base.taken_at, now));
        }
        self.foreign().get(&reading.currency).copied()
    }

    fn has_shown_money(&self, reading: &Reading) -> bool {
        let is_own = |known: &Reading| (known.source, known.currency) == (reading.source, reading.currency);
        self.all().any(|known| is_own(known) && known.left > Picodollars::ZERO)
    }

    fn others_in_money(&self, reading: &Reading) -> bool {
        let mut others = self.all().filter(|known| known.currency != reading.currency);
        others.any(|known| known.left > Picodollars::ZERO)
    }

    /// Whether an earlier look of the same source saw the same.
    fn is_second_look(&self, reading: &Reading, why: Why) -> bool {
        let Some(Doubted { reading: first, why: held }) = self.held.get(&(reading.source, reading.currency))
        else {
            return false;
        };
        let apart = reading.taken_at.duration_since(first.taken_at);
        let is_later = apart > SignedDuration::ZERO && apart < COMPARED;
        let agrees = match why {
            Why::Rose => {
                let (first, second) = (first.left, reading.left);
                second <= first + CORRECTED && second >= Picodollars(first.0 / 2) - SMALL
            }
            _ => first.left <= Picodollars::ZERO,
        };
        is_later && agrees && why.ends_by_a_second_look() && held.ends_by_a_second_look()
    }
}

/// Where a provider's key that reads a balance is had, or what else tells it.
const KEYS: &[(&str, &str)] = &[
    ("openrouter", "set openrouter.api_key to a management key of the account that pays"),
    ("deepseek", "set deepseek.api_key to a key of the account that pays"),
    ("moonshot", "set moonshot.api_key to a key of the account that pays, and moonshot.api_base to its site"),
    ("anthropic", "no key of Anthropic's reads a balance; its page tells it"),
    ("openai", "no key of OpenAI's reads a balance; its page tells it"),
];

/// What mends a key that cannot read a provider's balance.
#[must_use]
pub fn key_mend(provider: &str) -> &'static str {
    let row = KEYS.iter().find(|(name, _)| *name == provider);
    row.map_or("set a key of the account that pays", |(_, mend)| mend)
}

impl Doubted {
    /// What ends the doubt, for the person.
    #[must_use]
    pub fn mend(&self) -> String {
        let provider = &self.reading.provider;
        let first = match self.why {
            why if why.may_be_the_key() => key_mend(provider),
            why if why.ends_by_a_second_look() => "the next look decides",
            Why::OtherCurrency => "nothing, if it is so",
            _ => "wait for an answer that makes sense",
        };
        format!("{first}; or say what its page shows: mecris balance set AMOUNT --provider {provider}")
    }

    /// The same without a command that changes a balance: agents read it.
    #[must_use]
    pub fn advice(&self) -> String {
        let first = match self.why {
            why if why.may_be_the_key() => key_mend(&self.reading.provider),
            why if why.ends_by_a_second_look() => "the next look decides",
            _ => "only the person can look at the provider's page",
        };
        first.to_owned()
    }
}

#[cfg(test)]
mod tests;
