//! The tools: what each is called, what it takes and gives, and whether it changes anything.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::json;
use utoipa::ToSchema;

use crate::service::alerts::requests::AlertsShown;
use crate::service::balances::balance::Balances;
use crate::service::balances::odometer::Odometers;
use crate::service::briefing::activity::Activity;
use crate::service::briefing::shape::Narration;
use crate::service::budgets::allowance::AskBody;
use crate::service::budgets::client::Budgets;
use crate::service::budgets::limit_requests::{LimitAsked, LimitBody, LimitRequestsShown};
use crate::service::goals::requests::GoalsShown;
use crate::service::providers::summary::{MeteredShown, ReportedShown};
use crate::service::system::health::Readiness;
use crate::service::usage::importer::ImportSummary;
use crate::service::usage::manual::{ToldBody, ToldShown};
use crate::service::vault::queries::Logged;
use crate::service::vault::tasks::TasksShown;
use crate::view::affording::AffordabilityShown;
use crate::view::cost::CostShown;
use crate::view::explain::Explanation;
use crate::view::forecast::ForecastShown;
use crate::view::reconcile::Reconciliation;
use crate::view::report::Report;

use super::args::{
    Acknowledge, AddGoal, CompleteGoal, Day, Days, Explain, LogSession, Nothing, Reading, RecentUsage,
    Reconcile, Reported, Tasks, UpdateBudget,
};
use super::ask::NARRATOR;
use super::schema;

/// Whether a tool only looks.
#[must_use]
pub fn is_question(tool: &str) -> bool {
    questions().iter().any(|(name, _)| *name == tool)
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

type Question = (&'static str, fn(&'static str) -> Tool);

/// A question: its answer is small unless `detail` is true.
fn looks<In: ToSchema, Out: ToSchema>(name: &'static str, description: &'static str) -> Tool {
    let hints = ToolAnnotations::new().read_only(true).open_world(false);
    Tool::new(name, description, with_detail(schema::of::<In>()))
        .with_raw_output_schema(schema::of::<Out>())
        .with_annotations(hints)
}

