//! The questions: each tool that only looks, and what answers it.

// All handlers have one shape, so that all rows of the table are read alike.
#![allow(clippy::unnecessary_wraps)]

use std::sync::Arc;

use jiff::{Timestamp, ToSpan};

use crate::domain::access::Principal;
use crate::domain::affording::Verdict;
use crate::domain::calendar;
use crate::integration::beeminder;
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
use crate::service::goals::requests::GoalsShown;
use crate::service::providers::reconcile::check;
use crate::service::providers::summary::{MeteredShown, ReportedShown};
use crate::service::runtime::reads::Reads;
use crate::service::runtime::sources::SourceShown;
use crate::service::system::health::{Health, Part, Readiness};
use crate::service::system::tree::Supervised;
use crate::service::usage::report::ReportShown;
use crate::service::vault::tasks::{TasksFilter, TasksShown};
use crate::view::affording::AffordabilityShown;
use crate::view::cost::CostShown;
use crate::view::explain::{Explanation, Subject};
use crate::view::forecast::ForecastShown;
use crate::view::reconcile::{Reconciliation, Wanted};
use crate::view::report::{Grouping, Range};

use super::args::{Day, Days, Explain, Nothing, RecentUsage, Reconcile, Reported, Tasks};

/// The provider that is read by hand, by the names that its tools have.
pub(super) const GROQ: &str = "groq";

/// Who is asked: the views, and the running system where there is one.
#[derive(Clone)]
pub struct Asked {
    /// The views.
    pub queries: Reads,
    /// The system.
    pub system: Option<Arc<Supervised>>,
}

pub(super) fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

type Answer<T> = Result<T, String>;

pub(super) fn narrator(asked: &Asked, _: Nothing, detail: bool) -> Answer<Narration> {
    let now = Timestamp::now();
    if let Some(system) = &asked.system {
        return Ok(system.narrator(detail, now));
    }
    asked.queries.look_at_vault();
    Ok(asked.queries.narrator(detail, now))
}

pub(super) fn daily_activity(asked: &Asked, Day { date }: Day) -> Answer<Activity> {
    Ok(asked.queries.activity(date, Timestamp::now()))
}

pub(super) fn budget_status(asked: &Asked, _: Nothing) -> Answer<Budgets> {
    Ok(asked.queries.budgets_shown(Timestamp::now()))
}

pub(super) fn balance_status(asked: &Asked, _: Nothing) -> Answer<Balances> {
    Ok(asked.queries.all_balances(Timestamp::now()))
}

pub(super) fn recent_usage(asked: &Asked, RecentUsage { days, by }: RecentUsage) -> Answer<ReportShown> {
    let days = days.unwrap_or(7);
    if !(1..=366).contains(&days) {
        return Err("days must be from 1 to 366".into());
    }
    let today = calendar::day_of(Timestamp::now(), &asked.queries.settings.current().zone);
    let since = today.saturating_sub((i64::from(days) - 1).days());
    let range = Range { since: Some(since), until: None };
    Ok(asked.queries.report(by.unwrap_or(Grouping::Model), &range, None))
}

pub(super) fn unified_cost(asked: &Asked, Days { since, until }: Days) -> Answer<CostShown> {
    Ok(asked.queries.unified_cost(&Range { since, until }, Timestamp::now()))
}

pub(super) fn anthropic_usage(asked: &Asked, Reported { since, until }: Reported) -> Answer<ReportedShown> {
    let (now, wanted) = (Timestamp::now(), Wanted { since, until, provider: Some("anthropic".to_owned()) });
    let reported = asked.queries.reported(wanted, now).map_err(said)?;
    Ok(ReportedShown { source: source(asked, "anthropic", now), ..reported })
}

/// How an outside system stands, where a supervisor knows.
fn source(asked: &Asked, name: &str, now: Timestamp) -> Option<SourceShown> {
    let sources = asked.system.as_ref()?.sources.shown(now).sources;
    sources.into_iter().find(|source| source.name == name)
}

pub(super) fn can_afford(asked: &Asked, body: AskBody) -> Answer<AffordabilityShown> {
    let mut answer = asked.queries.affordability(body, Timestamp::now()).map_err(said)?;
    if answer.answer == Verdict::No {
        answer.reason = format!("{}. {HOW_TO_ASK}", answer.reason);
    }
    Ok(answer)
}

pub(super) fn explain_spend(asked: &Asked, Explain { subject }: Explain) -> Answer<Explanation> {
    asked.queries.explain(&Subject::parse(&subject), None).map_err(said)
}

pub(super) fn forecast(asked: &Asked, _: Nothing) -> Answer<ForecastShown> {
    Ok(asked.queries.forecast(Timestamp::now()))
}

pub(super) fn reconcile(
    asked: &Asked,
    Reconcile { since, until, provider }: Reconcile,
) -> Answer<Reconciliation> {
    let wanted = check(Wanted { since, until, provider }).map_err(said)?;
    Ok(asked.queries.reconcile(&wanted, Timestamp::now()))
}

pub(super) fn groq_status(asked: &Asked, _: Nothing) -> Answer<Odometers> {
    let Odometers { mut odometers } = asked.queries.odometers(Timestamp::now());
    odometers.retain(|line| line.provider == GROQ);
    Ok(Odometers { odometers })
}

pub(super) fn groq_context(asked: &Asked, _: Nothing) -> Answer<MeteredShown> {
    Ok(asked.queries.metered(GROQ, Timestamp::now()))
}

pub(super) fn goals(asked: &Asked, _: Nothing) -> Answer<GoalsShown> {
    let now = Timestamp::now();
    Ok(GoalsShown { goals: asked.queries.goals(now), source: source(asked, beeminder::SYSTEM, now) })
}

pub(super) fn tasks(asked: &Asked, Tasks { due, all, note, limit }: Tasks) -> Answer<TasksShown> {
    if asked.system.is_none() {
        asked.queries.look_at_vault();
    }
    asked.queries.tasks(&TasksFilter { due, all, note, limit }, Timestamp::now()).map_err(said)
}

pub(super) fn alerts(asked: &Asked, _: Nothing) -> Answer<AlertsShown> {
    let now = Timestamp::now();
    Ok(match &asked.system {
        Some(system) => system.alerts(now, false),
        None => AlertsShown { alerts: asked.queries.alerts(now, false) },
    })
}

pub(super) fn limit_requests(asked: &Asked, _: Nothing) -> Answer<LimitRequestsShown> {
    Ok(asked.queries.limit_requests(&asker(), false, Timestamp::now()))
}

pub(super) fn system_health(asked: &Asked, _: Nothing) -> Answer<Readiness> {
    let Some(system) = &asked.system else {
        let reason = "not running: nothing is followed, recorded or told; start it with `mecris run`";
        let log = format!("{} events, read only", asked.queries.last_seen());
        let parts = [("supervisor", false, reason.to_owned()), ("log", true, log)];
        let part = |(name, ok, reason): (&str, bool, String)| (name.to_owned(), Part { ok, reason });
        return Ok(Readiness { ready: false, parts: parts.map(part).into() });
    };
    Ok(Health::of(system).readiness())
}

/// Who calls.
pub(super) fn asker() -> Principal {
    caller::current().unwrap_or_else(Principal::agent)
}
