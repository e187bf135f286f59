//! The readings and top-ups of balances as the log has them, and the one way to add one.
//!
//! An actor that has read a balance builds a [`Reading`] (`Reading::usd` where it is in USD and one is sure of it) and
//! executes [`BalanceChange::Read`] on its repository inside of `spawn_blocking`, since that waits for the disk.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::balance::{
    Accounts, BalanceChange, BalanceError, Reading, Source, TopUp, decide, parse_amount,
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
use crate::view::balances::{BalanceLine, OtherReading, balances, foreign_balances};
use crate::view::quotas::{QuotaLine, quotas};
use crate::view::{TenantView, ViewError};

/// Why a reading or a top-up was not recorded.
pub type BalanceFailure = CommandError<BalanceError>;

impl Rejection for BalanceError {}

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

/// The balances of a tenant: the readings, and what was added. The same reading told again is no event, nor is an
/// unchanged amount that a program has read again within an hour.
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
            BalanceChange::Read(reading) => reading.taken_at = to_micros(reading.taken_at),
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
            BalanceChange::ToppedUp(_) => "top-up-balance",
        }
    }
}

/// A refusal is news for so long: whoever has added credit since is not told of it any more.
const PASSING: SignedDuration = SignedDuration::from_hours(24);

/// A transcript tells that Anthropic refused a call at an instant because no credit was left: a reading of nothing.
/// Blocks. An older one says nothing of now. Readings that cannot be understood are logged, and stop no import.
///
/// # Errors
/// [`LogError`]: it was not recorded, and will be where the transcript is read again.
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
        // Another session's refusal, or that of a call of ours, is known already and newer.
        Ok(_) | Err(BalanceFailure::Refused(_)) => Ok(()),
        // What is damaged stays so, however often transcripts are read.
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
