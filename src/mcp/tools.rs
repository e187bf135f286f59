//! The tools, in one table: what each is called, what it takes and gives, whether it changes anything, what answers it, and
//! what assistants are told of it. Which scope each needs stands in [`crate::domain::access::table`], which a test holds
//! against this one.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tracing::Instrument;
use utoipa::ToSchema;

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
    Acknowledge, AddGoal, CompleteGoal, Day, Days, Explain, LogSession, Nothing, Reading, RecentUsage,
    Reconcile, Reported, Tasks, UpdateBudget,
};
use super::small::small;
use super::{ask, order, schema};

/// A tool.
pub struct ToolKind {
    /// What it is called.
    pub name: &'static str,
    /// What assistants are told of it.
    says: &'static str,
    /// Its schemas and hints, as clients read them.
    describe: fn(&ToolKind) -> Tool,
    run: Run,
}

type Answer = Result<Value, String>;
type Handler = for<'a> fn(&'a Host, Value) -> BoxFuture<'a, Answer>;

/// What answers a tool.
enum Run {
    /// It only looks; long lists are cut unless all is wanted.
    Question(Handler),
    /// It only looks, and cuts its lists itself, by what matters; `true`: all is wanted.
    Briefing(for<'a> fn(&'a Host, Value, bool) -> BoxFuture<'a, Answer>),
    /// It changes something.
    Order(Handler),
}

macro_rules! question {
    ($name:literal, $in:ty => $out:ty, $answer:path, $says:literal) => {
        ToolKind {
            name: $name,
            says: $says,
            describe: looks::<$in, $out>,
            run: Run::Question(|host, arguments| {
                Box::pin(async move { shown::<$out>(&$answer(host, read::<$in>(arguments)?).await?) })
            }),
        }
    };
}

macro_rules! briefing {
    ($name:literal, $in:ty => $out:ty, $answer:path, $says:literal) => {
        ToolKind {
            name: $name,
            says: $says,
            describe: looks::<$in, $out>,
            run: Run::Briefing(|host, arguments, detail| {
                Box::pin(async move { shown::<$out>(&$answer(host, read::<$in>(arguments)?, detail).await?) })
            }),
        }
    };
}

macro_rules! order {
    ($name:literal, $in:ty => $out:ty, $hints:expr, $carry_out:path, $says:literal) => {
        ToolKind {
            name: $name,
            says: $says,
            describe: |tool| changes::<$in, $out>(tool, $hints),
            run: Run::Order(|host, arguments| {
                Box::pin(async move { shown::<$out>(&$carry_out(host, read::<$in>(arguments)?).await?) })
            }),
        }
    };
}

/// All tools, always in this order.
#[rustfmt::skip]
pub const TOOLS: &[ToolKind] = &[
    briefing!("get_narrator_context", Nothing => Narration, ask::narrator, "How things stand and what to do next: recommendations by written rules, goals, budgets, balances, \
                 alerts, today, tasks, and how old each of it is. Ask it first in every session."),
    question!("get_daily_activity", Day => Activity, ask::daily_activity, "What happened on a day: spend, sessions, datapoints of goals, tasks done, alerts."),
    question!("get_budget_status", Nothing => Budgets, ask::budget_status, "How the budgets stand: used, left, days left, health."),
    question!("get_balance_status", Nothing => Balances, ask::balance_status, "What is left of the money at the providers: the last reading and its age, less what was spent since."),
    question!("get_recent_usage", RecentUsage => ReportShown, ask::recent_usage, "What LLMs cost in the last days, by model, day, project or session."),
    question!("get_unified_cost_status", Days => CostShown, ask::unified_cost, "One cost over all providers, and of which part of it how much is known."),
    question!("get_real_anthropic_usage", Reported => ReportedShown, ask::anthropic_usage, "What Anthropic itself reports by UTC day, held against what is recorded here. Without an \
                 organisation's admin key it says so, and what the balance tells instead."),
    question!("explain_spend", Explain => Explanation, ask::explain_spend, "The events behind a number: of a day, a session or a message."),
    question!("can_afford", AskBody => AffordabilityShown, ask::can_afford, "Whether an amount in USD can be afforded, and which limit stands against it. Ask before a costly task."),
    question!("forecast", Nothing => ForecastShown, ask::forecast, "When the money ends, with a range, per balance and budget."),
    question!("reconcile", Reconcile => Reconciliation, ask::reconcile, "How far the estimate is off, by what providers report and how balances fall."),
    question!("get_groq_status", Nothing => Odometers, ask::groq_status, "Groq's odometer: the months' sums that were read by hand."),
    question!("get_groq_context", Nothing => MeteredShown, ask::groq_context, "Groq's odometer, its part of this month's cost, and whether its page must be read again."),
    question!("get_beeminder_status", Nothing => GoalsShown, ask::goals, "The goals, the nearest to derailing first, with the age of what Beeminder said."),
    question!("list_tasks", Tasks => TasksShown, ask::tasks, "The tasks of the Obsidian vault, the one that is due first before all others."),
    question!("get_alerts", Nothing => AlertsShown, ask::alerts, "The alerts that are open, the worst first."),
    question!("get_limit_requests", Nothing => LimitRequestsShown, ask::limit_requests, "What was asked for beyond the limits with request_limit, and whether a person granted or refused it."),
    question!("get_system_health", Nothing => Readiness, ask::system_health, "Whether each part of Mecris and each outside source works, and why not."),
    order!("update_budget", UpdateBudget => Budgets, REPLACES, order::update_budget, "Creates a budget, or changes the amount and period of the one of that name; the rest of it stays."),
    order!("add_goal", AddGoal => GoalsShown, ADDS, order::add_goal, "Makes a local goal, or changes the one of that name."),
    order!("complete_goal", CompleteGoal => GoalsShown, REPLACES, order::complete_goal, "Closes a local goal as done."),
    order!("acknowledge_alert", Acknowledge => AlertsShown, ADDS, order::acknowledge_alert, "Takes note of an alert: nothing more is sent of it unless it gets worse."),
    order!("record_usage_session", ToldBody => ToldShown, ADDS, order::record_usage, "Records what a session consumed that no transcript here shows: its sum so far; told anew, it is replaced."),
    order!("record_claude_code_usage", Nothing => ImportSummary, ADDS, order::read_transcripts, "Reads Claude Code's transcripts now. They are followed by themselves; nothing counts twice."),
    order!("record_groq_reading", Reading => MeteredShown, NOTES, order::record_groq_reading, "Records the month's sum so far that Groq's usage page shows."),
    order!("send_beeminder_alert", Nothing => AlertsShown, SENDS, order::send_goal_alerts, "Looks now whether a goal's alert is due and sends it, by the rules: consent, quiet hours and limits \
             hold. Gives the goals' alerts and what each waits for."),
    order!("trigger_reminder_check", Nothing => AlertsShown, SENDS, order::check_reminders, "Looks now whether any alert or reminder is due and sends it, by the rules."),
    order!("request_limit", LimitBody => LimitAsked, SENDS, order::request_limit, "Asks the person to allow more than the limits say: how much and why. It allows nothing by itself; a person \
             is told, and grants or refuses. The same again shows how the request stands."),
    order!("log_session", LogSession => Logged, ADDS, order::log_session, "Writes one line about this session to today's daily note in the vault."),
];

