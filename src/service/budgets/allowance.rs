//! The allowance (the virtual budget over all providers): its aggregate, and the queries that rest on it.

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

/// Why a command was not executed, or a query not answered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AllowanceFailure {
    /// The command failed.
    #[error(transparent)]
    Command(#[from] CommandError<AllowanceError>),
    /// Not an amount.
    #[error(transparent)]
    Amount(#[from] BalanceError),
    /// A negative amount.
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
    /// The daily limit; unlimited if absent.
    #[serde(default)]
    #[schema(value_type = Option<forms::UsdText>)]
    pub daily_usd: Option<String>,
    /// The limit per calendar month; unlimited if absent.
    #[serde(default)]
    #[schema(value_type = Option<forms::UsdText>)]
    pub monthly_usd: Option<String>,
    /// The share of each limit, in percent, that ordinary spend may not use; 20 if absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 90)]
    pub reserve_percent: Option<u8>,
}

impl VirtualBudgetBody {
    /// Validates the request without reading the log. The command line calls this before it contacts a supervisor, so
    /// that the error is the same with one and without.
    ///
    /// # Errors
    /// [`AllowanceFailure`].
    pub fn check(&self, now: Timestamp) -> Result<(), AllowanceFailure> {
        decide(&Allowance::default(), self.clone().into_command()?, now).map_err(CommandError::from)?;
        Ok(())
    }

    /// The command.
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
    /// The amount above the limits, in USD.
    #[schema(value_type = forms::UsdText)]
    pub usd: String,
    /// The reason, in one line.
    #[schema(value_type = forms::Reason)]
    pub reason: String,
    /// When it ends; the end of today if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

impl OverrideBody {
    /// Validates the request without reading the log. The command line calls this before it contacts a supervisor, so
    /// that the error is the same with one and without.
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

/// A planned spend.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AskBody {
    /// The amount, in USD.
    #[schema(value_type = forms::UsdText)]
    #[param(value_type = forms::UsdText)]
    pub usd: String,
    /// The provider, as usage names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The project's directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

impl AskBody {
    /// The question.
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
    /// Whether an amount can be spent. Cheap enough for a gate that runs before each tool call.
    #[must_use]
    pub fn can_afford(&self, ask: &Ask, now: Timestamp) -> Affordability {
        let month = calendar::day_of(now, self.zone()).first_of_month();
        let doubts = self.doubts(ask.provider.as_deref(), month);
        affordability(self.view(), ask, now, self.zone(), self.prices(), doubts)
    }

    /// What the sums since a day may leave out: unread transcripts, and providers whose own reports are
    /// unavailable.
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
    /// The virtual budget and its overrides.
    #[must_use]
    pub fn allowance(&self, now: Timestamp) -> AllowanceShown {
        let zone = self.zone();
        self.with_view(|view| allowance(view, now, &zone))
    }

    /// The cost over all providers.
    #[must_use]
    pub fn unified_cost(&self, range: &Range, now: Timestamp) -> CostShown {
        let zone = self.zone();
        let cost = self.with_view(|view| unified_cost(view, range, now, &zone));
        CostShown { freshness: self.reading.freshness(), ..cost }
    }

    /// The response to a planned spend.
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

/// The allowance of a tenant over all providers.
pub struct AllowanceAggregate;

impl Aggregate for AllowanceAggregate {
    /// Limit requests use the same stream, so that a grant and its override are one append.
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
