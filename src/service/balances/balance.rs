//! The aggregate of balance readings and top-ups.
//!
//! To record a reading, build a [`Reading`] (`Reading::usd` if it is certainly in USD) and execute
//! [`BalanceChange::Read`] on the repository inside `spawn_blocking`, because that waits for the disk.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::balance::{
    Accounts, BalanceChange, BalanceError, Doubted, Reading, Source, TopUp, decide, parse_amount,
};
use crate::domain::money::Picodollars;
use crate::event::payload::balance_event;
use crate::integration::anthropic;
use crate::log::LogError;
use crate::service::aggregate::repository::{
    self, Aggregate, CommandError, Fact, Next, Rejection, Repository, to_micros,
};
use crate::service::runtime::forms;
use crate::service::runtime::reads::Reads;
use crate::view::balances::{BalanceLine, DoubtLine, OtherReading, balances, doubted, foreign_balances};
use crate::view::quotas::{QuotaLine, quotas};
use crate::view::{TenantView, ViewError};

/// Why a reading or a top-up was not recorded.
pub type BalanceFailure = CommandError<BalanceError>;

impl Rejection for BalanceError {}

/// A balance reading. Amounts are decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BalanceBody {
    /// The remaining balance.
    #[schema(value_type = forms::UsdText)]
    pub left_usd: String,
    /// The total ever bought.
    #[serde(default)]
    #[schema(value_type = Option<forms::UsdText>)]
    pub total_usd: Option<String>,
    /// The provider; `anthropic` if absent.
    #[serde(default = "anthropic")]
    #[schema(value_type = forms::ProviderName)]
    pub provider: String,
    /// When it was read; now if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

/// Added credit. Amounts are decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopUpBody {
    /// The amount added.
    #[schema(value_type = forms::UsdText)]
    pub amount_usd: String,
    /// The provider; `anthropic` if absent.
    #[serde(default = "anthropic")]
    #[schema(value_type = forms::ProviderName)]
    pub provider: String,
    /// When it was added; now if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

fn anthropic() -> String {
    "anthropic".to_owned()
}

impl BalanceBody {
    /// The reading, with the source `hand`.
    ///
    /// # Errors
    /// [`BalanceError`]: an amount is not a number.
    pub fn into_reading(self, now: Timestamp) -> Result<Reading, BalanceError> {
        let left = parse_amount(&self.left_usd)?;
        let total = self.total_usd.as_deref().map(parse_amount).transpose()?;
        let taken_at = self.at.unwrap_or(now);
        Ok(Reading { total, ..Reading::usd(&self.provider, left, taken_at, Source::Hand, "") })
    }
}

impl BalanceBody {
    /// Validates the request without reading the log. The command line calls this before it contacts a supervisor, so
    /// that the error is the same with one and without.
    ///
    /// # Errors
    /// [`BalanceError`].
    pub fn check(&self, now: Timestamp) -> Result<(), BalanceError> {
        let reading = self.clone().into_reading(now)?;
        decide(&Accounts::default(), BalanceChange::Read(reading), now).map(drop)
    }
}

impl TopUpBody {
    /// Validates the request without reading the log. The command line calls this before it contacts a supervisor, so
    /// that the error is the same with one and without.
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
    /// [`BalanceError`]: the amount is not a number.
    pub fn into_top_up(self, now: Timestamp) -> Result<TopUp, BalanceError> {
        let amount = parse_amount(&self.amount_usd)?;
        Ok(TopUp { provider: self.provider, amount, at: self.at.unwrap_or(now) })
    }
}

/// Balances by provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Balances {
    /// By provider; providers without a reading are not included.
    pub balances: Vec<BalanceLine>,
    /// Readings in other currencies: shown, and not used in any calculation.
    pub foreign: Vec<OtherReading>,
    /// What was read and is not believed: it is in no sum.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubted: Vec<DoubtLine>,
    /// How much of each limit of a Claude subscription is used.
    pub quotas: Vec<QuotaLine>,
}

/// The balances of a tenant: readings and top-ups. A repeated reading adds no event, nor does an
/// unchanged amount that a program reads again within an hour.
pub struct BalanceAggregate;

impl Aggregate for BalanceAggregate {
    const STREAM: &'static str = "balances";
    const ACTOR: &'static str = "balances";

    type State = Accounts;
    type Command = BalanceChange;
    type Change = BalanceChange;
    type Error = BalanceError;

    fn decide(
        accounts: &Accounts,
        mut command: BalanceChange,
        now: Timestamp,
    ) -> Result<Vec<BalanceChange>, BalanceError> {
        match &mut command {
            BalanceChange::Read(reading) | BalanceChange::Doubted(Doubted { reading, .. }) => {
                reading.taken_at = to_micros(reading.taken_at);
            }
            BalanceChange::ToppedUp(top_up) => top_up.at = to_micros(top_up.at),
        }
        Ok(decide(accounts, command, now)?.into_iter().collect())
    }

    fn event(accounts: &Accounts, change: &BalanceChange, next: &Next<'_>) -> Fact {
        let nth = if let BalanceChange::Read(reading) = change { accounts.nth(reading) } else { 0 };
        let (id, event, at) = balance_event(next.tenant, change, nth);
        Fact { id, event, at }
    }

    fn label(command: &BalanceChange) -> &'static str {
        match command {
            BalanceChange::Read(_) => "read-balance",
            BalanceChange::Doubted(_) => "doubt-balance",
            BalanceChange::ToppedUp(_) => "top-up-balance",
        }
    }
}

/// How long a refusal counts: later than this, credit may have been added since.
const PASSING: SignedDuration = SignedDuration::from_hours(24);

/// Records a balance of zero because a transcript shows that Anthropic refused a call for lack of
/// credit. Blocks. A refusal older than a day is ignored. A damaged stream is logged and does not stop
/// the import.
///
/// # Errors
/// [`LogError`]: it was not recorded, and will be when the transcript is read again.
pub fn refused_in_passing(
    balances: &mut Repository<BalanceAggregate>,
    at: Timestamp,
    now: Timestamp,
) -> Result<(), LogError> {
    if now.duration_since(at) > PASSING {
        return Ok(());
    }
    let reading =
        Reading::usd(anthropic::SYSTEM, Picodollars::ZERO, at, Source::Refusal, "Claude Code's transcript");
    match balances.execute(BalanceChange::Read(reading), now, &repository::metadata_for("usage")) {
        // A newer refusal, or one from our own call, is already recorded.
        Ok(_) | Err(BalanceFailure::Refused(_)) => Ok(()),
        // Damage stays however often transcripts are read.
        Err(BalanceFailure::Log(error) | BalanceFailure::Unreadable(ViewError::Log(error)))
            if !matches!(error, LogError::Corrupt { .. }) =>
        {
            Err(error)
        }
        Err(error) => {
            tracing::warn!(%error, "a refusal for want of credit could not be recorded");
            Ok(())
        }
    }
}

impl Reads {
    /// The remaining balances of providers with a reading.
    #[must_use]
    pub fn balances(&self, now: Timestamp) -> Vec<BalanceLine> {
        self.with_view(|view| balances(view, now))
    }

    /// The same, with readings in other currencies.
    #[must_use]
    pub fn all_balances(&self, now: Timestamp) -> Balances {
        self.with_view(|view| shown_of(view, now))
    }
}

/// The balances in a view.
#[must_use]
pub fn shown_of(view: &TenantView, now: Timestamp) -> Balances {
    Balances {
        balances: balances(view, now),
        foreign: foreign_balances(view, now),
        doubted: doubted(view, now),
        quotas: quotas(view, now),
    }
}
