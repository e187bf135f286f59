//! What may be spent with all providers together, as the log has it; the one way to change it; and the answers
//! that rest on it.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::affording::{Affordability, Ask};
use crate::domain::allowance::reach::Reach;
use crate::domain::allowance::{
    Allowance, AllowanceChange, AllowanceCommand, AllowanceError, RESERVE_PERCENT, VirtualBudget, decide,
};
use crate::domain::balance::{BalanceError, parse_amount};
use crate::domain::calendar;
use crate::domain::code::{Code, Coded};
use crate::domain::lacking::Doubts;
use crate::event::Event;
use crate::service::aggregate::repository;
use crate::service::aggregate::repository::{Aggregate, CommandError, Fact, Next, Rejection};
use crate::service::runtime::forms;
use crate::service::runtime::reads::{Reads, Snapshot};
use crate::view::affording::{AffordabilityShown, AllowanceShown, affordability, allowance};
use crate::view::cost::{CostShown, unified_cost};
use crate::view::report::Range;

/// Why a command was not carried out, or a question not answered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AllowanceFailure {
    /// It was not carried out.
    #[error(transparent)]
    Command(#[from] CommandError<AllowanceError>),
    /// Not an amount.
    #[error(transparent)]
    Amount(#[from] BalanceError),
    /// An amount below nothing.
    #[error("{0} USD is below nothing; ask for what would be spent")]
    Negative(String),
}

impl Coded for AllowanceFailure {
    fn code(&self) -> Code {
        match self {
            Self::Command(error) => error.code(),
            Self::Amount(error) => error.code(),
            Self::Negative(_) => Code::Refused,
        }
    }
}

impl Rejection for AllowanceError {}

/// A virtual budget to set. Amounts are decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VirtualBudgetBody {
    /// What may be spent in a day; not limited where absent.
    #[serde(default)]
    #[schema(value_type = Option<forms::UsdText>)]
    pub daily_usd: Option<String>,
    /// What may be spent in a calendar month; not limited where absent.
    #[serde(default)]
    #[schema(value_type = Option<forms::UsdText>)]
    pub monthly_usd: Option<String>,
    /// The part of each, in percent, that ordinary spend may not touch; 20 where absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 90)]
    pub reserve_percent: Option<u8>,
}

impl VirtualBudgetBody {
    /// Whether it makes sense, whatever is recorded: the command line asks this before it asks a supervisor, so that a mistake is
    /// told in the same words with one and without.
    ///
    /// # Errors
    /// [`AllowanceFailure`].
    pub fn check(&self, now: Timestamp) -> Result<(), AllowanceFailure> {
        decide(&Allowance::default(), self.clone().into_command()?, now).map_err(CommandError::from)?;
        Ok(())
    }

    /// The command that is meant.
    ///
    /// # Errors
    /// [`AllowanceFailure::Amount`].
    pub fn into_command(self) -> Result<AllowanceCommand, AllowanceFailure> {
        let money = |text: Option<String>| text.as_deref().map(parse_amount).transpose();
        Ok(AllowanceCommand::Set(VirtualBudget {
            daily: money(self.daily_usd)?,
            monthly: money(self.monthly_usd)?,
            reserve_percent: self.reserve_percent.unwrap_or(RESERVE_PERCENT),
        }))
    }
}

/// An override to grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideBody {
    /// How much more than the limits say, in USD.
    #[schema(value_type = forms::UsdText)]
    pub usd: String,
    /// Why, in one line.
    #[schema(value_type = forms::Reason)]
    pub reason: String,
    /// Until when; the end of today where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

impl OverrideBody {
    /// Whether it makes sense, whatever is recorded: the command line asks this before it asks a supervisor, so that a mistake is
    /// told in the same words with one and without.
    ///
    /// # Errors
    /// [`AllowanceFailure`].
    pub fn check(&self, now: Timestamp) -> Result<(), AllowanceFailure> {
        let until = self.until.unwrap_or(now + SignedDuration::from_mins(1));
        decide(&Allowance::default(), self.command(until)?, now).map_err(CommandError::from)?;
        Ok(())
    }

    fn command(&self, until: Timestamp) -> Result<AllowanceCommand, AllowanceFailure> {
        Ok(AllowanceCommand::Override {
            amount: parse_amount(&self.usd)?,
            reason: self.reason.trim().to_owned(),
            reach: Reach::default(),
            until: repository::to_micros(until),
        })
    }
}

/// What somebody would like to spend.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AskBody {
    /// How much, in USD.
    #[schema(value_type = forms::UsdText)]
    #[param(value_type = forms::UsdText)]
    pub usd: String,
    /// With whom, as usage names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// On which model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// In which project's directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// In which session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

