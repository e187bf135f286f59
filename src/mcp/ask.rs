//! The questions: each tool that only looks, and what answers it. What the API answers too, its endpoint answers here.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::domain::access::Principal;
use crate::domain::affording::Verdict;
use crate::domain::calendar;
use crate::service::aggregate::caller;
use crate::service::alerts::requests::AlertsShown;
use crate::service::balances::balance::Balances;
use crate::service::balances::odometer::Odometers;
use crate::service::briefing::activity::Activity;
use crate::service::briefing::shape::Narration;
use crate::service::budgets::allowance::AskBody;
use crate::service::budgets::client::Budgets;
use crate::service::budgets::gate::HOW_TO_ASK;
use crate::service::budgets::limit_requests::LimitRequestsShown;
use crate::service::endpoints::alerts::ListAlerts;
use crate::service::endpoints::allowance::{CanAfford, GetCost};
use crate::service::endpoints::balances::ListBalances;
use crate::service::endpoints::briefing::GetNarration;
use crate::service::endpoints::budgets::{GetForecast, ListBudgets};
use crate::service::endpoints::goals::ListGoals;
use crate::service::endpoints::odometer::{GetMetered, ListOdometers};
use crate::service::endpoints::providers::{self, GetReported};
use crate::service::endpoints::usage::GetSpend;
use crate::service::endpoints::vault::ListTasks;
use crate::service::endpoints::{Endpoint, Host};
use crate::service::goals::requests::GoalsShown;
use crate::service::providers::summary::{MeteredShown, ReportedShown};
use crate::service::runtime::reads::Reads;
use crate::service::system::health::{Health, Part, Readiness};
use crate::service::usage::report::ReportShown;
use crate::service::vault::tasks::{TaskLine, TasksFilter, TasksShown};
use crate::view::affording::AffordabilityShown;
use crate::view::cost::CostShown;
use crate::view::explain::{ExplainedEvent, Explanation};
use crate::view::forecast::ForecastShown;
use crate::view::reconcile::Reconciliation;
use crate::view::report::Grouping;

use super::args::{Day, Days, Explain, Goals, Nothing, RecentUsage, Reconcile, Reported, Tasks};
use super::rows::{Reach, Window, mark};
use super::small::LIST_MAX;

/// The provider that is read by hand, by the names that its tools have.
pub(super) const GROQ: &str = "groq";

pub(super) fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

pub(super) type Answer<T> = Result<T, String>;

/// Has an endpoint answer.
pub(super) async fn call<E: Endpoint>(host: &Host, request: E) -> Answer<E::Out> {
    request.answer(host).await.map_err(said)
}

pub(super) async fn narrator(host: &Host, _: Nothing, detail: bool) -> Answer<Narration> {
    call(host, GetNarration { detail }).await
}

pub(super) async fn daily_activity(host: &Host, Day { date }: Day) -> Answer<Activity> {
    host.ask(|reads| reads.activity(date, Timestamp::now())).await.map_err(said)
}

pub(super) async fn budget_status(host: &Host, _: Nothing) -> Answer<Budgets> {
    call(host, ListBudgets).await
}

pub(super) async fn balance_status(host: &Host, _: Nothing) -> Answer<Balances> {
    call(host, ListBalances).await
}

pub(super) async fn recent_usage(host: &Host, RecentUsage { days, by }: RecentUsage) -> Answer<ReportShown> {
    let days = days.unwrap_or(7);
    if !(1..=366).contains(&days) {
        return Err("days must be from 1 to 366".into());
    }
    let since = Some(calendar::Days::Last(days, calendar::Unit::Day));
    let by = Some(by.unwrap_or(Grouping::Model));
    call(host, GetSpend { by, since, ..GetSpend::default() }).await
}

pub(super) async fn unified_cost(host: &Host, Days { since, until }: Days) -> Answer<CostShown> {
    call(host, GetCost { since: since.map(Into::into), until: until.map(Into::into) }).await
}

pub(super) async fn anthropic_usage(
    host: &Host,
    Reported { since, until }: Reported,
) -> Answer<ReportedShown> {
    let provider = Some("anthropic".to_owned());
    let (since, until) = (since.map(Into::into), until.map(Into::into));
    call(host, GetReported(providers::Reconcile { since, until, provider })).await
}

pub(super) async fn can_afford(host: &Host, body: AskBody) -> Answer<AffordabilityShown> {
    let mut answer = call(host, CanAfford(body)).await?;
    if answer.answer == Verdict::No {
        answer.reason = format!("{}. {HOW_TO_ASK}", answer.reason);
    }
    Ok(answer)
}

