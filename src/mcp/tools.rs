//! The tools, in one table and in groups: what each is called, what it takes and gives, whether it changes anything, what
//! answers it, and what assistants are told of it. Which scope each needs stands in [`crate::domain::access::table`], which a test holds
//! against this one.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use futures_util::future::BoxFuture;
use rmcp::model::{Tool, ToolAnnotations};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;
use tracing::Instrument;

use crate::service::aggregate::caller;
use crate::service::alerts::requests::AlertsShown;
use crate::service::balances::balance::Balances;
use crate::service::balances::odometer::Odometers;
use crate::service::briefing::activity::Activity;
use crate::service::briefing::shape::Narration;
use crate::service::budgets::allowance::AskBody;
use crate::service::budgets::client::Budgets;
use crate::service::budgets::limit_requests::{LimitAsked, LimitBody, LimitRequestsShown};
use crate::service::endpoints::Host;
use crate::service::goals::requests::GoalsShown;
use crate::service::providers::summary::{MeteredShown, ReportedShown};
use crate::service::system::health::Readiness;
use crate::service::usage::importer::ImportSummary;
use crate::service::usage::manual::{ToldBody, ToldShown};
use crate::service::usage::report::ReportShown;
use crate::service::vault::queries::Logged;
use crate::service::vault::tasks::TasksShown;
use crate::view::affording::AffordabilityShown;
use crate::view::cost::CostShown;
use crate::view::explain::Explanation;
use crate::view::forecast::ForecastShown;
use crate::view::reconcile::Reconciliation;

use super::args::{
    Acknowledge, AddGoal, CompleteGoal, Day, Days, Explain, Goals, LogSession, Nothing, Reading, RecentUsage,
    Reconcile, Reported, Tasks, UpdateBudget,
};
use super::meant::{Meant, Taker};
use super::page::{self, Cursor, page};
use super::rows::{Given, Reach};
use super::small::{HOW, SMALL_MAX, small, smaller};
use super::{ask, order, schema};

/// A tool.
pub struct ToolKind {
    /// What it is called.
    pub name: &'static str,
    /// Its group and what it is about, for people.
    title: &'static str,
    /// What assistants are told of it.
    says: &'static str,
    /// All that is known of what it takes.
    takes: fn() -> Value,
    /// All that is known of what it gives.
    gives: fn() -> Value,
    run: Run,
}

type Answer = Result<Value, String>;
type Handler = for<'a> fn(&'a Host, Arguments) -> BoxFuture<'a, Answer>;

/// What a tool was given, as it is meant.
pub struct Arguments {
    tool: &'static str,
    given: Map<String, Value>,
}

