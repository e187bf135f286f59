//! A reason of the gate, for display.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::gate::told::{Step, tenths};
use crate::domain::gate::{Limit, Reason, Verdict};
use crate::domain::money::Picodollars;

/// A limit that is reached, or nearly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateReason {
    /// `warn` or `block`.
    #[schema(value_type = String)]
    pub verdict: Verdict,
    /// `session`, `day`, `virtual-day`, `virtual-month` or `budget`.
    pub limit: String,
    /// The budget's name.
    pub budget: Option<String>,
    /// The spend that counts against it.
    #[schema(value_type = String)]
    pub spent_usd: Picodollars,
    /// The limit, including overrides.
    #[schema(value_type = String)]
    pub cap_usd: Picodollars,
    /// What overrides add to it; absent if nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub override_usd: Option<Picodollars>,
    /// The same in words.
    pub text: String,
}

impl GateReason {
    /// The limit, and how far it is used.
    #[must_use]
    pub fn step(&self) -> Step {
        let name = format!("{} {}", self.limit, self.budget.as_deref().unwrap_or_default());
        (name, tenths(self.spent_usd, self.cap_usd))
    }
}

impl From<&Reason> for GateReason {
    fn from(reason: &Reason) -> Self {
        let held = &reason.held;
        let (limit, budget) = match &held.limit {
            Limit::Session => ("session", None),
            Limit::Day => ("day", None),
            Limit::VirtualDay => ("virtual-day", None),
            Limit::VirtualMonth => ("virtual-month", None),
            Limit::Budget(name) => ("budget", Some(name.to_string())),
        };
        Self {
            verdict: reason.verdict,
            limit: limit.to_owned(),
            budget,
            spent_usd: held.spent,
            cap_usd: held.cap,
            override_usd: Some(held.beyond).filter(|beyond| *beyond != Picodollars::ZERO),
            text: reason.to_string(),
        }
    }
}