/// The events behind a number: the last ones, or as many as a page may hold.
pub(super) async fn explain_spend(
    host: &Host,
    Explain { subject }: Explain,
    reach: Reach,
) -> Answer<(Explanation, Window)> {
    if subject.trim().is_empty() {
        return Err(
            "subject is empty; give a day such as 2026-11-23, or a session's or a message's id".into()
        );
    }
    let (mut marks, mut events) = (Vec::new(), VecDeque::new());
    let mut each = |event: ExplainedEvent| {
        let number = marks.len();
        // A log grows at its end alone: an event is the same where its position is.
        marks.push(event.position);
        match reach {
            Reach::Few => {
                events.push_back(event);
                if events.len() > LIST_MAX {
                    events.pop_front();
                }
            }
            Reach::From(skip) if number >= skip && number - skip < Reach::ROWS_MAX => events.push_back(event),
            Reach::From(_) => {}
        }
    };
    let explained = host
        .ask(|reads| reads.explain_each(&subject, None, Timestamp::now(), &mut each))
        .await
        .map_err(said)?;
    let explained = explained.map_err(said)?;
    let skip = if let Reach::From(skip) = reach { skip } else { marks.len() - events.len() };
    Ok((Explanation { events: events.into(), ..explained }, Window { list: "events", skip, marks }))
}

pub(super) async fn forecast(host: &Host, _: Nothing) -> Answer<ForecastShown> {
    call(host, GetForecast).await
}

pub(super) async fn reconcile(
    host: &Host,
    Reconcile { since, until, provider }: Reconcile,
) -> Answer<Reconciliation> {
    let (since, until) = (since.map(Into::into), until.map(Into::into));
    call(host, providers::Reconcile { since, until, provider }).await
}

pub(super) async fn groq_status(host: &Host, _: Nothing) -> Answer<Odometers> {
    let Odometers { mut odometers } = call(host, ListOdometers).await?;
    odometers.retain(|line| line.provider == GROQ);
    Ok(Odometers { odometers })
}

pub(super) async fn groq_context(host: &Host, _: Nothing) -> Answer<MeteredShown> {
    call(host, GetMetered { provider: GROQ.to_owned() }).await
}

pub(super) async fn goals(host: &Host, Goals { slug }: Goals) -> Answer<GoalsShown> {
    let mut shown = call(host, ListGoals).await?;
    if let Some(slug) = slug {
        shown.goals.retain(|goal| goal.slug == slug);
    }
    Ok(shown)
}

/// The tasks: the first ones, or as many as a page may hold.
pub(super) async fn tasks(
    host: &Host,
    Tasks { due, all, note, limit }: Tasks,
    reach: Reach,
) -> Answer<(TasksShown, Window)> {
    let mut shown = call(host, ListTasks(TasksFilter { due, all, note, limit })).await?;
    let of = |task: &TaskLine| mark(format!("{} {} {}", task.note, task.line, task.text).as_bytes());
    let marks: Vec<u64> = shown.tasks.iter().map(of).collect();
    let (skip, most) = match reach {
        Reach::Few => (0, LIST_MAX),
        Reach::From(skip) => (skip, Reach::ROWS_MAX),
    };
    shown.tasks = shown.tasks.into_iter().skip(skip).take(most).collect();
    Ok((shown, Window { list: "tasks", skip, marks }))
}

pub(super) async fn alerts(host: &Host, _: Nothing) -> Answer<AlertsShown> {
    call(host, ListAlerts::default()).await
}

pub(super) async fn limit_requests(host: &Host, _: Nothing) -> Answer<LimitRequestsShown> {
    // Whoever asks by this face is an agent, also where nobody but the owner could have opened the log.
    let by = caller::current().unwrap_or_else(Principal::agent);
    host.ask(|reads| reads.limit_requests(&by, false, Timestamp::now())).await.map_err(said)
}

pub(super) async fn system_health(host: &Host, _: Nothing) -> Answer<Readiness> {
    if let Host::Tree(system) = host {
        return Ok(Health::of(system).readiness());
    }
    let reason = "not running: nothing is followed, recorded or told; start it with `mecris run`";
    let last_seen = host.ask(Reads::last_seen).await.map_err(said)?;
    let parts =
        [("supervisor", false, reason.to_owned()), ("log", true, format!("{last_seen} events, read only"))];
    let part = |(name, ok, reason): (&str, bool, String)| (name.to_owned(), Part { ok, reason });
    Ok(Readiness { ready: false, parts: parts.map(part).into() })
}
