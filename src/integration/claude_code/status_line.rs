//! Claude Code's status line: what it tells on standard input.
//!
//! Source: the status line reference of Claude Code (<https://code.claude.com/docs/en/statusline>). `cost` is an
//! estimate of Claude Code's own and begins anew on `/clear`; `rate_limits` is there for subscribers only, after
//! the first answer of a session. A key that is missing or of another kind is passed over: the line is shown
//! with what is known.

use serde_json::{Map, Value};

use crate::domain::money::Picodollars;

/// What is read of the status line's call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusCall {
    /// The session.
    pub session_id: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The project's directory.
    pub project: Option<String>,
    /// What the session has cost, as Claude Code reckons.
    pub session_cost: Option<Picodollars>,
    /// How far the subscription's windows are used, as Claude Code writes it.
    pub rate_limits: Option<Value>,
}

/// The picodollars of a JSON number of dollars; floats are read to the twelfth decimal.
fn dollars(value: &Value) -> Option<Picodollars> {
    let amount = value.as_f64().filter(|amount| amount.is_finite() && *amount >= 0.0)?;
    Picodollars::parse(&format!("{amount:.12}")).ok()
}

impl StatusCall {
    /// Reads what Claude Code wrote; none where it is no JSON object.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let call: Map<String, Value> = serde_json::from_slice(bytes).ok()?;
        let text = |pointer: [&str; 2]| {
            let part = call.get(pointer[0])?;
            let part = if pointer[1].is_empty() { part } else { part.get(pointer[1])? };
            part.as_str().map(str::to_owned)
        };
        Some(Self {
            session_id: text(["session_id", ""]),
            model: text(["model", "id"]),
            project: text(["workspace", "project_dir"]).or_else(|| text(["cwd", ""])),
            session_cost: call.get("cost").and_then(|cost| dollars(cost.get("total_cost_usd")?)),
            rate_limits: call.get("rate_limits").filter(|limits| limits.is_object()).cloned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_missing_or_of_another_kind_is_passed_over() {
        let whole = json!({
            "session_id": "s-1", "cwd": "/home/ada/x", "model": {"id": "claude-opus-5", "display_name": "Opus"},
            "workspace": {"current_dir": "/home/ada/x", "project_dir": "/home/ada"},
            "cost": {"total_cost_usd": 0.300_000_000_000_000_04, "total_duration_ms": 1},
            "rate_limits": {"five_hour": {"used_percentage": 23.5, "resets_at": 1_788_170_000},
                "seven_day": {"used_percentage": 61}, "other": null},
        });
        let call = StatusCall::parse(whole.to_string().as_bytes()).unwrap();
        assert_eq!(call.session_cost, Some(Picodollars::parse("0.3").unwrap()));
        assert_eq!(call.project.as_deref(), Some("/home/ada"));
        assert_eq!(call.rate_limits, Some(whole["rate_limits"].clone()));
        let broken =
            json!({"session_id": 5, "model": "x", "cost": {"total_cost_usd": "dear"}, "rate_limits": []});
        assert_eq!(StatusCall::parse(broken.to_string().as_bytes()), Some(StatusCall::default()));
        for cost in [json!(-1), json!(1e300), json!(null)] {
            let call = json!({"cost": {"total_cost_usd": cost}}).to_string();
            assert_eq!(StatusCall::parse(call.as_bytes()).unwrap().session_cost, None, "{call}");
        }
        for text in ["", "[]", "null", "{"] {
            assert_eq!(StatusCall::parse(text.as_bytes()), None, "{text}");
        }
    }
}
