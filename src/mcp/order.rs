//! The orders: each tool that changes something, and the request behind it.

use crate::domain::alert;
use crate::domain::budget::{Budget, BudgetCommand, BudgetError, BudgetName, Scope, Thresholds};
use crate::domain::calendar::{CalendarError, PeriodTerms, WeekStart};
use crate::domain::local_goal::End;
use crate::service::alerts::requests::AlertsShown;
use crate::service::balances::odometer::OdometerBody;
use crate::service::budgets::budget::BudgetAggregate;
use crate::service::budgets::client::Budgets;
use crate::service::budgets::limit_requests::{LimitAsked, LimitBody};
use crate::service::endpoints::alerts::{AcknowledgeAlert, CheckAlerts};
use crate::service::endpoints::budgets::ListBudgets;
use crate::service::endpoints::goals::{CloseBody, CloseGoal, SetGoal};
use crate::service::endpoints::limits::AskForMore;
use crate::service::endpoints::odometer::{GetMetered, ReadOdometer};
use crate::service::endpoints::usage::{Import, RecordUsage};
use crate::service::endpoints::{self, Host};
use crate::service::goals::requests::GoalsShown;
use crate::service::providers::summary::MeteredShown;
use crate::service::runtime::reads::Reads;
use crate::service::usage::importer::ImportSummary;
use crate::service::usage::manual::{ToldBody, ToldShown};
use crate::service::vault::queries::{LogBody, Logged};

use super::args::{Acknowledge, AddGoal, CompleteGoal, LogSession, Nothing, Reading, UpdateBudget};
use super::ask::{Answer, GROQ, call, said};
use super::small::LIST_MAX;

pub(super) async fn update_budget(host: &Host, asked: UpdateBudget) -> Answer<Budgets> {
    let name: BudgetName = asked.name.parse().map_err(|error: BudgetError| said(error))?;
    let known = |reads: &Reads| {
        let before = reads.with_view(|view| view.budgets.get(&name).cloned());
        (before, reads.week_starts())
    };
    let (before, week) = host.ask(known).await.map_err(said)?;
    let budget = changed_budget(name, before, &asked, week).map_err(said)?;
    host.execute::<BudgetAggregate>(BudgetCommand::Set(budget)).await.map_err(said)?;
    let mut shown = call(host, ListBudgets).await?;
    bring_forward(&mut shown.budgets, |budget| budget.name == asked.name);
    Ok(shown)
}

pub(super) async fn add_goal(host: &Host, AddGoal { slug, goal }: AddGoal) -> Answer<GoalsShown> {
    let mut shown = call(host, SetGoal { slug: slug.clone(), body: goal }).await?;
    bring_forward(&mut shown.goals, |goal| goal.slug == slug);
    Ok(shown)
}

pub(super) async fn complete_goal(host: &Host, CompleteGoal { slug }: CompleteGoal) -> Answer<GoalsShown> {
    call(host, CloseGoal { slug, body: CloseBody { end: End::Done } }).await
}

pub(super) async fn acknowledge_alert(host: &Host, Acknowledge { id }: Acknowledge) -> Answer<AlertsShown> {
    let mut shown = call(host, AcknowledgeAlert { id }).await?;
    bring_forward(&mut shown.alerts, |alert| alert.id == id);
    Ok(shown)
}

pub(super) async fn record_usage(host: &Host, body: ToldBody) -> Answer<ToldShown> {
    call(host, RecordUsage(body)).await
}

pub(super) async fn read_transcripts(host: &Host, _: Nothing) -> Answer<ImportSummary> {
    call(host, Import).await
}

pub(super) async fn record_groq_reading(host: &Host, reading: Reading) -> Answer<MeteredShown> {
    let Reading { value_usd, month, note, correct } = reading;
    let body = OdometerBody {
        value_usd,
        provider: GROQ.to_owned(),
        month,
        note: note.unwrap_or_default(),
        at: None,
        correct: correct.unwrap_or_default(),
    };
    call(host, ReadOdometer(body)).await?;
    call(host, GetMetered { provider: GROQ.to_owned() }).await
}

pub(super) async fn send_goal_alerts(host: &Host, _: Nothing) -> Answer<AlertsShown> {
    let AlertsShown { mut alerts } = call(host, CheckAlerts).await?;
    alerts.retain(|alert| alert.kind == alert::Kind::Goal);
    Ok(AlertsShown { alerts })
}

pub(super) async fn check_reminders(host: &Host, _: Nothing) -> Answer<AlertsShown> {
    call(host, CheckAlerts).await
}

pub(super) async fn request_limit(host: &Host, body: LimitBody) -> Answer<LimitAsked> {
    call(host, AskForMore(body)).await
}

pub(super) async fn log_session(host: &Host, LogSession { text, session }: LogSession) -> Answer<Logged> {
    call(host, endpoints::vault::LogSession(LogBody { text, heading: None, session, at: None })).await
}

/// What an order was about is first, where it would be cut from the list.
fn bring_forward<T>(list: &mut [T], is_it: impl Fn(&T) -> bool) {
    if let Some(at) = list.iter().position(is_it).filter(|at| *at >= LIST_MAX) {
        list[..=at].rotate_right(1);
    }
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