/// An order.
fn changes<In: ToSchema, Out: ToSchema>(name: &'static str, description: &'static str, hints: Hints) -> Tool {
    let hints = ToolAnnotations::new()
        .read_only(false)
        .destructive(hints.destroys)
        .idempotent(hints.idempotent)
        .open_world(hints.open);
    Tool::new(name, description, schema::of::<In>())
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

/// All tools, always in this order.
#[must_use]
pub fn list() -> Vec<Tool> {
    questions().into_iter().map(|(name, tool)| tool(name)).chain(orders()).collect()
}

fn questions() -> Vec<Question> {
    vec![
        (NARRATOR, |name| {
            looks::<Nothing, Narration>(
                name,
                "How things stand and what to do next: recommendations by written rules, goals, budgets, balances, \
                 alerts, today, tasks, and how old each of it is. Ask it first in every session.",
            )
        }),
        ("get_daily_activity", |name| {
            looks::<Day, Activity>(
                name,
                "What happened on a day: spend, sessions, datapoints of goals, tasks done, alerts.",
            )
        }),
        ("get_budget_status", |name| {
            looks::<Nothing, Budgets>(name, "How the budgets stand: used, left, days left, health.")
        }),
        ("get_balance_status", |name| {
            looks::<Nothing, Balances>(
                name,
                "What is left of the money at the providers: the last reading and its age, less what was spent since.",
            )
        }),
        ("get_recent_usage", |name| {
            looks::<RecentUsage, Report>(
                name,
                "What LLMs cost in the last days, by model, day, project or session.",
            )
        }),
        ("get_unified_cost_status", |name| {
            looks::<Days, CostShown>(
                name,
                "One cost over all providers, and of which part of it how much is known.",
            )
        }),
        ("get_real_anthropic_usage", |name| {
            looks::<Reported, ReportedShown>(
                name,
                "What Anthropic itself reports by UTC day, held against what is recorded here. Without an \
                 organisation's admin key it says so, and what the balance tells instead.",
            )
        }),
        ("explain_spend", |name| {
            looks::<Explain, Explanation>(
                name,
                "The events behind a number: of a day, a session or a message.",
            )
        }),
        ("can_afford", |name| {
            looks::<AskBody, AffordabilityShown>(
                name,
                "Whether an amount in USD can be afforded, and which limit stands against it. Ask before a costly task.",
            )
        }),
        ("forecast", |name| {
            looks::<Nothing, ForecastShown>(
                name,
                "When the money ends, with a range, per balance and budget.",
            )
        }),
        ("reconcile", |name| {
            looks::<Reconcile, Reconciliation>(
                name,
                "How far the estimate is off, by what providers report and how balances fall.",
            )
        }),
        ("get_groq_status", |name| {
            looks::<Nothing, Odometers>(name, "Groq's odometer: the months' sums that were read by hand.")
        }),
        ("get_groq_context", |name| {
            looks::<Nothing, MeteredShown>(
                name,
                "Groq's odometer, its part of this month's cost, and whether its page must be read again.",
            )
        }),
        ("get_beeminder_status", |name| {
            looks::<Nothing, GoalsShown>(
                name,
                "The goals, the nearest to derailing first, with the age of what Beeminder said.",
            )
        }),
        ("list_tasks", |name| {
            looks::<Tasks, TasksShown>(
                name,
                "The tasks of the Obsidian vault, the one that is due first before all others.",
            )
        }),
        ("get_alerts", |name| {
            looks::<Nothing, AlertsShown>(name, "The alerts that are open, the worst first.")
        }),
        ("get_limit_requests", |name| {
            looks::<Nothing, LimitRequestsShown>(
                name,
                "What was asked for beyond the limits with request_limit, and whether a person granted or refused it.",
            )
        }),
        ("get_system_health", |name| {
            looks::<Nothing, Readiness>(
                name,
                "Whether each part of Mecris and each outside source works, and why not.",
            )
        }),
    ]
}

fn orders() -> Vec<Tool> {
    vec![
        changes::<UpdateBudget, Budgets>(
            "update_budget",
            "Creates a budget, or changes the amount and period of the one of that name; the rest of it stays.",
            REPLACES,
        ),
        changes::<AddGoal, GoalsShown>(
            "add_goal",
            "Makes a local goal, or changes the one of that name.",
            ADDS,
        ),
        changes::<CompleteGoal, GoalsShown>("complete_goal", "Closes a local goal as done.", REPLACES),
        changes::<Acknowledge, AlertsShown>(
            "acknowledge_alert",
            "Takes note of an alert: nothing more is sent of it unless it gets worse.",
            ADDS,
        ),
        changes::<ToldBody, ToldShown>(
            "record_usage_session",
            "Records what a session consumed that no transcript here shows: its sum so far; told anew, it is replaced.",
            ADDS,
        ),
        changes::<Nothing, ImportSummary>(
            "record_claude_code_usage",
            "Reads Claude Code's transcripts now. They are followed by themselves; nothing counts twice.",
            ADDS,
        ),
        changes::<Reading, MeteredShown>(
            "record_groq_reading",
            "Records the month's sum so far that Groq's usage page shows.",
            NOTES,
        ),
        changes::<Nothing, AlertsShown>(
            "send_beeminder_alert",
            "Looks now whether a goal's alert is due and sends it, by the rules: consent, quiet hours and limits \
             hold. Gives the goals' alerts and what each waits for.",
            SENDS,
        ),
        changes::<Nothing, AlertsShown>(
            "trigger_reminder_check",
            "Looks now whether any alert or reminder is due and sends it, by the rules.",
            SENDS,
        ),
        changes::<LimitBody, LimitAsked>(
            "request_limit",
            "Asks the person to allow more than the limits say: how much and why. It allows nothing by itself; a person \
             is told, and grants or refuses. The same again shows how the request stands.",
            SENDS,
        ),
        changes::<LogSession, Logged>(
            "log_session",
            "Writes one line about this session to today's daily note in the vault.",
            ADDS,
        ),
    ]
}
