//! The commands, one by one.

use std::process::ExitCode;

use clap::CommandFactory;

use crate::config::Config;
use crate::service::alerts::requests::ConsentBody;
use crate::service::audit::Reckoning;
use crate::service::balances::balance::{BalanceBody, TopUpBody};
use crate::service::endpoints::alerts::{
    AcknowledgeAlert, CheckAlerts, DecideConsent, ListAlerts, ListConsents,
};
use crate::service::endpoints::audit::{Explain, ListIncidents, Replay};
use crate::service::endpoints::balances::{ListBalances, ListQuotas, ReadBalance, TopUpBalance};
use crate::service::endpoints::goals::ListGoals;
use crate::service::endpoints::providers::Reconcile;
use crate::service::endpoints::system::{Drill, GetStatus, ListActors, ListSources, Reload};
use crate::service::endpoints::usage::{GetSpend, ListRefused};
use crate::service::system::status::DrillBody;
use crate::telemetry;

use super::backend::{Backend, show_steps};
use super::output::{CliError, bar, print, print_text};
use super::{
    AlertsCommand, BalanceCommand, Cli, Command, Common, ConfigCommand, ConsentCommand, ReplayArgs,
    ReportArgs, affording, budget, console, doctor, forecast, gate, goal, keeping, limit, mcp, narrator,
    odometer, people, prices, projects, reprice, run, tables, tenant, token, usage, vault,
};

