//! The orders: each tool that changes something, and the command behind it.

use jiff::Timestamp;

use crate::domain::alert::{self, AlertId};
use crate::domain::budget::{Budget, BudgetCommand, BudgetError, BudgetName, Scope, Thresholds};
use crate::domain::calendar::{CalendarError, PeriodTerms, WeekStart};
use crate::domain::desk::DeskCommand;
use crate::domain::local_goal::End;
use crate::domain::slug::GoalSlug;
use crate::service::alerts::requests::AlertsShown;
use crate::service::balances::odometer::OdometerBody;
use crate::service::budgets::client::Budgets;
use crate::service::budgets::limit_requests::{LimitAsked, LimitBody};
use crate::service::goals::requests::GoalsShown;
use crate::service::providers::summary::MeteredShown;
use crate::service::system::tree::Supervised;
use crate::service::usage::importer::ImportSummary;
use crate::service::usage::manual::{ToldBody, ToldShown};
use crate::service::vault::queries::{LogBody, Logged};

use super::args::{Acknowledge, AddGoal, CompleteGoal, LogSession, Nothing, Reading, UpdateBudget};
use super::ask::{GROQ, asker, said};

type Answer<T> = Result<T, String>;

pub(super) async fn update_budget(system: &Supervised, asked: UpdateBudget) -> Answer<Budgets> {
    let name: BudgetName = asked.name.parse().map_err(|error: BudgetError| said(error))?;
    let before = system.queries.with_view(|view| view.budgets.get(&name).cloned());
    let week = system.queries.week_starts();
    let budget = changed_budget(name, before, &asked, week).map_err(said)?;
    system.command_budget(BudgetCommand::Set(budget)).await.map_err(said)?;
    Ok(system.queries.budgets_shown(Timestamp::now()))
}

pub(super) async fn add_goal(
    system: &Supervised,
    AddGoal { slug: name, goal }: AddGoal,
) -> Answer<GoalsShown> {
    system.command_goal(goal.into_command(slug(&name)?)).await.map_err(said)?;
    Ok(system.goals(Timestamp::now()))
}

pub(super) async fn complete_goal(
    system: &Supervised,
    CompleteGoal { slug: name }: CompleteGoal,
) -> Answer<GoalsShown> {
    let close = DeskCommand::CloseGoal { slug: slug(&name)?, end: End::Done };
    system.command_goal(close).await.map_err(said)?;
    Ok(system.goals(Timestamp::now()))
}

pub(super) async fn acknowledge_alert(
    system: &Supervised,
    Acknowledge { id }: Acknowledge,
) -> Answer<AlertsShown> {
    system.acknowledge(AlertId(id)).await.map_err(said)?;
    Ok(system.alerts(Timestamp::now(), false))
}

pub(super) async fn record_usage(system: &Supervised, body: ToldBody) -> Answer<ToldShown> {
    system.tell_usage(body, &asker()).await.map_err(said)
}

pub(super) async fn read_transcripts(system: &Supervised, _: Nothing) -> Answer<ImportSummary> {
    system.import().await.map_err(said)
}

pub(super) async fn record_groq_reading(system: &Supervised, reading: Reading) -> Answer<MeteredShown> {
    let Reading { value_usd, month, note, correct } = reading;
    let body = OdometerBody {
        value_usd,
        provider: GROQ.to_owned(),
        month,
        note: note.unwrap_or_default(),
        at: None,
        correct: correct.unwrap_or_default(),
    };
    system.read_odometer(body).await.map_err(said)?;
    Ok(system.queries.metered(GROQ, Timestamp::now()))
}

pub(super) async fn send_goal_alerts(system: &Supervised, _: Nothing) -> Answer<AlertsShown> {
    system.check_alerts().await.map_err(said)?;
    let AlertsShown { mut alerts } = system.alerts(Timestamp::now(), false);
    alerts.retain(|alert| alert.kind == alert::Kind::Goal);
    Ok(AlertsShown { alerts })
}

pub(super) async fn check_reminders(system: &Supervised, _: Nothing) -> Answer<AlertsShown> {
    system.check_alerts().await.map_err(said)?;
    Ok(system.alerts(Timestamp::now(), false))
}

pub(super) async fn request_limit(system: &Supervised, body: LimitBody) -> Answer<LimitAsked> {
    system.ask_for_more(body, asker()).await.map_err(said)
}

pub(super) async fn log_session(
    system: &Supervised,
    LogSession { text, session }: LogSession,
) -> Answer<Logged> {
    let body = LogBody { text, heading: None, session, at: None };
    system.log_session(body).await.map_err(said)
}

fn slug(name: &str) -> Result<GoalSlug, String> {
    GoalSlug::try_from(name.to_owned()).map_err(said)
}

/// A budget that is there keeps what is not told anew: its scope, its thresholds, and of its period what still belongs
/// to it.
fn changed_budget(
    name: BudgetName,
    before: Option<Budget>,
    asked: &UpdateBudget,
    week: WeekStart,
) -> Result<Budget, CalendarError> {
    let &UpdateBudget { amount_usd: amount, period, days, week_starts, year_starts, .. } = asked;
    let terms = PeriodTerms { kind: period, days, week_starts, year_starts, ..PeriodTerms::default() };
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
            period: period.map(|word| word.parse().unwrap()),
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
            changed_budget(name.clone(), Some(before.clone()), &asked, WeekStart::Monday).unwrap()
        };
        assert_eq!(change(asked(20, None)), Budget { amount: Picodollars::usd(20), ..before.clone() });
        assert_eq!(change(asked(20, Some("weekly"))).period, sunday, "it began with Sunday");
        let daily = Budget { amount: Picodollars::usd(20), period: Period::Daily, ..before.clone() };
        assert_eq!(change(asked(20, Some("daily"))), daily);
        let rolling = change(UpdateBudget { days: Some(30), ..asked(20, Some("rolling")) });
        assert_eq!(rolling.period, Period::Rolling { days: 30.try_into().unwrap() });
        let fresh = |asked| changed_budget(name.clone(), None, &asked, WeekStart::Saturday).unwrap();
        assert_eq!(
            (fresh(asked(5, None)).period, fresh(asked(5, None)).scope),
            (Period::Monthly, Scope::default())
        );
        assert_eq!(fresh(asked(5, Some("weekly"))).period, Period::Weekly { starts: WeekStart::Saturday });
    }
}
