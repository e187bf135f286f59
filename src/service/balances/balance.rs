//! The readings and top-ups of balances as the log has them, and the one way to add one.
//!
//! For an actor that has read a balance: build a [`Reading`] (`Reading::usd` where it is in USD and one is
//! sure of it) and hand it to [`record_reading`] inside of `spawn_blocking`, since it waits for the disk. The same
//! reading told again is no event, nor is an unchanged amount within an hour. The views show it when
//! `Supervised::projected` has reached the position that comes back; an actor need not wait for that.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::balance::{
    Accounts, BalanceChange, BalanceError, Reading, Source, TopUp, decide, parse_amount,
};
use crate::event::payload::{balance_change, balance_event};
use crate::event::{Position, TenantId, Version};
use crate::log::EventLog;
use crate::service::aggregate::repository;
use crate::service::aggregate::repository::{BookFailure, Refusal, kept};
use crate::service::runtime::client::{ServiceError, shown_from};
use crate::service::runtime::forms;
use crate::service::runtime::reads::Queries;
use crate::service::system::tree::Supervised;
use crate::service::usage::recorder::new_event;
use crate::view::balances::{BalanceLine, OtherReading, balances, foreign_balances};
use crate::view::quotas::{QuotaLine, quotas};
use crate::view::{TenantView, ViewError};

/// The stream of all readings and top-ups of a tenant.
const STREAM: &str = "balances";
/// Why a reading or a top-up was not recorded.
pub type BalanceFailure = BookFailure<BalanceError>;

impl Refusal for BalanceError {}

/// A reading to record. Amounts are decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BalanceBody {
    /// What is left.
    #[schema(value_type = forms::UsdText)]
    pub left_usd: String,
    /// What was bought in all.
    #[serde(default)]
    #[schema(value_type = Option<forms::UsdText>)]
    pub total_usd: Option<String>,
    /// Who is paid; `anthropic` where absent.
    #[serde(default = "anthropic")]
    #[schema(value_type = forms::ProviderName)]
    pub provider: String,
    /// When it was read; now where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

/// Money that was added. Amounts are decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopUpBody {
    /// How much was added.
    #[schema(value_type = forms::UsdText)]
    pub amount_usd: String,
    /// Who was paid; `anthropic` where absent.
    #[serde(default = "anthropic")]
    #[schema(value_type = forms::ProviderName)]
    pub provider: String,
    /// When; now where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

fn anthropic() -> String {
    "anthropic".to_owned()
}

impl BalanceBody {
    /// The reading of a person.
    ///
    /// # Errors
    /// [`BalanceError`]: an amount is none.
    pub fn into_reading(self, now: Timestamp) -> Result<Reading, BalanceError> {
        let left = parse_amount(&self.left_usd)?;
        let total = self.total_usd.as_deref().map(parse_amount).transpose()?;
        let taken_at = self.at.unwrap_or(now);
        Ok(Reading { total, ..Reading::usd(&self.provider, left, taken_at, Source::Hand, "") })
    }
}

impl BalanceBody {
    /// Whether it makes sense, whatever is recorded: the command line asks this before it asks a supervisor, so that a mistake is
    /// told in the same words with one and without.
    ///
    /// # Errors
    /// [`BalanceError`].
    pub fn check(&self, now: Timestamp) -> Result<(), BalanceError> {
        let reading = self.clone().into_reading(now)?;
        decide(&Accounts::default(), BalanceChange::Read(reading), now).map(drop)
    }
}

impl TopUpBody {
    /// Whether it makes sense, whatever is recorded: the command line asks this before it asks a supervisor, so that a mistake is
    /// told in the same words with one and without.
    ///
    /// # Errors
    /// [`BalanceError`].
    pub fn check(&self, now: Timestamp) -> Result<(), BalanceError> {
        let top_up = self.clone().into_top_up(now)?;
        decide(&Accounts::default(), BalanceChange::ToppedUp(top_up), now).map(drop)
    }

    /// The top-up.
    ///
    /// # Errors
    /// [`BalanceError`]: the amount is none.
    pub fn into_top_up(self, now: Timestamp) -> Result<TopUp, BalanceError> {
        let amount = parse_amount(&self.amount_usd)?;
        Ok(TopUp { provider: self.provider, amount, at: self.at.unwrap_or(now) })
    }
}

/// The balances, by provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Balances {
    /// By provider; those that were never read are not among them.
    pub balances: Vec<BalanceLine>,
    /// What was read in other currencies: shown, and not reckoned with.
    pub foreign: Vec<OtherReading>,
    /// How much of a Claude subscription's limits is used.
    pub quotas: Vec<QuotaLine>,
}

