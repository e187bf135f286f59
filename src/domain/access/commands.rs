//! The commands of the command line, and the scope that each needs.
//!
//! Whoever can start a command is the owner of the machine's account, and the supervisor treats them as such.
//! Three commands act as an agent ([`AS_AGENT`]) and have only an agent's scopes. A row names the greatest
//! scope that its command needs with any options. Tests compare the rows with the command line, and with what
//! each command requests from a supervisor.

use super::Scope::{self, Ask, Audit, Gate, Own, Read, Work};

/// A command and its scope; none if it only shows what is built into the program.
pub const COMMANDS: &[(&str, Option<Scope>)] = &[
    ("activity", Some(Read)),
    ("actors", Some(Read)),
    ("alerts", Some(Read)),
    ("alerts ack", Some(Own)),
    ("alerts check", Some(Work)),
    ("backup", Some(Own)),
    ("balance", Some(Read)),
    ("balance set", Some(Own)),
    ("balance top-up", Some(Own)),
    ("budget list", Some(Read)),
    ("budget remove", Some(Own)),
    ("budget set", Some(Own)),
    // Shows the budget, and sets it if amounts are given.
    ("budget virtual", Some(Own)),
    ("can-afford", Some(Read)),
    ("completions", None),
    ("config example", None),
    ("config schema", None),
    ("consent", Some(Own)),
    ("consent grant", Some(Own)),
    ("consent revoke", Some(Own)),
    ("console check", None),
    ("console read", Some(Own)),
    ("cost", Some(Read)),
    ("daily", Some(Read)),
    // Contacts outside systems with the owner's keys, and shows every setting.
    ("doctor", Some(Own)),
    ("drill", Some(Own)),
    ("export", Some(Audit)),
    ("forecast", Some(Read)),
    ("gate", Some(Gate)),
    ("gate check", Some(Gate)),
    ("goal add", Some(Own)),
    ("goal done", Some(Work)),
    ("goal drop", Some(Work)),
    ("goal feed", Some(Own)),
    ("goal feeds", Some(Read)),
    ("goal new", Some(Work)),
    ("goals", Some(Read)),
    ("head", Some(Read)),
    ("import", Some(Work)),
    ("incidents", Some(Read)),
    ("limit", Some(Ask)),
    ("limit end", Some(Own)),
    ("limit grant", Some(Own)),
    ("limit list", Some(Ask)),
    ("limit refuse", Some(Own)),
    ("limit request", Some(Ask)),
    ("limit withdraw", Some(Ask)),
    ("log-session", Some(Work)),
    ("login", Some(Own)),
    // Each tool has its own scope: see `table::TOOLS`.
    ("mcp", Some(Read)),
    ("narrator", Some(Read)),
    ("odometer", Some(Read)),
    ("odometer record", Some(Own)),
    ("odometer status", Some(Read)),
    ("odometer stop", Some(Own)),
    ("override", Some(Own)),
    ("people", Some(Own)),
    ("prices", None),
    ("prices check", Some(Read)),
    ("projects", Some(Read)),
    ("projects alias", Some(Own)),
    ("projects unalias", Some(Own)),
    ("quota", Some(Read)),
    ("reconcile", Some(Read)),
    ("record-usage", Some(Work)),
    ("reload", Some(Own)),
    ("repair", Some(Own)),
    ("replay", Some(Audit)),
    ("report", Some(Read)),
    // Prices what had no price; with --all it only shows the result.
    ("reprice", Some(Own)),
    ("restore", Some(Own)),
    ("run", Some(Own)),
    ("sources", Some(Read)),
    ("status", Some(Read)),
    ("statusline", Some(Gate)),
    ("tasks", Some(Read)),
    ("tenant", Some(Own)),
    ("tenant add", Some(Own)),
    ("tenant list", Some(Own)),
    ("tenant remove", Some(Own)),
    ("token", Some(Own)),
    ("token list", Some(Own)),
    ("token new", Some(Own)),
    ("token revoke", Some(Own)),
    ("token rotate", Some(Own)),
    ("vault", Some(Read)),
    ("vault undo", Some(Own)),
    ("verify", Some(Audit)),
];

/// Commands that act as an agent, because agents start them.
pub const AS_AGENT: [&str; 3] = ["gate", "mcp", "statusline"];

/// A command's scope; the outer option says whether it has a row.
#[must_use]
pub fn command(path: &str) -> Option<Option<Scope>> {
    COMMANDS.iter().find(|(known, _)| *known == path).map(|(_, scope)| *scope)
}
