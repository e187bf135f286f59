//! The table of scopes: every endpoint and every tool with the scope that it needs. The commands are in
//! [`super::commands`].
//!
//! The faces enforce it: a request whose route has no row is refused, and tests compare the rows with the
//! existing routes, tools and commands. Paths are written as the router matches them.

use super::Scope::{self, Ask, Audit, Gate, Ingest, Own, Read, Work};

/// Method, path and scope. `HEAD` needs the scope of `GET`. A route without a row is closed to everyone,
/// except `/health`, which is open, and Twilio's callbacks, which are signed.
pub const ENDPOINTS: &[(&str, &str, Scope)] = &[
    ("GET", "/api/v1/activity", Read),
    ("GET", "/api/v1/actors", Read),
    ("GET", "/api/v1/alerts", Read),
    ("POST", "/api/v1/alerts/check", Work),
    ("POST", "/api/v1/alerts/{id}/ack", Own),
    ("POST", "/api/v1/backup", Own),
    ("GET", "/api/v1/balance", Read),
    ("PUT", "/api/v1/balance", Own),
    ("POST", "/api/v1/balance/top-ups", Own),
    ("GET", "/api/v1/budgets", Read),
    ("DELETE", "/api/v1/budgets/{name}", Own),
    ("PUT", "/api/v1/budgets/{name}", Own),
    ("GET", "/api/v1/can-afford", Read),
    ("GET", "/api/v1/consent", Own),
    ("PUT", "/api/v1/consent", Own),
    ("POST", "/api/v1/console/read", Own),
    ("GET", "/api/v1/cost", Read),
    ("GET", "/api/v1/daily", Read),
    ("POST", "/api/v1/daily", Work),
    ("POST", "/api/v1/drill", Own),
    ("GET", "/api/v1/events", Audit),
    ("GET", "/api/v1/explain", Read),
    ("GET", "/api/v1/export", Audit),
    ("GET", "/api/v1/feeds", Read),
    ("DELETE", "/api/v1/feeds/{slug}", Own),
    ("PUT", "/api/v1/feeds/{slug}", Own),
    ("GET", "/api/v1/forecast", Read),
    ("GET", "/api/v1/forecast/backtest", Read),
    ("GET", "/api/v1/gate", Gate),
    ("POST", "/api/v1/gate", Gate),
    ("GET", "/api/v1/goals", Read),
    ("PUT", "/api/v1/goals/{slug}", Work),
    ("POST", "/api/v1/goals/{slug}/close", Work),
    ("POST", "/api/v1/goals/{slug}/datapoints", Own),
    ("GET", "/api/v1/head", Read),
    ("POST", "/api/v1/import", Work),
    ("GET", "/api/v1/import/refused", Read),
    ("GET", "/api/v1/incidents", Read),
    ("GET", "/api/v1/limit-requests", Ask),
    ("POST", "/api/v1/limit-requests", Ask),
    ("POST", "/api/v1/limit-requests/{number}/end", Own),
    ("POST", "/api/v1/limit-requests/{number}/grant", Own),
    ("POST", "/api/v1/limit-requests/{number}/refuse", Own),
    ("POST", "/api/v1/limit-requests/{number}/withdraw", Ask),
    ("POST", "/api/v1/look", Work),
    ("GET", "/api/v1/narrator", Read),
    ("GET", "/api/v1/odometer", Read),
    ("POST", "/api/v1/odometer", Own),
    ("DELETE", "/api/v1/odometer/{provider}", Own),
    ("GET", "/api/v1/odometer/{provider}", Read),
    ("GET", "/api/v1/openapi.json", Read),
    ("POST", "/api/v1/overrides", Own),
    ("GET", "/api/v1/people", Own),
    ("GET", "/api/v1/prices/lacking", Read),
    ("GET", "/api/v1/projects", Read),
    ("DELETE", "/api/v1/projects/aliases", Own),
    ("PUT", "/api/v1/projects/aliases", Own),
    ("GET", "/api/v1/quota", Read),
    ("POST", "/api/v1/quota", Own),
    ("GET", "/api/v1/reconcile", Read),
    ("POST", "/api/v1/reload", Own),
    ("GET", "/api/v1/replay", Audit),
    ("GET", "/api/v1/reported", Read),
    ("GET", "/api/v1/reprice", Read),
    ("POST", "/api/v1/reprice", Own),
    ("GET", "/api/v1/sources", Read),
    ("GET", "/api/v1/spend", Read),
    ("GET", "/api/v1/status", Read),
    ("GET", "/api/v1/statusline", Gate),
    ("POST", "/api/v1/statusline", Gate),
    ("GET", "/api/v1/tasks", Read),
    ("GET", "/api/v1/tokens", Own),
    ("POST", "/api/v1/tokens", Own),
    ("DELETE", "/api/v1/tokens/{id}", Own),
    ("POST", "/api/v1/tokens/{id}/rotate", Own),
    ("POST", "/api/v1/usage", Work),
    ("GET", "/api/v1/vault", Read),
    ("POST", "/api/v1/verify", Audit),
    ("DELETE", "/api/v1/virtual-budget", Own),
    ("GET", "/api/v1/virtual-budget", Read),
    ("PUT", "/api/v1/virtual-budget", Own),
    ("DELETE", "/mcp", Read),
    ("GET", "/mcp", Read),
    ("POST", "/mcp", Read),
    ("GET", "/metrics", Read),
    ("POST", "/v1/logs", Ingest),
    ("POST", "/v1/metrics", Ingest),
    ("POST", "/v1/traces", Ingest),
];

/// The MCP tools.
pub const TOOLS: &[(&str, Scope)] = &[
    ("get_narrator_context", Read),
    ("get_daily_activity", Read),
    ("get_budget_status", Read),
    ("get_balance_status", Read),
    ("get_recent_usage", Read),
    ("get_unified_cost_status", Read),
    ("get_real_anthropic_usage", Read),
    ("explain_spend", Read),
    ("can_afford", Gate),
    ("forecast", Read),
    ("reconcile", Read),
    ("get_groq_status", Read),
    ("get_groq_context", Read),
    ("get_beeminder_status", Read),
    ("list_tasks", Read),
    ("get_alerts", Read),
    ("get_system_health", Read),
    ("update_budget", Own),
    ("add_goal", Work),
    ("complete_goal", Work),
    ("acknowledge_alert", Own),
    ("record_usage_session", Work),
    ("record_claude_code_usage", Work),
    ("record_groq_reading", Own),
    ("send_beeminder_alert", Work),
    ("trigger_reminder_check", Work),
    ("log_session", Work),
    ("request_limit", Ask),
    ("get_limit_requests", Ask),
];

/// The scope of an endpoint, by its method and the matched path.
#[must_use]
pub fn endpoint(method: &str, path: &str) -> Option<Scope> {
    let method = if method == "HEAD" { "GET" } else { method };
    let found = ENDPOINTS.iter().find(|(known, at, _)| *known == method && *at == path);
    found.map(|(_, _, scope)| *scope)
}

/// The scope of a tool.
#[must_use]
pub fn tool(name: &str) -> Option<Scope> {
    TOOLS.iter().find(|(known, _)| *known == name).map(|(_, scope)| *scope)
}
