//! `mecris can-afford`, `cost`, `override` and `budget virtual`.

use std::process::ExitCode;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use crate::domain::affording::Verdict;
use crate::domain::calendar::Days;
use crate::domain::project;
use crate::service::budgets::allowance::{AskBody, OverrideBody, VirtualBudgetBody};
use crate::service::endpoints::allowance::{
    CanAfford, GetAllowance, GetCost, GrantOverride, RemoveVirtualBudget, SetVirtualBudget,
};

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
    /// From these days on: 2026-11-23, 7d, last-month [default: the first of this month]
    #[arg(long, value_name = "DAYS")]
    pub since: Option<Days>,
    /// Up to the last of these days, included [default: today]
    #[arg(long, value_name = "DAYS")]
    pub until: Option<Days>,
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
        let shown = backend.call(CanAfford(body))?;
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
    let asked = GetCost { since: args.since, until: args.until };
    print(common.json, &Backend::current(common)?.call(asked)?, tables::affording::cost)
}

/// Carries out `mecris override`.
///
/// # Errors
/// [`CliError`].
pub fn grant_override(common: &Common, args: OverrideArgs) -> Result<(), CliError> {
    let until = args.hours.map(|hours| Timestamp::now() + SignedDuration::from_hours(i64::from(hours)));
    let body = OverrideBody { usd: args.usd, reason: args.reason, until };
    print(common.json, &Backend::open(common)?.call(GrantOverride(body))?, tables::affording::allowance)
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
        backend.call(RemoveVirtualBudget)?
    } else if is_question {
        backend.call(GetAllowance)?
    } else {
        let body = VirtualBudgetBody { daily_usd: daily, monthly_usd: monthly, reserve_percent: reserve };
        backend.call(SetVirtualBudget(body))?
    };
    print(common.json, &shown, tables::affording::allowance)
}
