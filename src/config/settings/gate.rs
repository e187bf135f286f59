//! What stops work before more is spent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::gate::{Caps, Verdict};
use crate::domain::money::Picodollars;

/// The gate for Claude Code's hooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Gate {
    /// What one session may cost, in USD; without it sessions have no cap.
    #[schemars(with = "Option<String>")]
    pub session_usd: Option<Picodollars>,
    /// What one day may cost, in USD; without it days have no cap.
    #[schemars(with = "Option<String>")]
    pub day_usd: Option<Picodollars>,
    /// Whether a budget that is spent stops work.
    pub budgets: bool,
    /// The used share of a cap or budget from which on there is a warning, in percent.
    pub warn_percent: u32,
    /// Whether work stops where Mecris does not answer.
    pub fail_closed: bool,
    /// What comes of a limit of which nobody knows whether it is reached, because calls without a price or lines that could
    /// not be read are not in its sum: `allow`, `warn` or `block`.
    pub unknown: Verdict,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            session_usd: None,
            day_usd: None,
            budgets: true,
            warn_percent: 80,
            fail_closed: false,
            unknown: Verdict::Warn,
        }
    }
}

impl From<&Gate> for Caps {
    fn from(gate: &Gate) -> Self {
        Self {
            session: gate.session_usd,
            day: gate.day_usd,
            budgets: gate.budgets,
            warn_percent: gate.warn_percent,
            unknown: gate.unknown,
        }
    }
}
