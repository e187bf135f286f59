//! The questions: each tool that only looks, and what answers it.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::access::Principal;
use crate::domain::affording::Verdict;
use crate::domain::calendar;
use crate::integration::beeminder;
use crate::service::aggregate::caller;
use crate::service::alerts::requests::AlertsShown;
use crate::service::balances::odometer::Odometers;
use crate::service::briefing::shape::Narration;
use crate::service::budgets::gate::HOW_TO_ASK;
use crate::service::goals::requests::GoalsShown;
use crate::service::providers::reconcile::check;
use crate::service::providers::summary::ReportedShown;
use crate::service::runtime::reads::Reads;
use crate::service::runtime::sources::SourceShown;
use crate::service::system::health::{Health, Part, Readiness};
use crate::service::system::tree::Supervised;
use crate::service::vault::tasks::TasksFilter;
use crate::view::explain::Subject;
use crate::view::reconcile::Wanted;
use crate::view::report::{Grouping, Range};

use super::args::{Day, Days, Explain, Nothing, RecentUsage, Reconcile, Reported, Tasks};
use super::small::small;

/// The provider that is read by hand, by the names that its tools have.
pub(super) const GROQ: &str = "groq";

/// The question that every session begins with.
pub const NARRATOR: &str = "get_narrator_context";

/// Who is asked: the views, and the running system where there is one.
#[derive(Clone)]
pub struct Asked {
    /// The views.
    pub queries: Reads,
    /// The system.
    pub system: Option<Arc<Supervised>>,
}

/// Reads what a tool was given.
pub(super) fn read<T: DeserializeOwned>(arguments: Value) -> Result<T, String> {
    serde_json::from_value(arguments)
        .map_err(|error| format!("these arguments do not fit the tool's input schema: {error}"))
}

/// What a tool gives.
pub(super) fn shown(value: &impl Serialize) -> Result<Value, String> {
    serde_json::to_value(value).map_err(|error| format!("the answer cannot be written: {error}"))
}

pub(super) fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Takes out whether all is wanted.
fn take_detail(arguments: &mut Value) -> Result<bool, String> {
    match arguments.as_object_mut().and_then(|arguments| arguments.remove("detail")) {
        None => Ok(false),
        Some(Value::Bool(detail)) => Ok(detail),
        Some(_) => Err("detail must be true or false".into()),
    }
}

/// Answers a question, away from the threads that serve others: some of them read the disk.
///
/// # Errors
/// A sentence that says what to do.
pub async fn ask(asked: Asked, tool: &str, mut arguments: Value) -> Result<Value, String> {
    let detail = take_detail(&mut arguments)?;
    if tool == NARRATOR {
        read::<Nothing>(arguments)?;
        // It cuts its own lists, by what matters.
        return in_background(move || shown(&asked.narration(detail))).await;
    }
    let tool = tool.to_owned();
    let answer = in_background(move || asked.answer(&tool, arguments)).await?;
    Ok(if detail { answer } else { small(answer) })
}

async fn in_background(
    ask: impl FnOnce() -> Result<Value, String> + Send + 'static,
) -> Result<Value, String> {
    let span = tracing::Span::current();
    let answered = caller::blocking(move || span.in_scope(ask)).await;
    answered.map_err(|_| "this failed inside; Mecris's own log has the cause")?
}

