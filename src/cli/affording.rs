//! `mecris can-afford`, `cost`, `override` and `budget virtual`: of a running supervisor, or of the log itself.

use std::process::ExitCode;

use clap::Args;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::domain::affording::Verdict;
use crate::domain::allowance::AllowanceCommand;
use crate::domain::project;
use crate::service::budgets::allowance::{
    AllowanceAggregate, AllowanceFailure, AskBody, OverrideBody, VirtualBudgetBody,
};
use crate::service::runtime::node::Node;
use crate::view::affording::{AffordabilityShown, AllowanceShown};
use crate::view::cost::CostShown;
use crate::view::report::Range;

use super::backend::Backend;
use super::output::{CliError, print, warn};
use super::{Common, tables};

/// The exit code where it cannot be afforded.
const NO: u8 = 1;
/// The exit code where it was not asked as it should be, or could not be.
const FAILED: u8 = 2;
/// The exit code where nobody knows whether it can be afforded.
const UNKNOWN: u8 = 3;

/// Options of `can-afford`.
#[derive(Debug, Args)]
pub struct CanAffordArgs {
    /// How much, in USD
    pub usd: String,
    /// With whom, as usage names it
    #[arg(long)]
    pub provider: Option<String>,
    /// On which model
    #[arg(long)]
    pub model: Option<String>,
    /// In which project's directory
    #[arg(long)]
    pub project: Option<String>,
    /// In which session
    #[arg(long)]
    pub session: Option<String>,
}

/// Options of `cost`.
#[derive(Debug, Args)]
pub struct CostArgs {
    /// The first day, YYYY-MM-DD [default: the first of this month]
    #[arg(long)]
    pub since: Option<Date>,
    /// The last day, included [default: today]
    #[arg(long)]
    pub until: Option<Date>,
}

/// Options of `override`.
#[derive(Debug, Args)]
pub struct OverrideArgs {
    /// How much more than the limits say, in USD
    #[arg(long)]
    pub usd: String,
    /// Why, in one line
    #[arg(long)]
    pub reason: String,
    /// For so many hours [default: until the end of today]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=744))]
    pub hours: Option<u32>,
}

/// Options of `budget virtual`; without any it is shown.
#[derive(Debug, Args)]
pub struct VirtualArgs {
    /// What may be spent in a day with all providers together, in USD
    #[arg(long, value_name = "USD")]
    pub daily: Option<String>,
    /// What may be spent in a month
    #[arg(long, value_name = "USD")]
    pub monthly: Option<String>,
    /// The part of each that ordinary spend may not touch, in percent [default: 20]
    #[arg(long, value_name = "PERCENT")]
    pub reserve: Option<u8>,
    /// Have none any more
    #[arg(long, conflicts_with_all = ["daily", "monthly", "reserve"])]
    pub off: bool,
}