/// Records a reading, however it was come by; blocks on the disk. The event's position, or none where it is no
/// news: the very same reading is there, or a program has read the same amount within the last hour.
///
/// `actor` is who has read it (`console`, `openrouter`, `cli`), as the event's envelope will say.
///
/// # Errors
/// [`BalanceFailure::Refused`]: it cannot be, or is older than the last one of its source. Nothing is lost by a
/// refusal: the last reading stands.
pub fn record_reading(
    log: &dyn EventLog,
    tenant: &TenantId,
    reading: Reading,
    now: Timestamp,
    actor: &'static str,
) -> Result<Option<Position>, BalanceFailure> {
    let taken_at = kept(reading.taken_at);
    record(log, tenant, &BalanceChange::Read(Reading { taken_at, ..reading }), now, actor)
}

/// Records that money was added; blocks on the disk. The event's position, or none where the very same top-up is
/// there.
///
/// # Errors
/// [`BalanceFailure`].
pub fn record_top_up(
    log: &dyn EventLog,
    tenant: &TenantId,
    top_up: TopUp,
    now: Timestamp,
    actor: &'static str,
) -> Result<Option<Position>, BalanceFailure> {
    let at = kept(top_up.at);
    record(log, tenant, &BalanceChange::ToppedUp(TopUp { at, ..top_up }), now, actor)
}

fn record(
    log: &dyn EventLog,
    tenant: &TenantId,
    change: &BalanceChange,
    now: Timestamp,
    actor: &'static str,
) -> Result<Option<Position>, BalanceFailure> {
    repository::anew(|| record_once(log, tenant, change.clone(), now, actor))
}

fn record_once(
    log: &dyn EventLog,
    tenant: &TenantId,
    change: BalanceChange,
    now: Timestamp,
    actor: &'static str,
) -> Result<Option<Position>, BalanceFailure> {
    let (accounts, version) = load(log, tenant)?;
    let Some(change) = decide(&accounts, change, now)? else { return Ok(None) };
    let nth = if let BalanceChange::Read(reading) = &change { accounts.nth(reading) } else { 0 };
    let (id, event, occurred_at) = balance_event(tenant.as_str(), &change, nth);
    let events = vec![new_event(id, &event, occurred_at, &repository::by(actor))];
    Ok(repository::append(log, tenant, STREAM, version, events)?)
}

/// Reads what is known of the balances from the log. Blocks.
fn load(log: &dyn EventLog, tenant: &TenantId) -> Result<(Accounts, Version), ViewError> {
    let mut accounts = Accounts::default();
    let version = repository::fold(log, tenant, STREAM, |record, event| {
        let change = balance_change(record.occurred_at, &event);
        let change = change.map_err(|error| repository::malformed(record, &error))?;
        if let Some(change) = change {
            accounts.evolve(change);
        }
        Ok::<_, ViewError>(())
    })?;
    Ok((accounts, version))
}

impl Queries {
    /// What is left at the providers whose balance was read.
    #[must_use]
    pub fn balances(&self, now: Timestamp) -> Vec<BalanceLine> {
        self.with_view(|view| balances(view, now))
    }

    /// The same, with what was read in other currencies.
    #[must_use]
    pub fn all_balances(&self, now: Timestamp) -> Balances {
        self.with_view(|view| shown_of(view, now))
    }
}

/// The balances of any view.
#[must_use]
pub fn shown_of(view: &TenantView, now: Timestamp) -> Balances {
    Balances {
        balances: balances(view, now),
        foreign: foreign_balances(view, now),
        quotas: quotas(view, now),
    }
}

impl Supervised {
    /// Records what a person has read of a balance, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn read_balance(&self, body: BalanceBody) -> Result<(), ServiceError> {
        let now = Timestamp::now();
        let reading = body.into_reading(now).map_err(BalanceFailure::from)?;
        self.change_balance(move |log, tenant| record_reading(log, tenant, reading, now, "http")).await
    }

    /// Records money that was added, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn top_up_balance(&self, body: TopUpBody) -> Result<(), ServiceError> {
        let now = Timestamp::now();
        let top_up = body.into_top_up(now).map_err(BalanceFailure::from)?;
        self.change_balance(move |log, tenant| record_top_up(log, tenant, top_up, now, "http")).await
    }

    async fn change_balance(
        &self,
        change: impl FnOnce(&dyn EventLog, &TenantId) -> Result<Option<Position>, BalanceFailure> + Send + 'static,
    ) -> Result<(), ServiceError> {
        let (log, tenant) = (self.queries.log.clone(), self.queries.tenant.clone());
        let recorded = crate::service::aggregate::caller::blocking(move || change(&*log, &tenant)).await;
        let position = recorded.map_err(|_| ServiceError::UnknownOutcome { what: "the balance" })??;
        shown_from(&self.projected, position).await;
        Ok(())
    }
}
