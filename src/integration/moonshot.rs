//! Moonshot's balance (Kimi).
//!
//! Source: <https://platform.moonshot.ai/docs/api/balance>. The answer does not say in which currency it is: USD at
//! `api.moonshot.ai`, CNY at `api.moonshot.cn`, so that is a setting. Cash may be below zero.

use jiff::Timestamp;

use crate::config::Secret;
use crate::domain::balance::doubt::{Answer as Amounts, judge};
use crate::domain::balance::{Reading, Source, Why};
use crate::domain::currency::Currency;
use crate::domain::decimal::Unit;

use super::credit;
use super::official::{Asking, BalanceApi, ProviderKind, Told, boxed};
use super::resilience::{Answer, Ask, Auth, OnBreaker, Outside, OutsideError, Policy};
use super::rows::Odd;

/// The name of this system in spans, events and errors, and of the provider in usage.
pub const SYSTEM: &str = "moonshot";
/// Moonshot as a provider.
pub const PROVIDER: ProviderKind = ProviderKind {
    name: SYSTEM,
    configure: "set moonshot.api_key",
    client: |config, policy, on_breaker| {
        let (settings, key) = (&config.moonshot, config.moonshot.api_key.as_ref()?);
        Some(boxed(Moonshot::new(settings, key, policy, on_breaker.clone())))
    },
    keys: &[],
};
const FIX: &str = "make a key at https://platform.moonshot.ai/console/api-keys and set moonshot.api_key";

/// A client; cheap to clone.
#[derive(Debug, Clone)]
pub struct Moonshot {
    outside: Outside,
    currency: Currency,
}

pub(crate) fn read(
    answer: &Answer,
    currency: Currency,
    now: Timestamp,
) -> Result<(Told, Option<i64>), OutsideError> {
    let malformed = |what| OutsideError::Malformed { system: SYSTEM, what };
    answer.rows(|told| {
        // Whether the answer is one: an error may come with 200.
        if told.flag("status") == Ok(false) {
            return Err(malformed("an error with status 200"));
        }
        let amounts = told.object("data", |data| {
            // The parts only show whether the answer makes sense: one that is no number is as good as absent.
            let part = |name| data.amount(name, Unit::Whole).ok();
            let parts: Vec<_> = ["voucher_balance", "cash_balance"].into_iter().filter_map(part).collect();
            Ok((data.amount("available_balance", Unit::Whole)?, parts))
        });
        let (left, parts) = amounts.map_err(|_| malformed("available_balance"))?;
        let reading = Reading::usd(SYSTEM, left, now, Source::ProviderApi, "users/me/balance");
        let mut odd = Odd::default();
        odd.or("balance", told.flag("status"), true);
        let balances = vec![Reading { currency, ..reading }];
        let why = judge(&Amounts { left, parts: &parts, ..Amounts::default() });
        let said = why.map_or("the key reads the balance", Why::words).to_owned();
        let doubts = why.map(|why| (currency, why)).into_iter().collect();
        Ok((Told { balances, doubts, said, odd, ..Told::default() }, answer.clock_ahead()))
    })
}

impl Moonshot {
    /// A client.
    ///
    /// # Errors
    /// [`OutsideError::Invalid`].
    pub fn new(
        settings: &crate::config::Moonshot,
        key: &Secret,
        policy: Policy,
        on_breaker: OnBreaker,
    ) -> Result<Self, OutsideError> {
        let auth = Auth::Bearer(key.to_secret());
        let base = settings.api_base.with_path("/v1");
        let code = credit::of_refusal;
        let outside = Outside::with_codes(SYSTEM, FIX, &base, Some(auth), policy, on_breaker, code)?;
        Ok(Self { outside, currency: settings.currency })
    }

    /// The connection, for its breaker.
    #[must_use]
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// What is left; also how far the server's clock is ahead of ours, in seconds.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn balance(&self, now: Timestamp) -> Result<(Told, Option<i64>), OutsideError> {
        let currency = self.currency;
        self.outside.ask_for(&Ask::get("users/me/balance", &[]), |answer| read(answer, currency, now)).await
    }
}

impl BalanceApi for Moonshot {
    const SYSTEM: &'static str = SYSTEM;

    fn tell(&self, now: Timestamp) -> Asking<'_, Result<(Told, Option<i64>), OutsideError>> {
        Box::pin(self.balance(now))
    }
}
