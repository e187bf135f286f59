//! Spend limits: budgets, the daily allowance, limit requests, the gate that stops agents, and the forecast.

pub mod allowance;
pub mod budget;
pub mod client;
pub mod forecast;
pub mod gate;
pub mod limit;
pub mod limit_requests;
