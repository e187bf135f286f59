//! The accounts: readings and top-ups of each provider, and the rules for adding to them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::clock;
use crate::domain::currency::Currency;
use crate::domain::money::Picodollars;

use super::is_provider;
use super::{
    AMOUNT_MAX_USD, BalanceChange, BalanceError, Doubted, FOUND_BYTES_MAX, Reading, Source, TopUp, Trust,
};

/// An unchanged amount that a program reads again within this time is not recorded.
const UNCHANGED_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// A reading, and the number of earlier ones with its source and moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    reading: Reading,
    nth: u32,
}

/// The readings and top-ups of one provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// By time. A reading with the same source, currency and moment replaces the earlier one.
    readings: Vec<Kept>,
    /// By time.
    top_ups: Vec<TopUp>,
    /// What is not believed yet: the last of each source and currency.
    pub(super) held: BTreeMap<(Source, Currency), Doubted>,
}

/// All accounts, by provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts(BTreeMap<String, Account>);

impl Account {
    /// The readings in USD, by time.
    pub fn readings(&self) -> impl DoubleEndedIterator<Item = &Reading> {
        self.readings.iter().map(|kept| &kept.reading).filter(|reading| reading.is_usd())
    }

    /// The readings in every currency, by time.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &Reading> {
        self.readings.iter().map(|kept| &kept.reading)
    }

    /// The last reading in each other currency.
    #[must_use]
    pub fn foreign(&self) -> BTreeMap<Currency, &Reading> {
        let all = self.readings.iter().map(|kept| &kept.reading);
        all.filter(|reading| !reading.is_usd()).map(|reading| (reading.currency, reading)).collect()
    }

    /// The reading that the balance at `now` is calculated from, by [`TRUST`](super::TRUST). A reading dated
    /// ahead, by a clock that was set back since, counts only if there is no other.
    #[must_use]
    pub fn base(&self, now: Timestamp) -> Option<&Reading> {
        let is_ahead = |reading: &Reading| clock::is_ahead(reading.taken_at, now);
        self.readings().max_by_key(|reading| (!is_ahead(reading), Trust::order(reading, now)))
    }

    /// The top-ups after one instant, up to and including another.
    #[must_use]
    pub fn added(&self, after: Timestamp, until: Timestamp) -> Picodollars {
        let within = self.top_ups.iter().filter(|top_up| top_up.at > after && top_up.at <= until);
        within.map(|top_up| top_up.amount).sum()
    }

    /// When the balance last went up: at a top-up, or at a reading above the previous one from the same
    /// source. Readings of different sources are not compared, because one may lag behind the other.
    #[must_use]
    pub fn risen_at(&self) -> Option<Timestamp> {
        let mut risen = self.readings().next().map(|first| first.taken_at);
        let mut last: BTreeMap<Source, Picodollars> = BTreeMap::new();
        for reading in self.readings() {
            if last.insert(reading.source, reading.left).is_some_and(|last| reading.left > last) {
                risen = Some(reading.taken_at);
            }
        }
        risen.max(self.top_ups.last().map(|top_up| top_up.at))
    }

    /// The index of the reading with this source, currency and moment, or the index to insert it at.
    fn place(&self, reading: &Reading) -> Result<usize, usize> {
        let end = self.readings.partition_point(|kept| kept.reading.taken_at <= reading.taken_at);
        let mut same =
            (0..end).rev().take_while(|at| self.readings[*at].reading.taken_at == reading.taken_at);
        same.find(|at| is_same_moment(&self.readings[*at].reading, reading)).ok_or(end)
    }
}

fn is_same_moment(one: &Reading, other: &Reading) -> bool {
    let key = |reading: &Reading| (reading.source, reading.currency, reading.taken_at);
    key(one) == key(other)
}

impl Accounts {
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Account)> {
        self.0.iter()
    }

    #[must_use]
    pub fn get(&self, provider: &str) -> Option<&Account> {
        self.0.get(provider)
    }

    /// Number of readings with this source, currency and moment: part of a reading's identity.
    #[must_use]
    pub fn nth(&self, reading: &Reading) -> u32 {
        let Some(account) = self.get(&reading.provider) else { return 0 };
        account.place(reading).map_or(0, |at| account.readings[at].nth + 1)
    }

    /// Applies a change.
    pub fn evolve(&mut self, change: BalanceChange) {
        match change {
            BalanceChange::Read(reading) => {
                let account = self.0.entry(reading.provider.clone()).or_default();
                match reading.source {
                    // Whoever says so ends every doubt.
                    Source::Hand | Source::Refusal => account.held.clear(),
                    source => _ = account.held.remove(&(source, reading.currency)),
                }
                match account.place(&reading) {
                    Ok(at) => account.readings[at] = Kept { nth: account.readings[at].nth + 1, reading },
                    Err(at) => account.readings.insert(at, Kept { nth: 0, reading }),
                }
            }
            BalanceChange::Doubted(doubted) => {
                let Reading { source, currency, .. } = doubted.reading;
                let account = self.0.entry(doubted.reading.provider.clone()).or_default();
                account.held.insert((source, currency), doubted);
            }
            BalanceChange::ToppedUp(top_up) => {
                let top_ups = &mut self.0.entry(top_up.provider.clone()).or_default().top_ups;
                let place = top_ups.partition_point(|other| other.at <= top_up.at);
                top_ups.insert(place, top_up);
            }
        }
    }
}

