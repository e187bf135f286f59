//! What the faces ask of the running system, by capability: commands go to actors, and are answered when the views show them.

mod access;
mod alerts;
mod balances;
mod briefing;
mod budgets;
mod goals;
mod providers;
mod usage;
mod vault;
