//! Claude Code's status line: what it tells on standard input.
//!
//! Source: the status line reference of Claude Code (<https://code.claude.com/docs/en/statusline>). `cost` is an
//! estimate of Claude Code's own and begins anew on `/clear`; `rate_limits` is there for subscribers only, after
//! the first answer of a session. A key that is missing or of another kind is passed over: the line is shown
//! with what is known.

use serde_json::Value;

use crate::domain::money::Picodollars;

use super::loose::{self, End, Path, find};

/// What is looked for.
const WANTED: [Path; 6] = [
    (None, "session_id"),
    (None, "cwd"),
    (Some("workspace"), "project_dir"),
    (Some("model"), "id"),
    (Some("cost"), "total_cost_usd"),
    (None, "rate_limits"),
];

/// Maximum length of the windows, in bytes.
const LIMITS_MAX: usize = 64 * 1024;

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
    /// Reads what Claude Code wrote, whole or broken; none where it is no object. Each part is read by itself.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let found = find(bytes, &WANTED);
        if found.end == End::NoObject {
            return None;
        }
        let [session, cwd, begun, model, cost, limits] = found.values;
        let text = |value: Option<&[u8]>| value.and_then(loose::text);
        let value = |value: Option<&[u8]>| -> Option<Value> {
            serde_json::from_slice(value.filter(|value| value.len() <= LIMITS_MAX)?).ok()
        };
        Some(Self {
            session_id: text(session),
            model: text(model),
            project: text(begun).or_else(|| text(cwd)),
            session_cost: value(cost).and_then(|cost| dollars(&cost)),
            rate_limits: value(limits).filter(Value::is_object),
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
        for text in ["", "[]", "null"] {
            assert_eq!(StatusCall::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_is_broken_costs_only_itself() {
        let call = |odd: &str| {
            let told = format!(
                r#"{{"session_id":"s-1","workspace":{{"project_dir":"/p"}},"cwd":"/w",{odd},"cost":{{"total_cost_usd":0.3}},
                "model":{{"id":"m"}}}}"#
            );
            StatusCall::parse(told.as_bytes()).unwrap()
        };
        let whole = call("\"x\":1");
        assert_eq!(whole.session_cost, Some(Picodollars::parse("0.3").unwrap()));
        for odd in [
            "\"x\":\"a\nb\"",
            r#""x":"\ud800""#,
            r#""x":NaN"#,
            r#""x":1,"#,
            r#""cost":1"#,
            "\"rate_limits\":{\"a\":\"\t\"}",
        ] {
            assert_eq!(call(odd), whole, "{odd}");
        }
        let cut = StatusCall::parse(br#"{"session_id":"s-1","cwd":"/w","model":{"id"#).unwrap();
        assert_eq!(
            (cut.session_id.as_deref(), cut.project.as_deref(), cut.model),
            (Some("s-1"), Some("/w"), None)
        );
        assert_eq!(StatusCall::parse(b"{"), Some(StatusCall::default()));
    }
}
