//! Claude Code's hooks: what it tells on standard input, and the answers it understands.
//!
//! Source: the hooks reference of Claude Code (<https://code.claude.com/docs/en/hooks>). An answer on standard
//! output with exit code 0 is read as JSON. Only two events can be stopped without harm: `PreToolUse` by
//! `hookSpecificOutput.permissionDecision`, `UserPromptSubmit` by `decision`. A `Stop` that is blocked would
//! have Claude go on, which is the contrary of what is meant.

use std::collections::BTreeSet;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::gate::Verdict;
use crate::domain::words::words;

use super::loose::{self, End, Path, find};

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
    /// The directory that Claude Code works in now.
    #[serde(default)]
    #[schema(example = "/home/ada/work")]
    pub cwd: Option<String>,
    /// The directory in which the session began, if it is told. `workspace.project_dir` is read as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "/home/ada/work")]
    pub project_dir: Option<String>,
    /// What could not be read of it, as whoever passes it on says; words that are not known say nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "known")]
    #[schema(ignore)]
    pub unread: Vec<Unread>,
}

/// A part of a hook's call that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unread {
    /// The session.
    Session,
    /// The directory.
    Directory,
    /// The event.
    Event,
    /// Something else: the whole is no strict JSON.
    Rest,
}

words! { Unread { Session: "session", Directory: "directory", Event: "event", Rest: "rest" } }

fn known<'de, D: Deserializer<'de>>(told: D) -> Result<Vec<Unread>, D::Error> {
    let told = Value::deserialize(told)?;
    let words = told.as_array().into_iter().flatten().filter_map(Value::as_str);
    let known: BTreeSet<Unread> = words.filter_map(Unread::of_word).collect();
    Ok(known.into_iter().collect())
}

/// What is looked for in a hook's call.
const WANTED: [Path; 8] = [
    (None, "hook_event_name"),
    (None, "session_id"),
    (None, "cwd"),
    (None, "project_dir"),
    (Some("workspace"), "project_dir"),
    (None, "tool_name"),
    (None, "tool_response"),
    (None, "prompt"),
];

impl HookCall {
    /// Reads a hook's call, whole or broken; none where nothing of it can be read. What the gate needs is found by itself,
    /// and does not depend on what stands beside it.
    #[must_use]
    pub fn read(told: &[u8]) -> Option<Self> {
        let found = find(told, &WANTED);
        let [event, session, cwd, project, begun, tool, response, prompt] = found.values;
        let text = |value: Option<&[u8]>| value.and_then(loose::text).filter(|text| !text.is_empty());
        let event = text(event).or_else(|| event_of(tool, response, prompt).map(str::to_owned));
        let (session_id, cwd) = (text(session), text(cwd));
        let project_dir = text(project).or_else(|| text(begun));
        if event.is_none() && session_id.is_none() && cwd.is_none() && project_dir.is_none() {
            return None;
        }
        let has_directory = cwd.is_some() || project_dir.is_some();
        let is_broken = found.end != End::Whole || serde_json::from_slice::<IgnoredAny>(told).is_err();
        let missing = [
            (session_id.is_none(), Unread::Session),
            (!has_directory, Unread::Directory),
            (event.is_none(), Unread::Event),
            (is_broken, Unread::Rest),
        ];
        let unread = missing.into_iter().filter_map(|(is_so, part)| is_so.then_some(part)).collect();
        Some(Self { hook_event_name: event.unwrap_or_default(), session_id, cwd, project_dir, unread })
    }

    /// What could not be read, in words; none where all was.
    #[must_use]
    pub fn doubt(&self) -> Option<String> {
        let names: Vec<&str> =
            self.unread.iter().filter(|part| **part != Unread::Rest).map(|part| part.word()).collect();
        match (names.as_slice(), self.unread.contains(&Unread::Rest)) {
            ([], false) => None,
            ([], true) => Some(
                "Claude Code's hook told what is no strict JSON; the session, the directory and the event were read all the \
                 same"
                    .to_owned(),
            ),
            (names, _) => Some(format!("Claude Code's hook did not tell the {} readably", names.join(" and the "))),
        }
    }
}