/// What answers a tool.
enum Run {
    /// It only looks; long lists are cut unless all is wanted.
    Question(Handler),
    /// The same, of a list that is too long to be made whole.
    Listing(for<'a> fn(&'a Host, Arguments, Reach) -> BoxFuture<'a, Result<Given, String>>),
    /// It only looks, and cuts its lists itself, by what matters; `true`: all is wanted.
    Briefing(for<'a> fn(&'a Host, Arguments, bool) -> BoxFuture<'a, Answer>),
    /// It changes something, and gives how things stand then.
    Order { hints: Hints, tells_all: &'static str, carry_out: Handler },
}

macro_rules! question {
    ($name:literal, $title:literal, $in:ty => $out:ty, $answer:path, $says:literal) => {
        ToolKind {
            name: $name,
            title: $title,
            says: $says,
            takes: schema::whole::<$in>,
            gives: schema::whole::<$out>,
            run: Run::Question(|host, arguments| {
                Box::pin(async move { shown::<$out>(&$answer(host, read::<$in>(arguments)?).await?) })
            }),
        }
    };
}

macro_rules! listing {
    ($name:literal, $title:literal, $in:ty => $out:ty, $answer:path, $says:literal) => {
        ToolKind {
            name: $name,
            title: $title,
            says: $says,
            takes: schema::whole::<$in>,
            gives: schema::whole::<$out>,
            run: Run::Listing(|host, arguments, reach| {
                Box::pin(async move {
                    let (part, window) = $answer(host, read::<$in>(arguments)?, reach).await?;
                    Ok(Given { answer: shown::<$out>(&part)?, window: Some(window) })
                })
            }),
        }
    };
}

macro_rules! briefing {
    ($name:literal, $title:literal, $in:ty => $out:ty, $answer:path, $says:literal) => {
        ToolKind {
            name: $name,
            title: $title,
            says: $says,
            takes: schema::whole::<$in>,
            gives: schema::whole::<$out>,
            run: Run::Briefing(|host, arguments, detail| {
                Box::pin(async move { shown::<$out>(&$answer(host, read::<$in>(arguments)?, detail).await?) })
            }),
        }
    };
}

macro_rules! order {
    ($name:literal, $title:literal, $in:ty => $out:ty, $hints:expr, $tells_all:literal, $carry_out:path, $says:literal) => {
        ToolKind {
            name: $name,
            title: $title,
            says: $says,
            takes: schema::whole::<$in>,
            gives: schema::whole::<$out>,
            run: Run::Order {
                hints: $hints,
                tells_all: $tells_all,
                carry_out: |host, arguments| {
                    Box::pin(async move { shown::<$out>(&$carry_out(host, read::<$in>(arguments)?).await?) })
                },
            },
        }
    };
}

/// All tools, always in this order.
#[rustfmt::skip]
pub const TOOLS: &[ToolKind] = &[
    briefing!("get_narrator_context", "Start: how things stand", Nothing => Narration, ask::narrator, "How things stand and what to do next: recommendations by written rules, goals, budgets, balances, \
                 alerts, today, tasks, and how old each of it is. Ask it first in every session."),
    question!("get_daily_activity", "Start: a day", Day => Activity, ask::daily_activity, "What happened on a day: spend, sessions, datapoints of goals, tasks done, alerts."),
    question!("can_afford", "Money: before a spend", AskBody => AffordabilityShown, ask::can_afford, "Whether an amount in USD can be afforded, and which limit stands against it. Ask before a costly task."),
    question!("get_budget_status", "Money: budgets", Nothing => Budgets, ask::budget_status, "How the budgets stand: used, left, days left, health."),
    question!("get_balance_status", "Money: balances", Nothing => Balances, ask::balance_status, "What is left of the money at the providers: the last reading and its age, less what was spent since."),
    question!("forecast", "Money: forecast", Nothing => ForecastShown, ask::forecast, "When the money ends, with a range, per balance and budget."),
    question!("get_limit_requests", "Money: limit requests", Nothing => LimitRequestsShown, ask::limit_requests, "What was asked for beyond the limits with request_limit, and whether a person granted or refused it."),
    order!("request_limit", "Money: ask for more", LimitBody => LimitAsked, SENDS, "get_limit_requests", order::request_limit, "Asks the person to allow more than the limits say: how much and why. It allows nothing by itself; a person \
             is told, and grants or refuses. The same again shows how the request stands."),
    order!("update_budget", "Money: set a budget", UpdateBudget => Budgets, REPLACES, "get_budget_status", order::update_budget, "Creates a budget, or changes the amount and period of the one of that name; the rest of it stays."),
    question!("get_recent_usage", "Usage: the last days", RecentUsage => ReportShown, ask::recent_usage, "What LLMs cost in the last days, by model, day, project or session."),
    question!("get_unified_cost_status", "Usage: one cost", Days => CostShown, ask::unified_cost, "One cost over all providers, and of which part of it how much is known."),
    listing!("explain_spend", "Usage: behind a number", Explain => Explanation, ask::explain_spend, "The events behind a number: of a day, a session or a message."),
    question!("get_real_anthropic_usage", "Usage: by Anthropic", Reported => ReportedShown, ask::anthropic_usage, "What Anthropic itself reports by UTC day, held against what is recorded here. Without an \
                 organisation's admin key it says so, and what the balance tells instead."),
    question!("reconcile", "Usage: estimate against report", Reconcile => Reconciliation, ask::reconcile, "How far the estimate is off, by what providers report and how balances fall."),
    order!("record_usage_session", "Usage: record a session", ToldBody => ToldShown, ADDS, "explain_spend", order::record_usage, "Records what a session consumed that no transcript here shows: its sum so far; told anew, it is replaced."),
    order!("record_claude_code_usage", "Usage: read transcripts", Nothing => ImportSummary, ADDS, "get_system_health", order::read_transcripts, "Reads Claude Code's transcripts now. They are followed by themselves; nothing counts twice."),
    question!("get_groq_status", "Groq: readings", Nothing => Odometers, ask::groq_status, "Groq's odometer: the months' sums that were read by hand."),
    question!("get_groq_context", "Groq: what to do", Nothing => MeteredShown, ask::groq_context, "Groq's odometer, its part of this month's cost, and whether its page must be read again."),
    order!("record_groq_reading", "Groq: record a reading", Reading => MeteredShown, NOTES, "get_groq_status", order::record_groq_reading, "Records the month's sum so far that Groq's usage page shows."),
    question!("get_beeminder_status", "Goals: all or one", Goals => GoalsShown, ask::goals, "The goals, the nearest to derailing first, with the age of what Beeminder said."),
    order!("add_goal", "Goals: add or change", AddGoal => GoalsShown, ADDS, "get_beeminder_status", order::add_goal, "Makes a local goal, or changes the one of that name."),
    order!("complete_goal", "Goals: close", CompleteGoal => GoalsShown, REPLACES, "get_beeminder_status", order::complete_goal, "Closes a local goal as done."),
    listing!("list_tasks", "Vault: tasks", Tasks => TasksShown, ask::tasks, "The tasks of the Obsidian vault, the one that is due first before all others."),
    order!("log_session", "Vault: daily note", LogSession => Logged, ADDS, "list_tasks", order::log_session, "Writes one line about this session to today's daily note in the vault."),
    question!("get_alerts", "Alerts: open ones", Nothing => AlertsShown, ask::alerts, "The alerts that are open, the worst first."),
    order!("acknowledge_alert", "Alerts: take note", Acknowledge => AlertsShown, ADDS, "get_alerts", order::acknowledge_alert, "Takes note of an alert: nothing more is sent of it unless it gets worse."),
    order!("send_beeminder_alert", "Alerts: send for goals", Nothing => AlertsShown, SENDS, "get_alerts", order::send_goal_alerts, "Looks now whether a goal's alert is due and sends it, by the rules: consent, quiet hours and limits \
             hold. Gives the goals' alerts and what each waits for."),
    order!("trigger_reminder_check", "Alerts: send what is due", Nothing => AlertsShown, SENDS, "get_alerts", order::check_reminders, "Looks now whether any alert or reminder is due and sends it, by the rules."),
    question!("get_system_health", "System: health", Nothing => Readiness, ask::system_health, "Whether each part of Mecris and each outside source works, and why not."),
];

/// All that is known of what each tool takes.
static TAKES: LazyLock<BTreeMap<&'static str, Value>> = LazyLock::new(|| {
    let takes = |tool: &ToolKind| {
        let mut takes = (tool.takes)();
        if !matches!(tool.run, Run::Order { .. })
            && let Some(fields) = takes.as_object_mut()
        {
            let fields = fields.entry("properties").or_insert_with(|| json!({}));
            fields["detail"] = json!({ "type": "boolean", "description": "All, in pages." });
            fields["cursor"] = json!({ "type": "string", "description": "For the next page." });
        }
        (tool.name, takes)
    };
    TOOLS.iter().map(takes).collect()
});