/// Does what the command line says.
///
/// # Errors
/// [`CliError`]: one line with the mend.
pub fn dispatch(cli: Cli) -> Result<ExitCode, CliError> {
    let Cli { common, command } = cli;
    let command = command.unwrap_or(Command::Status);
    match command {
        Command::Run(args) => return run::run(&common, &args),
        Command::Gate(args) => return gate::gate(&common, args),
        Command::Statusline(args) => return gate::statusline(&common, &args),
        Command::Mcp => return mcp::mcp(&common),
        Command::Config(command) => return print_text(&config_text(command)),
        Command::Doctor { offline } => return doctor::doctor(&common, offline),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "mecris", &mut std::io::stdout());
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    telemetry::init_lines(common.log_format, common.log_level.as_deref())?;
    let json = common.json;
    match command {
        Command::Status => print(json, &Backend::current(&common)?.call(GetStatus)?, tables::status)?,
        Command::Report(args) => {
            let ReportArgs { by, since, until, provider, model, project, session, tz } = args;
            let asked = GetSpend { by: Some(by), since, until, provider, model, project, session, tz };
            let report = Backend::current(&common)?.call(asked)?;
            print(json, &report, |shown| {
                tables::fresh(&shown.freshness) + &tables::report::report(&shown.report)
            })?;
        }
        Command::Import(args) if args.refused => {
            print(json, &Backend::open(&common)?.call(ListRefused)?, tables::usage::refused)?;
        }
        Command::Import(args) => {
            let (on_step, bar) = show_steps(json);
            let summary = Backend::open(&common)?.import(&args.roots, args.afresh, &on_step)?;
            bar.finish_and_clear();
            print(json, &summary, tables::import)?;
        }
        Command::Budget(command) => budget::budget(&common, command)?,
        Command::Balance { command } => {
            let backend = Backend::current(&common)?;
            let shown = match command {
                None => backend.call(ListBalances)?,
                Some(BalanceCommand::Set(args)) => backend.call(ReadBalance(BalanceBody {
                    left_usd: args.left,
                    total_usd: args.total,
                    provider: args.provider,
                    at: args.at,
                }))?,
                Some(BalanceCommand::TopUp(args)) => backend.call(TopUpBalance(TopUpBody {
                    amount_usd: args.amount,
                    provider: args.provider,
                    at: args.at,
                }))?,
            };
            print(json, &shown, tables::balance::all)?;
        }
        Command::CanAfford(args) => return Ok(affording::can_afford(&common, args)),
        Command::Forecast { backtest } => forecast::forecast(&common, backtest)?,
        Command::Cost(args) => affording::cost(&common, &args)?,
        Command::Override(args) => affording::grant_override(&common, args)?,
        Command::Limit { command } => limit::limit(&common, command)?,
        Command::Token { command } => token::token(&common, command)?,
        Command::Tenant { command } => tenant::tenant(&common, command)?,
        Command::Odometer { command } => odometer::odometer(&common, command)?,
        Command::Narrator { detail } => narrator::narrator(&common, detail)?,
        Command::Activity { date } => narrator::activity(&common, date)?,
        Command::RecordUsage(args) => usage::record(&common, args)?,
        Command::Quota => print(json, &Backend::open(&common)?.call(ListQuotas)?, tables::quota::all)?,
        Command::Reconcile { since, until, provider } => {
            let reconciled = Backend::current(&common)?.call(Reconcile { since, until, provider })?;
            print(json, &reconciled, tables::reconcile::reconciliation)?;
        }
        Command::Console(command) => console::console(&common, command)?,
        Command::Login(args) => console::login(&common, &args)?,
        Command::People(args) => people::shown(&common, &args)?,
        Command::Goals => print(json, &Backend::open(&common)?.call(ListGoals)?, tables::goals::goals)?,
        Command::Goal(command) => goal::goal(&common, command)?,
        Command::Alerts { all, command } => {
            let backend = Backend::current(&common)?;
            let shown = match command {
                None => backend.call(ListAlerts { all })?,
                Some(AlertsCommand::Check) => backend.call(CheckAlerts)?,
                Some(AlertsCommand::Ack { id }) => backend.call(AcknowledgeAlert { id })?,
            };
            print(json, &shown, tables::alerts::alerts)?;
        }
        command
        @ (Command::Tasks(_) | Command::Daily(_) | Command::Vault { .. } | Command::LogSession(_)) => {
            vault::vault(&common, command)?;
        }
        Command::Consent { command } => consent(&common, command)?,
        Command::Prices(args) => return prices::prices(&common, args),
        Command::Projects { command } => projects::projects(&common, command)?,
        Command::Reprice(args) => reprice::reprice(&common, &args)?,
        Command::Replay(args) => replay(&common, args)?,
        Command::Verify { head } => return keeping::verify(&common, head.as_deref()),
        Command::Repair { yes } => return keeping::repair(&common, yes),
        Command::Backup { dir } => keeping::backup(&common, &dir)?,
        Command::Restore(args) => keeping::restore(&common, &args)?,
        Command::Export { .. } => keeping::export(&common)?,
        Command::Head => keeping::head(&common)?,
        Command::Actors => {
            let actors = Backend::open(&common)?.call(ListActors)?;
            print(json, &actors, |actors| tables::system::actors(actors))?;
        }
        Command::Drill { actor } => {
            let actors = Backend::open(&common)?.call(Drill(DrillBody { actor }))?;
            print(json, &actors, |actors| tables::system::actors(actors))?;
        }
        Command::Sources => {
            print(json, &Backend::open(&common)?.call(ListSources)?, tables::system::sources)?;
        }
        Command::Incidents { since } => {
            let incidents = Backend::open(&common)?.call(ListIncidents { since })?;
            print(json, &incidents, tables::system::incidents)?;
        }
        Command::Reload => print(json, &Backend::open(&common)?.call(Reload)?, tables::system::reloaded)?,
        Command::Run(_)
        | Command::Config(_)
        | Command::Gate(_)
        | Command::Mcp
        | Command::Statusline(_)
        | Command::Doctor { .. }
        | Command::Completions { .. } => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// The example is the one of the documentation, which a test holds against the settings.
fn config_text(command: ConfigCommand) -> String {
    const PAGE: &str = include_str!("../../docs/configuration.md");
    match command {
        ConfigCommand::Example => {
            let block = PAGE.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
            block.unwrap_or_default().to_owned()
        }
        ConfigCommand::Schema => {
            serde_json::to_string_pretty(&schemars::schema_for!(Config)).unwrap_or_default()
        }
    }
}

fn consent(common: &Common, command: Option<ConsentCommand>) -> Result<(), CliError> {
    let backend = Backend::open(common)?;
    let shown = match command {
        None => backend.call(ListConsents)?,
        Some(ConsentCommand::Grant { number }) => {
            backend.call(DecideConsent(ConsentBody { number, grant: true }))?
        }
        Some(ConsentCommand::Revoke { number }) => {
            backend.call(DecideConsent(ConsentBody { number, grant: false }))?
        }
    };
    print(common.json, &shown, tables::alerts::consents)
}

fn replay(common: &Common, args: ReplayArgs) -> Result<(), CliError> {
    let backend = Backend::open(common)?;
    let ReplayArgs { until, as_occurred, explain, tz, .. } = args;
    if let Some(subject) = explain {
        let explanation = backend.call(Explain { subject, tz })?;
        return print(common.json, &explanation, tables::explanation);
    }
    let by = Some(if as_occurred { Reckoning::Occurred } else { Reckoning::Recorded });
    let replayed = backend.call_showing(Replay { until, by }, &bar("replaying", false))?;
    print(common.json, &replayed, tables::replayed)
}
