//! The questions: each tool that only looks, and what answers it. What the API answers too, its endpoint answers here.

use jiff::{Timestamp, ToSpan};

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
use crate::service::endpoints::vault::ListTasks;
use crate::service::endpoints::{Endpoint, Host};
use crate::service::goals::requests::GoalsShown;
use crate::service::providers::summary::{MeteredShown, ReportedShown};
use crate::service::runtime::reads::Reads;
use crate::service::system::health::{Health, Part, Readiness};
use crate::service::usage::report::ReportShown;
use crate::service::vault::tasks::{TasksFilter, TasksShown};
use crate::view::affording::AffordabilityShown;
use crate::view::cost::CostShown;
use crate::view::explain::Explanation;
use crate::view::forecast::ForecastShown;
use crate::view::reconcile::Reconciliation;
use crate::view::report::{Grouping, Only, Range};

use super::args::{Day, Days, Explain, Nothing, RecentUsage, Reconcile, Reported, Tasks};

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
    let today = calendar::day_of(Timestamp::now(), &host.settings().current().zone);
    let since = today.saturating_sub((i64::from(days) - 1).days());
    let range = Range { since: Some(since), until: None };
    let report = host.ask(|reads| reads.report(by.unwrap_or(Grouping::Model), &range, Only::default(), None));
    report.await.map_err(said)?.map_err(said)
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

pub(super) async fn explain_spend(host: &Host, Explain { subject }: Explain) -> Answer<Explanation> {
    let explained = host.ask(|reads| reads.explain(&subject, None, Timestamp::now())).await.map_err(said)?;
    explained.map_err(said)
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

pub(super) async fn goals(host: &Host, _: Nothing) -> Answer<GoalsShown> {
    call(host, ListGoals).await
}

pub(super) async fn tasks(host: &Host, Tasks { due, all, note, limit }: Tasks) -> Answer<TasksShown> {
    call(host, ListTasks(TasksFilter { due, all, note, limit })).await
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
