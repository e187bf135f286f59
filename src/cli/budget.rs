//! `mecris budget`: what may be spent, over what and for how long.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use jiff::civil::Date;

use crate::domain::calendar::{PeriodKind, WeekStart, YearStart};
use crate::domain::money::Picodollars;
use crate::service::budgets::client::BudgetBody;
use crate::service::endpoints::budgets::{ListBudgets, RemoveBudget, SetBudget};

use super::affording::{VirtualArgs, virtual_budget};
use super::backend::Backend;
use super::output::{CliError, print};
use super::{Common, tables};

/// What can be done with budgets.
#[derive(Debug, Subcommand)]
pub enum BudgetCommand {
    /// Create or replace a budget
    Set(BudgetSetArgs),
    /// How the budgets stand
    List,
    /// Set or show the budget over all providers, by day and month, with its emergency reserve
    Virtual(VirtualArgs),
    /// Remove a budget
    Remove {
        /// Its name
        name: String,
    },
}

/// Options of `budget set`.
#[derive(Debug, Args)]
pub struct BudgetSetArgs {
    /// USD for one period
    #[arg(long)]
    pub amount: String,
    /// How often it begins anew [default: what the next options belong to, or monthly]
    #[arg(long, value_parser = PossibleValuesParser::new(PeriodKind::WORDS).try_map(|word| word.parse::<PeriodKind>()))]
    pub period: Option<PeriodKind>,
    /// How many days a rolling period has, today among them: 1 to 366
    #[arg(long)]
    pub days: Option<u32>,
    /// What a weekly period begins with, monday to sunday [default: the setting week_starts]
    #[arg(long, value_name = "DAY")]
    pub week_starts: Option<WeekStart>,
    /// What a yearly period begins with; 02-29 is 02-28 in other years [default: 01-01]
    #[arg(long, value_name = "MM-DD")]
    pub year_starts: Option<YearStart>,
    /// The first day of a fixed period
    #[arg(long, requires = "until")]
    pub from: Option<Date>,
    /// The last day of a fixed period, included
    #[arg(long, requires = "from")]
    pub until: Option<Date>,
    /// Its name
    #[arg(long, default_value = "main")]
    pub name: String,
    /// Cover only this provider
    #[arg(long)]
    pub provider: Option<String>,
    /// Cover only models of this pattern, in which * is any text
    #[arg(long)]
    pub model: Option<String>,
    /// Cover only this directory and those below it
    #[arg(long)]
    pub project: Option<String>,
    /// LOW_BUDGET below this remainder [default: 5]
    #[arg(long, value_name = "USD")]
    pub low: Option<String>,
    /// DAILY_LIMIT_EXCEEDED above this spend today [default: 2]
    #[arg(long, value_name = "USD")]
    pub daily_limit: Option<String>,
    /// PERIOD_ENDING at this many days left [default: 1]
    #[arg(long, value_name = "DAYS")]
    pub ending_days: Option<u32>,
}

/// Carries out `mecris budget`.
///
/// # Errors
/// [`CliError`].
pub fn budget(common: &Common, command: BudgetCommand) -> Result<(), CliError> {
    let budgets = match command {
        BudgetCommand::Virtual(args) => return virtual_budget(common, args),
        BudgetCommand::List => Backend::current(common)?.call(ListBudgets)?,
        BudgetCommand::Remove { name } => Backend::current(common)?.call(RemoveBudget { name })?,
        BudgetCommand::Set(args) => {
            let request = set_budget(args)?;
            Backend::current(common)?.call(request)?
        }
    };
    print(common.json, &budgets, |budgets| tables::budgets(&budgets.budgets))
}

fn set_budget(args: BudgetSetArgs) -> Result<SetBudget, CliError> {
    let money = |text: Option<String>| text.map(|text| Picodollars::parse(&text)).transpose();
    let body = BudgetBody {
        amount_usd: Picodollars::parse(&args.amount)?,
        period: args.period,
        from: args.from,
        until: args.until,
        days: args.days,
        week_starts: args.week_starts,
        year_starts: args.year_starts,
        provider: args.provider,
        model: args.model,
        project: args.project,
        low_usd: money(args.low)?,
        daily_limit_usd: money(args.daily_limit)?,
        ending_days: args.ending_days,
    };
    Ok(SetBudget { name: args.name, body })
}
