//! Claude Code's hooks: what it tells on standard input, and the answers it understands.
//!
//! Source: the hooks reference of Claude Code (<https://code.claude.com/docs/en/hooks>). An answer on standard
//! output with exit code 0 is read as JSON. Only two events can be stopped without harm: `PreToolUse` by
//! `hookSpecificOutput.permissionDecision`, `UserPromptSubmit` by `decision`. A `Stop` that is blocked would
//! have Claude go on, which is the contrary of what is meant.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::gate::Verdict;

/// What is read of a hook's call. What a tool is to do, and what was prompted, is not read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookCall {
    /// Which event: `PreToolUse`, `UserPromptSubmit`, …
    #[serde(default)]
    #[schema(example = "PreToolUse")]
    pub hook_event_name: String,
    /// The session.
    #[serde(default)]
    pub session_id: Option<String>,
    /// The directory that Claude Code works in.
    #[serde(default)]
    #[schema(example = "/home/ada/work")]
    pub cwd: Option<String>,
}

/// An answer to a hook's call; what is absent says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookAnswer {
    /// `block` stops a prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub decision: Option<String>,
    /// Why, for the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the person is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_message: Option<String>,
    /// What only this event has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook_specific_output: Option<HookOutput>,
}

/// The part of an answer that only its event has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookOutput {
    /// The event.
    pub hook_event_name: String,
    /// `deny` stops a tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission_decision: Option<String>,
    /// Why, for Claude.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission_decision_reason: Option<String>,
    /// What Claude is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_context: Option<String>,
}

impl HookAnswer {
    /// The answer to an event, in its own form: `text` is for the person, and `for_claude` is all that Claude reads.
    ///
    /// The `reason` of a blocked prompt and every `systemMessage` are shown to the person and kept from Claude, by the
    /// hooks reference.
    #[must_use]
    pub fn to(event: &str, verdict: Verdict, text: &str, for_claude: &str) -> Self {
        let said = || Some(text.to_owned());
        let told = || Some(for_claude.to_owned());
        let output = HookOutput { hook_event_name: event.to_owned(), ..HookOutput::default() };
        match (event, verdict) {
            (_, Verdict::Allow) => Self::default(),
            ("PreToolUse", Verdict::Block) => Self {
                hook_specific_output: Some(HookOutput {
                    permission_decision: Some("deny".to_owned()),
                    permission_decision_reason: told(),
                    ..output
                }),
                system_message: said(),
                ..Self::default()
            },
            ("UserPromptSubmit", Verdict::Block) => {
                Self { decision: Some("block".to_owned()), reason: said(), ..Self::default() }
            }
            // Claude reads it once a prompt, and not with every tool.
            ("UserPromptSubmit" | "SessionStart", _) => Self {
                hook_specific_output: Some(HookOutput { additional_context: told(), ..output }),
                system_message: said(),
                ..Self::default()
            },
            _ => Self { system_message: said(), ..Self::default() },
        }
    }

    /// Whether it says nothing: work goes on.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_event_is_answered_in_its_own_form() {
        use Verdict::{Allow, Block, Warn};
        let specific = |event: &str, key: &str| {
            let mut output = json!({"hookEventName": event});
            output[key] = json!("ask");
            output
        };
        let mut denied = specific("PreToolUse", "permissionDecisionReason");
        denied["permissionDecision"] = json!("deny");
        let context = |event: &str| specific(event, "additionalContext");
        let told = json!({"systemMessage": "why"});
        let cases = [
            ("PreToolUse", Block, json!({"systemMessage": "why", "hookSpecificOutput": denied})),
            ("UserPromptSubmit", Block, json!({"decision": "block", "reason": "why"})),
            ("PreToolUse", Warn, told.clone()),
            (
                "UserPromptSubmit",
                Warn,
                json!({"systemMessage": "why", "hookSpecificOutput": context("UserPromptSubmit")}),
            ),
            (
                "SessionStart",
                Block,
                json!({"systemMessage": "why", "hookSpecificOutput": context("SessionStart")}),
            ),
            ("Stop", Block, told.clone()),
            ("SubagentStop", Block, told.clone()),
            ("PostToolUse", Warn, told.clone()),
            ("AnEventToCome", Block, told),
            ("PreToolUse", Allow, json!({})),
            ("UserPromptSubmit", Allow, json!({})),
            ("", Allow, json!({})),
        ];
        for (event, verdict, expected) in cases {
            let answer = HookAnswer::to(event, verdict, "why", "ask");
            assert_eq!(serde_json::to_value(&answer).unwrap(), expected, "{event} {verdict:?}");
            assert_eq!(answer.is_silent(), verdict == Allow);
        }
    }

    #[test]
    fn what_a_tool_is_to_do_is_not_read() {
        let call: HookCall = serde_json::from_value(json!({
            "session_id": "s-1", "hook_event_name": "PreToolUse", "cwd": "/home/ada", "permission_mode": "plan",
            "tool_name": "Bash", "tool_input": {"command": "marked"}, "prompt": "marked",
        }))
        .unwrap();
        assert_eq!(call.session_id.as_deref(), Some("s-1"));
        assert!(!serde_json::to_string(&call).unwrap().contains("marked"));
    }
}