/// As clients read them.
#[must_use]
pub fn list() -> Vec<Tool> {
    TOOLS.iter().map(ToolKind::described).collect()
}

impl ToolKind {
    fn taker(&self) -> Taker<'static> {
        Taker { tool: self.name, takes: TAKES.get(self.name).unwrap_or(&Value::Null) }
    }

    fn described(&self) -> Tool {
        let hints = match &self.run {
            // What is as the protocol has it unless told stays untold.
            Run::Order { hints, .. } => {
                let mut told = ToolAnnotations::new().read_only(false);
                told.destructive_hint = (!hints.destroys).then_some(false);
                told.idempotent_hint = hints.idempotent.then_some(true);
                told.open_world_hint = (!hints.open).then_some(false);
                told
            }
            _ => ToolAnnotations::new().read_only(true).open_world(false),
        };
        Tool::new(self.name, self.says, schema::input(self.taker().takes))
            .with_title(self.title)
            .with_raw_output_schema(schema::output(&(self.gives)()))
            .with_annotations(hints)
    }
}

/// What each tool takes, by its name.
#[cfg(test)]
pub(super) fn all_takes() -> impl Iterator<Item = (&'static str, &'static Value)> {
    TAKES.iter().map(|(name, takes)| (*name, takes))
}

fn find(name: &str) -> Option<&'static ToolKind> {
    TOOLS.iter().find(|tool| tool.name == name)
}

/// Whether a tool only looks.
#[must_use]
pub fn is_question(name: &str) -> bool {
    find(name).is_some_and(|tool| !matches!(tool.run, Run::Order { .. }))
}

/// What a tool would be given: its arguments as they are meant.
///
/// # Errors
/// A sentence that names the field and shows a right call.
pub fn as_meant(name: &str, arguments: Value) -> Result<Map<String, Value>, String> {
    find(name).ok_or(NO_TOOL)?.taker().as_meant(arguments).map(|meant| meant.given)
}