/// As clients read them.
#[must_use]
pub fn list() -> Vec<Tool> {
    TOOLS.iter().map(|tool| (tool.describe)(tool)).collect()
}

fn find(name: &str) -> Option<&'static ToolKind> {
    TOOLS.iter().find(|tool| tool.name == name)
}

/// Whether a tool only looks.
#[must_use]
pub fn is_question(name: &str) -> bool {
    find(name).is_some_and(|tool| !matches!(tool.run, Run::Order(_)))
}

/// Answers a question, away from the threads that serve others: some of them read the disk.
///
/// # Errors
/// A sentence that says what to do.
pub async fn ask(host: Host, name: &str, mut arguments: Value) -> Answer {
    let detail = take_detail(&mut arguments)?;
    match find(name).map(|tool| &tool.run) {
        Some(Run::Briefing(answer)) => {
            in_background(async move { answer(&host, arguments, detail).await }).await
        }
        Some(Run::Question(answer)) => {
            let answer = in_background(async move { answer(&host, arguments).await }).await?;
            Ok(if detail { answer } else { small(answer) })
        }
        _ => Err("there is no question of this name; tools/list names those there are".into()),
    }
}

/// Carries out an order.
///
/// # Errors
/// A sentence that says what to do.
pub async fn order(host: &Host, name: &str, arguments: Value) -> Answer {
    match find(name).map(|tool| &tool.run) {
        Some(Run::Order(carry_out)) => carry_out(host, arguments).await,
        _ => Err("there is no tool of this name; tools/list names those there are".into()),
    }
}

/// Takes out whether all is wanted.
fn take_detail(arguments: &mut Value) -> Result<bool, String> {
    match arguments.as_object_mut().and_then(|arguments| arguments.remove("detail")) {
        None => Ok(false),
        Some(Value::Bool(detail)) => Ok(detail),
        Some(_) => Err("detail must be true or false".into()),
    }
}

async fn in_background(answer: impl Future<Output = Answer> + Send + 'static) -> Answer {
    let (runtime, answer) = (Handle::current(), answer.in_current_span());
    let answered = caller::blocking(move || runtime.block_on(answer)).await;
    answered.map_err(|_| "this failed inside; Mecris's own log has the cause")?
}

/// Reads what a tool was given.
fn read<T: DeserializeOwned>(arguments: Value) -> Result<T, String> {
    serde_json::from_value(arguments)
        .map_err(|error| format!("these arguments do not fit the tool's input schema: {error}"))
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

/// A question: its answer is small unless `detail` is true.
fn looks<In: ToSchema, Out: ToSchema>(tool: &ToolKind) -> Tool {
    let hints = ToolAnnotations::new().read_only(true).open_world(false);
    Tool::new(tool.name, tool.says, with_detail(schema::of::<In>()))
        .with_raw_output_schema(schema::of::<Out>())
        .with_annotations(hints)
}

/// An order.
fn changes<In: ToSchema, Out: ToSchema>(tool: &ToolKind, hints: Hints) -> Tool {
    let hints = ToolAnnotations::new()
        .read_only(false)
        .destructive(hints.destroys)
        .idempotent(hints.idempotent)
        .open_world(hints.open);
    Tool::new(tool.name, tool.says, schema::of::<In>())
        .with_raw_output_schema(schema::of::<Out>())
        .with_annotations(hints)
}

fn with_detail(mut schema: Arc<JsonObject>) -> Arc<JsonObject> {
    let properties = Arc::make_mut(&mut schema).entry("properties").or_insert_with(|| json!({}));
    properties["detail"] = json!({
        "type": "boolean",
        "default": false,
        "description": "All of it, however long; else long lists are cut and `left_out` says so.",
    });
    schema
}
