//! The tools: what each is called, takes and gives, and the question or command behind it.

use jiff::{Timestamp, ToSpan};
use rmcp::model::{Tool, ToolAnnotations};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::alert::AlertId;
use crate::domain::budget::{Budget, BudgetCommand, BudgetError, BudgetName};
use crate::domain::calendar;
use crate::domain::desk::DeskCommand;
use crate::domain::local_goal::End;
use crate::domain::money::Picodollars;
use crate::domain::slug::GoalSlug;
use crate::service::Supervised;
use crate::service::alerting::shown::AlertsShown;
use crate::service::allowance_book::AskBody;
use crate::service::balance_book::Balances;
use crate::service::health::{Health, Readiness};
use crate::service::reconcile::check;
use crate::service::requests::{BudgetBody, Budgets, GoalsShown};
use crate::view::affording::AffordabilityShown;
use crate::view::cost::CostShown;
use crate::view::forecast::ForecastShown;
use crate::view::reconcile::{Reconciliation, Wanted};
use crate::view::report::{Grouping, Range, Report};

use super::args::{Acknowledge, AddGoal, CompleteGoal, Days, Nothing, RecentUsage, Reconcile, UpdateBudget};
use super::schema;

/// Only looks.
fn looks<In: ToSchema, Out: ToSchema>(name: &'static str, description: &'static str) -> Tool {
    let hints = ToolAnnotations::new().read_only(true).open_world(false);
    Tool::new(name, description, schema::of::<In>())
        .with_raw_output_schema(schema::of::<Out>())
        .with_annotations(hints)
}

/// Changes something. All of these can be asked twice and change nothing more.
fn changes<In: ToSchema, Out: ToSchema>(
    name: &'static str,
    description: &'static str,
    destroys: bool,
) -> Tool {
    let hints =
        ToolAnnotations::new().read_only(false).destructive(destroys).idempotent(true).open_world(false);
    Tool::new(name, description, schema::of::<In>())
        .with_raw_output_schema(schema::of::<Out>())
        .with_annotations(hints)
}

/// All tools, always in this order.
#[must_use]
pub fn list() -> Vec<Tool> {
    vec![
        looks::<Nothing, Budgets>(
            "get_budget_status",
            "How the budgets stand: used, left, days left, health.",
        ),
        looks::<Nothing, Balances>(
            "get_balance_status",
            "What is left of the money at the providers: the last reading and its age, less what was spent since.",
        ),
        looks::<RecentUsage, Report>(
            "get_recent_usage",
            "What LLMs cost in the last days, by model, day, project or session.",
        ),
        looks::<Days, CostShown>(
            "get_unified_cost_status",
            "One cost over all providers, and of which part of it how much is known.",
        ),
        looks::<AskBody, AffordabilityShown>(
            "can_afford",
            "Whether an amount in USD can be afforded, and which limit stands against it. Ask before a costly task.",
        ),
        looks::<Nothing, ForecastShown>(
            "forecast",
            "When the money ends, with a range, per balance and budget.",
        ),
        looks::<Reconcile, Reconciliation>(
            "reconcile",
            "How far the estimate is off, by what providers report and how balances fall.",
        ),
        looks::<Nothing, GoalsShown>(
            "get_beeminder_status",
            "The goals, the nearest to derailing first, with the age of what Beeminder said.",
        ),
        looks::<Nothing, AlertsShown>("get_alerts", "The alerts that are open, the worst first."),
        looks::<Nothing, Readiness>(
            "get_system_health",
            "Whether each part of Mecris and each outside source works, and why not.",
        ),
        changes::<UpdateBudget, Budgets>(
            "update_budget",
            "Creates a budget, or changes the amount and period of the one of that name; the rest of it stays.",
            true,
        ),
        changes::<AddGoal, GoalsShown>(
            "add_goal",
            "Makes a local goal, or changes the one of that name.",
            false,
        ),
        changes::<CompleteGoal, GoalsShown>("complete_goal", "Closes a local goal as done.", true),
        changes::<Acknowledge, AlertsShown>(
            "acknowledge_alert",
            "Takes note of an alert: nothing more is sent of it unless it gets worse.",
            false,
        ),
    ]
}

fn read<T: DeserializeOwned>(arguments: Value) -> Result<T, String> {
    serde_json::from_value(arguments)
        .map_err(|error| format!("these arguments do not fit the tool's input schema: {error}"))
}

fn shown(value: &impl Serialize) -> Result<Value, String> {
    serde_json::to_value(value).map_err(|error| format!("the answer cannot be written: {error}"))
}