const NO_TOOL: &str = "there is no tool of this name; tools/list names those there are";

/// Answers a question, away from the threads that serve others: some of them read the disk.
///
/// # Errors
/// A sentence that says what to do.
pub async fn ask(host: Host, name: &str, arguments: Value) -> Answer {
    let tool = find(name).ok_or(NO_TOOL)?;
    let Meant { mut given, doubt } = tool.taker().as_meant(arguments)?;
    let detail = given.shift_remove("detail") == Some(Value::Bool(true));
    let cursor = given.shift_remove("cursor");
    let cursor = cursor.as_ref().and_then(Value::as_str).map(Cursor::parse).transpose()?;
    let question = page::question(name, &given);
    let is_all = detail || cursor.is_some();
    let arguments = Arguments { tool: tool.name, given };
    let whole = |answer| Given { answer, window: None };
    match &tool.run {
        Run::Briefing(answer) => {
            let answer = in_background(async move { answer(&host, arguments, is_all).await })
                .await
                .map_err(|error| beside(error, doubt))?;
            match is_all {
                true => page(whole(answer), question, cursor),
                false if answer.to_string().len() > SMALL_MAX => Ok(small(answer)),
                false => Ok(answer),
            }
        }
        Run::Question(answer) => {
            let answer = in_background(async move { answer(&host, arguments).await })
                .await
                .map_err(|error| beside(error, doubt))?;
            if is_all { page(whole(answer), question, cursor) } else { Ok(small(answer)) }
        }
        Run::Listing(answer) => {
            let first = cursor.map_or(0, |cursor| cursor.offset);
            let reach = if is_all { Reach::From(first) } else { Reach::Few };
            let given = in_background(async move { answer(&host, arguments, reach).await })
                .await
                .map_err(|error| beside(error, doubt))?;
            if is_all { page(given, question, cursor) } else { Ok(smaller(given, HOW)) }
        }
        Run::Order { .. } => Err(NO_TOOL.to_owned()),
    }
}

/// Carries out an order.
///
/// # Errors
/// A sentence that says what to do.
pub async fn order(host: &Host, name: &str, arguments: Value) -> Answer {
    let Some((tool, Run::Order { carry_out, tells_all, .. })) = find(name).map(|tool| (tool, &tool.run))
    else {
        return Err(NO_TOOL.to_owned());
    };
    let Meant { given, doubt } = tool.taker().as_meant(arguments)?;
    let answer = carry_out(host, Arguments { tool: tool.name, given }).await;
    let answer = answer.map_err(|error| beside(error, doubt))?;
    Ok(smaller(Given { answer, window: None }, &format!("it is done; {tells_all} tells all of it")))
}

/// An error, and what was in doubt before.
fn beside(error: String, doubt: Option<String>) -> String {
    match doubt {
        // It could not even be read: both say the same.
        Some(doubt) if error.contains("; a right call: ") => doubt,
        Some(doubt) => format!("{error}; {doubt}"),
        None => error,
    }
}

async fn in_background<T: Send + 'static>(
    answer: impl Future<Output = Result<T, String>> + Send + 'static,
) -> Result<T, String> {
    let (runtime, answer) = (Handle::current(), answer.in_current_span());
    let answered = caller::blocking(move || runtime.block_on(answer)).await;
    answered.map_err(|_| "this failed inside; Mecris's own log has the cause")?
}

/// Reads what a tool was given.
fn read<T: DeserializeOwned>(arguments: Arguments) -> Result<T, String> {
    let Arguments { tool, given } = arguments;
    find(tool).ok_or(NO_TOOL)?.taker().read(&given)
}

/// What a tool gives.
fn shown<T: Serialize>(value: &T) -> Answer {
    serde_json::to_value(value).map_err(|error| format!("the answer cannot be written: {error}"))
}

/// What an order does to what is there.
#[derive(Clone, Copy)]
struct Hints {
    /// Something that was is no more.
    destroys: bool,
    /// The same again changes nothing more.
    idempotent: bool,
    /// It reaches beyond this machine.
    open: bool,
}

/// Adds to what is there, and the same again changes nothing.
const ADDS: Hints = Hints { destroys: false, idempotent: true, open: false };
/// Takes the place of what is there.
const REPLACES: Hints = Hints { destroys: true, ..ADDS };
/// Adds each time.
const NOTES: Hints = Hints { idempotent: false, ..ADDS };
/// May send messages.
const SENDS: Hints = Hints { open: true, ..ADDS };
