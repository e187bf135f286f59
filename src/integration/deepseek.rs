//! DeepSeek's balance.
//!
//! Source: <https://api-docs.deepseek.com/api/get-user-balance>. Amounts are decimal strings, one line for each
//! currency; what is in CNY stays in CNY.

use jiff::Timestamp;

use crate::config::Secret;
use crate::domain::balance::doubt::{Answer as Amounts, judge};
use crate::domain::balance::{Reading, Source, Why};
use crate::domain::currency::Currency;
use crate::domain::decimal::Unit;
use crate::domain::money::Picodollars;

use super::credit;
use super::official::{Asking, BalanceApi, ProviderKind, Told, boxed};
use super::pages::currency_in;
use super::resilience::{Answer, Ask, Auth, OnBreaker, Outside, OutsideError, Policy};
use super::rows::{Listed, Raw};

/// The name of this system in spans, events and errors, and of the provider in usage.
pub const SYSTEM: &str = "deepseek";
/// DeepSeek as a provider.
pub const PROVIDER: ProviderKind = ProviderKind {
    name: SYSTEM,
    configure: "set deepseek.api_key",
    client: |config, policy, on_breaker| {
        let (settings, key) = (&config.deepseek, config.deepseek.api_key.as_ref()?);
        Some(boxed(DeepSeek::new(settings, key, policy, on_breaker.clone())))
    },
    keys: &[],
};
/// ISO 4217 has fewer.
const CURRENCIES_MAX: usize = 200;
const FIX: &str = "make a key at https://platform.deepseek.com/api_keys and set deepseek.api_key";

/// A client; cheap to clone.
#[derive(Debug, Clone)]
pub struct DeepSeek {
    outside: Outside,
}

pub(crate) fn read(answer: &Answer, now: Timestamp) -> Result<(Told, Option<i64>), OutsideError> {
    let malformed = |what| OutsideError::Malformed { system: SYSTEM, what };
    answer.rows(|told| {
        let mut listed = Listed::default();
        let infos = told.list("balance_infos", |number, info| {
            let left = || {
                Ok((currency_in(info, "currency")?, info.amount("total_balance", Unit::Whole)?, parts(info)))
            };
            let place = info.place("balance", "currency", "balance_infos", number);
            listed.take(&place, info.must_be_object("row").and_then(|()| left()));
        });
        infos.map_err(|_| malformed("field balance_infos"))?;
        let Listed { rows, mut odd } = listed;
        if rows.is_empty() && odd.rows() > 0 {
            return Err(malformed("balance_infos of which none says a currency and a total_balance"));
        }
        let mut balances: Vec<Reading> = Vec::new();
        let mut all_parts: Vec<Vec<Picodollars>> = Vec::new();
        for (currency, left, parts) in rows {
            match balances.iter().find(|known| known.currency == currency) {
                Some(known) if known.left != left => return Err(malformed("two balances in one currency")),
                Some(_) => continue,
                None if balances.len() == CURRENCIES_MAX => {
                    return Err(malformed("more currencies than there are"));
                }
                None => {}
            }
            let reading = Reading::usd(SYSTEM, left, now, Source::ProviderApi, "user/balance");
            balances.push(Reading { currency, ..reading });
            all_parts.push(parts);
        }
        let is_available = told.flag("is_available");
        let doubts = doubts(&balances, &all_parts, is_available.as_ref().ok().copied());
        let suffices = odd.or("balance", is_available, true);
        let said = match doubts.first() {
            Some((_, why)) => why.words(),
            None if balances.is_empty() => "the answer holds no balance: this key cannot read it",
            None if suffices => "the key reads the balance",
            None => "the key reads the balance, which does not suffice for a call",
        };
        Ok((Told { balances, doubts, said: said.to_owned(), odd, ..Told::default() }, answer.clock_ahead()))
    })
}

/// What a balance consists of. It only shows whether the answer makes sense: a part that is no number is as good as absent.
fn parts(info: &Raw<'_>) -> Vec<Picodollars> {
    let part = |name| info.amount(name, Unit::Whole).ok();
    ["granted_balance", "topped_up_balance"].into_iter().filter_map(part).collect()
}

/// What the answer says against its own balances. Whether the money suffices is said of all currencies together:
/// a line of nothing beside one with money is no contradiction.
fn doubts(balances: &[Reading], parts: &[Vec<Picodollars>], suffices: Option<bool>) -> Vec<(Currency, Why)> {
    let has_money = balances.iter().any(|reading| reading.left > Picodollars::ZERO);
    let lines =
        balances.iter().zip(parts).filter(|(reading, _)| reading.left > Picodollars::ZERO || !has_money);
    let judged = lines.filter_map(|(reading, parts)| {
        let amounts = Amounts { left: reading.left, parts, suffices, ..Amounts::default() };
        Some((reading.currency, judge(&amounts)?))
    });
    judged.collect()
}

impl DeepSeek {
    /// A client.
    ///
    /// # Errors
    /// [`OutsideError::Invalid`].
    pub fn new(
        settings: &crate::config::DeepSeek,
        key: &Secret,
        policy: Policy,
        on_breaker: OnBreaker,
    ) -> Result<Self, OutsideError> {
        let auth = Auth::Bearer(key.to_secret());
        let base = settings.api_base.without_path("/v1");
        let code = credit::of_refusal;
        Ok(Self { outside: Outside::with_codes(SYSTEM, FIX, &base, Some(auth), policy, on_breaker, code)? })
    }

    /// The connection, for its breaker.
    #[must_use]
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// What is left, one reading for each currency; also how far the server's clock is ahead of ours, in seconds.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn balance(&self, now: Timestamp) -> Result<(Told, Option<i64>), OutsideError> {
        self.outside.ask_for(&Ask::get("user/balance", &[]), |answer| read(answer, now)).await
    }
}

impl BalanceApi for DeepSeek {
    const SYSTEM: &'static str = SYSTEM;

    fn tell(&self, now: Timestamp) -> Asking<'_, Result<(Told, Option<i64>), OutsideError>> {
        Box::pin(self.balance(now))
    }
}