impl AskBody {
    /// The ask that is meant.
    ///
    /// # Errors
    /// [`AllowanceFailure::Amount`], [`AllowanceFailure::Negative`].
    pub fn into_ask(self) -> Result<Ask, AllowanceFailure> {
        let amount = parse_amount(&self.usd)?;
        if amount.0 < 0 {
            return Err(AllowanceFailure::Negative(amount.exact()));
        }
        let Self { provider, model, project, session, .. } = self;
        Ok(Ask { amount, provider, model, project, session, caps: Vec::new() })
    }
}

impl Snapshot {
    /// Whether something can be afforded. Cheap: for a gate that is asked before each use of a tool.
    #[must_use]
    pub fn can_afford(&self, ask: &Ask, now: Timestamp) -> Affordability {
        let month = calendar::day_of(now, self.zone()).first_of_month();
        let doubts = self.doubts(ask.provider.as_deref(), month);
        affordability(self.view(), ask, now, self.zone(), self.prices(), doubts)
    }

    /// What is not known of the sums from a day on: what was not read of transcripts, and the providers (or this one) whose
    /// own reports are not to be had.
    fn doubts(&self, provider: Option<&str>, first: Date) -> Doubts {
        let mut doubts = self.unread(first);
        let reports = ["anthropic", "openai"];
        let is_meant =
            |name: &str| reports.contains(&name) && provider.is_none_or(|provider| provider == name);
        let sources = self.view().sources.iter();
        let failing = sources.filter(|(name, fact)| is_meant(name) && fact.trouble.is_some());
        doubts.old.extend(failing.map(|(name, fact)| {
            format!("what {name} reports is as old as {}", fact.since.strftime("%Y-%m-%d %H:%M UTC"))
        }));
        doubts
    }
}

impl Reads {
    /// The virtual budget, and what was allowed beyond it.
    #[must_use]
    pub fn allowance(&self, now: Timestamp) -> AllowanceShown {
        let zone = self.zone();
        self.with_view(|view| allowance(view, now, &zone))
    }

    /// The unified cost over all providers.
    #[must_use]
    pub fn unified_cost(&self, range: &Range, now: Timestamp) -> CostShown {
        let zone = self.zone();
        let cost = self.with_view(|view| unified_cost(view, range, now, &zone));
        CostShown { freshness: self.reading.freshness(), ..cost }
    }

    /// The answer to an ask, as it is shown.
    ///
    /// # Errors
    /// As [`AskBody::into_ask`].
    pub fn affordability(
        &self,
        body: AskBody,
        now: Timestamp,
    ) -> Result<AffordabilityShown, AllowanceFailure> {
        let ask = body.into_ask()?;
        let answer = self.at(|at| at.can_afford(&ask, now));
        Ok(AffordabilityShown::new(ask.amount, &answer, self.reading.freshness()))
    }

    /// The command that grants an override.
    ///
    /// # Errors
    /// [`AllowanceFailure::Amount`].
    pub fn override_command(
        &self,
        body: &OverrideBody,
        now: Timestamp,
    ) -> Result<AllowanceCommand, AllowanceFailure> {
        let zone = self.zone();
        let tonight = calendar::end_of(calendar::day_of(now, &zone), &zone);
        body.command(body.until.unwrap_or(tonight))
    }
}

/// What a tenant may spend with all providers together.
pub struct AllowanceAggregate;

impl Aggregate for AllowanceAggregate {
    /// Requests for more stand in it too, so that a grant and its override are one append.
    const STREAM: &'static str = "allowance";
    const ACTOR: &'static str = "allowance";

    type State = Allowance;
    type Command = AllowanceCommand;
    type Change = AllowanceChange;
    type Error = AllowanceError;

    fn decide(
        known: &Allowance,
        command: AllowanceCommand,
        now: Timestamp,
    ) -> Result<Vec<AllowanceChange>, AllowanceError> {
        Ok(decide(known, command, now)?.into_iter().collect())
    }

    fn event(_: &Allowance, change: &AllowanceChange, next: &Next<'_>) -> Fact {
        next.fact(Event::from(change))
    }

    fn label(command: &AllowanceCommand) -> &'static str {
        match command {
            AllowanceCommand::Set(_) => "set-virtual-budget",
            AllowanceCommand::Remove => "remove-virtual-budget",
            AllowanceCommand::Override { .. } => "override-limits",
            AllowanceCommand::End { .. } => "end-override",
        }
    }
}