/// The event, where its name cannot be read: only those that can be stopped matter.
fn event_of(tool: Option<&[u8]>, response: Option<&[u8]>, prompt: Option<&[u8]>) -> Option<&'static str> {
    match (tool, response, prompt) {
        (Some(_), None, _) => Some("PreToolUse"),
        (Some(_), Some(_), _) => Some("PostToolUse"),
        (None, _, Some(_)) => Some("UserPromptSubmit"),
        (None, _, None) => None,
    }
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
    /// The answer to an event, in its own form: `text` is for the person, and `for_claude` is all that Claude reads. An empty
    /// one is not told.
    ///
    /// The `reason` of a blocked prompt and every `systemMessage` are shown to the person and kept from Claude, by the
    /// hooks reference.
    #[must_use]
    pub fn to(event: &str, verdict: Verdict, text: &str, for_claude: &str) -> Self {
        let unless_empty = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let said = || unless_empty(text);
        let told = || unless_empty(for_claude);
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
            (event, _) if Self::is_read_by_claude(event) => Self {
                hook_specific_output: told()
                    .map(|told| HookOutput { additional_context: Some(told), ..output }),
                system_message: said(),
                ..Self::default()
            },
            _ => Self { system_message: said(), ..Self::default() },
        }
    }

    /// Whether Claude reads what is said to an event.
    #[must_use]
    pub fn is_read_by_claude(event: &str) -> bool {
        matches!(event, "UserPromptSubmit" | "SessionStart")
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

    #[test]
    fn a_broken_call_is_read_as_far_as_it_goes_and_what_is_not_is_named() {
        use Unread::{Directory, Event, Rest, Session};
        let cases: [(&str, &str, &[Unread]); 9] = [
            (r#"{"session_id":"s","cwd":"/w","hook_event_name":"Stop"}"#, "Stop", &[]),
            (
                "{\"session_id\":\"s\",\"cwd\":\"/w\",\"hook_event_name\":\"Stop\",\"x\":\"a\nb\"}",
                "Stop",
                &[Rest],
            ),
            (r#"{"session_id":"s","cwd":"/w","tool_name":"Bash","tool_input":{"a"#, "PreToolUse", &[Rest]),
            (r#"{"session_id":"s","cwd":"/w","tool_name":"Bash","tool_response":1}"#, "PostToolUse", &[]),
            (r#"{"session_id":"s","cwd":"/w","prompt":"x"}"#, "UserPromptSubmit", &[]),
            (r#"{"session_id":7,"cwd":"/w","hook_event_name":"Stop"}"#, "Stop", &[Session]),
            (r#"{"session_id":null,"hook_event_name":"Stop"}"#, "Stop", &[Session, Directory]),
            (r#"{"session_id":"s","workspace":{"project_dir":"/w"}}"#, "", &[Event]),
            (r#"{"session_id":"s","cwd":"/w","hook_event_name":{"a":1}}"#, "", &[Event]),
        ];
        for (told, event, unread) in cases {
            let call = HookCall::read(told.as_bytes()).unwrap();
            assert_eq!((call.hook_event_name.as_str(), call.unread.as_slice()), (event, unread), "{told}");
            assert_eq!(call.doubt().is_none(), unread.is_empty(), "{told}");
        }
        for told in ["", "[1]", "not JSON", "{}", r#"{"prompt"#, r#"{"session_id":"s"#] {
            assert_eq!(HookCall::read(told.as_bytes()), None, "{told}");
        }
        let begun = HookCall::read(br#"{"cwd":"/b","workspace":{"project_dir":"/a"}}"#).unwrap();
        assert_eq!((begun.cwd.as_deref(), begun.project_dir.as_deref()), (Some("/b"), Some("/a")));
    }
}