/// Carries out `mecris can-afford`: exit code 0 for yes, 1 for no, 2 for a mistake, 3 where nobody knows.
#[must_use]
pub fn can_afford(common: &Common, args: CanAffordArgs) -> ExitCode {
    let CanAffordArgs { usd, provider, model, project, session } = args;
    // Usage names projects by their whole path; what cannot be made one is left as it was typed.
    let whole = |path: String| {
        // A path of another system is whole as it is.
        let path = project::directory(&path).into_owned();
        if path.as_bytes().get(1) == Some(&b':') || path.starts_with("//") {
            return path;
        }
        std::path::absolute(&path).ok().and_then(|path| path.to_str().map(str::to_owned)).unwrap_or(path)
    };
    let project = project.map(whole);
    let body = AskBody { usd, provider, model, project, session };
    let answer = Backend::current(common).and_then(|backend| {
        let shown = backend.can_afford(body)?;
        print(common.json, &shown, tables::affording::affordability)?;
        Ok(shown.answer)
    });
    match answer {
        Ok(Verdict::Yes) => ExitCode::SUCCESS,
        Ok(Verdict::No) => ExitCode::from(NO),
        Ok(Verdict::Unknown) => ExitCode::from(UNKNOWN),
        Err(error) => {
            warn(&format!("mecris: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

/// Carries out `mecris cost`.
///
/// # Errors
/// [`CliError`].
pub fn cost(common: &Common, args: &CostArgs) -> Result<(), CliError> {
    let backend = Backend::current(common)?;
    print(common.json, &backend.cost(args.since, args.until)?, tables::affording::cost)
}

/// Carries out `mecris override`.
///
/// # Errors
/// [`CliError`].
pub fn grant_override(common: &Common, args: OverrideArgs) -> Result<(), CliError> {
    let until = args.hours.map(|hours| Timestamp::now() + SignedDuration::from_hours(i64::from(hours)));
    let body = OverrideBody { usd: args.usd, reason: args.reason, until };
    print(common.json, &Backend::open(common)?.grant_override(&body)?, tables::affording::allowance)
}

/// Carries out `mecris budget virtual`.
///
/// # Errors
/// [`CliError`].
pub fn virtual_budget(common: &Common, args: VirtualArgs) -> Result<(), CliError> {
    let backend = Backend::current(common)?;
    let VirtualArgs { daily, monthly, reserve, off } = args;
    let is_question = daily.is_none() && monthly.is_none() && reserve.is_none();
    let shown = if off {
        backend.set_virtual_budget(None)?
    } else if is_question {
        backend.allowance()?
    } else {
        let body = VirtualBudgetBody { daily_usd: daily, monthly_usd: monthly, reserve_percent: reserve };
        backend.set_virtual_budget(Some(body))?
    };
    print(common.json, &shown, tables::affording::allowance)
}

impl Backend {
    fn can_afford(&self, body: AskBody) -> Result<AffordabilityShown, CliError> {
        body.clone().into_ask()?;
        match self {
            Self::Running(remote) => {
                let mut query = vec![("usd", body.usd)];
                let named = [
                    ("provider", body.provider),
                    ("model", body.model),
                    ("project", body.project),
                    ("session", body.session),
                ];
                query.extend(named.into_iter().filter_map(|(name, value)| Some((name, value?))));
                remote.get("/api/v1/can-afford", &query)
            }
            Self::Own(node) => Ok(node.queries()?.affordability(body, Timestamp::now())?),
        }
    }

    fn cost(&self, since: Option<Date>, until: Option<Date>) -> Result<CostShown, CliError> {
        match self {
            Self::Running(remote) => {
                let mut query = Vec::new();
                query.extend(since.map(|day| ("since", day.to_string())));
                query.extend(until.map(|day| ("until", day.to_string())));
                remote.get("/api/v1/cost", &query)
            }
            Self::Own(node) => Ok(node.queries()?.unified_cost(&Range { since, until }, Timestamp::now())),
        }
    }

    fn allowance(&self) -> Result<AllowanceShown, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/virtual-budget", &[]),
            Self::Own(node) => Ok(node.queries()?.allowance(Timestamp::now())),
        }
    }

    /// Sets the virtual budget, or removes it.
    fn set_virtual_budget(&self, body: Option<VirtualBudgetBody>) -> Result<AllowanceShown, CliError> {
        body.as_ref().map_or(Ok(()), |body| body.check(Timestamp::now()))?;
        match (self, body) {
            (Self::Running(remote), Some(body)) => remote.put("/api/v1/virtual-budget", &body),
            (Self::Running(remote), None) => remote.delete("/api/v1/virtual-budget"),
            (Self::Own(node), Some(body)) => self.carry_out(node, &body.into_command()?),
            (Self::Own(node), None) => self.carry_out(node, &AllowanceCommand::Remove),
        }
    }

    fn grant_override(&self, body: &OverrideBody) -> Result<AllowanceShown, CliError> {
        body.check(Timestamp::now())?;
        match self {
            Self::Running(remote) => remote.post_body("/api/v1/overrides", body),
            Self::Own(node) => {
                let command = node.queries()?.override_command(body, Timestamp::now())?;
                self.carry_out(node, &command)
            }
        }
    }

    fn carry_out(&self, node: &Node, command: &AllowanceCommand) -> Result<AllowanceShown, CliError> {
        let done = node.execute::<AllowanceAggregate>(command.clone(), Timestamp::now(), "cli");
        done.map_err(AllowanceFailure::from)?;
        self.allowance()
    }
}