impl Asked {
    fn answer(&self, tool: &str, arguments: Value) -> Result<Value, String> {
        let (queries, now) = (&self.queries, Timestamp::now());
        if let Some(answer) = self.without_arguments(tool, now) {
            read::<Nothing>(arguments)?;
            return answer;
        }
        match tool {
            "get_recent_usage" => {
                let RecentUsage { days, by } = read(arguments)?;
                let days = days.unwrap_or(7);
                if !(1..=366).contains(&days) {
                    return Err("days must be from 1 to 366".into());
                }
                let today = calendar::day_of(now, &queries.settings.current().zone);
                let since = today.saturating_sub((i64::from(days) - 1).days());
                let range = Range { since: Some(since), until: None };
                shown(&queries.report(by.unwrap_or(Grouping::Model), &range, None))
            }
            "get_unified_cost_status" => {
                let Days { since, until } = read(arguments)?;
                shown(&queries.unified_cost(&Range { since, until }, now))
            }
            "get_real_anthropic_usage" => {
                let Reported { since, until } = read(arguments)?;
                let wanted = Wanted { since, until, provider: Some("anthropic".to_owned()) };
                let source = self.source("anthropic", now);
                shown(&ReportedShown { source, ..queries.reported(wanted, now).map_err(said)? })
            }
            "can_afford" => {
                let mut answer = queries.affordability(read(arguments)?, now).map_err(said)?;
                if answer.answer == Verdict::No {
                    answer.reason = format!("{}. {HOW_TO_ASK}", answer.reason);
                }
                shown(&answer)
            }
            "explain_spend" => {
                let Explain { subject } = read(arguments)?;
                shown(&queries.explain(&Subject::parse(&subject), None).map_err(said)?)
            }
            "reconcile" => {
                let Reconcile { since, until, provider } = read(arguments)?;
                let wanted = check(Wanted { since, until, provider }).map_err(said)?;
                shown(&queries.reconcile(&wanted, now))
            }
            "get_daily_activity" => {
                let Day { date } = read(arguments)?;
                shown(&queries.activity(date, now))
            }
            "list_tasks" => {
                let Tasks { due, all, note, limit } = read(arguments)?;
                shown(&queries.tasks(&TasksFilter { due, all, note, limit }, now).map_err(said)?)
            }
            _ => Err("there is no question of this name; tools/list names those there are".into()),
        }
    }

    fn without_arguments(&self, tool: &str, now: Timestamp) -> Option<Result<Value, String>> {
        let queries = &self.queries;
        Some(match tool {
            "get_budget_status" => shown(&queries.budgets_shown(now)),
            "get_balance_status" => shown(&queries.all_balances(now)),
            "forecast" => shown(&queries.forecast(now)),
            "get_beeminder_status" => shown(&self.goals(now)),
            "get_alerts" => shown(&self.alerts(now)),
            "get_limit_requests" => shown(&queries.limit_requests(&asker(), false, now)),
            "get_groq_status" => {
                let Odometers { mut odometers } = queries.odometers(now);
                odometers.retain(|line| line.provider == GROQ);
                shown(&Odometers { odometers })
            }
            "get_groq_context" => shown(&queries.metered(GROQ, now)),
            "get_system_health" => shown(&self.health()),
            _ => return None,
        })
    }

    fn narration(&self, detail: bool) -> Narration {
        match &self.system {
            Some(system) => system.narrator(detail, Timestamp::now()),
            None => self.queries.narrator(detail, Timestamp::now()),
        }
    }

    fn goals(&self, now: Timestamp) -> GoalsShown {
        GoalsShown { goals: self.queries.goals(now), source: self.source(beeminder::SYSTEM, now) }
    }

    fn source(&self, name: &str, now: Timestamp) -> Option<SourceShown> {
        let sources = self.system.as_ref()?.sources.shown(now).sources;
        sources.into_iter().find(|source| source.name == name)
    }

    fn alerts(&self, now: Timestamp) -> AlertsShown {
        match &self.system {
            Some(system) => system.alerts(now, false),
            None => AlertsShown { alerts: self.queries.alerts(now, false) },
        }
    }

    fn health(&self) -> Readiness {
        let Some(system) = &self.system else {
            let reason = "not running: nothing is followed, recorded or told; start it with `mecris run`";
            let log = format!("{} events, read only", self.queries.last_seen());
            let parts = [("supervisor", false, reason.to_owned()), ("log", true, log)];
            let part = |(name, ok, reason): (&str, bool, String)| (name.to_owned(), Part { ok, reason });
            return Readiness { ready: false, parts: parts.map(part).into() };
        };
        Health::of(system).readiness()
    }
}

/// Who calls.
pub(super) fn asker() -> Principal {
    caller::current().unwrap_or_else(Principal::agent)
}