/// Decides on a reading or a top-up: the change to record, or none if it is already known. A reading that is
/// not plausible is held: see [`super::doubt`].
///
/// # Errors
/// [`BalanceError`].
pub fn decide(
    accounts: &Accounts,
    change: BalanceChange,
    now: Timestamp,
) -> Result<Option<BalanceChange>, BalanceError> {
    let (reading, of_answer) = match change {
        BalanceChange::Read(reading) => (reading, None),
        BalanceChange::Doubted(Doubted { reading, why }) => (reading, Some(why)),
        BalanceChange::ToppedUp(top_up) => {
            let is_added = is_added(accounts, &top_up, now)?;
            return Ok(is_added.then_some(BalanceChange::ToppedUp(top_up)));
        }
    };
    let is_news = is_news(accounts, &reading, now)?;
    let none = Account::default();
    let account = accounts.get(&reading.provider).unwrap_or(&none);
    let held = account.held.get(&(reading.source, reading.currency));
    Ok(match account.doubt(&reading, of_answer, now) {
        Some(why) => {
            let is_same = held.is_some_and(|held| {
                (held.why, held.reading.left, held.reading.total) == (why, reading.left, reading.total)
            });
            (!is_same).then_some(BalanceChange::Doubted(Doubted { reading, why }))
        }
        None if is_news || held.is_some() => Some(BalanceChange::Read(reading)),
        None => None,
    })
}

fn is_news(accounts: &Accounts, reading: &Reading, now: Timestamp) -> Result<bool, BalanceError> {
    if !is_provider(&reading.provider) {
        return Err(BalanceError::Provider(reading.provider.clone()));
    }
    if reading.found.len() > FOUND_BYTES_MAX || reading.found.chars().any(char::is_control) {
        return Err(BalanceError::Found);
    }
    // Some providers' APIs report a debt; a negative number from a person or a page has always been an error.
    let may_owe = matches!(reading.source, Source::ProviderApi | Source::Derived);
    for amount in std::iter::once(reading.left).chain(reading.total) {
        if amount < Picodollars::ZERO && !may_owe {
            return Err(BalanceError::Negative(amount.exact()));
        }
        if amount.0.saturating_abs() > Picodollars::usd(AMOUNT_MAX_USD).0 {
            return Err(BalanceError::Absurd(amount.exact()));
        }
    }
    if let Some(total) = reading.total.filter(|total| *total < reading.left) {
        return Err(BalanceError::MoreThanTotal { left: reading.left.exact(), total: total.exact() });
    }
    if reading.taken_at > now {
        return Err(BalanceError::Future(reading.taken_at));
    }
    let Some(account) = accounts.get(&reading.provider) else { return Ok(true) };
    // A reading dated ahead does not make a current one outdated.
    let mut own = account
        .readings
        .iter()
        .rev()
        .map(|kept| &kept.reading)
        .filter(|last| !clock::is_ahead(last.taken_at, now));
    let last = own.find(|last| last.source == reading.source && last.currency == reading.currency);
    let Some(last) = last else { return Ok(true) };
    if last.taken_at > reading.taken_at {
        return Err(BalanceError::Outdated { newest: last.taken_at, taken_at: reading.taken_at });
    }
    let is_unchanged = (last.left, last.total, last.confidence)
        == (reading.left, reading.total, reading.confidence)
        && reading.source != Source::Hand
        && reading.taken_at.duration_since(last.taken_at) < UNCHANGED_WITHIN;
    Ok(last != reading && !is_unchanged)
}

fn is_added(accounts: &Accounts, top_up: &TopUp, now: Timestamp) -> Result<bool, BalanceError> {
    if !is_provider(&top_up.provider) {
        return Err(BalanceError::Provider(top_up.provider.clone()));
    }
    if top_up.amount <= Picodollars::ZERO {
        return Err(BalanceError::NothingAdded(top_up.amount.exact()));
    }
    if top_up.amount > Picodollars::usd(AMOUNT_MAX_USD) {
        return Err(BalanceError::Absurd(top_up.amount.exact()));
    }
    if top_up.at > now {
        return Err(BalanceError::Future(top_up.at));
    }
    Ok(accounts.get(&top_up.provider).is_none_or(|account| !account.top_ups.contains(top_up)))
}