fn slug(name: &str) -> Result<GoalSlug, String> {
    GoalSlug::try_from(name.to_owned()).map_err(said)
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Answers a tool that is in the list; an error says what to do.
///
/// # Errors
/// A sentence for the one who called.
pub async fn call(system: &Supervised, name: &str, arguments: Value) -> Result<Value, String> {
    let (queries, now) = (&system.queries, Timestamp::now());
    match name {
        "get_budget_status" => {
            read::<Nothing>(arguments)?;
            shown(&Budgets { budgets: queries.budgets(now) })
        }
        "get_balance_status" => {
            read::<Nothing>(arguments)?;
            shown(&queries.all_balances(now))
        }
        "get_recent_usage" => {
            let RecentUsage { days, by } = read(arguments)?;
            let days = days.unwrap_or(7);
            if !(1..=366).contains(&days) {
                return Err("days must be from 1 to 366".into());
            }
            let today = calendar::day_of(now, &queries.settings.current().zone);
            let range =
                Range { since: Some(today.saturating_sub((i64::from(days) - 1).days())), until: None };
            shown(&queries.report(by.unwrap_or(Grouping::Model), &range, None))
        }
        "get_unified_cost_status" => {
            let Days { since, until } = read(arguments)?;
            shown(&queries.unified_cost(&Range { since, until }, now))
        }
        "can_afford" => shown(&queries.affordability(read(arguments)?, now).map_err(said)?),
        "forecast" => {
            read::<Nothing>(arguments)?;
            let queries = queries.clone();
            let reckoned = tokio::task::spawn_blocking(move || queries.forecast(now)).await;
            shown(&reckoned.map_err(|_| "the forecast failed inside; the supervisor's log has the cause")?)
        }
        "reconcile" => {
            let Reconcile { since, until, provider } = read(arguments)?;
            let wanted = check(Wanted { since, until, provider }).map_err(said)?;
            shown(&queries.reconcile(&wanted, now))
        }
        "get_beeminder_status" => {
            read::<Nothing>(arguments)?;
            shown(&system.goals(now))
        }
        "get_alerts" => {
            read::<Nothing>(arguments)?;
            shown(&system.alerts(now, false))
        }
        "get_system_health" => {
            read::<Nothing>(arguments)?;
            shown(&Health::of(system).readiness())
        }
        _ => command(system, name, arguments).await,
    }
}

async fn command(system: &Supervised, name: &str, arguments: Value) -> Result<Value, String> {
    match name {
        "update_budget" => {
            let UpdateBudget { name, amount_usd, period } = read(arguments)?;
            let name: BudgetName = name.parse().map_err(|error: BudgetError| said(error))?;
            let before = system.queries.with_view(|view| view.budgets.get(&name).cloned());
            let budget = changed_budget(name, before, amount_usd, period)?;
            system.command_budget(BudgetCommand::Set(budget)).await.map_err(said)?;
            shown(&Budgets { budgets: system.queries.budgets(Timestamp::now()) })
        }
        "add_goal" => {
            let AddGoal { slug: name, goal } = read(arguments)?;
            system.command_goal(goal.into_command(slug(&name)?)).await.map_err(said)?;
            shown(&system.goals(Timestamp::now()))
        }
        "complete_goal" => {
            let CompleteGoal { slug: name } = read(arguments)?;
            let close = DeskCommand::CloseGoal { slug: slug(&name)?, end: End::Done };
            system.command_goal(close).await.map_err(said)?;
            shown(&system.goals(Timestamp::now()))
        }
        "acknowledge_alert" => {
            let Acknowledge { id } = read(arguments)?;
            system.acknowledge(AlertId(id)).await.map_err(said)?;
            shown(&system.alerts(Timestamp::now(), false))
        }
        _ => Err("there is no tool of this name; tools/list names those there are".into()),
    }
}

/// A budget that is there keeps what is not told anew: its scope, its thresholds, and its period where none is given.
fn changed_budget(
    name: BudgetName,
    before: Option<Budget>,
    amount_usd: Picodollars,
    period: Option<String>,
) -> Result<Budget, String> {
    let is_kept = period.is_none();
    let body = BudgetBody {
        amount_usd,
        period,
        from: None,
        until: None,
        provider: None,
        model: None,
        project: None,
        low_usd: None,
        daily_limit_usd: None,
        ending_days: None,
    };
    let fresh = body.into_budget(name)?;
    Ok(match before {
        None => fresh,
        Some(before) => Budget {
            amount: fresh.amount,
            period: if is_kept { before.period } else { fresh.period },
            ..before
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::budget::{Scope, Thresholds};
    use crate::domain::calendar::Period;

    #[test]
    fn a_budget_that_is_there_keeps_what_is_not_told_anew() {
        let name: BudgetName = "work".parse().unwrap();
        let before = Budget {
            name: name.clone(),
            amount: Picodollars::usd(10),
            period: Period::Weekly,
            scope: Scope { project: Some("/home/ada/engine".to_owned()), ..Scope::default() },
            thresholds: Thresholds { low: Picodollars::usd(3), ..Thresholds::default() },
        };
        let change = |period: Option<&str>| {
            let period = period.map(str::to_owned);
            changed_budget(name.clone(), Some(before.clone()), Picodollars::usd(20), period).unwrap()
        };
        assert_eq!(change(None), Budget { amount: Picodollars::usd(20), ..before.clone() });
        let daily = Budget { amount: Picodollars::usd(20), period: Period::Daily, ..before.clone() };
        assert_eq!(change(Some("daily")), daily);
        let fresh = changed_budget(name.clone(), None, Picodollars::usd(5), None).unwrap();
        assert_eq!((fresh.period, fresh.scope), (Period::Monthly, Scope::default()));
    }
}
