//! The orders: each tool that changes something, and the command behind it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::alert;
use crate::domain::budget::{Budget, BudgetCommand, BudgetError, BudgetName, Scope, Thresholds};
use crate::domain::calendar::{CalendarError, PeriodTerms, WeekStart};
use crate::domain::local_goal::End;
use crate::service::alerts::requests::AlertsShown;
use crate::service::balances::odometer::OdometerBody;
use crate::service::budgets::budget::BudgetAggregate;
use crate::service::endpoints::alerts::{AcknowledgeAlert, CheckAlerts};
use crate::service::endpoints::goals::{CloseBody, CloseGoal, SetGoal};
use crate::service::endpoints::limits::AskForMore;
use crate::service::endpoints::odometer::ReadOdometer;
use crate::service::endpoints::usage::{Import, RecordUsage};
use crate::service::endpoints::{self, Endpoint, Host};
use crate::service::system::tree::Supervised;
use crate::service::vault::queries::LogBody;

use super::args::{Acknowledge, AddGoal, CompleteGoal, LogSession, Nothing, Reading, UpdateBudget};
use super::ask::{GROQ, read, said, shown};

/// Carries out an order; an error says what to do.
///
/// # Errors
/// A sentence for the one who called.
pub async fn order(system: &Arc<Supervised>, tool: &str, arguments: Value) -> Result<Value, String> {
    let host = &Host::Tree(system.clone());
    match tool {
        "update_budget" => {
            let asked: UpdateBudget = read(arguments)?;
            let name: BudgetName = asked.name.parse().map_err(|error: BudgetError| said(error))?;
            let before = system.queries.with_view(|view| view.budgets.get(&name).cloned());
            let week = system.queries.week_starts();
            let budget = changed_budget(name, before, asked, week).map_err(said)?;
            system.execute::<BudgetAggregate>(BudgetCommand::Set(budget)).await.map_err(said)?;
            shown(&system.queries.budgets_shown(Timestamp::now()))
        }
        "add_goal" => {
            let AddGoal { slug, goal } = read(arguments)?;
            shown(&SetGoal { slug, body: goal }.answer(host).await.map_err(said)?)
        }
        "complete_goal" => {
            let CompleteGoal { slug } = read(arguments)?;
            let close = CloseGoal { slug, body: CloseBody { end: End::Done } };
            shown(&close.answer(host).await.map_err(said)?)
        }
        "acknowledge_alert" => {
            let Acknowledge { id } = read(arguments)?;
            shown(&AcknowledgeAlert { id }.answer(host).await.map_err(said)?)
        }
        "record_usage_session" => shown(&RecordUsage(read(arguments)?).answer(host).await.map_err(said)?),
        "record_claude_code_usage" => {
            read::<Nothing>(arguments)?;
            shown(&Import.answer(host).await.map_err(said)?)
        }
        "record_groq_reading" => {
            let Reading { value_usd, month, note, correct } = read(arguments)?;
            let body = OdometerBody {
                value_usd,
                provider: GROQ.to_owned(),
                month,
                note: note.unwrap_or_default(),
                at: None,
                correct: correct.unwrap_or_default(),
            };
            ReadOdometer(body).answer(host).await.map_err(said)?;
            shown(&system.queries.metered(GROQ, Timestamp::now()))
        }
        "send_beeminder_alert" => {
            read::<Nothing>(arguments)?;
            let AlertsShown { mut alerts } = CheckAlerts.answer(host).await.map_err(said)?;
            alerts.retain(|alert| alert.kind == alert::Kind::Goal);
            shown(&AlertsShown { alerts })
        }
        "trigger_reminder_check" => {
            read::<Nothing>(arguments)?;
            shown(&CheckAlerts.answer(host).await.map_err(said)?)
        }
        "request_limit" => shown(&AskForMore(read(arguments)?).answer(host).await.map_err(said)?),
        "log_session" => {
            let LogSession { text, session } = read(arguments)?;
            let body = LogBody { text, heading: None, session, at: None };
            shown(&endpoints::vault::LogSession(body).answer(host).await.map_err(said)?)
        }
        _ => Err("there is no tool of this name; tools/list names those there are".into()),
    }
}

/// A budget that is there keeps what is not told anew: its scope, its thresholds, and of its period what still belongs
/// to it.
fn changed_budget(
    name: BudgetName,
    before: Option<Budget>,
    asked: UpdateBudget,
    week: WeekStart,
) -> Result<Budget, CalendarError> {
    let UpdateBudget { amount_usd: amount, period, days, week_starts, year_starts, .. } = asked;
    let terms = PeriodTerms { name: period, days, week_starts, year_starts, ..PeriodTerms::default() };
    Ok(match before {
        None => Budget {
            name,
            amount,
            period: terms.read(week)?,
            scope: Scope::default(),
            thresholds: Thresholds::default(),
        },
        Some(before) => Budget { amount, period: terms.change(before.period, week)?, ..before },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::Period;
    use crate::domain::money::Picodollars;

    fn asked(usd: i64, period: Option<&str>) -> UpdateBudget {
        UpdateBudget {
            name: "work".to_owned(),
            amount_usd: Picodollars::usd(usd),
            period: period.map(str::to_owned),
            days: None,
            week_starts: None,
            year_starts: None,
        }
    }

    #[test]
    fn a_budget_that_is_there_keeps_what_is_not_told_anew() {
        let name: BudgetName = "work".parse().unwrap();
        let sunday = Period::Weekly { starts: WeekStart::Sunday };
        let before = Budget {
            name: name.clone(),
            amount: Picodollars::usd(10),
            period: sunday,
            scope: Scope { project: Some("/home/ada/engine".to_owned()), ..Scope::default() },
            thresholds: Thresholds { low: Picodollars::usd(3), ..Thresholds::default() },
        };
        let change = |asked: UpdateBudget| {
            changed_budget(name.clone(), Some(before.clone()), asked, WeekStart::Monday).unwrap()
        };
        assert_eq!(change(asked(20, None)), Budget { amount: Picodollars::usd(20), ..before.clone() });
        assert_eq!(change(asked(20, Some("weekly"))).period, sunday, "it began with Sunday");
        let daily = Budget { amount: Picodollars::usd(20), period: Period::Daily, ..before.clone() };
        assert_eq!(change(asked(20, Some("daily"))), daily);
        let rolling = change(UpdateBudget { days: Some(30), ..asked(20, Some("rolling")) });
        assert_eq!(rolling.period, Period::Rolling { days: 30.try_into().unwrap() });
        let fresh = |asked| changed_budget(name.clone(), None, asked, WeekStart::Saturday).unwrap();
        assert_eq!(
            (fresh(asked(5, None)).period, fresh(asked(5, None)).scope),
            (Period::Monthly, Scope::default())
        );
        assert_eq!(fresh(asked(5, Some("weekly"))).period, Period::Weekly { starts: WeekStart::Saturday });
    }
}
